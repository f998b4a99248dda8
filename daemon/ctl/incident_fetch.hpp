// Gets the files of an incident from the daemon, piece by piece, over the private socket.
#pragma once

#include "systemd/bus_client.hpp"

#include <boost/json.hpp>

#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <vector>

namespace unwedge::ctl {

/// Larger ones (cores) stay on the host: a file is in memory as a whole on its way.
inline constexpr std::size_t largest_in_bundle = 64u << 20;

struct incident_file {
  std::string name;
  std::size_t bytes = 0;
};

/// The `files` of an incident as the daemon tells it; names that could leave a folder are not among them.
std::vector<incident_file> files_of(const boost::json::object& incident);

class incident_fetch {
 public:
  /// `go_on` is asked before each piece, and told how far the file is; false ends the whole with an error.
  using progress = std::function<bool(const std::string& name, std::size_t have, std::size_t total)>;

  incident_fetch(systemd::bus_client& daemon, std::string id, progress go_on)
      : daemon_(daemon), id_(std::move(id)), go_on_(std::move(go_on)) {}

  /// A whole file, as it was at one moment: one that is replaced meanwhile is begun again; of the journal,
  /// which may be growing, all whole lines. Errors in a sentence.
  std::expected<std::string, std::string> get(const std::string& name);

 private:
  struct piece {
    std::size_t total = 0;
    std::string version, bytes;
  };
  std::expected<piece, std::string> ask(const std::string& name, std::size_t offset);

  systemd::bus_client& daemon_;
  std::string id_;
  progress go_on_;
};

}  // namespace unwedge::ctl

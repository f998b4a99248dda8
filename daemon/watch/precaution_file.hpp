// What was set in QEMU processes in advance and not taken back yet, on disk: a later run of the daemon must
// know, or a guest would stand still for it (policies/guard). One thread; writes on the store's.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/watch/store_worker.hpp"

#include <boost/json.hpp>

#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace unwedge::watch {

class precaution_file {
 public:
  /// Reads the file; one that is missing is no error, one that cannot be understood is, in a sentence. Of
  /// processes that have ended nothing is kept.
  static std::expected<precaution_file, std::string> load(std::filesystem::path file);

  std::optional<boost::json::object> find(const evidence::process&) const;
  /// nullopt: nothing is left of it. Written soon, in the background; an error is logged.
  void put(const evidence::process&, std::optional<boost::json::object> left, store_worker&);

 private:
  std::filesystem::path file_;
  std::map<std::string, boost::json::object> by_process_;  ///< "PID STARTTIME"
};

}  // namespace unwedge::watch

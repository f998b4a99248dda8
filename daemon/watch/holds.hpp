// Maintenance holds: VMs, or the whole host, that the operator keeps us from acting on, for a time or until
// released. Kept in a file of the state folder, so that a restart does not end them. One thread.
#pragma once

#include <boost/json.hpp>

#include <chrono>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace unwedge::watch {

using wall_time = std::chrono::system_clock::time_point;

class holds {
 public:
  struct hold {
    std::optional<wall_time> until;  ///< nullopt: until released
    std::string reason;
  };

  /// The name that stands for every VM.
  static constexpr std::string_view whole_host = "*";

  /// Reads the file; one that is missing is no error, one that cannot be understood is, in a sentence.
  static std::expected<holds, std::string> load(std::filesystem::path file);

  /// Holds from now on. Error: it could not be written; it holds all the same until a restart.
  std::expected<void, std::string> put(const std::string& vm, hold h);
  /// False: it was not held.
  std::expected<bool, std::string> release(const std::string& vm);

  /// The hold that is in force for a VM now: its own, else the host's.
  const hold* find(const std::string& vm, wall_time now) const;
  /// True if the VM has one of its own, whatever holds the host.
  bool own(const std::string& vm, wall_time now) const;

 private:
  std::expected<void, std::string> save() const;

  std::filesystem::path file_;
  std::map<std::string, hold, std::less<>> by_vm_;
};

/// {until: RFC 3339 | null, reason}
boost::json::object to_json(const holds::hold&);

}  // namespace unwedge::watch

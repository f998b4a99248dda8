// A bus server with a few methods, running, and what it reported.
#pragma once

#include "systemd/bus_client.hpp"
#include "systemd/bus_server.hpp"
#include "tests/unit/surface/running_server.hpp"
#include "tests/unit/surface/temporary_folder.hpp"

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace unwedge::tests {

/// Echo, Fail, Throw, Never, Large, Latin1.
systemd::bus_methods test_methods();

class bus_fixture {
 public:
  explicit bus_fixture(systemd::bus_options options = {});

  std::filesystem::path const& path() const { return path_; }
  systemd::bus_client connect() const;
  std::size_t clients();
  void emit(std::string json);

  /// Waits until so many clients are connected; false after 10 s.
  bool reaches(std::size_t clients);

  /// Whether a sentence with `part` was reported, waiting for it up to 10 s.
  bool reported(std::string_view part);

  running_server<systemd::bus_server>& server() { return *server_; }

 private:
  void note(std::string text);

  temporary_folder folder_;
  std::filesystem::path path_ = folder_ / "unwedged.sock";
  std::mutex mutex_;
  std::vector<std::string> reports_;
  std::unique_ptr<running_server<systemd::bus_server>> server_;
};

/// Connects a bare socket; -1 if refused.
int connect_raw(const std::filesystem::path& path);

/// True if the other end closes within the time.
bool closes_within(int fd, std::chrono::milliseconds time);

}  // namespace unwedge::tests

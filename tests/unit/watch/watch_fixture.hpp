// A fleet on real sockets with scripted peers, on one io_context. What it logs is kept; after each test
// nothing of it may be left.
#pragma once

#include "daemon/watch/fleet.hpp"
#include "tests/peer/scripted_peer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <sstream>
#include <string>

namespace unwedge::tests {

class watch_fixture : public testing::Test {
 protected:
  watch_fixture();
  ~watch_fixture() override;

  /// A peer that listens at a socket of its own, and the VM "vm" that is watched through it.
  scripted_peer& watch(script steps, std::map<std::string, std::string> standing = idle_vm());
  /// Of the settings and policies as they are then; watch() makes them itself.
  void make_services();
  /// The VM "vm", whoever listens there.
  void watch_at(const std::string& socket_path);
  /// Answers of a VM that has nothing to do.
  static std::map<std::string, std::string> idle_vm();

  /// Runs until `condition` holds; false if it does not within `limit`.
  bool until(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(20));
  std::shared_ptr<const watch::vm_watcher> vm() const { return fleet->find("vm"); }
  std::string log() const { return log_text.str(); }
  /// Ends the fleet and checks that nothing runs any more.
  void end();

  policies::settings settings;
  std::vector<policies::policy> policies{{.name = "monitor-stall",
                                          .condition = policies::condition_kind::monitor_stalled,
                                          .ladder = {{policies::action_kind::yank_root}}},
                                         {.name = "process-gone",
                                          .condition = policies::condition_kind::process_gone,
                                          .ladder = {{policies::action_kind::report}}}};
  watch::holds holds;
  watch::precaution_file precautions;
  std::filesystem::path folder;
  std::ostringstream log_text;
  asio::io_context io{1};
  asio::thread_pool pool{1};
  std::optional<watch::store_worker> store;
  watch::event_hub hub;
  watch::task_group tasks{io.get_executor()};
  watch::watch_clock clock{io.get_executor()};
  qmp::io_scratch scratch;
  std::optional<watch::services> services;
  std::optional<watch::fleet> fleet;
  std::optional<scripted_peer> peer;
};

}  // namespace unwedge::tests

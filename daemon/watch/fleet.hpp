// All VMs that are watched: who they are, under which name, and the coroutines that watch them. Discovery
// adds to it; surfaces read it. One thread.
#pragma once

#include "daemon/evidence/qemu_processes.hpp"
#include "daemon/watch/watcher_set.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace unwedge::watch {

class fleet final : private watcher_owner {
 public:
  explicit fleet(services& shared);
  ~fleet();

  /// A monitor's socket was found, or is configured. Known already: nothing happens.
  void add(endpoint where);
  /// A QEMU that nobody enrolled. Watched already: nothing happens.
  void add(evidence::qemu_process q);
  /// The process ids of all that are watched and live.
  std::set<pid_t> pids() const { return watchers_.pids(); }
  /// The socket has gone: its VM is forgotten once its process has ended.
  void remove(const std::string& path);
  /// A QEMU has connected to our dial-in socket.
  void adopt(qmp::socket connection);

  /// Incidents that an earlier run of the daemon left open; each goes to the VM that it is about.
  void expect(std::vector<policies::incident> open);

  /// Ends all watchers and waits for them.
  asio::awaitable<void> stop();

  /// By name.
  std::vector<std::shared_ptr<const vm_watcher>> all() const { return watchers_.by_name(); }
  std::shared_ptr<const vm_watcher> find(std::string_view name) const { return watchers_.find(name); }
  /// The same, to be looked into.
  std::shared_ptr<vm_watcher> find_to_inspect(std::string_view name) { return watchers_.find(name); }
  /// The same, for what an operator wants done to it.
  std::shared_ptr<vm_watcher> to_act_on(std::string_view name) const { return watchers_.find(name); }
  /// Paths of the sockets that were added.
  std::vector<std::string> paths() const { return watchers_.paths(); }

 private:
  bool claim(const vm_watcher&) override;
  void hand_over_to(const vm_watcher& claims);
  void named(vm_watcher&) override;
  bool full() const;
  void start(const std::shared_ptr<vm_watcher>& w);
  asio::awaitable<void> serve_dial_in(std::shared_ptr<vm_watcher> w, qmp::socket connection);
  asio::awaitable<void> sweep();
  void take_up_incidents(vm_watcher&);

  services& shared_;
  watcher_set watchers_;
  std::set<std::string> removed_;
  std::vector<policies::incident> expected_;
  asio::steady_timer sweep_;
  bool stopping_ = false;
};

}  // namespace unwedge::watch

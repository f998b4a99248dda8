// Looks at a VM's process without stopping it, on a thread of the evidence pool: the kernel may make a reader
// of /proc wait for the target's memory lock. What is seen is judged elsewhere (stall_watch). One thread.
#pragma once

#include "daemon/watch/vm_process.hpp"
#include "daemon/watch/watched_vm.hpp"
#include "policies/suspicion.hpp"

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>

namespace unwedge::watch {

class process_samples {
 public:
  /// Both outlive it. It outlives its coroutines: whoever awaits or spawns them keeps the watcher.
  process_samples(watched_vm& vm, vm_process& process) : vm_(vm), process_(process) {}

  /// Of the process that is held now; takes no turn, see vm_process.
  asio::awaitable<policies::process_facts> take();
  /// For the last look before a step, which must not fail for our own stop in the middle of it: those take a
  /// few milliseconds, and so long it waits at most. `so_far` has the samples before it; outlives the call.
  asio::awaitable<policies::process_facts> take_undisturbed(const policies::suspicion& so_far);
  /// What its main thread is at.
  asio::awaitable<std::optional<policies::thread_facts>> pulse();

  using result = std::expected<policies::process_facts, std::string>;
  /// For an operator: waits for its turn, at most `patience` in all. A caller that goes away takes nothing
  /// with it. Error: a sentence.
  asio::awaitable<result> fresh(std::chrono::milliseconds patience);

 private:
  struct awaited;
  asio::awaitable<void> take_for(std::shared_ptr<awaited> whom);

  watched_vm& vm_;
  vm_process& process_;
};

}  // namespace unwedge::watch

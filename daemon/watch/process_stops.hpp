// What stops the threads of a VM's process: stacks (unwedge-inspect), cores and what else unwedge-core does.
// One at a time, never beside a sample, and what a stop leaves in the evidence goes to the stop_traces. Who
// may ask for it is decided elsewhere. One thread.
#pragma once

#include "daemon/watch/vm_process.hpp"
#include "daemon/watch/watched_vm.hpp"
#include "policies/stacks.hpp"

#include <expected>
#include <memory>
#include <string>

namespace unwedge::watch {

class process_stops {
 public:
  /// Both outlive it. It outlives its coroutines: whoever awaits or spawns them keeps the watcher.
  process_stops(watched_vm& vm, vm_process& process) : vm_(vm), process_(process) {}

  using stacks_result = std::expected<policies::process_stacks, std::string>;
  /// Stacks of all threads. Precondition: vm_process::inspecting was false, and whoever calls has set it; it
  /// is false again afterwards.
  asio::awaitable<stacks_result> take_stacks();
  /// The same for an operator. A caller that goes away takes nothing with it. Error: a sentence.
  asio::awaitable<stacks_result> stacks_on_request();

  /// The threads are its owner's alone for as long as it lives: no stacks, no core, and no sample for
  /// `quiet_for` at most. Null: somebody else has them for longer than they may.
  using turn = std::shared_ptr<process_stops>;
  asio::awaitable<turn> take_turn(std::chrono::milliseconds quiet_for);

  /// plan | flag-core | core | abort, see cores.hpp. A core waits for stacks that are being taken.
  asio::awaitable<cores::answer> carry_out(std::string order, bool with_ram, std::string incident);

 private:
  struct awaited;
  asio::awaitable<void> take_stacks_for(std::shared_ptr<awaited> whom);
  asio::awaitable<bool> inspection_is_over();
  void give_back(const vm_process::handle& of);

  watched_vm& vm_;
  vm_process& process_;
};

}  // namespace unwedge::watch

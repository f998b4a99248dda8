// Takes the stacks of a QEMU with the helper unwedge-inspect. Used by the watcher and by the operator's
// `inspect`; decides nothing, logs nothing. One thread.
#pragma once

#include "daemon/child/runner.hpp"
#include "daemon/evidence/process.hpp"
#include "policies/stacks.hpp"

#include <chrono>
#include <memory>

namespace unwedge::inspection {

namespace asio = boost::asio;

/// On the host: each takes a CPU for some hundred milliseconds, and a hung host has many hung VMs.
inline constexpr int most_at_once = 2;

class inspector {
 public:
  inspector(asio::any_io_executor executor, child::runner& runner);

  /// Each thread stands still for microseconds. `deadline` is for all of it, once it has begun; it waits for
  /// a place as long at most. Threads of which nothing is known have no frames, and the problems say why; an
  /// error (a sentence) if nothing is known at all. Both objects must outlive the call.
  asio::awaitable<std::expected<policies::process_stacks, std::string>> take_stacks(
      std::shared_ptr<const evidence::process> of, std::filesystem::path program,
      std::chrono::milliseconds deadline);

 private:
  asio::awaitable<bool> wait_for_place(std::chrono::milliseconds patience);

  asio::any_io_executor executor_;
  child::runner& runner_;
  int running_ = 0;
};

}  // namespace unwedge::inspection

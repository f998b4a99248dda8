// Runs unwedge-rescue, the program that lends a hung VM's lock away or shuts down one of its connections
// (docs/rescue.md). The daemon itself traces nothing and writes into nobody. Used by the watchers; decides
// nothing, logs nothing. One thread.
#pragma once

#include "daemon/child/runner.hpp"
#include "daemon/rescuing/lease.hpp"

#include <expected>
#include <filesystem>
#include <string>

namespace unwedge::rescuing {

/// `program` is where unwedge-rescue is: child::own_program(). None of the coroutines throws; cancelled, they
/// return an error, or the next co_await of the caller's throws. Of several for one VM at once at most one is
/// granted a lease.
class rescuer {
 public:
  /// The runner must outlive this, and this its coroutines.
  explicit rescuer(child::runner& runner, patience p = {}) : runner_(runner), patience_(p) {}

  /// Looks at every precondition; nothing is stopped, nothing written. Takes up to some 100 ms, on a busy
  /// host more, at most patience::look and a second. Error (a sentence): no plan that can be believed.
  asio::awaitable<std::expected<plan, std::string>> plan_lease(std::filesystem::path program,
                                                               lease_request what);
  asio::awaitable<std::expected<plan, std::string>> plan_sever(std::filesystem::path program,
                                                               sever_request what);

  /// Shuts the connection down. Takes milliseconds, at most patience::look and a second. Cancelled, it kills
  /// the program, which may have done it by then.
  /// `within`: it has to be done by then, as in the window of a lease; killed later, it may be done or not.
  asio::awaitable<std::expected<severed, failure>> sever(
      std::filesystem::path program, sever_request what,
      std::chrono::milliseconds within = std::chrono::milliseconds::max());

  /// Begins a lease; returns when it was granted or was not, as plan_lease() does, or a patience::grace
  /// later. In an error failure::vm says whether one may have begun all the same: then it has been told to
  /// end, and is over by failure::over_by. Cancelled, it tells the program to end, which then begins none, or
  /// ends it as soon as it has begun.
  asio::awaitable<std::expected<lease, failure>> begin(std::filesystem::path program, lease_request what);

 private:
  asio::awaitable<std::expected<plan, std::string>> look(child::command c);

  child::runner& runner_;
  patience patience_;
};

}  // namespace unwedge::rescuing

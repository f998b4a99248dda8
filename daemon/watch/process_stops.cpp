#include "daemon/watch/process_stops.hpp"

#include "daemon/child/own_program.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// The helper starts and stops all threads within it: a sample meanwhile would show our stops.
constexpr auto undisturbed = 300ms;

policies::instant now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

asio::awaitable<process_stops::stacks_result> process_stops::take_stacks() {
  const auto of = process_.held;
  asio::steady_timer pause(vm_.shared.executor);
  for (int i = 0; i < 100 && process_.sampling; ++i) {  // one that is under way would show our stops
    pause.expires_after(3ms);
    co_await pause.async_wait(as_result);
  }
  process_.traces.begin();
  process_.undisturbed_until = now() + undisturbed;
  const auto& s = vm_.shared.settings->inspect;
  auto stacks = co_await vm_.shared.inspector->take_stacks(
      of, child::own_program("unwedge-inspect", s.program), s.deadline);
  process_.inspecting = false;
  if (of == process_.held) process_.traces.end(now());
  co_return stacks;
}

struct process_stops::awaited {
  asio::steady_timer arrived;
  stacks_result stacks;
};

asio::awaitable<process_stops::stacks_result> process_stops::stacks_on_request() {
  if (vm_.shared.inspector == nullptr) co_return std::unexpected("this daemon takes no stacks");
  if (!process_.lives()) co_return std::unexpected("there is no process");
  if (process_.inspecting) co_return std::unexpected("it is being inspected already; ask again in a moment");
  process_.inspecting = true;
  const auto whom = std::make_shared<awaited>(
      asio::steady_timer(vm_.shared.executor, asio::steady_timer::time_point::max()),
      std::unexpected(std::string("the inspection was broken off")));
  vm_.driver.spawn(take_stacks_for(whom), "stacks on request");
  co_await whom->arrived.async_wait(as_result);
  co_return std::move(whom->stacks);
}

asio::awaitable<void> process_stops::take_stacks_for(std::shared_ptr<awaited> whom) {
  whom->stacks = co_await take_stacks();
  whom->arrived.cancel();
}

/// The stacks of a stall are taken at the same moment as its first step. False: it takes longer than it may.
asio::awaitable<bool> process_stops::inspection_is_over() {
  const auto until = now() + vm_.shared.settings->inspect.deadline + 500ms;
  asio::steady_timer pause(vm_.shared.executor);
  while (process_.inspecting && now() < until && !vm_.stopping) {
    pause.expires_after(10ms);
    co_await pause.async_wait(as_result);
  }
  co_return !process_.inspecting;
}

asio::awaitable<process_stops::turn> process_stops::take_turn(std::chrono::milliseconds quiet_for) {
  const auto of = process_.held;
  if (!co_await inspection_is_over() || of != process_.held || !process_.lives()) co_return nullptr;
  // A sample meanwhile would show our stops, and one afterwards their traces.
  process_.inspecting = true;
  process_.traces.begin();
  process_.undisturbed_until = now() + quiet_for;
  co_return turn(this, [of](process_stops* s) { s->give_back(of); });
}

void process_stops::give_back(const vm_process::handle& of) {
  process_.inspecting = false;
  process_.undisturbed_until = {};
  if (of == process_.held) process_.traces.end(now());
}

asio::awaitable<cores::answer> process_stops::carry_out(std::string order, bool with_ram,
                                                        std::string incident) {
  if (vm_.shared.cores == nullptr) co_return std::unexpected("no process is looked into from outside");
  if (!process_.lives()) co_return std::unexpected("the process is not known, or has ended");
  const auto of = process_.held;
  turn until_done;
  if (order == "core" || order == "abort") {
    until_done = co_await take_turn(vm_.shared.settings->core.max_stop);
    if (!until_done)
      co_return std::unexpected(process_.gone ? "the process has ended"
                                              : "its threads are being stopped already");
  }
  co_return co_await vm_.shared.cores->carry_out({.order = std::move(order),
                                                  .of = of,
                                                  .vm = vm_.name,
                                                  .incident = std::move(incident),
                                                  .with_ram = with_ram,
                                                  .bounds = vm_.shared.settings->core});
}

}  // namespace unwedge::watch

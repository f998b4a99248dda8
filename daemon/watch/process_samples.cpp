#include "daemon/watch/process_samples.hpp"

#include "daemon/evidence/sample.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

policies::instant now() {
  return std::chrono::steady_clock::now();
}

asio::awaitable<policies::process_facts> sample_here(vm_process::handle process) {
  co_return evidence::sample(*process, now());
}

asio::awaitable<std::optional<policies::thread_facts>> pulse_of(vm_process::handle process) {
  co_return evidence::sample_main_thread(*process);
}

}  // namespace

asio::awaitable<policies::process_facts> process_samples::take() {
  const auto began = now();
  auto facts = co_await asio::co_spawn(vm_.shared.evidence_pool, sample_here(process_.held), uncancelled());
  if (vm_.shared.meter.evidence_taken) {
    vm_.shared.meter.evidence_taken(std::chrono::duration_cast<std::chrono::microseconds>(now() - began));
  }
  co_return facts;
}

asio::awaitable<policies::process_facts> process_samples::take_undisturbed(
    const policies::suspicion& so_far) {
  const auto of = process_.held;
  asio::steady_timer pause(vm_.shared.executor);
  auto facts = co_await take();
  for (int i = 0; i < 10 && of == process_.held && !so_far.samples().empty(); ++i) {
    if (!process_.traces.disturbed(facts, &so_far.samples().back())) break;
    pause.expires_after(4ms);
    co_await pause.async_wait(as_result);
    if (of == process_.held) facts = co_await take();
  }
  co_return facts;
}

asio::awaitable<std::optional<policies::thread_facts>> process_samples::pulse() {
  co_return co_await asio::co_spawn(vm_.shared.evidence_pool, pulse_of(process_.held), uncancelled());
}

struct process_samples::awaited {
  asio::steady_timer arrived;
  std::optional<policies::process_facts> facts;
};

asio::awaitable<void> process_samples::take_for(std::shared_ptr<awaited> whom) {
  auto facts = co_await take();
  process_.sampling = false;
  whom->facts = std::move(facts);
  whom->arrived.cancel();
  vm_.driver.wake_soon();
}

/// One sample a process at a time: the kernel may keep one waiting, and then the next would wait as well.
asio::awaitable<process_samples::result> process_samples::fresh(std::chrono::milliseconds patience) {
  const auto until = now() + patience;
  asio::steady_timer pause(vm_.shared.executor);
  while ((process_.sampling || now() < process_.undisturbed_until) && now() < until && !vm_.stopping) {
    pause.expires_after(5ms);
    co_await pause.async_wait(as_result);
  }
  if (!process_.lives() || vm_.stopping) co_return std::unexpected("there is no process to look at");
  if (process_.sampling) co_return std::unexpected("the kernel does not let us look at the process");
  process_.sampling = true;
  const auto whom = std::make_shared<awaited>(asio::steady_timer(vm_.shared.executor, until), std::nullopt);
  vm_.driver.spawn(take_for(whom), "evidence on request");
  if (!whom->facts) co_await whom->arrived.async_wait(as_result);
  if (!whom->facts) co_return std::unexpected("the kernel does not let us look at the process");
  if (!whom->facts->alive) co_return std::unexpected("the process has ended");
  co_return std::move(*whom->facts);
}

}  // namespace unwedge::watch

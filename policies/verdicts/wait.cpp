#include "policies/progress.hpp"
#include "policies/verdicts/poll_kind.hpp"
#include "policies/verdicts/verdicts.hpp"

#include <fmt/format.h>

namespace unwedge::policies {
namespace {

/// What a drain waits for is done by another thread, which gets no CPU: niced, or on a host that starves.
verdict at_work_but_starved(samples_view samples, const thread_facts& worker, verdict v) {
  v.kind = verdict_kind::main_loop_busy;
  v.reasons.push_back(fmt::format("{} could have run for {:.0f} % of the time and got no CPU.", label(worker),
                                  starved_share(samples, worker.tid) * 100));
  return v;
}

}  // namespace

void tell_chain(const process_facts& facts, const wait_chain& chain, verdict& v) {
  for (const auto* t : chain.threads) {
    if (!t->waits_for) continue;
    v.reasons.push_back(fmt::format("{} waits for the mutex at {:#x}, held by tid {}.", label(*t),
                                    t->waits_for->address, t->waits_for->owner));
  }
  const auto& main = *chain.threads.front();
  v.other_lock = main.waits_for && main.waits_for->outside_program;
  v.holder = holder_of(facts, chain);
}

std::optional<verdict> judge_wait(samples_view samples, const vm_model& vm, const wait_chain& chain,
                                  verdict v) {
  const auto& facts = samples.back();
  const auto& end = chain.end();
  const bool main_itself = chain.threads.size() == 1;
  tell_chain(facts, chain, v);
  v.kind = main_itself ? verdict_kind::main_loop_waits : verdict_kind::bql_held;
  if (chain.cycle) {
    v.kind = verdict_kind::lock_cycle;
    return v;
  }
  if (chain.broken || !end.sleeping || !end.syscall) return std::nullopt;
  if (end.io_fd) {
    find_blocking_root(samples, end, vm, v);
  } else if (!end.polled_fds.empty()) {
    if (main_itself && poll_of(facts, end) != poll_kind::nested) return std::nullopt;
    if (const auto* worker = starving_worker(samples, end)) return at_work_but_starved(samples, *worker, v);
    find_polled_root(samples, end, vm, v);
  } else {
    if (main_itself) return std::nullopt;
    find_parked_root(facts, end, v);
  }
  doubt_if_woken(samples, end, vm, v);
  return v;
}

}  // namespace unwedge::policies

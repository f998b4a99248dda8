#include "policies/wait_chain.hpp"

#include <algorithm>

namespace unwedge::policies {

const thread_facts* find_thread(const process_facts& facts, pid_t tid) {
  const auto found = std::ranges::find(facts.threads, tid, &thread_facts::tid);
  return found == facts.threads.end() ? nullptr : &*found;
}

wait_chain follow(const process_facts& facts) {
  wait_chain chain;
  chain.threads.push_back(&facts.threads.front());
  while (chain.end().waits_for) {
    const auto* owner = find_thread(facts, chain.end().waits_for->owner);
    if (owner == nullptr) {
      chain.broken = true;
      break;
    }
    if (std::ranges::find(chain.threads, owner) != chain.threads.end()) {
      chain.cycle = true;
      break;
    }
    chain.threads.push_back(owner);
  }
  return chain;
}

bool same_wait(const wait_chain& a, const wait_chain& b) {
  const auto same_link = [](const thread_facts* x, const thread_facts* y) {
    if (x->tid != y->tid || x->waits_for.has_value() != y->waits_for.has_value()) return false;
    return !x->waits_for ||
           (x->waits_for->address == y->waits_for->address && x->waits_for->owner == y->waits_for->owner);
  };
  return a.cycle == b.cycle && a.broken == b.broken && std::ranges::equal(a.threads, b.threads, same_link) &&
         a.end().syscall == b.end().syscall;
}

double cpu_share(std::span<const process_facts> samples, pid_t tid) {
  if (samples.size() < 2) return 0;
  const auto* first = find_thread(samples.front(), tid);
  const auto* last = find_thread(samples.back(), tid);
  const std::chrono::nanoseconds passed = samples.back().at - samples.front().at;
  if (first == nullptr || last == nullptr || passed.count() <= 0 || last->cpu_ns < first->cpu_ns) return 0;
  return static_cast<double>(last->cpu_ns - first->cpu_ns) / static_cast<double>(passed.count());
}

}  // namespace unwedge::policies

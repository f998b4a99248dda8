#include "policies/verdicts/verdicts.hpp"

#include <sys/syscall.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

/// Whoever is given one of its locks back would wait for ever if it still had another.
std::vector<std::uint64_t> wanted_of(const process_facts& facts, pid_t owner, std::uint64_t but) {
  std::vector<std::uint64_t> out;
  for (const auto& t : facts.threads) {
    if (t.waits_for && t.waits_for->owner == owner && t.waits_for->address != but)
      out.push_back(t.waits_for->address);
  }
  std::ranges::sort(out);
  const auto twice = std::ranges::unique(out);
  out.erase(twice.begin(), twice.end());
  return out;
}

}  // namespace

std::optional<lock_holder> holder_of(const process_facts& facts, const wait_chain& chain) {
  if (chain.threads.size() < 2 || !chain.threads.front()->waits_for) return std::nullopt;
  const auto& t = *chain.threads[1];
  lock_holder out{.tid = t.tid, .comm = t.comm};
  out.role = role_by_name(t.comm, facts.threads.front().comm);
  out.mutex = chain.threads.front()->waits_for->address;
  out.further_mutexes = wanted_of(facts, t.tid, out.mutex);
  out.polls = t.sleeping && t.syscall && t.syscall->number == SYS_ppoll && !t.polled_fds.empty();
  return out;
}

}  // namespace unwedge::policies

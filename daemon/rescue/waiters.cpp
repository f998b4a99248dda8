#include "daemon/rescue/waiters.hpp"

#include "daemon/evidence/threads.hpp"
#include "daemon/rescue/running_lease.hpp"

#include <algorithm>

namespace unwedge::rescue {

waiters::waiters(const evidence::process& of) {
  evidence::proc_reader files;
  const auto tids = evidence::list_numbers(of.proc_dir(), "task", evidence::most_threads);
  if (!tids) return;
  for (const pid_t tid : tids->found) {
    const auto place = place_of(of.proc_dir(), tid, files);
    if (!place) continue;
    if (const auto mutex = waited_mutex(*place)) waits_.push_back({tid, *mutex});
    if (sleeps_in_a_lease(of.pid(), *place)) leased_ = tid;
  }
}

std::size_t waiters::count(std::uint64_t mutex) const {
  return static_cast<std::size_t>(std::ranges::count(waits_, mutex, &wait::mutex));
}

bool waiters::waits(pid_t tid, std::uint64_t mutex) const {
  return std::ranges::find(waits_, wait{tid, mutex}) != waits_.end();
}

std::vector<std::uint64_t> waiters::mutexes() const {
  std::vector<std::uint64_t> made;
  for (const auto& w : waits_)
    if (std::ranges::find(made, w.mutex) == made.end()) made.push_back(w.mutex);
  return made;
}

}  // namespace unwedge::rescue

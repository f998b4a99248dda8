#include "policies/guard/copies.hpp"

#include <algorithm>

namespace unwedge::policies {
namespace {

/// A manager that begins a migration so soon after a mirror failed has not seen that it did.
constexpr std::chrono::minutes before_its_begin{1};

bool is_mirror(const job_state& job) {
  return std::string_view(job.type) == "mirror";
}

/// What is known by its events only has no type yet.
bool may_be_mirror(const job_state& job) {
  return job.type.empty() || is_mirror(job);
}

}  // namespace

std::string_view to_string(copy_state s) {
  switch (s) {
    case copy_state::copying:
      return "copying";
    case copy_state::ready:
      return "ready";
    case copy_state::concluding:
      return "concluding";
    case copy_state::whole:
      return "whole";
    case copy_state::broken:
      return "broken";
  }
  return "unknown";
}

/// QEMU's job.c, JobSTT: ready <-> standby; then waiting, pending, concluded, null; or aborting on the way. A
/// status that we do not know is not one to continue over.
copy_state state_of(const job_state& mirror) {
  const std::string_view s = mirror.status;
  if (s == "aborting" || !mirror.error.empty()) return copy_state::broken;
  if (s == "ready" || s == "standby") return copy_state::ready;
  if (s == "waiting" || s == "pending") return copy_state::concluding;
  if (s == "concluded" || s == "null") return copy_state::whole;
  return copy_state::copying;
}

std::vector<copy> copies(const vm_model& vm, instant now) {
  std::vector<copy> out;
  out.reserve(vm.jobs.size());
  const auto began = vm.migration && is_running(*vm.migration) ? vm.migration->began : now;
  const auto matters = [&](const copy& c) {
    if (c.state == copy_state::whole) return c.since >= began;
    return c.state != copy_state::broken || c.since >= began - before_its_begin;
  };
  for (const auto& [id, job] : vm.jobs) {
    if (!may_be_mirror(job)) continue;
    copy c{.job = id, .state = state_of(job), .error = job.error, .since = job.since, .details = &job};
    const auto end = vm.ended_copies.find(id);
    const bool failed = end != vm.ended_copies.end() && !end->second.whole;
    if (failed) {
      c.state = copy_state::broken;
      c.error = end->second.error;
      c.since = end->second.at;
    }
    if (matters(c)) out.push_back(c);
  }
  for (const auto& [id, end] : vm.ended_copies) {
    if (vm.jobs.contains(id)) continue;
    const copy c{.job = id,
                 .state = end.whole ? copy_state::whole : copy_state::broken,
                 .error = end.error,
                 .since = end.at};
    if (matters(c)) out.push_back(c);
  }
  return out;
}

bool mirrors(const vm_model& vm) {
  return std::ranges::any_of(vm.jobs, [](const auto& j) {
    const auto state = state_of(j.second);
    return is_mirror(j.second) && (state == copy_state::copying || state == copy_state::ready);
  });
}

}  // namespace unwedge::policies

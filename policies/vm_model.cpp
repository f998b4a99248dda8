#include "policies/vm_model.hpp"

#include "policies/model/limits.hpp"

#include <algorithm>
#include <utility>

namespace unwedge::policies {
namespace {

constexpr std::size_t max_ended = 64;

/// How a mirror ended matters to a migration that begins soon after; later it is history.
constexpr std::chrono::minutes remembered{10};

}  // namespace

void note_copy_end(vm_model& vm, std::string_view job, ended_copy how) {
  std::erase_if(vm.ended_copies, [&](const auto& e) { return how.at - e.second.at > remembered; });
  if (job.empty()) return;
  const std::string id(job.substr(0, text_bytes));
  const auto before = vm.ended_copies.find(id);
  if (before == vm.ended_copies.end() && vm.ended_copies.size() >= max_ended) {
    const auto whole = std::ranges::find_if(vm.ended_copies, [](const auto& e) { return e.second.whole; });
    vm.ended_copies.erase(whole != vm.ended_copies.end() ? whole : vm.ended_copies.begin());
  }
  how.error = how.error.substr(0, text_bytes);
  if (before != vm.ended_copies.end() && !before->second.whole) {  // it failed: what follows does not mend it
    how.whole = false;
    if (how.error.empty()) how.error = before->second.error;
  }
  if (!how.whole && how.error.empty()) how.error = "it was given up";
  vm.ended_copies.insert_or_assign(id, std::move(how));
}

bool past_the_switchover(const vm_model& vm) {
  if (!vm.migration) return false;
  const std::string_view status = vm.migration->status;
  return status == "device" || (status == "active" && vm.run_state == "finish-migrate");
}

std::set<std::string> jobs_copying_to(const vm_model& vm, const std::string& node) {
  std::set<std::string> out;
  for (const auto& [id, job] : vm.jobs) {
    if (job.target == node) out.insert(id);
  }
  const auto found = vm.nodes.find(node);
  if (found == vm.nodes.end()) return out;
  for (const auto& id : found->second.target_of) {
    if (vm.jobs.contains(id)) out.insert(id);
  }
  return out;
}

bool at_risk(const vm_model& vm) {
  return !vm.jobs.empty() || (vm.migration && is_running(*vm.migration));
}

}  // namespace unwedge::policies

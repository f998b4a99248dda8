#include "daemon/watch/watcher_set.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::watch {

bool same_process(const evidence::process* a, const evidence::process* b) {
  return a != nullptr && b != nullptr && a->pid() == b->pid() && a->start_time() == b->start_time();
}

std::vector<std::shared_ptr<const vm_watcher>> watcher_set::by_name() const {
  std::vector<std::shared_ptr<const vm_watcher>> out(all_.begin(), all_.end());
  std::ranges::sort(out, {}, [](const auto& w) { return w->name(); });
  return out;
}

std::shared_ptr<vm_watcher> watcher_set::find(std::string_view name) const {
  // A QEMU without -uuid says it is all zeros: that names none.
  const bool uuid = name.size() == 36 && name.find_first_not_of("0-") != std::string_view::npos;
  const auto found = std::ranges::find_if(
      all_, [&](const auto& w) { return w->name() == name || (uuid && w->model().uuid == name); });
  return found == all_.end() ? nullptr : *found;
}

std::set<pid_t> watcher_set::pids() const {
  std::set<pid_t> out;
  for (const auto& w : all_) {
    if (w->process() != nullptr && w->state() != vm_state::gone) out.insert(w->process()->pid());
  }
  return out;
}

std::vector<std::string> watcher_set::paths() const {
  std::vector<std::string> out;
  for (const auto& w : all_) {
    if (!w->where().path.empty()) out.push_back(w->where().path);
  }
  return out;
}

std::string watcher_set::free_name(const std::string& wanted, const vm_watcher& of) const {
  const auto taken = [&](const std::string& name) {
    return std::ranges::any_of(all_, [&](const auto& w) { return w.get() != &of && w->name() == name; });
  };
  auto name = wanted;
  for (int i = 2; taken(name); ++i) name = fmt::format("{}#{}", wanted, i);
  return name;
}

}  // namespace unwedge::watch

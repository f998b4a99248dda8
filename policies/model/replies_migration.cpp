// Of query-migrate and what a migration goes by (qapi/migration.json).
#include "policies/model/limits.hpp"
#include "policies/model/replies.hpp"
#include "qmp/json_fields.hpp"

namespace unwedge::policies {
namespace {

using qmp::number;
using qmp::text;
using qmp::json::array;
using qmp::json::object;

migration_state with_status(std::string_view status) {
  migration_state m;
  m.status = kept(status);
  return m;
}

void apply_ram(migration_state& m, const object& ram, instant now) {
  const auto before = m;
  m.transferred = number(ram, "transferred");
  m.remaining = number(ram, "remaining");
  m.total = number(ram, "total");
  m.iterations = number(ram, "dirty-sync-count");
  if (m.transferred != before.transferred || m.moved_at == instant{}) m.moved_at = now;
  const bool new_pass = m.iterations != before.iterations;
  const bool better = new_pass ? !m.best_remaining || m.remaining < m.best_remaining
                               : m.iterations.value_or(0) <= 1 && m.remaining < before.remaining;
  if (!m.remaining || !better) return;
  if (new_pass) m.best_remaining = m.remaining;
  m.best_iteration = m.iterations.value_or(0);
  m.best_at = now;
}

void apply_set_parameters(vm_model& vm, const object& o, instant now) {
  auto& m = vm.migrates_with;
  m.parameters_at = now;
  if (const auto v = number(o, "max-bandwidth")) m.max_bandwidth = v;
  if (const auto v = number(o, "downtime-limit")) m.downtime_limit = v;
  if (const auto v = text(o, "zero-page-detection"); !v.empty()) m.zero_page_detection = kept(v);
}

}  // namespace

void apply_migrate(vm_model& vm, const object& o, instant now) {
  const auto status = text(o, "status");
  if (status.empty() && !vm.migration) return;
  if (!vm.migration || (!is_running(*vm.migration) && is_running(with_status(status)))) {
    vm.migration = migration_state{};
    vm.migration->began = vm.migration->best_at = now;
  }
  auto& m = *vm.migration;
  if (m.status != status) m.since = now;
  m.status = kept(status);
  if (const auto* ram = qmp::object_at(o, "ram")) apply_ram(m, *ram, now);
}

void apply_capabilities(vm_model& vm, const array& list, instant now) {
  vm.migrates_with.capabilities_at = now;
  for (const auto& entry : list) {
    const auto* o = entry.if_object();
    const auto* on = o != nullptr ? o->if_contains("state") : nullptr;
    if (on == nullptr || !on->is_bool()) continue;
    const auto name = text(*o, "capability");
    if (name == "postcopy-ram" && vm.migration) vm.migration->postcopy_enabled = on->get_bool();
    if (name == "events") vm.migrates_with.events = on->get_bool();
    if (name == "multifd") vm.migrates_with.multifd = on->get_bool();
    if (name == "pause-before-switchover") vm.migrates_with.pause_before_switchover = on->get_bool();
  }
}

void apply_parameters(vm_model& vm, const object& o, instant now) {
  vm.migrates_with.parameters_at = now;
  vm.migrates_with.max_bandwidth = number(o, "max-bandwidth");
  vm.migrates_with.downtime_limit = number(o, "downtime-limit");
  vm.migrates_with.zero_page_detection = kept(text(o, "zero-page-detection"));
}

void apply_accepted(vm_model& vm, std::string_view command, const object& arguments, instant now) {
  const auto* list = qmp::array_at(arguments, "capabilities");
  if (command == "migrate-set-capabilities" && list != nullptr) apply_capabilities(vm, *list, now);
  if (command == "migrate-set-parameters") apply_set_parameters(vm, arguments, now);
}

}  // namespace unwedge::policies

// A policy: condition + patience -> an ordered ladder of actions, with the authority it needs and the guards
// that bound it. Read from TOML by daemon/config; carried out by the engine. Documented in docs/policies.md.
#pragma once

#include "policies/condition.hpp"
#include "policies/settings.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies {

/// What a rung of a ladder does. The names are contracts: what each sends to QEMU, and when it declines, is
/// in docs/policies.md; the code in policies/actions.
enum class action_kind {
  report,            ///< does nothing: the incident and its surfaces are the action
  yank_root,         ///< yanks what the verdict says the main loop waits for
  sever_root,        ///< shuts its connections down from outside
  rescue_root,       ///< lends the BQL away, and cuts it off meanwhile
  yank_target,       ///< yanks the block node that the job copies to
  cancel_job,        ///< job-cancel: by force, the copy is lost
  pause_job,         ///< job-pause
  finalize_job,      ///< job-finalize
  dismiss_job,       ///< job-dismiss
  cancel_migration,  ///< migrate_cancel
  yank_migration,    ///< yanks the migration's connections
  guard_switchover,  ///< the choreography of switchover_guard.hpp; only for mirror-at-switchover
  flag_core,         ///< prepares the process for the kernel's core, see docs/cores.md
  core,              ///< takes a core while it runs on
  abort,             ///< ends the VM with a core
};

std::string_view to_string(action_kind);
std::optional<action_kind> parse_action(std::string_view);
std::vector<std::string_view> action_names();

/// The conditions that an action makes sense for: yank-target needs a job, yank-root a verdict.
bool applies_to(action_kind, condition_kind);

/// What a VM must allow for it, whatever its policy says.
authority needed_for(action_kind);

/// It ends what a hung main loop waits for, by one way of several: as long as it has no remedy here and now
/// others of its kind are looked at, and nothing else of the ladder is taken for it but evidence.
bool cures_stall(action_kind);

/// It keeps what is to be known of a stall and cures nothing: such a rung is also taken while one before it
/// finds no remedy, and gives no VM back.
bool keeps_evidence(action_kind);

/// It counts against the policy's budgets. A flag changes nothing for the VM.
bool costs_budget(action_kind);

struct rung {
  action_kind action = action_kind::report;
  duration verify_within =
      std::chrono::seconds(2);  ///< the condition must have cleared by then, else the next

  bool operator==(const rung&) const = default;
};

/// Which VMs: an empty list matches all; given both, either is enough.
struct vm_match {
  std::vector<std::string> names;  ///< globs over the VM's name
  std::vector<std::string> uuids;

  bool matches(std::string_view name, std::string_view uuid) const;
  bool operator==(const vm_match&) const = default;
};

/// At most so many steps within the window: a wrong policy must not walk through a fleet.
struct action_budget {
  std::size_t per_vm = 3;
  std::size_t per_host = 10;
  duration window = std::chrono::hours(1);

  bool operator==(const action_budget&) const = default;
};

/// Bounds of guard-switchover.
struct guard_settings {
  duration hold_for =
      std::chrono::minutes(10);  ///< a migration is slowed down at most so long for its mirrors
  duration stopped_for = std::chrono::seconds(10);   ///< the guest stands still at most so long for them
  duration manager_grace = std::chrono::seconds(5);  ///< to a manager that set pause-before-switchover itself

  bool operator==(const guard_settings&) const = default;
};

struct policy {
  std::string name;  ///< of its file, without ".toml"
  std::string description;
  condition_kind condition = condition_kind::monitor_stalled;
  std::vector<std::string> states;  ///< only these variants of the condition; empty: all
  vm_match match;
  duration patience{};  ///< the condition must have held for so long
  std::vector<rung> ladder;
  authority needs = authority::protect;  ///< of the VM, for its actions; below, they are recorded only
  bool enabled = true;
  bool dry_run = false;
  action_budget budget;
  duration cooldown{};  ///< after an incident of this policy on a VM, no new one so long
  guard_settings guard;
  std::string source;  ///< the file it was read from, "built in" for our own

  /// Its ladder has guard-switchover.
  bool guards_switchovers() const;

  bool operator==(const policy&) const = default;
};

}  // namespace unwedge::policies

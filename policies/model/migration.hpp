// A migration and what it goes by, as the model of a VM has them. Plain values.
#pragma once

#include "policies/evidence.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace unwedge::policies {

struct migration_state {
  std::string status;  ///< QEMU's MigrationStatus as text; unknown ones are kept
  std::optional<std::int64_t> transferred, remaining, total;  ///< bytes of RAM
  std::optional<bool> postcopy_enabled;                       ///< capability postcopy-ram, fixed once it runs
  instant since{};                                            ///< when `status` last changed
  instant began{};                                            ///< when it was first seen to run
  instant moved_at{};                                         ///< when `transferred` last changed
  std::optional<std::int64_t> iterations;                     ///< passes over the memory (dirty-sync-count)
  // Each pass begins with what was dirtied in the one before, so passes are compared by what remains at their
  // begin.
  std::optional<std::int64_t> best_remaining;  ///< the least that a pass ever began with
  std::int64_t best_iteration = 0;             ///< that pass
  instant best_at{};                           ///< it began, or the first pass got on
};

/// What the next migration goes by (query-migrate-capabilities, query-migrate-parameters). Empty: not known.
struct migration_settings {
  std::optional<bool> events, pause_before_switchover, multifd;
  std::optional<std::int64_t> max_bandwidth;   ///< bytes a second
  std::optional<std::int64_t> downtime_limit;  ///< milliseconds
  std::string zero_page_detection;             ///< QEMU >= 9.0
  instant parameters_at{};                     ///< when those three were read, or set by us
  instant capabilities_at{};                   ///< and the first three
};

/// True while a migration may still change the VM's fate: any status that is not one of QEMU's final ones.
bool is_running(const migration_state&);
/// True from the start of post-copy on, when the memory is split over two hosts.
bool in_postcopy(const migration_state&);

}  // namespace unwedge::policies

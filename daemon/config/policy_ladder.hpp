// Reads a policy's condition and its ladder, which must fit each other. Used by policies.cpp only.
#pragma once

#include "daemon/config/reader.hpp"
#include "policies/policy.hpp"

#include <optional>
#include <vector>

namespace unwedge::config {

/// The required key `condition`; nothing if that was reported.
std::optional<policies::condition_kind> read_condition(table_reader& top);

/// The required key `ladder`: 1 to 8 tables with an `action` that applies to the condition (any, if that is
/// not known). Nothing if anything in it was reported.
std::optional<std::vector<policies::rung>> read_ladder(table_reader& top,
                                                       std::optional<policies::condition_kind> condition,
                                                       problem_list& problems);

}  // namespace unwedge::config

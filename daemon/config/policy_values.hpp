// Single settings of a policy, as text -> value; errors read on from "`KEY` is ..." as in values.hpp. Pure.
#pragma once

#include "daemon/config/values.hpp"

namespace unwedge::config {

/// What a policy may be called, and so its file without ".toml": 1 to 64 of a-z, 0-9 and '-'.
parsed<std::string> parse_policy_name(std::string_view);

/// C0, DEL or C1 in it, as UTF-8.
bool has_controls(std::string_view);

/// One line for people: at most 200 bytes, no control characters.
parsed<std::string> parse_description(std::string_view);

/// A variant of a condition ("pending"): formed as a policy's name. Whether the condition has it is not known
/// here.
parsed<std::string> parse_state(std::string_view);

/// A UUID of 36 characters, in any case; gives it in lower case, as QEMU does.
parsed<std::string> parse_uuid(std::string_view);

}  // namespace unwedge::config

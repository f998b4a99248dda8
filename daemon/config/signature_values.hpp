// Single settings of a signature, as text -> value; errors read on from "`KEY` is ..." as in values.hpp.
// Pure.
#pragma once

#include "daemon/config/values.hpp"
#include "policies/signature.hpp"

namespace unwedge::config {

/// At most 2000 bytes, no control characters: TOML folds lines that end with a backslash.
parsed<std::string> parse_paragraph(std::string_view);

/// "7.2", "8.2.1".
parsed<policies::release> parse_qemu_release(std::string_view);

/// "aio_poll", "old_name | new_name", and with a "?" at its end one that only debug symbols name. 1 to 8
/// plain names, each 1 to 128 of letters, digits and '_', none of them beginning with '_'.
parsed<policies::stack_element> parse_function(std::string_view);

/// The same as a check, for lists: gives the text itself.
parsed<std::string> parse_function_text(std::string_view);

/// One plain name.
parsed<std::string> parse_plain_name(std::string_view);

/// What a wait may end at: "block-node".
parsed<policies::wait_root::kind> parse_root(std::string_view);
parsed<std::string> parse_root_text(std::string_view);

}  // namespace unwedge::config

// Repairs text that must be UTF-8, since JSON may hold nothing else.
#pragma once

#include <string>
#include <string_view>

namespace unwedge::incidents {

/// `text`, with U+FFFD for every byte that is no part of a valid UTF-8 sequence (RFC 3629: no surrogates, no
/// overlong forms, nothing above U+10FFFF).
std::string repaired_utf8(std::string_view text);

}  // namespace unwedge::incidents

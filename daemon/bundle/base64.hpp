// Base64 (RFC 4648, section 4) for files in JSON: the daemon writes it, unwedgectl reads it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace unwedge::bundle {

std::string to_base64(std::string_view bytes);

/// nullopt: not exactly what to_base64 writes.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace unwedge::bundle

#include "daemon/config/policy_values.hpp"

#include "daemon/config/problem.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace unwedge::config {

namespace {

constexpr std::size_t max_name = 64;
constexpr std::size_t max_description = 200;

std::unexpected<std::string> expected(std::string_view text, std::string_view what) {
  return std::unexpected(fmt::format("{}, expected {}", backquoted(text), what));
}

bool lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

parsed<std::string> parse_identifier(std::string_view text) {
  const auto fits = [](char c) { return lower_or_digit(c) || c == '-'; };
  if (text.empty() || text.size() > max_name || !std::ranges::all_of(text, fits)) {
    return expected(text, "1 to 64 characters of a-z, 0-9 and '-'");
  }
  return std::string{text};
}

}  // namespace

bool has_controls(std::string_view text) {
  unsigned char before = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // C1 is 0xC2 and 0x80 to 0x9F
    if (byte < 0x20 || byte == 0x7F || (before == 0xC2 && byte < 0xA0)) return true;
    before = byte;
  }
  return false;
}

parsed<std::string> parse_policy_name(std::string_view text) {
  return parse_identifier(text);
}

parsed<std::string> parse_state(std::string_view text) {
  return parse_identifier(text);
}

parsed<std::string> parse_description(std::string_view text) {
  if (text.size() > max_description) {
    return expected(text, fmt::format("at most {} bytes (this has {})", max_description, text.size()));
  }
  if (has_controls(text)) return expected(text, "one line without control characters");
  return std::string{text};
}

parsed<std::string> parse_uuid(std::string_view text) {
  static constexpr std::string_view form = "00000000-0000-0000-0000-000000000000";
  std::string uuid{text};
  for (char& c : uuid) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto fits = [](char c, char as) {
    return as == '-' ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  };
  if (!std::ranges::equal(uuid, form, fits)) {
    return expected(text, "a UUID such as \"1b4e28ba-2fa1-11d2-883f-0016d3cca427\"");
  }
  return uuid;
}

}  // namespace unwedge::config

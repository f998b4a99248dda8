#include "daemon/config/signature_values.hpp"

#include "daemon/config/policy_values.hpp"
#include "daemon/config/problem.hpp"
#include "policies/symbol_name.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace unwedge::config {

namespace {

using kind = policies::wait_root::kind;

constexpr std::size_t max_paragraph = 2'000;
constexpr std::size_t max_plain_name = 128;
constexpr std::size_t max_alternatives = 8;
constexpr std::array roots{kind::block_node, kind::migration, kind::socket, kind::file, kind::thread};

std::unexpected<std::string> expected(std::string_view text, std::string_view what) {
  return std::unexpected(fmt::format("{}, expected {}", backquoted(text), what));
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

}  // namespace

parsed<std::string> parse_paragraph(std::string_view text) {
  if (text.size() > max_paragraph) {
    return expected(text, fmt::format("at most {} bytes (this has {})", max_paragraph, text.size()));
  }
  if (has_controls(text)) return expected(text, "one paragraph without control characters");
  return std::string{text};
}

parsed<policies::release> parse_qemu_release(std::string_view text) {
  if (const auto release = policies::parse_release(text)) return *release;
  return expected(text, "a release of QEMU such as \"7.2\" or \"8.2.1\"");
}

parsed<std::string> parse_plain_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (text.empty() || text.size() > max_plain_name || !std::ranges::all_of(text, fits)) {
    return expected(text, "a function's name");
  }
  const auto plain = policies::plain_name(text);
  if (plain == text) return std::string{text};
  return expected(text, fmt::format("the plain name `{}`", plain));
}

parsed<policies::stack_element> parse_function(std::string_view text) {
  auto rest = trimmed(text);
  policies::stack_element out{.any_of = {}, .if_named = rest.ends_with('?')};
  if (out.if_named) rest.remove_suffix(1);
  for (;;) {
    const auto bar = rest.find('|');
    auto name = parse_plain_name(trimmed(rest.substr(0, bar)));
    if (!name) return std::unexpected(std::move(name.error()));
    out.any_of.push_back(std::move(*name));
    if (bar == std::string_view::npos) return out;
    if (out.any_of.size() == max_alternatives) {
      return expected(text, fmt::format("at most {} names", max_alternatives));
    }
    rest.remove_prefix(bar + 1);
  }
}

parsed<std::string> parse_function_text(std::string_view text) {
  auto parsed = parse_function(text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return std::string{text};
}

parsed<kind> parse_root(std::string_view text) {
  std::vector<std::string_view> names;
  for (const auto root : roots) {
    if (to_string(root) == text) return root;
    names.push_back(to_string(root));
  }
  return expected(text, one_of(names));
}

parsed<std::string> parse_root_text(std::string_view text) {
  auto parsed = parse_root(text);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return std::string{text};
}

}  // namespace unwedge::config

#include "daemon/config/problem.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace unwedge::config {

namespace {

constexpr std::size_t max_quoted = 64;

/// Insertions, deletions and replacements between two words (Levenshtein, two rows of the matrix in one).
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string closest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t fewest = 0;
  if (word.size() > max_quoted) return {};
  for (const auto candidate : candidates) {
    const auto distance = edits(word, candidate);
    if (distance > std::max<std::size_t>(1, std::max(word.size(), candidate.size()) / 3)) continue;
    if (best.empty() || distance < fewest) {
      best = candidate;
      fewest = distance;
    }
  }
  return std::string{best};
}

std::string one_of(std::span<const std::string_view> names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) out += i + 1 == names.size() ? " or " : ", ";
    out += names[i];
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = byte < 0x20 || byte == 0x7F;
    out += control ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return out;
}

std::string backquoted(std::string_view text) {
  // Not cut in the middle of a UTF-8 sequence.
  auto end = std::min(text.size(), max_quoted);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return fmt::format("`{}{}`", one_line(text.substr(0, end)), end < text.size() ? "..." : "");
}

std::string to_string(const problem& p) {
  auto text = p.line == 0 ? fmt::format("{}: {}", p.file, p.what)
                          : fmt::format("{}:{}:{}: {}", p.file, p.line, p.column, p.what);
  if (!p.suggestion.empty()) text += fmt::format("; did you mean {}?", backquoted(p.suggestion));
  return text;
}

}  // namespace unwedge::config

#include "daemon/evidence/mounts.hpp"

#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <charconv>

namespace unwedge::evidence {

namespace {

constexpr std::size_t most_bytes = 1 << 20;

std::string_view next_word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

}  // namespace

std::optional<mount_line> parse_mount(std::string_view line) {
  mount_line out;
  auto rest = line;
  const auto id = next_word(rest);
  if (std::from_chars(id.data(), id.data() + id.size(), out.id).ec != std::errc{}) return std::nullopt;
  next_word(rest);  // its parent
  out.device = next_word(rest);
  next_word(rest);  // its root
  out.point = next_word(rest);
  const auto dash = rest.find(" - ");
  if (dash == rest.npos) return std::nullopt;
  rest.remove_prefix(dash + 3);
  out.type = next_word(rest);
  out.source = next_word(rest);
  out.super_options = next_word(rest);
  return out;
}

std::optional<mount_line> mount_with_id(std::string_view table, std::int64_t id) {
  const auto key = fmt::format("{} ", id);
  for (auto at = table.find(key); at != table.npos; at = table.find(key, at + 1)) {
    if (at == 0 || table[at - 1] == '\n') return parse_mount(table.substr(at, table.find('\n', at) - at));
  }
  return std::nullopt;
}

std::string read_mounts(int proc_dir) {
  return read_whole(proc_dir, "mountinfo", most_bytes).value_or(std::string{});
}

}  // namespace unwedge::evidence

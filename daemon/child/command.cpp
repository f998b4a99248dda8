#include "daemon/child/command.hpp"

#include "daemon/evidence/address.hpp"

#include <fmt/format.h>

namespace unwedge::child {
namespace {

std::string last_line(std::string_view text) {
  constexpr std::size_t most = 300;
  while (text.ends_with('\n')) text.remove_suffix(1);
  text = text.substr(text.rfind('\n') + 1);
  return evidence::printable(text.substr(0, most));
}

std::string end_of(const finished& f) {
  const auto* const how = f.status < 0 ? "was killed" : "was told to end";
  if (f.too_late) return fmt::format("{}: its time was over", how);
  if (f.too_much) return fmt::format("{}: it wrote too much", how);
  if (f.signal != 0) return fmt::format("was killed by signal {}", f.signal);
  return fmt::format("exited with status {}", f.status);
}

}  // namespace

std::string how_it_ended(const finished& f) {
  const auto said = last_line(f.error_output);
  return said.empty() ? end_of(f) : fmt::format("{}: {}", end_of(f), said);
}

}  // namespace unwedge::child

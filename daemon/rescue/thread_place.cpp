#include "daemon/rescue/thread_place.hpp"

#include "daemon/evidence/syscalls.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::rescue {

namespace {

// The last word of `line`, a number like 0x7f12, taken off its end.
std::optional<std::uint64_t> take_last(std::string_view& line) {
  const auto space = line.find_last_of(' ');
  if (space == line.npos) return std::nullopt;
  auto word = line.substr(space + 1);
  line = line.substr(0, space);
  if (!word.starts_with("0x")) return std::nullopt;
  word.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
  if (error != std::errc{} || rest != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<thread_place> parse_place(std::string_view line) {
  const auto call = evidence::parse_syscall(line);
  if (!call || call->number < 0) return std::nullopt;
  while (line.ends_with('\n')) line.remove_suffix(1);
  const auto pc = take_last(line), sp = take_last(line);
  if (!pc || !sp) return std::nullopt;
  return thread_place{.number = call->number, .args = call->args, .sp = *sp, .pc = *pc};
}

std::optional<thread_place> place_of(int proc_dir, pid_t tid, evidence::proc_reader& files) {
  const auto text = files.read(proc_dir, fmt::format("task/{}/syscall", tid).c_str());
  return text ? parse_place(*text) : std::nullopt;
}

std::optional<thread_place> place_in(int task_folder, evidence::proc_reader& files) {
  const auto text = files.read(task_folder, "syscall");
  return text ? parse_place(*text) : std::nullopt;
}

std::optional<std::uint64_t> waited_mutex(const thread_place& at) {
  return evidence::waits_for_lock({.number = at.number, .args = at.args});
}

std::optional<pid_t> own_number(std::string_view status) {
  const auto at = status.find("\nNSpid:");
  if (at == status.npos) return std::nullopt;
  auto line = status.substr(at + 1, status.find('\n', at + 1) - at - 1);
  const auto last = evidence::number_after(line.substr(std::min(line.find_last_of(" \t"), line.size())), "");
  if (!last || *last <= 0) return std::nullopt;
  return static_cast<pid_t>(*last);
}

}  // namespace unwedge::rescue

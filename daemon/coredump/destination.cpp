#include "daemon/coredump/destination.hpp"

#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <fcntl.h>

namespace unwedge::coredump {
namespace {

constexpr auto pattern_file = "/proc/sys/kernel/core_pattern";
constexpr auto uses_pid_file = "/proc/sys/kernel/core_uses_pid";

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

destination explain(std::string_view pattern, bool uses_pid, pid_t pid, std::string_view folder) {
  if (pattern.starts_with('|')) {
    const auto program = pattern.substr(1, pattern.find(' ') - 1);
    const auto name = program.substr(program.rfind('/') + 1);
    if (name == "systemd-coredump")
      return {true, true, fmt::format("systemd-coredump takes it: coredumpctl info {}", pid)};
    return {true, true, fmt::format("the kernel hands it to {} (core_pattern)", program)};
  }
  if (pattern.starts_with('@')) {
    const auto where = pattern.substr(1);
    return {true, true, fmt::format("the kernel hands it over at the socket {} (core_pattern)", where)};
  }
  if (pattern.empty())
    return {uses_pid, false,
            uses_pid ? fmt::format("the kernel writes it to {}/.{}", folder, pid)
                     : "core_pattern is empty: the kernel keeps no core"};
  std::string name(pattern);
  if (uses_pid && name.find("%p") == name.npos) name += fmt::format(".{}", pid);
  const bool expands = name.find('%') != name.npos;
  const auto what = expands ? " (see core(5) for what the % stand for)" : "";
  if (name.starts_with('/')) return {true, false, fmt::format("the kernel writes it to {}{}", name, what)};
  return {true, false,
          fmt::format("the kernel writes it to {}/{}{}, the process's working directory",
                      folder == "/" ? "" : folder, name, what)};
}

destination destination_of(const evidence::process& of) {
  evidence::proc_reader reader;
  const auto pattern = reader.read(AT_FDCWD, pattern_file);
  if (!pattern)
    return {true, false, fmt::format("{}: {}", pattern_file, evidence::error_text(pattern.error()))};
  const std::string text(first_line(*pattern));
  const auto number = reader.read(AT_FDCWD, uses_pid_file);
  const bool uses_pid = number && first_line(*number) != "0";
  const auto folder = reader.link(of.proc_dir(), "cwd");
  return explain(text, uses_pid, of.pid(), folder ? *folder : std::string_view("its working directory"));
}

}  // namespace unwedge::coredump

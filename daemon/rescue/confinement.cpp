#include "daemon/rescue/confinement.hpp"

#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::rescue {

namespace {

std::string_view line_of(std::string_view status, std::string_view key) {
  for (auto at = status.find(key); at != status.npos; at = status.find(key, at + 1)) {
    if (at != 0 && status[at - 1] != '\n') continue;
    const auto line = status.substr(at + key.size());
    return line.substr(0, line.find('\n'));
  }
  return {};
}

// "-sandbox on" or "-sandbox on,spawn=deny": the value's own switch is on, also as "enable=on".
bool sandbox_on(const std::vector<std::string>& arguments) {
  const auto named = [](const std::string& a) { return a == "-sandbox" || a == "--sandbox"; };
  const auto at = std::ranges::find_if(arguments, named);
  if (at == arguments.end() || at + 1 == arguments.end()) return false;
  const std::string_view value = *(at + 1);
  return value == "on" || value.starts_with("on,") || value == "enable=on" || value.starts_with("enable=on,");
}

}  // namespace

finding judge_shadow_stack(std::string_view status) {
  const auto features = line_of(status, "x86_Thread_features:");
  const bool used = features.find("shstk") != features.npos;
  return {.name = "shadow-stack",
          .ok = !used,
          .sentence = used ? "the thread has a shadow stack (CET)" : "no shadow stack is in use"};
}

finding judge_seccomp(std::string_view status, const std::vector<std::string>& command_line) {
  const auto answer = [](bool ok, std::string sentence) {
    return finding{.name = "seccomp", .ok = ok, .sentence = std::move(sentence)};
  };
  constexpr std::int64_t none = 0, filter = 2;
  const auto mode = evidence::number_after(status, "Seccomp:");
  if (!mode) return answer(false, "its status does not tell whether it has a seccomp filter");
  if (*mode == none) return answer(true, "no seccomp filter");
  const auto filters = evidence::number_after(status, "Seccomp_filters:");
  if (*mode != filter || !filters)
    return answer(false, fmt::format("seccomp mode {}, and how many filters is not told (Linux 5.9)", *mode));
  if (*filters != 1)
    return answer(
        false,
        fmt::format("{} seccomp filters, so not QEMU's own alone: what they allow is not known", *filters));
  if (!sandbox_on(command_line))
    return answer(false,
                  "a seccomp filter that is not QEMU's own (no -sandbox on): what it allows is not known");
  return answer(
      true, "one seccomp filter, QEMU's own (-sandbox on): it forbids by a list, and nothing that is needed");
}

std::vector<std::string> command_line(const evidence::process& of) {
  evidence::proc_reader files;
  const auto text = files.read(of.proc_dir(), "cmdline");
  std::vector<std::string> arguments;
  if (!text) return arguments;
  for (auto rest = *text; !rest.empty();) {
    const auto end = std::min(rest.find('\0'), rest.size());
    arguments.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return arguments;
}

}  // namespace unwedge::rescue

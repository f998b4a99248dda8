#include "daemon/evidence/cgroup.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/proc_files.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <vector>

namespace unwedge::evidence {

namespace {

struct mounts {
  std::string version_2;  ///< where cgroup2 is mounted; empty: nowhere that we see
  std::string freezer;    ///< likewise the freezer of version 1
};

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(by), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// proc_pid_mountinfo(5): "ID PARENT MAJ:MIN ROOT POINT OPTIONS [FIELDS...] - TYPE SOURCE SUPER_OPTIONS".
void take_mount(std::string_view line, mounts& to) {
  const auto parts = split(line, ' ');
  const auto dash = std::ranges::find(parts, "-");
  if (parts.size() < 5 || parts.end() - dash < 4) return;
  const auto type = dash[1];
  const auto options = split(dash[3], ',');
  if (type == "cgroup2" && to.version_2.empty()) to.version_2 = parts[4];
  const bool freezer = type == "cgroup" && std::ranges::find(options, "freezer") != options.end();
  if (freezer && to.freezer.empty()) to.freezer = parts[4];
}

/// They hardly ever change, and never on a host that runs VMs.
const mounts& where_mounted() {
  static const mounts found = [] {
    mounts out;
    proc_reader files;
    const auto text = files.read(AT_FDCWD, "/proc/self/mountinfo");
    if (!text) return out;
    for (const auto line : split(*text, '\n')) take_mount(line, out);
    return out;
  }();
  return found;
}

bool says(proc_reader& files, const std::string& file, std::string_view what) {
  const auto text = files.read(AT_FDCWD, file.c_str());
  return text && text->find(what) != text->npos;
}

}  // namespace

bool may_be_frozen(char state, std::string_view wchan) {
  constexpr std::array in_signal{"get_signal", "do_freezer_trap", "__refrigerator"};
  return state == 'D' || std::ranges::find(in_signal, wchan) != in_signal.end();
}

std::optional<std::string> frozen_cgroup(const process& of) {
  proc_reader files;
  const auto text = files.read(of.proc_dir(), "cgroup");
  if (!text) return std::nullopt;
  const std::string lines(*text);
  const auto& in = where_mounted();
  for (const auto line : split(lines, '\n')) {  // "ID:CONTROLLERS:PATH"
    const auto first = line.find(':');
    const auto second = line.find(':', first == line.npos ? first : first + 1);
    if (second == line.npos) continue;
    const auto controllers = split(line.substr(first + 1, second - first - 1), ',');
    const std::string path(line.substr(second + 1));
    const bool has_freezer = std::ranges::find(controllers, "freezer") != controllers.end();
    const bool frozen =
        controllers.empty()
            ? !in.version_2.empty() && says(files, in.version_2 + path + "/cgroup.events", "frozen 1")
            : has_freezer && !in.freezer.empty() &&
                  says(files, in.freezer + path + "/freezer.state", "FROZEN");
    if (frozen) return printable(path);
  }
  return std::nullopt;
}

}  // namespace unwedge::evidence

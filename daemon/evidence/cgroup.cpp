#include "daemon/evidence/cgroup.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/mounts.hpp"
#include "daemon/evidence/proc_files.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <ranges>

namespace unwedge::evidence {

namespace {

struct mounts {
  std::string version_2;  ///< where cgroup2 is mounted; empty: nowhere that we see
  std::string freezer;    ///< likewise the freezer of version 1
};

bool lists(std::string_view text, std::string_view what) {
  return std::ranges::any_of(text | std::views::split(','),
                             [&](auto part) { return std::string_view(part) == what; });
}

/// They hardly ever change, and never on a host that runs VMs.
const mounts& where_mounted() {
  static const mounts found = [] {
    mounts out;
    const file_descriptor self{::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    const auto table = read_mounts(self.get());
    for (const auto line : table | std::views::split('\n')) {
      const auto mounted = parse_mount(std::string_view(line));
      if (!mounted) continue;
      const bool freezer = mounted->type == "cgroup" && lists(mounted->super_options, "freezer");
      if (mounted->type == "cgroup2" && out.version_2.empty()) out.version_2 = mounted->point;
      if (freezer && out.freezer.empty()) out.freezer = mounted->point;
    }
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
  for (const auto part : lines | std::views::split('\n')) {  // "ID:CONTROLLERS:PATH"
    const std::string_view line(part);
    const auto first = line.find(':');
    const auto second = line.find(':', first == line.npos ? first : first + 1);
    if (second == line.npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    const bool frozen =
        controllers.empty()
            ? !in.version_2.empty() && says(files, in.version_2 + path + "/cgroup.events", "frozen 1")
            : lists(controllers, "freezer") && !in.freezer.empty() &&
                  says(files, in.freezer + path + "/freezer.state", "FROZEN");
    if (frozen) return printable(path);
  }
  return std::nullopt;
}

}  // namespace unwedge::evidence

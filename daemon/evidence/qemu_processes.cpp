#include "daemon/evidence/qemu_processes.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/proc_files.hpp"
#include "daemon/evidence/unix_peer.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace unwedge::evidence {

namespace {

constexpr std::size_t most_processes = 1 << 18;
constexpr std::size_t most_descriptors = 65'536;
constexpr std::size_t most_name_bytes = 128;

/// The value of a QEMU option: "guest=web01,debug-threads=on" is web01, and ",," a comma.
std::string first_value(std::string_view text, std::string_view key) {
  if (text.starts_with(key)) text.remove_prefix(key.size());
  std::string out;
  while (!text.empty() && out.size() < most_name_bytes) {
    const bool escaped = text.starts_with(",,");
    if (text.front() == ',' && !escaped) break;
    out += text.front();
    text.remove_prefix(escaped ? 2 : 1);
  }
  return out;
}

bool is_qemu(pid_t pid, proc_reader& files) {
  const auto exe = files.link(AT_FDCWD, fmt::format("/proc/{}/exe", pid).c_str());
  return exe && names_qemu(*exe);
}

bool holds_socket(const process& p, std::uint64_t inode) {
  const auto wanted = fmt::format("socket:[{}]", inode);
  const auto fds = list_numbers(p.proc_dir(), "fd", most_descriptors);
  const file_descriptor folder{::openat(p.proc_dir(), "fd", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!fds || !folder) return false;
  proc_reader files;
  return std::ranges::any_of(fds->found, [&](int fd) {
    const auto target = files.link(folder.get(), decimal{fd}.c_str());
    return target && *target == wanted;
  });
}

}  // namespace

command_line_identity identity_in(const command_line& line) {
  command_line_identity out;
  std::string_view before;
  for (const auto& argument : line.arguments) {
    if (before == "-name" || before == "--name") out.name = printable(first_value(argument, "guest="));
    if (before == "-uuid" || before == "--uuid") out.uuid = printable(argument.substr(0, 36));
    before = argument;
  }
  return out;
}

std::vector<qemu_process> find_qemu_processes(const std::set<pid_t>& known) {
  std::vector<qemu_process> out;
  const auto pids = list_numbers(AT_FDCWD, "/proc", most_processes);
  if (!pids) return out;
  proc_reader files;
  for (const pid_t pid : pids->found) {
    if (known.contains(pid) || !is_qemu(pid, files)) continue;
    auto held = process::open(pid);
    if (!held || !held->is_qemu()) continue;
    const auto line = read_command_line(*held);
    if (!line || !held->alive()) continue;
    auto identity = identity_in(*line);
    if (identity.name.empty()) identity.name = fmt::format("pid {}", pid);
    out.push_back({std::move(*held), std::move(identity.name), std::move(identity.uuid)});
  }
  return out;
}

std::expected<process, std::string> owner_of_other_end(int socket_fd) {
  const auto inode = unix_peer_inode(socket_fd);
  if (!inode)
    return std::unexpected("the other end of the socket is not known: " + error_text(inode.error()));
  for (auto& q : find_qemu_processes({})) {
    if (holds_socket(q.held, *inode)) return std::move(q.held);
  }
  return std::unexpected<std::string>("no QEMU has the other end of the socket");
}

}  // namespace unwedge::evidence

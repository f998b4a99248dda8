#include "daemon/evidence/process.hpp"

#include "daemon/evidence/proc_files.hpp"
#include "daemon/evidence/stat_line.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

namespace unwedge::evidence {

namespace {

std::unexpected<std::string> failed(pid_t pid, std::string_view what, int error) {
  return std::unexpected(fmt::format("process {}: {}: {}", pid, what, error_text(error)));
}

}  // namespace

bool names_qemu(std::string_view path) {
  constexpr std::string_view deleted = " (deleted)";  // what the kernel appends once the file was replaced
  if (path.ends_with(deleted)) path.remove_suffix(deleted.size());
  const auto name = path.substr(path.rfind('/') + 1);
  return name.starts_with("qemu-system-") || name == "qemu-kvm" || name == "kvm";
}

std::expected<process, std::string> process::open(pid_t pid) {
  if (pid <= 0) return std::unexpected(fmt::format("process {}: no such process id", pid));
  file_descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd) return failed(pid, "pidfd_open", errno);
  return adopt(std::move(pidfd), pid);
}

// The order makes it safe: the pidfd first, /proc/PID by number next, and if the pidfd's process still lives
// after that, the number was its own all the while.
std::expected<process, std::string> process::adopt(file_descriptor pidfd, pid_t pid) {
  process p;
  p.pidfd_ = std::move(pidfd);
  p.pid_ = pid;
  const auto path = fmt::format("/proc/{}", pid);
  p.proc_dir_ = file_descriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!p.proc_dir_) return failed(pid, "open " + path, errno);

  proc_reader reader;
  const auto text = reader.read(p.proc_dir(), "stat");
  if (!text) return failed(pid, "read stat", text.error());
  const auto stat = parse_stat(*text);
  if (!stat) return std::unexpected(fmt::format("process {}: its stat line cannot be read", pid));
  p.start_time_ = stat->start_time;
  p.comm_ = stat->comm;
  if (const auto exe = reader.link(p.proc_dir(), "exe")) p.exe_ = *exe;
  if (!p.alive()) return std::unexpected(fmt::format("process {}: has ended", pid));
  return p;
}

bool process::is_qemu() const {
  return names_qemu(exe_.empty() ? std::string_view{comm_} : exe_);
}

bool process::alive() const {
  pollfd end{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&end, 1, 0) == 0;
}

}  // namespace unwedge::evidence

#include "daemon/coredump/abort.hpp"

#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace unwedge::coredump {

std::string forbids_abort(const census& c) {
  if (c.tracer != 0) return fmt::format("it is traced by process {}, which would get the signal", c.tracer);
  if (c.state == 'T' || c.state == 't') return "it is stopped by a signal: SIGABRT would wait for SIGCONT";
  return "";
}

std::expected<void, std::string> forbid_kernel_core(const evidence::process& of) {
  if (!of.alive()) return std::unexpected("it has ended");
  rlimit now{};
  if (::prlimit(of.pid(), RLIMIT_CORE, nullptr, &now) != 0)
    return std::unexpected("read RLIMIT_CORE: " + evidence::error_text(errno));
  now.rlim_cur = std::min<rlim_t>(1, now.rlim_max);
  if (::prlimit(of.pid(), RLIMIT_CORE, &now, nullptr) != 0)
    return std::unexpected("set RLIMIT_CORE: " + evidence::error_text(errno));
  return {};
}

std::expected<void, std::string> abort_process(const evidence::process& of,
                                               std::chrono::milliseconds patience) {
  if (::syscall(SYS_pidfd_send_signal, of.pidfd(), SIGABRT, nullptr, 0) != 0)
    return std::unexpected("send SIGABRT: " + evidence::error_text(errno));
  pollfd end{.fd = of.pidfd(), .events = POLLIN, .revents = 0};
  if (::poll(&end, 1, static_cast<int>(patience.count())) == 1) return {};
  return std::unexpected(
      fmt::format("SIGABRT was sent, and {} s later it is still there: a core takes its time, and a thread "
                  "in an uninterruptible wait holds it back",
                  std::chrono::duration_cast<std::chrono::seconds>(patience).count()));
}

}  // namespace unwedge::coredump

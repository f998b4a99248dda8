#include "daemon/coredump/flag.hpp"

#include "daemon/evidence/file_descriptor.hpp"
#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include <cerrno>

namespace unwedge::coredump {
namespace {

/// Below this the kernel writes a file that is cut, which gdb hardly reads.
constexpr rlim_t worth_having = 1u << 30;

std::expected<void, std::string> set_filter(const evidence::process& of, std::uint32_t to) {
  const evidence::file_descriptor file{::openat(of.proc_dir(), "coredump_filter", O_WRONLY | O_CLOEXEC)};
  if (!file) return std::unexpected("open coredump_filter: " + evidence::error_text(errno));
  const auto text = fmt::format("{:#x}\n", to);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return std::unexpected("write coredump_filter: " + evidence::error_text(errno));
  return {};
}

std::expected<rlimit, std::string> raise_limit(const evidence::process& of, const rlimit& now) {
  if (now.rlim_cur == RLIM_INFINITY) return now;
  if (!of.alive()) return std::unexpected("it has ended");
  rlimit wanted{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  if (::prlimit(of.pid(), RLIMIT_CORE, &wanted, nullptr) == 0) return wanted;
  // Without CAP_SYS_RESOURCE the hard limit is the end.
  const int error = errno;
  wanted = {.rlim_cur = now.rlim_max, .rlim_max = now.rlim_max};
  if (::prlimit(of.pid(), RLIMIT_CORE, &wanted, nullptr) != 0)
    return std::unexpected("raise RLIMIT_CORE: " + evidence::error_text(errno));
  if (now.rlim_max < worth_having)
    return std::unexpected(fmt::format("raise RLIMIT_CORE above its hard limit of {} bytes: {}", now.rlim_max,
                                       evidence::error_text(error)));
  return wanted;
}

}  // namespace

std::string forbids_flag(const census& c, bool with_ram) {
  if (!c.dumpable)
    return "the kernel writes no core of it: it has changed its user (PR_SET_DUMPABLE, fs.suid_dumpable)";
  if (!c.goes_to.somewhere) return c.goes_to.sentence;
  if (with_ram) return "";
  if (!c.told)
    return "none of its memory is marked as guest memory (MADV_DONTFORK, as QEMU does): whether the core "
           "would hold it is not known";
  if (c.in_kernel_core > 0)
    return fmt::format(
        "the kernel's core would hold {} MiB of guest memory: private memory that no filter tells from the "
        "heap; start QEMU with -machine dump-guest-core=off, or take a core with `core`, which leaves it out",
        (c.in_kernel_core >> 20) + 1);
  return "";
}

std::expected<flag_result, std::string> flag(const evidence::process& of, const census& c, bool with_ram) {
  if (auto why = forbids_flag(c, with_ram); !why.empty()) return std::unexpected(std::move(why));
  flag_result made{.filter_before = c.filter, .limit_before = c.limit, .limit_now = c.limit.rlim_cur};
  made.was_flagged = c.filter == flagged_filter && c.limit.rlim_cur == RLIM_INFINITY;
  if (made.was_flagged) return made;
  if (c.filter != flagged_filter)
    if (auto done = set_filter(of, flagged_filter); !done) return std::unexpected(done.error());
  const auto limit = raise_limit(of, c.limit);
  if (!limit) {
    (void)set_filter(of, c.filter);  // not half of it
    return std::unexpected(limit.error());
  }
  made.limit_now = limit->rlim_cur;
  if (!of.alive()) return std::unexpected("it has ended");
  return made;
}

}  // namespace unwedge::coredump

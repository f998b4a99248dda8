#include "daemon/evidence/syscalls.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <charconv>

namespace unwedge::evidence {

namespace {

// Calls whose first argument is the descriptor they may block on.
constexpr long io_calls[] = {
    SYS_read,       SYS_write,     SYS_readv,           SYS_writev,   SYS_pread64,   SYS_pwrite64,
    SYS_preadv,     SYS_pwritev,   SYS_preadv2,         SYS_pwritev2, SYS_recvfrom,  SYS_recvmsg,
    SYS_recvmmsg,   SYS_sendto,    SYS_sendmsg,         SYS_sendmmsg, SYS_connect,   SYS_accept,
    SYS_accept4,    SYS_fsync,     SYS_fdatasync,       SYS_syncfs,   SYS_fallocate, SYS_ftruncate,
    SYS_sendfile,   SYS_splice,    SYS_copy_file_range, SYS_flock,    SYS_fcntl,     SYS_close,
    SYS_getdents64, SYS_fadvise64, SYS_lseek,           SYS_fstat,    SYS_shutdown,  SYS_sync_file_range,
};

constexpr long poll_calls[] = {
#ifdef SYS_poll
    SYS_poll,
#endif
    SYS_ppoll,
};

constexpr long set_calls[] = {
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    SYS_io_uring_enter,
};

bool among(long number, const auto& calls) {
  return std::ranges::find(calls, number) != std::end(calls);
}

std::optional<int> first_descriptor(const policies::syscall_facts& call) {
  const auto fd = static_cast<int>(call.args[0]);
  return fd >= 0 ? std::optional{fd} : std::nullopt;
}

}  // namespace

std::optional<policies::syscall_facts> parse_syscall(std::string_view text) {
  policies::syscall_facts call;
  if (text.starts_with("running")) return call;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = std::from_chars(at, end, call.number);
  if (number.ec != std::errc{}) return std::nullopt;
  if (call.number < 0) return policies::syscall_facts{};
  at = number.ptr;
  for (auto& argument : call.args) {
    constexpr std::string_view prefix = " 0x";
    if (!std::string_view{at, end}.starts_with(prefix)) return std::nullopt;
    const auto parsed = std::from_chars(at + prefix.size(), end, argument, 16);
    if (parsed.ec != std::errc{}) return std::nullopt;
    at = parsed.ptr;
  }
  return call;
}

std::optional<poll_array> polls(const policies::syscall_facts& call) {
  if (!among(call.number, poll_calls)) return std::nullopt;
  return poll_array{.address = call.args[0], .count = static_cast<std::uint32_t>(call.args[1])};
}

std::optional<int> waits_on_set(const policies::syscall_facts& call) {
  return among(call.number, set_calls) ? first_descriptor(call) : std::nullopt;
}

std::optional<int> io_descriptor(const policies::syscall_facts& call) {
  return among(call.number, io_calls) ? first_descriptor(call) : std::nullopt;
}

std::optional<std::uint64_t> waits_for_lock(const policies::syscall_facts& call) {
  constexpr std::uint32_t locked_with_waiters = 2;  // glibc's lowlevellock.h
  // 0x7f takes FUTEX_PRIVATE_FLAG away, but leaves FUTEX_CLOCK_REALTIME: no lock of glibc waits with that.
  if (call.number != SYS_futex || (call.args[1] & 0x7f) != FUTEX_WAIT) return std::nullopt;
  if (static_cast<std::uint32_t>(call.args[2]) != locked_with_waiters) return std::nullopt;
  return call.args[0];
}

}  // namespace unwedge::evidence

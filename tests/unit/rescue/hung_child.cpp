#include "tests/unit/rescue/hung_child.hpp"

#include "daemon/evidence/proc_files.hpp"
#include "daemon/rescue/thread_place.hpp"
#include "tests/unit/rescue/poll_with_registers.hpp"

#include <fmt/format.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>

namespace unwedge::rescue {

namespace {

// Of the child alone; set before its threads begin.
observations* shared = nullptr;
circumstances how;
int never_ready = -1;
register_values before;
std::atomic<int> after = 0;  // work after a call keeps it from becoming a jump, and the caller in the stack

struct mutexes {
  pthread_mutex_t first, second;
};
mutexes in_program;  // where QEMU has its big lock
mutexes* locks = nullptr;

enum check : std::int32_t { result = 1, general, vectors, masks, control, owner, count };

void note_broken(check what) {
  if (shared->broken++ == 0) shared->first_broken = what;
}

// Which vector registers libc's ppoll leaves alone of itself.
std::array<bool, 32> survive{};

void fill(register_values& values) {
  for (std::size_t i = 0; i < values.vectors.size(); ++i)
    for (std::size_t j = 0; j < 8; ++j) values.vectors[i][j] = 0x0101010101010101 * (i + 1) ^ (j << 56) ^ j;
  for (std::size_t i = 0; i < values.masks.size(); ++i) values.masks[i] = 0x8001 ^ (i << 4);
  for (std::size_t i = 0; i < values.general.size(); ++i) values.general[i] = 0xabcd'0000'0000'1111 + i;
  values.mxcsr = 0x3fa0;        // round up, inexact seen
  values.x87_control = 0x0c7f;  // round to zero
}

void compare(const register_values& now) {
  if (now.general != before.general) note_broken(general);
  for (std::size_t i = 0; i < (wide_registers() ? 32 : 16); ++i) {
    const std::size_t words = wide_registers() ? 8 : 4;
    if (survive[i] && std::memcmp(now.vectors[i].data(), before.vectors[i].data(), words * 8) != 0) {
      note_broken(vectors);
      break;
    }
  }
  if (wide_registers() && now.masks != before.masks) note_broken(masks);
  if (now.mxcsr != before.mxcsr || now.x87_control != before.x87_control) note_broken(control);
  const auto self = static_cast<pid_t>(::syscall(SYS_gettid));
  if (locks->first.__data.__owner != self) note_broken(owner);
  if (how.second && (locks->second.__data.__owner != self || locks->second.__data.__count != 3))
    note_broken(count);
}

[[gnu::noinline]] void poll_once(const timespec* timeout) {
  pollfd fd{.fd = never_ready, .events = POLLIN, .revents = 0};
  sigset_t none;
  ::sigemptyset(&none);
  register_values now;
  const int got = poll_with_registers({.fds = &fd,
                                       .count = how.polls_nothing ? 0u : 1u,
                                       .timeout = timeout,
                                       .mask = how.own_signal_mask ? &none : nullptr},
                                      before, now);
  const int error = errno;
  if (timeout != nullptr) {
    for (std::size_t i = 0; i < (wide_registers() ? 32u : 16u); ++i)
      survive[i] =
          std::memcmp(now.vectors[i].data(), before.vectors[i].data(), wide_registers() ? 64 : 32) == 0;
    shared->compared = static_cast<std::uint64_t>(std::ranges::count(survive, true));
    return;
  }
  ++shared->wakeups;
  if (got == -1 && error == EINTR)
    ++shared->interrupted;
  else
    note_broken(result);
  compare(now);
}

}  // namespace

extern "C" {
[[gnu::noinline]] void aio_poll() {
  if (how.plainly) {
    // Compiled with a frame pointer, which libc's ppoll leaves where it is and nobody saves.
    pollfd fd{.fd = never_ready, .events = POLLIN, .revents = 0};
    if (::ppoll(&fd, 1, nullptr, nullptr) == -1 && errno == EINTR) ++shared->interrupted;
    ++shared->wakeups;
  } else {
    poll_once(nullptr);
  }
  ++after;
}
[[gnu::noinline]] void vm_stop() {
  for (;; ++after) aio_poll();
}
[[gnu::noinline]] void bdrv_try_change_aio_context() {
  vm_stop();
  ++after;
}
[[gnu::noinline]] void drain() {
  for (;; ++after) aio_poll();
}
[[gnu::noinline]] void poll_elsewhere() {
  for (;; ++after) poll_once(nullptr);
}
[[gnu::noinline]] void sleep_soundly() {
  const timespec long_time{.tv_sec = 100'000, .tv_nsec = 0};
  for (;; ++after) ::nanosleep(&long_time, nullptr);
}
}

namespace {

void confine() {
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program{.len = 1, .filter = &allow};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

void* hold_and_poll(void*) {
  if (how.seccomp) confine();
  ::pthread_mutex_lock(&locks->first);
  for (int i = 0; how.second && i < 3; ++i) ::pthread_mutex_lock(&locks->second);
  const timespec at_once{};
  poll_once(&at_once);
  shared->holder = static_cast<pid_t>(::syscall(SYS_gettid));
  (how.sits != nullptr ? how.sits : vm_stop)();
  return nullptr;
}

void* wait_for_second(void*) {
  while (shared->holder == 0) ::usleep(100);
  shared->second_waiter = static_cast<pid_t>(::syscall(SYS_gettid));
  for (;; ::usleep(100)) {
    ::pthread_mutex_lock(&locks->second);
    ++shared->second_taken;
    ::pthread_mutex_unlock(&locks->second);
  }
}

void make_mutex(pthread_mutex_t& made, int kind) {
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  // Asked for explicitly, a normal one has a flag against lock elision.
  if (kind != PTHREAD_MUTEX_NORMAL) ::pthread_mutexattr_settype(&attributes, kind);
  ::pthread_mutexattr_setrobust(&attributes, how.robust);
  ::pthread_mutexattr_setprotocol(&attributes, how.protocol);
  ::pthread_mutex_init(&made, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
}

void start(void* (*body)(void*), std::size_t stack) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  if (stack != 0) ::pthread_attr_setstacksize(&attributes, stack);
  pthread_t thread{};
  ::pthread_create(&thread, &attributes, body, nullptr);
}

[[noreturn]] void hang() {
  never_ready = ::eventfd(0, EFD_CLOEXEC);
  fill(before);
  make_mutex(locks->first, how.kind);
  make_mutex(locks->second, PTHREAD_MUTEX_RECURSIVE);
  struct sigaction action{};
  action.sa_handler = [](int) { ++shared->signals; };
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, nullptr);
  start(hold_and_poll, how.stack);
  if (how.second) start(wait_for_second, 0);
  while (shared->holder == 0) ::usleep(100);
  while (!how.main_waits) ::pause();
  for (;; ::usleep(100)) {
    ::pthread_mutex_lock(&locks->first);
    ++shared->taken;
    if (how.quits) ::_exit(0);
    ::usleep(static_cast<useconds_t>(how.held_us));
    ::pthread_mutex_unlock(&locks->first);
  }
}

template <typename Made>
Made* shared_memory() {
  void* const at = ::mmap(nullptr, sizeof(Made), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc{};
  return new (at) Made{};
}

}  // namespace

hung_child::hung_child(const circumstances& wanted) : seen_(shared_memory<observations>()), how_(wanted) {
  locks = wanted.locks_elsewhere ? shared_memory<mutexes>() : &in_program;
  seen_->first = &locks->first;
  seen_->second = &locks->second;
  shared = seen_;
  how = how_;
  child_ = std::make_unique<evidence::child>([] {
    if (!how.namespaced) hang();
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(1);
    if (::fork() != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    hang();
  });
}

pid_t hung_child::pid() const {
  if (!how_.namespaced) return child_->pid();
  pid_t inner = 0;
  eventually([&] {
    std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", child_->pid()));
    return static_cast<bool>(file >> inner);
  });
  return inner;
}

pid_t hung_child::holder() const {
  if (!how_.namespaced || seen_->holder == 0) return seen_->holder;
  evidence::proc_reader files;
  const auto tids = evidence::list_numbers(AT_FDCWD, fmt::format("/proc/{}/task", pid()).c_str(), 100);
  if (!tids) return 0;
  for (const pid_t tid : tids->found) {
    const auto status = files.read(AT_FDCWD, fmt::format("/proc/{}/status", tid).c_str());
    if (status && own_number(*status) == seen_->holder) return tid;
  }
  return 0;
}

bool hung_child::alive() const {
  return evidence::process::open(pid()).has_value();
}

bool hung_child::hangs() const {
  const auto held = evidence::process::open(pid());
  if (!held) return false;
  evidence::proc_reader files;
  return eventually([&] {
    if (seen_->holder == 0) return false;
    const auto place = place_of(held->proc_dir(), holder(), files);
    const long wanted = how_.sits == sleep_soundly ? SYS_clock_nanosleep : SYS_ppoll;
    if (!place || place->number != wanted) return false;
    if (wanted == SYS_ppoll && place->args[1] == 0 && !how_.polls_nothing) return false;  // it is in a lease
    if (how_.second) {
      const auto second = place_of(held->proc_dir(), seen_->second_waiter, files);
      if (!second || second->number != SYS_futex || second->args[0] != second_mutex()) return false;
    }
    const auto main_thread = place_of(held->proc_dir(), pid(), files);
    if (!main_thread) return false;
    if (!how_.main_waits) return main_thread->number == SYS_pause;
    return main_thread->number == SYS_futex && main_thread->args[0] == mutex();
  });
}

std::uint64_t hung_child::switches() const {
  std::ifstream file(fmt::format("/proc/{}/task/{}/status", pid(), holder()));
  std::uint64_t sum = 0;
  for (std::string line; std::getline(file, line);)
    if (const auto at = line.find("ctxt_switches:"); at != line.npos)
      sum += std::stoull(line.substr(at + 14));
  return sum;
}

void hung_child::send(int signal) const {
  ::syscall(SYS_tgkill, pid(), holder(), signal);
}

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace unwedge::rescue

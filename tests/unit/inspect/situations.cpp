#include "tests/unit/inspect/situations.hpp"

#include "daemon/evidence/stat_line.hpp"
#include "tests/unit/inspect/inspection.hpp"

#include <fmt/format.h>

#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <new>
#include <optional>
#include <utility>

namespace unwedge::inspect {

shared& shared::create() {
  void* const at = ::mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc{};
  return *new (at) shared{};
}

namespace {

// The volatile work after a call keeps it from becoming a jump, and the caller in the stack.
std::atomic<int> after = 0;

[[gnu::noinline]] void deeper(int levels) {
  if (levels == 0) sits_in_poll();
  deeper(levels - 1);
  ++after;
}

}  // namespace

extern "C" {

[[gnu::noinline]] void sits_in_poll() {
  for (;; ++after) ::poll(nullptr, 0, -1);
}

[[gnu::noinline]] void sits_in_futex() {
  int word = 7;
  for (;; ++after) ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 7, nullptr, nullptr, 0);
}

[[gnu::noinline]] void sits_in_nanosleep() {
  const timespec long_time{.tv_sec = 100'000, .tv_nsec = 0};
  for (;; ++after) ::nanosleep(&long_time, nullptr);
}

[[gnu::noinline]] void sits_in_read() {
  int ends[2];
  if (::pipe(ends) != 0) ::_exit(1);
  char byte = 0;
  for (;; ++after)
    if (::read(ends[0], &byte, 1) >= 0) ::_exit(1);  // nobody writes
}

[[gnu::noinline]] void sits_in_a_loop() {
  for (volatile unsigned n = 0;; n = n + 1) {
  }
}

[[gnu::noinline]] void sits_deep() {
  deeper(300);
  for (;;) ++after;
}

[[gnu::noinline]] void sits_without_a_stack() {
  asm volatile("mov $16, %rsp\n1: jmp 1b");
  __builtin_unreachable();
}
}

void start_threads(std::span<void (*const)()> places, shared& out) {
  for (std::size_t i = 0; i < places.size(); ++i)
    std::thread{[place = places[i], i, &out] {
      out.tids[i] = ::gettid();
      ++out.ready;
      place();
    }}.detach();
}

void start_counting(std::size_t count, shared& out) {
  for (std::size_t i = 0; i < count; ++i)
    std::thread{[i, &out] {
      out.tids[i] = ::gettid();
      ++out.ready;
      for (;;) {
        ++out.counters[i];
        if (i % 2 == 0 && i != 0) ::usleep(5'000);
        if (i % 2 == 1) ::poll(nullptr, 0, 5);
        if (i == 0) {  // one that is nearly always running
          for (volatile int n = 0; n < 200'000; n = n + 1) {
          }
        }
      }
    }}.detach();
}

namespace {

constexpr std::uint64_t some_ticks = 3;  // of CPU time: enough to come from anywhere to the place

std::optional<evidence::stat_line> stat_of(pid_t pid, pid_t tid) {
  std::ifstream file(fmt::format("/proc/{}/task/{}/stat", pid, tid));
  std::string line;
  std::getline(file, line);
  return evidence::parse_stat(line);
}

std::map<pid_t, std::uint64_t> ticks_of(pid_t pid) {
  std::map<pid_t, std::uint64_t> ticks;
  for (const auto& [tid, state] : states_of(pid))
    if (const auto stat = stat_of(pid, tid)) ticks[tid] = stat->cpu_ticks;
  return ticks;
}

}  // namespace

bool spins(pid_t pid, pid_t tid) {
  const auto stat = stat_of(pid, tid);
  return stat && stat->state == 'R' && stat->cpu_ticks >= some_ticks;
}

bool settled(const child& c, const shared& in, std::size_t threads, std::size_t spinning) {
  if (!eventually([&] { return in.ready == threads; })) return false;
  const auto when_ready = ticks_of(c.pid());
  const auto as_it_is_to_be = [&] {
    const auto states = states_of(c.pid());
    auto now = ticks_of(c.pid());
    const auto sleep = std::ranges::count(states, 'S', [](const auto& s) { return s.second; });
    const auto spin = std::ranges::count_if(
        when_ready, [&](const auto& before) { return now[before.first] >= before.second + some_ticks; });
    return states.size() == threads + 1 && std::cmp_equal(spin, spinning) &&
           std::cmp_equal(sleep, threads + 1 - spinning);
  };
  return eventually([&] {
    if (!as_it_is_to_be()) return false;
    ::usleep(2'000);  // asleep on the way there, perhaps
    return as_it_is_to_be();
  });
}

}  // namespace unwedge::inspect

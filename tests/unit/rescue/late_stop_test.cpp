// A thread that does not come to its stop while anybody waits for it.
#include "daemon/evidence/proc_files.hpp"
#include "daemon/rescue/held_thread.hpp"
#include "daemon/rescue/tracer_thread.hpp"
#include "tests/unit/rescue/hung_child.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/mman.h>
#include <sys/syscall.h>

#include <csignal>
#include <new>

namespace unwedge::rescue {
namespace {

using testing::HasSubstr;

std::string line_of(pid_t pid, std::string_view field) {
  evidence::proc_reader files;
  const auto status = files.read(AT_FDCWD, fmt::format("/proc/{}/status", pid).c_str());
  const auto at = status ? status->find(field) : std::string_view::npos;
  return at == std::string_view::npos ? "" : std::string{status->substr(at, status->find('\n', at) - at)};
}

// Who has called vfork(2) is in an uninterruptible wait until its child has ended.
TEST(thread_in_an_uninterruptible_wait, is_let_go_of_before_it_stops) {
  sigset_t child_signal;
  ::sigemptyset(&child_signal);
  ::sigaddset(&child_signal, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child_signal, nullptr);
  void* const at =
      ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(at, MAP_FAILED);
  auto& went_on = *new (at) std::atomic<int>{0};
  const evidence::child waits{[&] {
    if (::vfork() == 0) {  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
      timespec second{.tv_sec = 2, .tv_nsec = 0};
      ::syscall(SYS_nanosleep, &second, nullptr);
      ::_exit(0);
    }
    went_on = 1;
  }};
  ASSERT_TRUE(eventually([&] { return line_of(waits.pid(), "State:").starts_with("State:\tD"); }));
  const auto of = evidence::process::open(waits.pid());
  ASSERT_TRUE(of);
  on_tracer_thread([&] {
    held_thread thread{*of, waits.pid()};
    EXPECT_EQ(thread.seize(), "");
    EXPECT_THAT(thread.stop(), HasSubstr("did not stop"));
  });
  EXPECT_TRUE(eventually([&] { return line_of(waits.pid(), "TracerPid:") == "TracerPid:\t0"; }));
  EXPECT_EQ(went_on, 0) << "it was not stopped late at all";
  EXPECT_TRUE(eventually([&] { return went_on == 1; })) << "it stopped later, and nobody let it go on";
}

}  // namespace
}  // namespace unwedge::rescue

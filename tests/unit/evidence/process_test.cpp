// Holding a process by its identity: what opens, what does not, and that a reused pid is never mistaken.
#include "daemon/evidence/process.hpp"

#include "tests/unit/evidence/child.hpp"

#include <gmock/gmock.h>

#include <linux/sched.h>
#include <sys/syscall.h>

#include <filesystem>
#include <future>

namespace unwedge::evidence {
namespace {

using testing::HasSubstr;

TEST(qemu_names, are_system_emulators_only) {
  for (const char* path :
       {"/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm", "/usr/bin/kvm", "qemu-system-aarch64",
        "/usr/bin/kvm (deleted)", "/usr/bin/qemu-system-x86_64 (deleted)"})
    EXPECT_TRUE(names_qemu(path)) << path;
  for (const char* path :
       {"", "/usr/bin/qemu-storage-daemon", "/usr/bin/qemu-img", "/usr/bin/qemu-x86_64", "/usr/bin/qemu-nbd",
        "/usr/sbin/kvmtool", "/srv/qemu-system-x86_64/sh", "/usr/bin/notqemu-system-x86_64"})
    EXPECT_FALSE(names_qemu(path)) << path;
}

TEST(process, is_known_by_its_program_not_its_name) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("unwedge-evidence-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const auto program = folder / "qemu-system-x86_64";
  std::filesystem::copy_file("/bin/sleep", program);
  {
    child renamed{[] { ::prctl(PR_SET_NAME, "qemu-system-x86"); }};
    child vm{[&] { ::execl(program.c_str(), "innocent", "60", nullptr); }};
    const auto is_vm = [&] { return hold(vm.pid()).is_qemu(); };
    for (int i = 0; i < 2000 && !is_vm(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds{5});
    EXPECT_TRUE(is_vm());
    EXPECT_EQ(hold(vm.pid()).exe(), program);
    EXPECT_FALSE(hold(renamed.pid()).is_qemu());
    std::filesystem::remove_all(folder);  // an upgrade of the package
    EXPECT_TRUE(is_vm());
  }
}

TEST(process, does_not_open_what_is_none) {
  EXPECT_FALSE(process::open(0));
  EXPECT_FALSE(process::open(-1));
  const auto never = process::open(0x7fffffff);
  ASSERT_FALSE(never);
  EXPECT_THAT(never.error(), HasSubstr("process 2147483647: pidfd_open: "));
}

TEST(process, is_no_thread) {
  std::promise<pid_t> tid;
  std::promise<void> end;
  std::thread other{[&, done = end.get_future()] {
    tid.set_value(::gettid());
    done.wait();
  }};
  EXPECT_FALSE(process::open(tid.get_future().get()));
  end.set_value();
  other.join();
}

TEST(process, that_ended_is_not_alive_and_has_no_facts) {
  child c{[] {}};
  const auto held = hold(c.pid());
  EXPECT_TRUE(held.alive());
  c.kill(SIGKILL);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(c.pid()), &info, WEXITED | WNOWAIT), 0);  // it stays a zombie
  EXPECT_FALSE(held.alive());
  EXPECT_FALSE(sample_now(held).alive);
  const auto late = process::open(c.pid());
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error(), HasSubstr("has ended"));

  const pid_t pid = c.pid();
  c.reap();
  const auto facts = sample_now(held);
  EXPECT_FALSE(facts.alive);
  EXPECT_EQ(facts.pid, pid);
  EXPECT_TRUE(facts.threads.empty());
  EXPECT_TRUE(facts.missing.empty());
}

// A fork(2) with the pid of our choice; -1 without the right to choose.
pid_t fork_as(pid_t pid) {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  args.set_tid = reinterpret_cast<std::uint64_t>(&pid);
  args.set_tid_size = 1;
  return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}

TEST(process, is_not_mistaken_for_another_with_its_pid) {
  child first{[] {}};
  const pid_t pid = first.pid();
  const auto held = hold(pid);
  first.reap();
  const pid_t again = fork_as(pid);
  if (again == 0)
    for (;;) ::pause();
  if (again < 0) GTEST_SKIP() << "no right to choose a pid";
  EXPECT_EQ(again, pid);
  EXPECT_TRUE(process::open(pid));
  EXPECT_FALSE(held.alive());
  EXPECT_FALSE(sample_now(held).alive);
  EXPECT_LT(::openat(held.proc_dir(), "stat", O_RDONLY), 0);
  ::kill(again, SIGKILL);
  ::waitpid(again, nullptr, 0);
}

}  // namespace
}  // namespace unwedge::evidence

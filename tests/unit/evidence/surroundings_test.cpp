// What surrounds a process: its cgroup's freezer, the storage below its files, its pid namespace.
#include "daemon/evidence/cgroup.hpp"
#include "daemon/evidence/stat_line.hpp"
#include "tests/unit/evidence/child.hpp"

#include <gmock/gmock.h>

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <filesystem>
#include <fstream>

namespace unwedge::evidence {
namespace {

namespace fs = std::filesystem;

bool write_to(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return out.good();
}

struct freezer {
  fs::path mounted;
  std::string state_file, freeze, thaw;
};

/// Version 1 and version 2, wherever this host has them.
class frozen_process : public testing::TestWithParam<freezer> {};

TEST_P(frozen_process, is_seen_with_its_cgroup_and_well_when_thawed) {
  const auto& f = GetParam();
  const auto group = f.mounted / ("unwedge-test-" + std::to_string(::getpid()));
  std::error_code ec;
  const bool made = fs::exists(f.mounted) && fs::create_directory(group, ec);
  if (!made || !fs::exists(group / f.state_file)) {
    fs::remove(group, ec);
    GTEST_SKIP() << f.mounted << " has no freezer";
  }
  {
    child vm{[] {}};
    const auto held = hold(vm.pid());
    sample_blocked_in(held, SYS_pause);
    EXPECT_FALSE(sample_now(held).frozen_in);
    ASSERT_TRUE(write_to(group / "cgroup.procs", std::to_string(vm.pid())));
    ASSERT_TRUE(write_to(group / f.state_file, f.freeze));
    const auto facts = sample_until(held, [](const auto& s) { return s.frozen_in.has_value(); });
    EXPECT_EQ(facts.frozen_in, "/" + group.filename().string());
    EXPECT_TRUE(facts.alive);
    ASSERT_TRUE(write_to(group / f.state_file, f.thaw));
    EXPECT_FALSE(sample_until(held, [](const auto& s) { return !s.frozen_in; }).frozen_in);
  }
  for (int i = 0; i < 1'000 && !fs::remove(group, ec); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
}

INSTANTIATE_TEST_SUITE_P(cgroups, frozen_process,
                         testing::Values(freezer{"/sys/fs/cgroup/freezer", "freezer.state", "FROZEN",
                                                 "THAWED"},
                                         freezer{"/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0"},
                                         freezer{"/sys/fs/cgroup", "cgroup.freeze", "1", "0"}),
                         [](const auto& of) {
                           return of.param.mounted.filename().string() +
                                  (of.param.freeze == "1" ? "_v2" : "_v1");
                         });

TEST(may_be_frozen, is_a_matter_of_state_and_kernel_function) {
  EXPECT_TRUE(may_be_frozen('D', "futex_wait_queue"));
  EXPECT_TRUE(may_be_frozen('S', "get_signal"));
  EXPECT_FALSE(may_be_frozen('S', "do_sys_poll"));
  EXPECT_FALSE(may_be_frozen('R', ""));
}

TEST(storage_below_a_file, is_named_for_a_thread_that_waits_for_it) {
  const auto locked = fs::current_path() / ("unwedge-lock-" + std::to_string(::getpid()));
  ASSERT_TRUE(write_to(locked, "x"));
  const file_descriptor ours{::open(locked.c_str(), O_RDWR | O_CLOEXEC)};
  struct flock all{};
  all.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(ours.get(), F_OFD_SETLK, &all), 0);
  child waits{[&] {  // the one way to wait in a call on a regular file for as long as a test likes
    const int fd = ::open(locked.c_str(), O_RDWR);
    struct flock wanted{};
    wanted.l_type = F_WRLCK;
    ::fcntl(fd, F_OFD_SETLKW, &wanted);
  }};
  const auto facts = sample_blocked_in(hold(waits.pid()), SYS_fcntl);
  ASSERT_TRUE(facts.threads.at(0).io_fd);
  const auto* file = file_of(facts, *facts.threads[0].io_fd);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->target, locked);
  EXPECT_FALSE(file->file_system.empty());
  EXPECT_FALSE(file->source.empty());
  fs::remove(locked);
}

struct shared_words {
  pthread_mutex_t lock;
  pid_t inside;
};

/// The only child of this process; 0: it has none within ten seconds.
pid_t child_of(pid_t parent) {
  for (int i = 0; i < 2'000; ++i) {
    std::ifstream children("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                           "/children");
    pid_t found = 0;
    if (children >> found) return found;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return 0;
}

/// glibc writes the tid of the thread's own pid namespace into a mutex; we know it by ours.
TEST(owner_of_a_mutex, is_found_from_outside_of_its_pid_namespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for a pid namespace of its own";
  auto* const words = static_cast<shared_words*>(
      ::mmap(nullptr, sizeof(shared_words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(words, MAP_FAILED);
  child outer{[&] {
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(1);
    if (::fork() != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    pthread_mutex_init(&words->lock, nullptr);
    pthread_mutex_lock(&words->lock);
    words->inside = ::getpid();
    std::thread waits{[&] { pthread_mutex_lock(&words->lock); }};
    for (;;) ::pause();
  }};
  const pid_t vm = child_of(outer.pid());
  ASSERT_GT(vm, 1);
  const auto facts = sample_until(hold(vm), [](const auto& f) {
    return f.threads.size() == 2 && f.threads[1].waits_for && f.threads[1].waits_for->owner != 0;
  });
  EXPECT_EQ(words->inside, 1) << "inside it is the first process";
  ASSERT_TRUE(facts.threads.at(1).waits_for);
  EXPECT_EQ(facts.threads[1].waits_for->owner, vm);
  ::munmap(words, sizeof(shared_words));
}

pthread_mutex_t in_program = PTHREAD_MUTEX_INITIALIZER;

TEST(mutex_of_a_process, is_told_apart_by_where_it_lies) {
  for (const bool on_heap : {false, true}) {
    child vm{[&] {
      auto* lock = on_heap ? new pthread_mutex_t(PTHREAD_MUTEX_INITIALIZER) : &in_program;
      pthread_mutex_lock(lock);
      std::thread waits{[lock] { pthread_mutex_lock(lock); }};
      for (;;) ::pause();
    }};
    const auto facts = sample_until(
        hold(vm.pid()), [](const auto& f) { return f.threads.size() == 2 && f.threads[1].waits_for; });
    ASSERT_TRUE(facts.threads.at(1).waits_for);
    EXPECT_EQ(facts.threads[1].waits_for->outside_program, on_heap);
  }
}

TEST(parse_program_data, wants_both_ends) {
  std::string line = "1 (a) S";
  for (int field = 4; field <= 52; ++field) line += field == 45 ? " 100" : field == 47 ? " 300" : " 7";
  EXPECT_EQ(parse_program_data(line), (std::pair<std::uint64_t, std::uint64_t>{100, 300}));
  EXPECT_FALSE(parse_program_data("1 (a) S 1 2 3"));
  EXPECT_FALSE(parse_program_data(""));
  std::string refused = "1 (a) S";
  for (int field = 4; field <= 52; ++field) refused += " 0";
  EXPECT_FALSE(parse_program_data(refused)) << "zeros are what the kernel gives to strangers";
}

}  // namespace
}  // namespace unwedge::evidence

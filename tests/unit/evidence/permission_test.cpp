// A daemon without the rights: what the kernel refuses is missing evidence, not health and not a crash.
#include "tests/unit/evidence/child.hpp"

#include <gmock/gmock.h>

#include <grp.h>

#include <cstdio>

namespace unwedge::evidence {
namespace {

// Samples `pid` as the user nobody; complaints on stderr. For a forked process, which it changes for good.
bool sampled_by_nobody(pid_t pid) {
  constexpr uid_t nobody = 65534;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
      ::setresuid(nobody, nobody, nobody) != 0)
    return false;
  const auto held = process::open(pid);
  if (!held) return std::fprintf(stderr, "%s\n", held.error().c_str()), false;
  const auto facts = sample_now(*held);
  for (const auto& sentence : facts.missing) std::fprintf(stderr, "missing: %s\n", sentence.c_str());
  const auto says = [&](std::string_view what) {
    return std::ranges::any_of(facts.missing, [&](const std::string& sentence) {
      return sentence.starts_with(what) && sentence.ends_with("not permitted");
    });
  };
  return facts.alive && !facts.threads.empty() && facts.threads[0].state == 'S' &&
         !facts.threads[0].syscall && held->exe().empty() && held->is_qemu() && says("syscall of thread") &&
         says("io counters") && says("descriptors");
}

TEST(process_of_another_user, gives_what_it_may_and_says_what_is_missing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  child stranger{[] { ::prctl(PR_SET_NAME, "qemu-system-x86"); }};
  const auto held = hold(stranger.pid());
  sample_until(
      held, [](const auto& f) { return f.threads.at(0).comm == "qemu-system-x86" && f.threads[0].sleeping; });
  const pid_t judge = ::fork();
  if (judge == 0) ::_exit(sampled_by_nobody(stranger.pid()) ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(judge, &status, 0), judge);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace unwedge::evidence

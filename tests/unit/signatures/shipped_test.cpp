// Every shipped signature on its own least stacks, with anything missing, and on healthy processes.
#include "known.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::IsEmpty;
using testing::SizeIs;

class shipped_signature : public testing::TestWithParam<std::string> {
 protected:
  const signature& it() const { return shipped(GetParam()); }
  std::vector<signature_match> found(const process_stacks& in, const signature_context& context) const {
    return matches(std::span{&it(), 1}, in, context);
  }
};

TEST_P(shipped_signature, matches_its_own_least_stacks_exactly) {
  const auto all = found(least(it()), right_context(it()));
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].sure, certainty::exact) << testing::PrintToString(all[0].doubts);
  EXPECT_THAT(all[0].threads, SizeIs(it().threads.size()));
}

TEST_P(shipped_signature, does_not_match_without_any_one_of_its_functions) {
  const auto whole = least(it());
  for (std::size_t t = 0; t < whole.threads.size(); ++t) {
    for (std::size_t f = 0; f < whole.threads[t].frames.size(); ++f) {
      if (whole.threads[t].frames[f].function.empty()) continue;  // one that only debug symbols name
      const bool asked_for = std::ranges::any_of(it().threads, [&](const stack_pattern& p) {
        return p.role == (t == 0 ? thread_role::main : p.role) && (t != 0) == (p.role != thread_role::main);
      });
      if (!asked_for) continue;
      auto less = whole;
      less.threads[t].frames[f].function = "somewhere_else";
      EXPECT_THAT(found(less, right_context(it())), IsEmpty()) << "thread " << t << " frame " << f;
    }
  }
}

TEST_P(shipped_signature, does_not_match_without_any_one_of_its_threads) {
  const auto whole = least(it());
  for (std::size_t t = 1; t < whole.threads.size(); ++t) {
    auto less = whole;
    less.threads.erase(less.threads.begin() + static_cast<std::ptrdiff_t>(t));
    EXPECT_THAT(found(less, right_context(it())), IsEmpty()) << "thread " << t;
  }
}

TEST_P(shipped_signature, is_likely_at_most_where_nothing_but_stacks_is_known_and_that_matters) {
  const auto all = found(least(it()), {});
  ASSERT_THAT(all, SizeIs(1));
  const bool matters = it().from || it().fixed_in || !it().roots.empty() || !it().jobs.empty();
  EXPECT_EQ(all[0].sure, matters ? certainty::likely : certainty::exact);
  EXPECT_EQ(all[0].doubts.empty(), !matters);
}

TEST_P(shipped_signature, says_what_it_is_and_where_it_is_known_from) {
  EXPECT_FALSE(it().title.empty());
  EXPECT_FALSE(it().description.empty());
  EXPECT_THAT(it().references, testing::Not(IsEmpty()));
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const auto& s : shipped()) out.push_back(s.name);
  return out;
}

INSTANTIATE_TEST_SUITE_P(all, shipped_signature, testing::ValuesIn(names()), [](const auto& info) {
  auto name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(shipped_signatures, find_nothing_in_a_healthy_process) {
  const process_stacks healthy{.threads = {idle_main(), idle_vcpu(2), idle_call_rcu(3)}};
  EXPECT_THAT(matches(shipped(), healthy), IsEmpty());
}

TEST(shipped_signatures, find_nothing_in_no_process) {
  EXPECT_THAT(matches(shipped(), {}), IsEmpty());
}

class captured_stacks : public testing::TestWithParam<std::string> {};

TEST_P(captured_stacks, have_their_signature_and_no_other) {
  const auto seen = read_stacks(GetParam());
  auto expected = seen.name;
  if (expected == "dead-mirror-target" || seen.name == "dead-mirror-target-iothread") {
    // Since 9.0 a disk is drained alike, with or without an iothread.
    const bool told_apart = seen.context.version->major < 9 && seen.name.ends_with("iothread");
    expected = told_apart ? "dead-mirror-at-switchover-iothread" : "dead-mirror-at-switchover";
  } else if (expected == "stop-with-dead-mirror") {
    expected = "dead-mirror-at-stop";
  }
  const auto all = matches(shipped(), seen.stacks, seen.context);
  if (expected == "idle") {
    EXPECT_THAT(all, IsEmpty());
    return;
  }
  ASSERT_THAT(all, SizeIs(1)) << (all.empty() ? "none" : all.back().name);
  EXPECT_EQ(all[0].name, expected);
  EXPECT_EQ(all[0].sure, certainty::exact) << testing::PrintToString(all[0].doubts);
}

INSTANTIATE_TEST_SUITE_P(of_real_qemus, captured_stacks, testing::ValuesIn(files_of_stacks()),
                         [](const auto& info) {
                           auto name = info.param.substr(0, info.param.rfind(".json"));
                           std::ranges::replace_if(name, [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace unwedge::policies

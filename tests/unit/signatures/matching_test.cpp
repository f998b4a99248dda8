// What a match is, and what it costs a hostile process to be looked at.
#include "known.hpp"
#include "policies/symbol_name.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <span>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

signature simple(stack_pattern pattern) {
  return {.name = "simple", .threads = {std::move(pattern)}};
}

std::vector<signature_match> look(const signature& s, std::vector<thread_stack> threads,
                                  const signature_context& context = {}) {
  return matches(std::span{&s, 1}, {.threads = std::move(threads)}, context);
}

TEST(plain_name, is_what_people_call_the_function) {
  EXPECT_EQ(plain_name("__poll"), "poll");
  EXPECT_EQ(plain_name("pthread_mutex_lock@@GLIBC_2.2.5"), "pthread_mutex_lock");
  EXPECT_EQ(plain_name("__GI___lll_lock_wait"), "lll_lock_wait");
  EXPECT_EQ(plain_name("aio_poll.part.0"), "aio_poll");
  EXPECT_EQ(plain_name(""), "");
  EXPECT_EQ(plain_name("___"), "");
  EXPECT_EQ(plain_name(std::string(1'000'000, 'x')).size(), 256U);
}

TEST(release, is_read_from_a_version_as_people_write_it) {
  EXPECT_EQ(parse_release("7.2"), (release{7, 2, 0}));
  EXPECT_EQ(parse_release("8.2.1"), (release{8, 2, 1}));
  EXPECT_EQ(to_string(release{10, 0, 0}), "10.0");
  for (const auto* wrong : {"", "7", "7.", ".2", "7.2.", "7.2.1.0", "7.2x", "-7.2", "+7.2", "7.1000", "7 .2"})
    EXPECT_EQ(parse_release(wrong), std::nullopt) << wrong;
}

TEST(thread_role, is_told_by_the_names_of_all_versions) {
  constexpr auto main = "qemu-system-x86";
  EXPECT_EQ(role_by_name("CPU 3/KVM", main), thread_role::vcpu);
  EXPECT_EQ(role_by_name("IO mon_iothread", main), thread_role::monitor);
  EXPECT_EQ(role_by_name("IO io0", main), thread_role::iothread);
  EXPECT_EQ(role_by_name("live_migration", main), thread_role::migration);
  EXPECT_EQ(role_by_name("mig/src/main", main), thread_role::migration);
  EXPECT_EQ(role_by_name("mig/src/rp-thr", main), thread_role::return_path);
  EXPECT_EQ(role_by_name("multifdsend_0", main), thread_role::multifd);
  EXPECT_EQ(role_by_name("mig/dst/recv_1", main), thread_role::multifd);
  EXPECT_EQ(role_by_name("mig/dst/fault", main), thread_role::incoming);
  EXPECT_EQ(role_by_name(main, main), thread_role::unknown);
  EXPECT_EQ(role_by_name("", main), thread_role::unknown);
}

TEST(thread_role, has_a_name_that_is_read_back) {
  for (int i = 0; i <= static_cast<int>(thread_role::dump); ++i) {
    const auto role = static_cast<thread_role>(i);
    EXPECT_EQ(parse_thread_role(to_string(role)), role);
  }
  EXPECT_EQ(parse_thread_role("Main"), std::nullopt);
}

TEST(thread_role, is_told_by_the_stack_where_threads_have_no_names) {
  EXPECT_EQ(role_by_stack(idle_main()), thread_role::main);
  EXPECT_EQ(role_by_stack(idle_vcpu(2)), thread_role::vcpu);
  EXPECT_EQ(role_by_stack(thread(2, "", {"ppoll", "?", "aio_poll", "?", "?", "start_thread", "__clone3"})),
            thread_role::iothread);
  EXPECT_EQ(
      role_by_stack(thread(2, "", {"ppoll", "aio_poll", "bdrv_drain_all_begin", "vm_stop", "start_thread"})),
      thread_role::unknown);
}

TEST(signature, finds_functions_in_order_with_gaps_under_any_of_their_names) {
  const auto s = simple({.role = thread_role::main, .functions = {{{"a"}}, {{"b", "new_b"}}, {{"c"}}}});
  EXPECT_THAT(look(s, {thread(1, "q", {"a", "?", "new_b", "x", "c", "main"})}), SizeIs(1));
  EXPECT_THAT(look(s, {thread(1, "q", {"b", "a", "c"})}), IsEmpty());
  EXPECT_THAT(look(s, {thread(1, "q", {"c", "b", "a"})}), IsEmpty());
}

TEST(signature, does_without_names_of_static_functions_but_not_where_all_have_names) {
  const auto s = simple({.role = thread_role::main, .functions = {{{"a"}}, {{"hidden"}, true}, {{"c"}}}});
  EXPECT_EQ(look(s, {thread(1, "q", {"a", "?", "c"})}).at(0).sure, certainty::exact);
  EXPECT_EQ(look(s, {thread(1, "q", {"a", "hidden", "c"})}).at(0).sure, certainty::exact);
  EXPECT_EQ(look(s, {thread(1, "q", {"a", "other", "c"})}).at(0).sure, certainty::likely);
}

TEST(signature, is_another_where_a_function_is_that_must_not_be) {
  const auto s = simple({.role = thread_role::main, .functions = {{{"a"}}}, .without = {"b"}});
  EXPECT_THAT(look(s, {thread(1, "q", {"a", "b"})}), IsEmpty());
}

TEST(signature, wants_a_thread_of_its_own_for_each_pattern) {
  signature s{.threads = {{.functions = {{{"a"}}}}, {.functions = {{{"a"}}, {{"b"}}}}}};
  EXPECT_THAT(look(s, {thread(1, "q", {"a", "b"})}), IsEmpty());
  const auto found = look(s, {thread(1, "q", {"a", "b"}), thread(2, "q", {"a"})});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].threads, ElementsAre(2, 1));  // the first pattern gives way to the second
}

TEST(signature, doubts_a_thread_whose_role_nothing_tells) {
  const auto s = simple({.role = thread_role::migration, .functions = {{{"a"}}}});
  const auto found = look(s, {thread(1, "q", {"x"}), thread(2, "q", {"a"})});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].sure, certainty::likely);
  EXPECT_THAT(found[0].doubts, ElementsAre("Nothing tells that thread 2 is of the kind migration."));
  EXPECT_THAT(look(s, {thread(1, "q", {"x"}), thread(2, "CPU 0/KVM", {"a"})}), IsEmpty());
}

TEST(signature, of_another_release_is_likely_or_none) {
  auto s = simple({.role = thread_role::main, .functions = {{{"a"}}}});
  s.from = release{7, 0, 0};
  s.fixed_in = release{7, 2, 0};
  const std::vector stacks{thread(1, "q", {"a"})};
  EXPECT_EQ(look(s, stacks, {.version = qmp::version{7, 1, 9, ""}}).at(0).sure, certainty::exact);
  const auto later = look(s, stacks, {.version = qmp::version{7, 2, 0, ""}});
  ASSERT_THAT(later, SizeIs(1));
  EXPECT_THAT(later[0].doubts, ElementsAre("This is QEMU 7.2; fixed in 7.2."));
  EXPECT_THAT(look(s, stacks, {.version = qmp::version{6, 2, 0, ""}}).at(0).doubts,
              ElementsAre("This is QEMU 6.2; known from 7.0 on."));
  s.only_in_range = true;
  EXPECT_THAT(look(s, stacks, {.version = qmp::version{7, 2, 0, ""}}), IsEmpty());
  EXPECT_EQ(look(s, stacks).at(0).sure, certainty::likely);
}

TEST(signature, is_none_where_the_wait_ends_elsewhere_or_no_such_job_runs) {
  auto s = simple({.role = thread_role::main, .functions = {{{"a"}}}});
  s.roots = {wait_root::kind::block_node};
  s.jobs = {"mirror"};
  const std::vector stacks{thread(1, "q", {"a"})};
  EXPECT_THAT(look(s, stacks, {.root = wait_root::kind::migration}), IsEmpty());
  EXPECT_THAT(look(s, stacks, {.jobs = std::vector<std::string>{}}), IsEmpty());
  EXPECT_THAT(look(s, stacks).at(0).doubts, SizeIs(2));
}

TEST(context, has_what_the_model_and_the_verdict_know) {
  vm_model vm;
  EXPECT_EQ(context_of(vm, nullptr).version, std::nullopt);
  vm.monitor.version = {7, 2, 22, "Debian"};
  vm.jobs["m0"].type = "mirror";
  verdict v{.root = wait_root{.type = wait_root::kind::migration}};
  const auto known = context_of(vm, &v);
  EXPECT_EQ(known.version->minor, 2);
  EXPECT_EQ(known.root, wait_root::kind::migration);
  EXPECT_THAT(*known.jobs, ElementsAre("mirror"));
  vm.jobs["m1"];  // heard of in an event, not asked for yet
  v.certain = false;
  EXPECT_EQ(context_of(vm, &v).jobs, std::nullopt);
  EXPECT_EQ(context_of(vm, &v).root, std::nullopt);
}

TEST(hostile_stacks, are_looked_at_within_bounds) {
  const std::vector<std::string> deep(300, "aio_poll");
  process_stacks huge;
  for (pid_t tid = 1; tid <= 1'100; ++tid) huge.threads.push_back(thread(tid, "", deep));
  EXPECT_THAT(plain_stacks(huge), SizeIs(max_stack_threads));
  EXPECT_THAT(plain_stacks(huge)[0].functions, SizeIs(max_stack_frames));
  const auto begin = std::chrono::steady_clock::now();
  matches(shipped(), huge);
  const auto took = std::chrono::steady_clock::now() - begin;
  RecordProperty("milliseconds", static_cast<int>(took / std::chrono::milliseconds(1)));
  EXPECT_LT(took, std::chrono::seconds(1));
}

TEST(hostile_stacks, with_endless_names_and_strange_bytes_match_nothing) {
  process_stacks odd;
  odd.threads.push_back(
      thread(1, std::string(100'000, '\xff'), {std::string(1'000'000, '_'), "@", ".", "\x01\xfe"}));
  odd.threads.push_back(thread(1, "", {}));
  EXPECT_THAT(matches(shipped(), odd), IsEmpty());
}

}  // namespace
}  // namespace unwedge::policies

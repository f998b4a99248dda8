// Whatever does not hold, its name is said, and the holder has not even been off its CPU.
#include "daemon/evidence/proc_files.hpp"
#include "daemon/rescue/operation.hpp"
#include "daemon/rescue/survey.hpp"
#include "tests/unit/rescue/rescue_run.hpp"

#include <climits>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/ptrace.h>

namespace unwedge::rescue {
namespace {

using testing::HasSubstr;

struct refusal {
  std::string name;
  circumstances how;
  std::string precondition;
  std::string sentence;
  bool stable = true;  ///< the holder sleeps all the time, so that its switches count
};

void PrintTo(const refusal& r, std::ostream* out) {
  *out << r.name;
}

class every_precondition : public testing::TestWithParam<refusal> {};

// The holder is where it was: asleep since, nothing broken, nobody got the mutex.
void expect_untouched(const hung_child& c, std::uint64_t switches) {
  EXPECT_TRUE(c.alive());
  EXPECT_EQ(c.seen().wakeups, 0u);
  EXPECT_EQ(c.seen().taken, 0u);
  EXPECT_EQ(c.seen().broken, 0u);
  EXPECT_EQ(c.switches(), switches) << "the holder was touched";
}

TEST_P(every_precondition, that_fails_is_named_and_the_target_untouched) {
  const auto& r = GetParam();
  hung_child c{r.how};
  ASSERT_TRUE(c.hangs());
  const auto switches = c.switches();
  const auto d = run(lease_of(c));
  EXPECT_EQ(d.status, 1);
  EXPECT_EQ(d.failed(), r.precondition) << d.printed;
  EXPECT_THAT(d.printed, HasSubstr(r.sentence));
  EXPECT_TRUE(d.granted.empty());
  expect_untouched(c, switches);
}

INSTANTIATE_TEST_SUITE_P(
    refusals, every_precondition,
    testing::Values(
        refusal{"error_checking_mutex", {.kind = PTHREAD_MUTEX_ERRORCHECK}, "mutex", "its kind is 2"},
        refusal{"adaptive_mutex", {.kind = PTHREAD_MUTEX_ADAPTIVE_NP}, "mutex", "its kind is 3"},
        refusal{"robust_mutex", {.robust = PTHREAD_MUTEX_ROBUST}, "mutex", "its kind is 144"},
        refusal{"priority_inheriting_mutex", {.protocol = PTHREAD_PRIO_INHERIT}, "mutex", "its kind is 32"},
        refusal{"recursive_mutex", {.kind = PTHREAD_MUTEX_RECURSIVE}, "mutex", "the big lock is a plain one"},
        refusal{"mutex_elsewhere", {.locks_elsewhere = true}, "mutex", "not lie in the program's own data"},
        refusal{"nobody_waits", {.main_waits = false}, "mutex", "nobody waits for it"},
        refusal{"poll_has_a_mask", {.own_signal_mask = true}, "holder-polls", "a signal mask of its own"},
        refusal{"polls_nothing", {.polls_nothing = true}, "holder-polls", "polls nothing"},
        refusal{"sleeps_elsewhere", {.sits = sleep_soundly}, "holder-polls", "not in ppoll"},
        refusal{"polls_in_no_aio_poll", {.sits = poll_elsewhere}, "nested-poll", "not called from aio_poll"},
        refusal{"vm_is_not_being_stopped", {.sits = drain}, "nested-poll", "nothing in it says"},
        refusal{"foreign_seccomp_filter", {.seccomp = true}, "seccomp", "not QEMU's own"},
        refusal{"small_stack", {.stack = 64 * 1024}, "stack-room", "are needed"}),
    [](const auto& one) { return one.param.name; });

TEST(refusals, of_a_holder_that_walks_the_block_graph_are_for_nodes_that_go) {
  hung_child c{{.sits = bdrv_try_change_aio_context}};
  ASSERT_TRUE(c.hangs());
  const auto switches = c.switches();
  const auto d = run(lease_of(c, {"--frees-graph"}));
  EXPECT_EQ(d.failed(), "graph-stays") << d.printed;
  EXPECT_TRUE(d.granted.empty());
  EXPECT_TRUE(run(lease_of(c, {"--plan"})).last.at("would").as_bool());
  expect_untouched(c, switches);
  hung_child elsewhere;
  ASSERT_TRUE(elsewhere.hangs());
  EXPECT_TRUE(run(lease_of(elsewhere, {"--plan", "--frees-graph"})).last.at("would").as_bool());
}

// An option less or more, on a child that a lease would be granted to.
struct wrong_order {
  std::string name;
  std::function<std::vector<std::string>(const hung_child&)> arguments;
  std::string precondition;
};

void PrintTo(const wrong_order& r, std::ostream* out) {
  *out << r.name;
}

class every_order : public testing::TestWithParam<wrong_order> {};

TEST_P(every_order, that_is_wrong_is_refused_and_the_target_untouched) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  const auto switches = c.switches();
  const auto d = run(GetParam().arguments(c));
  EXPECT_EQ(d.status, 1);
  EXPECT_EQ(d.failed(), GetParam().precondition) << d.printed;
  expect_untouched(c, switches);
}

std::string number(std::uint64_t n) {
  return fmt::format("{}", n);
}

INSTANTIATE_TEST_SUITE_P(
    refusals, every_order,
    testing::Values(
        wrong_order{"another_start_time",
                    [](const hung_child& c) {
                      return std::vector<std::string>{"lease",
                                                      "--pid",
                                                      number(c.pid()),
                                                      "--start-time",
                                                      "1",
                                                      "--any-process",
                                                      "--holder",
                                                      number(c.holder()),
                                                      "--mutex",
                                                      fmt::format("{:#x}", c.mutex())};
                    },
                    "process"},
        wrong_order{"no_qemu",
                    [](const hung_child& c) {
                      auto all = lease_of(c);
                      std::erase(all, "--any-process");
                      return all;
                    },
                    "process"},
        wrong_order{"main_thread",
                    [](const hung_child& c) { return lease_of(c, {"--holder", number(c.pid())}); }, "holder"},
        wrong_order{"stranger",
                    [](const hung_child& c) { return lease_of(c, {"--holder", number(::getpid())}); },
                    "holder"},
        wrong_order{"free_mutex",
                    [](const hung_child& c) {
                      return lease_of(c, {"--mutex", fmt::format("{:#x}", c.second_mutex())});
                    },
                    "mutex"},
        wrong_order{"no_mutex_at_all", [](const hung_child& c) { return lease_of(c, {"--mutex", "0x1000"}); },
                    "mutex"},
        wrong_order{
            "odd_address",
            [](const hung_child& c) { return lease_of(c, {"--mutex", fmt::format("{:#x}", c.mutex() + 4)}); },
            "mutex"},
        wrong_order{"one_mutex_twice",
                    [](const hung_child& c) {
                      const auto address = fmt::format("{:#x}", c.mutex());
                      return lease_of(c, {"--mutex", address, "--mutex", address});
                    },
                    "mutex"},
        wrong_order{"mutex_in_two",
                    [](const hung_child& c) {
                      return lease_of(c, {"--mutex", fmt::format("{:#x}", c.mutex()), "--mutex",
                                          fmt::format("{:#x}", c.second_mutex())});
                    },
                    "mutex"}),
    [](const auto& one) { return one.param.name; });

TEST(traced_holder, is_left_alone) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  const evidence::child tracer{[&] { ::ptrace(PTRACE_SEIZE, c.holder(), nullptr, nullptr); }};
  evidence::proc_reader files;
  ASSERT_TRUE(eventually([&] {
    const auto status =
        files.read(AT_FDCWD, fmt::format("/proc/{}/task/{}/status", c.pid(), c.holder()).c_str());
    return status && evidence::number_after(*status, "TracerPid:") == tracer.pid();
  }));
  const auto switches = c.switches();
  const auto d = run(lease_of(c));
  EXPECT_EQ(d.failed(), "undisturbed") << d.printed;
  EXPECT_THAT(d.printed, HasSubstr(fmt::format("traced by process {}", tracer.pid())));
  expect_untouched(c, switches);
}

TEST(stopped_process, is_left_alone) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  ::kill(c.pid(), SIGSTOP);
  evidence::proc_reader files;
  ASSERT_TRUE(eventually([&] {
    const auto stat = files.read(AT_FDCWD, fmt::format("/proc/{}/task/{}/stat", c.pid(), c.holder()).c_str());
    return stat && stat->find(") T ") != stat->npos;
  }));
  const auto d = run(lease_of(c));
  EXPECT_EQ(d.failed(), "undisturbed") << d.printed;
  EXPECT_EQ(c.seen().wakeups, 0u);
  ::kill(c.pid(), SIGCONT);
  EXPECT_TRUE(c.hangs());
}

TEST(mutex_that_was_not_named, and_is_wanted_of_the_holder_forbids) {
  hung_child c{{.second = true}};
  ASSERT_TRUE(c.hangs());
  const auto switches = c.switches();
  const auto d = run(lease_of(c));
  EXPECT_EQ(d.failed(), "other-mutexes") << d.printed;
  EXPECT_THAT(d.printed, HasSubstr(fmt::format("it has {:#x} as well", c.second_mutex())));
  EXPECT_EQ(c.seen().second_taken, 0u);
  expect_untouched(c, switches);
}

TEST(plan, names_every_precondition_and_touches_nothing) {
  hung_child c;
  ASSERT_TRUE(c.hangs());
  const auto switches = c.switches();
  const auto d = run(lease_of(c, {"--plan"}));
  EXPECT_EQ(d.status, 0);
  EXPECT_TRUE(d.last.at("would").as_bool()) << d.printed;
  std::vector<std::string> names;
  for (const auto& p : d.last.at("preconditions").as_array()) {
    names.emplace_back(p.at("name").as_string());
    EXPECT_TRUE(p.at("ok").as_bool());
    EXPECT_FALSE(p.at("sentence").as_string().empty());
  }
  EXPECT_THAT(names, testing::ElementsAre("process", "holder", "undisturbed", "shadow-stack", "seccomp",
                                          "holder-polls", "mutex", "wanted", "other-mutexes", "no-lease",
                                          "library", "nested-poll", "graph-stays", "stack-room"));
  expect_untouched(c, switches);
}

TEST(plan, says_what_forbids) {
  hung_child c{{.kind = PTHREAD_MUTEX_ERRORCHECK}};
  ASSERT_TRUE(c.hangs());
  const auto d = run(lease_of(c, {"--plan"}));
  EXPECT_EQ(d.status, 0);
  EXPECT_FALSE(d.last.at("would").as_bool());
  EXPECT_EQ(d.failed(), "mutex");
}

// What the stop compares: a patient that is seen as it is not stands for one that has changed since.
struct change {
  std::string name;
  std::function<void(patient&)> make;
  std::string precondition;
};

void PrintTo(const change& r, std::ostream* out) {
  *out << r.name;
}

class every_change : public testing::TestWithParam<change> {};

void block_child_signal() {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
}

TEST_P(every_change, that_the_stop_finds_leaves_the_target_as_it_was) {
  block_child_signal();
  hung_child c;
  ASSERT_TRUE(c.hangs());
  const auto of = evidence::process::open(c.pid());
  ASSERT_TRUE(of);
  const lease_request wanted{.holder = c.holder(), .mutexes = {c.mutex()}};
  checklist list;
  auto seen = survey(*of, wanted, list);
  ASSERT_TRUE(seen) << list.failed()->sentence;
  GetParam().make(*seen);
  const auto begun = begin_lease(*of, wanted, *seen);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().name, GetParam().precondition) << begun.error().sentence;
  EXPECT_THAT(begun.error().sentence, HasSubstr("untouched"));
  ASSERT_TRUE(c.hangs());
  EXPECT_EQ(c.seen().wakeups, 0u);
  EXPECT_EQ(c.seen().taken, 0u);
  // As it really is, it is granted one.
  EXPECT_TRUE(run(lease_of(c, {"--window", "20"})).ok());
  EXPECT_EQ(c.seen().broken, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    refusals, every_change,
    testing::Values(
        change{"of_the_mutex", [](patient& p) { ++p.mutexes.front().words.users; }, "mutex"},
        change{"of_the_stack_pointer", [](patient& p) { p.place.sp -= 8; }, "holder-polls"},
        change{"of_the_instruction", [](patient& p) { p.place.pc += 2; }, "holder-polls"},
        change{"of_a_return_address", [](patient& p) { ++p.stack.returns.back().value; }, "nested-poll"},
        change{"of_the_frame_pointer", [](patient& p) { p.stack.frame_pointer = 8; }, "nested-poll"},
        change{"of_what_the_main_thread_waits_for",
               [](patient& p) {
                 // Equal words elsewhere, which the main thread does not wait for.
                 static mutex_words twin;
                 p.mutexes.front().address = reinterpret_cast<std::uint64_t>(&twin);
                 p.mutexes.front().words = {};
               },
               "wanted"}),
    [](const auto& one) { return one.param.name; });

TEST(usage, is_told) {
  EXPECT_EQ(run({"lease"}).status, 2);
  EXPECT_EQ(run({"lease", "--pid", "5", "--start-time", "1", "--holder", "6", "--mutex", "12"}).status, 2);
  EXPECT_EQ(run({}).status, 2);
}

}  // namespace
}  // namespace unwedge::rescue

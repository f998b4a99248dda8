// The daemon's side of the dialogue with the real unwedge-rescue, on a process that hangs as a QEMU does.
#include "daemon/child/own_program.hpp"
#include "tests/unit/evidence/connection.hpp"
#include "tests/unit/rescue/hung_child.hpp"
#include "tests/unit/rescuing/helper_fixture.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>

namespace unwedge::rescuing {
namespace {

using namespace std::chrono_literals;
using rescue::eventually;
using rescue::hung_child;
using std::chrono::steady_clock;
using testing::HasSubstr;

class real_rescue : public helper_fixture {
 protected:
  real_rescue() {
    // Looking for leaks is ptrace(2) as well.
    program_ = script("echo $$ >" + pid_file().string() + "\nexport ASAN_OPTIONS=detect_leaks=0\nexec " +
                      child::own_program("unwedge-rescue").string() + " \"$@\" --any-process");
  }
  std::filesystem::path pid_file() const { return folder_ / "pid"; }

  static lease_request of(const hung_child& c, std::chrono::milliseconds window = 20s) {
    return {.of = std::make_shared<const evidence::process>(evidence::hold(c.pid())),
            .holder = c.holder(),
            .mutexes = {c.mutex()},
            .window = window};
  }
  asio::awaitable<void> plan_for(lease_request what) {
    plan_ = co_await usual_.plan_lease(program_, std::move(what));
  }
  asio::awaitable<void> begin_with(lease_request what) {
    auto got = co_await usual_.begin(program_, std::move(what));
    if (got)
      lease_.emplace(std::move(*got));
    else
      failure_ = std::move(got.error());
  }
  asio::awaitable<void> cut(sever_request what, bool plan_only) {
    if (plan_only)
      plan_ = co_await usual_.plan_sever(program_, std::move(what));
    else
      severed_ = co_await usual_.sever(program_, std::move(what));
  }

  rescuer usual_{runner_};
  std::filesystem::path program_;
  std::optional<std::expected<plan, std::string>> plan_;
  std::optional<std::expected<severed, failure>> severed_;
};

TEST_F(real_rescue, plans_and_touches_nothing) {
  const hung_child c;
  ASSERT_TRUE(c.hangs());
  const auto switches = c.switches();
  run(plan_for(of(c)));
  ASSERT_TRUE(*plan_) << plan_->error();
  EXPECT_TRUE((*plan_)->would) << (*plan_)->failed << ": " << (*plan_)->sentence;
  EXPECT_EQ((*plan_)->walks_graph, false);
  EXPECT_GE((*plan_)->preconditions.size(), 10u);
  EXPECT_EQ(c.switches(), switches);
}

TEST_F(real_rescue, plans_what_it_would_refuse) {
  const hung_child c{{.main_waits = false}};
  ASSERT_TRUE(c.hangs());
  run(plan_for(of(c)));
  ASSERT_TRUE(*plan_) << plan_->error();
  EXPECT_FALSE((*plan_)->would);
  EXPECT_EQ((*plan_)->failed, "mutex");
}

TEST_F(real_rescue, refuses_a_lease) {
  const hung_child c{{.main_waits = false}};
  ASSERT_TRUE(c.hangs());
  const auto switches = c.switches();
  run(begin_with(of(c)));
  ASSERT_TRUE(failure_);
  EXPECT_EQ(failure_->vm, touched::no);
  EXPECT_EQ(failure_->precondition, "mutex") << failure_->sentence;
  EXPECT_GE(failure_->preconditions.size(), 3u);
  EXPECT_EQ(c.switches(), switches);
}

TEST_F(real_rescue, grants_a_lease_that_we_end_early) {
  const hung_child c;
  ASSERT_TRUE(c.hangs());
  run(begin_with(of(c)));
  ASSERT_TRUE(lease_) << failure_->sentence;
  EXPECT_GT(lease_->how().stopped, 0ns);
  EXPECT_TRUE(run_until([&] { return c.seen().taken > 10; })) << "the main thread did not get the mutex";
  EXPECT_EQ(c.seen().wakeups, 0u);
  EXPECT_TRUE(lease_->lasts());
  run(end());
  ASSERT_TRUE(*end_) << end_->error().sentence;
  EXPECT_TRUE((*end_)->returned);
  EXPECT_EQ((*end_)->by, ended_by::command);
  EXPECT_LT((*end_)->lasted, 10s);
  EXPECT_FALSE((*end_)->walks_graph);
  EXPECT_GT((*end_)->stopped, 0ns);
  EXPECT_TRUE(c.hangs());
  EXPECT_EQ(c.seen().interrupted, 1u);
  EXPECT_EQ(c.seen().broken, 0u);
}

TEST_F(real_rescue, lets_a_window_run_out) {
  const hung_child c;
  ASSERT_TRUE(c.hangs());
  run(begin_with(of(c, 300ms)));
  ASSERT_TRUE(lease_) << failure_->sentence;
  run(let_run_out());
  ASSERT_TRUE(*end_) << end_->error().sentence;
  EXPECT_TRUE((*end_)->returned);
  EXPECT_EQ((*end_)->by, ended_by::time);
  EXPECT_GE((*end_)->lasted, 300ms);
  EXPECT_TRUE(c.hangs());
  EXPECT_EQ(c.seen().broken, 0u);
}

TEST_F(real_rescue, says_that_the_vm_has_ended_in_the_window) {
  const hung_child c{{.quits = true}};
  ASSERT_TRUE(c.hangs());
  run(begin_with(of(c)));
  ASSERT_TRUE(lease_) << failure_->sentence;
  run(let_run_out());
  ASSERT_TRUE(*end_) << end_->error().sentence;
  EXPECT_FALSE((*end_)->returned);
  EXPECT_EQ((*end_)->by, ended_by::exit);
}

TEST_F(real_rescue, begins_no_lease_that_nobody_waits_for_any_more) {
  const hung_child c;
  ASSERT_TRUE(c.hangs());
  const auto switches = c.switches();
  asio::cancellation_signal cancel;
  bool done = false;
  asio::co_spawn(
      io_, begin_with(of(c)),
      asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&) { done = true; }));
  io_.restart();
  io_.poll();
  cancel.emit(asio::cancellation_type::terminal);
  EXPECT_TRUE(run_until([&] { return done; }));
  ASSERT_TRUE(failure_);
  EXPECT_EQ(failure_->vm, touched::maybe) << "it cannot be known so early";
  run_dry();
  EXPECT_EQ(c.switches(), switches);
}

TEST_F(real_rescue, lets_a_window_run_out_whose_owner_is_destroyed) {
  const hung_child c;
  ASSERT_TRUE(c.hangs());
  run(begin_with(of(c, 1s)));
  ASSERT_TRUE(lease_) << failure_->sentence;
  EXPECT_TRUE(lease_->lasts());
  EXPECT_LE(lease_->left(), 1s);
  const auto over = lease_->over_by();
  lease_.reset();
  EXPECT_TRUE(run_until([&] { return c.seen().interrupted == 1; }));
  EXPECT_GE(steady_clock::now(), over) << "it was ended early";
  EXPECT_TRUE(c.hangs());
  EXPECT_EQ(c.seen().broken, 0u);
  run_dry();
}

TEST_F(real_rescue, lets_a_window_run_out_when_the_runner_stops) {
  const hung_child c;
  ASSERT_TRUE(c.hangs());
  run(begin_with(of(c, 1s)));
  ASSERT_TRUE(lease_) << failure_->sentence;
  runner_.stop();
  EXPECT_FALSE(lease_->lasts()) << "nothing may be begun in it any more";
  run(end());
  ASSERT_TRUE(*end_) << end_->error().sentence;
  EXPECT_EQ((*end_)->by, ended_by::time);
  EXPECT_TRUE(c.hangs());
}

TEST_F(real_rescue, severs_a_connection) {
  const evidence::connection c;
  const evidence::child idle{[] {}};
  struct stat status{};
  ASSERT_EQ(::fstat(c.client.get(), &status), 0);
  const sever_request what{.of = std::make_shared<const evidence::process>(evidence::hold(idle.pid())),
                           .fd = c.client.get(),
                           .inode = status.st_ino};
  run(cut(what, true));
  ASSERT_TRUE(*plan_) << plan_->error();
  EXPECT_TRUE((*plan_)->would);
  EXPECT_EQ((*plan_)->walks_graph, std::nullopt);
  EXPECT_EQ(::send(c.client.get(), "x", 1, MSG_NOSIGNAL), 1) << "a plan has cut it";
  run(cut(what, false));
  ASSERT_TRUE(*severed_) << severed_->error().sentence;
  EXPECT_EQ((*severed_)->did, "shut down");
  EXPECT_EQ(::send(c.client.get(), "x", 1, MSG_NOSIGNAL), -1);
}

TEST_F(real_rescue, severs_no_other_connection) {
  const evidence::connection c;
  const evidence::child idle{[] {}};
  run(cut({.of = std::make_shared<const evidence::process>(evidence::hold(idle.pid())),
           .fd = c.client.get(),
           .inode = 1},
          false));
  ASSERT_FALSE(*severed_);
  EXPECT_EQ(severed_->error().vm, touched::no);
  EXPECT_EQ(severed_->error().precondition, "socket");
  EXPECT_EQ(::send(c.client.get(), "x", 1, MSG_NOSIGNAL), 1);
}

/// A daemon with a lease, and with another child that was started in the window, lives longer and might have
/// inherited something.
[[noreturn]] void daemon_with_lease(const std::filesystem::path& program, lease_request what, int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  asio::io_context io{1};
  child::runner runner{io.get_executor()};
  rescuer r{runner};
  std::optional<bool> granted;
  asio::co_spawn(io, hold_for_ever(r, program, std::move(what), granted), [](const std::exception_ptr&) {});
  while (!granted) io.run_one();
  const auto other = runner.start({.program = "/bin/sleep", .arguments = {"8"}, .grace = 9s});
  if (*granted && other && ::write(ready, "g", 1) == 1) io.run();
  ::_exit(1);
}

TEST_F(real_rescue, lets_a_window_run_out_when_the_daemon_is_killed) {
  const hung_child c;
  ASSERT_TRUE(c.hangs());
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
  const pid_t daemon = ::fork();
  if (daemon == 0) daemon_with_lease(program_, of(c, 1500ms), ready[1]);
  ::close(ready[1]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1) << "no lease was granted";
  ::close(ready[0]);
  ASSERT_TRUE(eventually([&] { return c.seen().taken > 10; }));
  EXPECT_EQ(c.seen().wakeups, 0u);

  const auto killed_at = steady_clock::now();
  ::kill(daemon, SIGKILL);
  ASSERT_EQ(::waitpid(daemon, nullptr, 0), daemon);
  EXPECT_TRUE(eventually([&] { return c.seen().interrupted == 1; }));
  EXPECT_LT(steady_clock::now() - killed_at, 7s) << "it ran on until the other child ended, or ran out";
  EXPECT_TRUE(c.hangs());
  EXPECT_EQ(c.seen().broken, 0u);
  pid_t helper = 0;
  std::ifstream(pid_file()) >> helper;
  ASSERT_GT(helper, 1);
  int status = 0;
  ASSERT_EQ(::waitpid(helper, &status, 0), helper);
  EXPECT_TRUE(WIFEXITED(status)) << "it was killed, and did not end in order";
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace unwedge::rescuing

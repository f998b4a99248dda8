// Helpers that lie, fall or hang at any point of the dialogue, as scripts: each comes to a named end in
// bounded time, and what is said of the VM is never too little.
#include "tests/unit/rescuing/helper_fixture.hpp"

namespace unwedge::rescuing {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::HasSubstr;

struct helper {
  std::string name, body, why;
  touched vm = touched::maybe;
};

void PrintTo(const helper& h, std::ostream* out) {
  *out << h.name;
}

/// The longest time in which the I/O thread did nothing else.
class heartbeat {
 public:
  explicit heartbeat(asio::io_context& io) : timer_(io) { beat(); }
  std::chrono::milliseconds longest() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(longest_);
  }

 private:
  void beat() {
    last_ = steady_clock::now();
    timer_.expires_after(5ms);
    // One that had fired already comes without an error, also when this is gone.
    timer_.async_wait([this, there = std::weak_ptr(there_)](const boost::system::error_code& ec) {
      if (ec || there.expired()) return;
      longest_ = std::max(longest_, steady_clock::now() - last_);
      beat();
    });
  }
  std::shared_ptr<bool> there_ = std::make_shared<bool>(true);
  asio::steady_timer timer_;
  steady_clock::time_point last_;
  steady_clock::duration longest_{0};
};

class before_a_lease : public helper_fixture, public testing::WithParamInterface<helper> {};

TEST_P(before_a_lease, is_a_failure_with_a_reason) {
  const auto& h = GetParam();
  const auto began = steady_clock::now();
  {
    const heartbeat io{io_};
    run(begin(script(h.body)));
    EXPECT_LT(io.longest(), 1s) << "the I/O thread was blocked";
  }
  EXPECT_LT(steady_clock::now() - began, patience_.look + patience_.grace + 2s);
  EXPECT_FALSE(lease_);
  ASSERT_TRUE(failure_);
  EXPECT_THAT(failure_->sentence, HasSubstr(h.why));
  EXPECT_EQ(failure_->vm, h.vm);
  if (h.vm == touched::no)
    EXPECT_EQ(failure_->over_by, instant{});
  else
    EXPECT_GT(failure_->over_by, steady_clock::now());
  EXPECT_LT(run_dry(), 4s) << "something is left";
}

INSTANTIATE_TEST_SUITE_P(
    hostile, before_a_lease,
    testing::Values(helper{"silent", "exec sleep 600",
                           "not granted within 1500 ms: unwedge-rescue was killed: its time was over"},
                    helper{"deaf", "trap '' TERM HUP INT; exec </dev/null; exec sleep 600",
                           "was killed: its time was over"},
                    helper{"late", "sleep 1.6; granted; told; answer", "granted it too late", touched::yes},
                    helper{"late_with_a_refusal", "told; refused; exit 1", "it runs", touched::no},
                    helper{"half_a_line", "printf '{\"event\":\"granted\"'; exec sleep 600",
                           "its time was over, in the middle of a line"},
                    helper{"a_line_without_end", "exec tr '\\0' x </dev/zero", "wrote too much"},
                    helper{"too_many_lines", "refused; exec yes", "cannot be read"},
                    helper{"byte_by_byte", "while printf x; do sleep 0.01; done", "its time was over"},
                    helper{"no_line_feed", "printf '%s' '" + said::granted + "'", "in the middle of a line"},
                    helper{"garbage", "echo garbage", "cannot be read"},
                    helper{"zeroes", "head -c 100 /dev/zero; echo", "cannot be read"},
                    helper{"nothing", "exit 0", "exited with status 0, without an answer"},
                    helper{"stderr_only", "echo why not >&2; exit 1",
                           "exited with status 1: why not, without an answer"},
                    helper{"a_crash", "kill -SEGV $$", "killed by signal 11"},
                    helper{"usage", "exit 2", "exited with status 2", touched::no},
                    helper{"an_answer_first", "answer", "granted no lease"},
                    helper{"refused_and_granted", "refused; granted; told; answer", "more after its answer"},
                    helper{"refused_and_well", "refused", "not what it answers"},
                    helper{"refused_and_deaf", "refused; exec sleep 600", "not what it answers"},
                    helper{"a_child_left_behind", "sleep 3 & exit 1", "exited with status 1"}),
    [](const auto& one) { return one.param.name; });

class in_a_window : public helper_fixture, public testing::WithParamInterface<helper> {};

TEST_P(in_a_window, is_a_failure_and_the_vm_was_touched) {
  const auto& h = GetParam();
  run(begin(script("granted\n" + h.body)));
  ASSERT_TRUE(lease_) << failure_->sentence;
  EXPECT_TRUE(lease_->how().walks_graph);
  const auto over_by = lease_->over_by();
  EXPECT_LE(over_by, steady_clock::now() + said::window);
  const auto began = steady_clock::now();
  {
    const heartbeat io{io_};
    run(end());
    EXPECT_LT(io.longest(), 1s) << "the I/O thread was blocked";
  }
  EXPECT_LT(steady_clock::now() - began, said::window + patience_.after + patience_.grace + 2s);
  ASSERT_TRUE(end_);
  ASSERT_FALSE(*end_) << "it is believed";
  EXPECT_THAT(end_->error().sentence, HasSubstr(h.why));
  EXPECT_EQ(end_->error().vm, touched::yes);
  EXPECT_EQ(end_->error().over_by, over_by);
  EXPECT_LT(run_dry(), 4s) << "something is left";
}

INSTANTIATE_TEST_SUITE_P(
    hostile, in_a_window,
    testing::Values(helper{"deaf", "exec sleep 600", "was killed: its time was over"},
                    helper{"deaf_after_the_word", "told; exec sleep 600", "was killed: its time was over"},
                    helper{"deaf_after_its_answer", "answer; exec sleep 600",
                           "was killed: its time was over"},
                    helper{"nothing", "told", "exited with status 0, without an answer"},
                    helper{"a_crash", "told; kill -SEGV $$", "killed by signal 11"},
                    helper{"gone_before_the_word", "echo torn >&2; exit 1", "exited with status 1: torn"},
                    helper{"granted_twice", "granted; told; answer", "an event in the place of its answer"},
                    helper{"garbage", "told; echo garbage", "cannot be read"},
                    helper{"garbage_before", "echo garbage; told; answer", "cannot be read"},
                    helper{"refused", "told; refused; exit 1", "another lease"},
                    helper{"two_answers", "told; answer; answer", "more after its answer"},
                    helper{"an_answer_and_failure", "told; answer; exit 1", "not what it answers"},
                    helper{"half_an_answer", "told; printf '{\"ok\":true'", "in the middle of a line"},
                    helper{"no_line_feed", "told; answer | tr -d '\\n'", "in the middle of a line"},
                    helper{"a_line_without_end", "exec tr '\\0' x </dev/zero", "wrote too much"},
                    helper{"a_flood_after_the_word", "told; exec cat /dev/zero", "wrote too much"},
                    helper{"a_flood_of_lines", "exec yes", "cannot be read"},
                    helper{"a_flood_of_errors", "exec cat /dev/zero >&2", "its time was over"}),
    [](const auto& one) { return one.param.name; });

using hostile_rescue = helper_fixture;

TEST_F(hostile_rescue, that_cannot_be_run_has_touched_nothing) {
  run(begin("/nonexistent/unwedge-rescue"));
  ASSERT_TRUE(failure_);
  EXPECT_EQ(failure_->vm, touched::no);
  EXPECT_THAT(failure_->sentence, HasSubstr("No such file"));
}

TEST_F(hostile_rescue, that_is_honest_is_believed) {
  run(begin(script("granted; told; answer")));
  ASSERT_TRUE(lease_);
  EXPECT_TRUE(lease_->lasts());
  run(end());
  ASSERT_TRUE(*end_) << end_->error().sentence;
  EXPECT_TRUE((*end_)->returned);
  EXPECT_TRUE((*end_)->walks_graph);
}

TEST_F(hostile_rescue, is_not_told_to_end_a_window_that_may_run_out) {
  run(begin(script("granted; sleep 0.3; answer; timeout 0.1 cat; [ $? = 124 ]")));
  ASSERT_TRUE(lease_);
  const auto began = steady_clock::now();
  run(let_run_out());
  ASSERT_TRUE(*end_) << end_->error().sentence;
  EXPECT_GE(steady_clock::now() - began, 300ms);
}

TEST_F(hostile_rescue, that_lets_no_window_run_out_is_ended_by_us) {
  run(begin(script("granted; told; note told; exec sleep 600")));
  ASSERT_TRUE(lease_);
  const auto began = steady_clock::now();
  run(let_run_out());
  ASSERT_FALSE(*end_);
  EXPECT_THAT(end_->error().sentence, HasSubstr("its time was over"));
  EXPECT_TRUE(noted("told")) << "it was killed before it was told";
  EXPECT_GE(steady_clock::now() - began, said::window + patience_.after);
  EXPECT_LT(steady_clock::now() - began, said::window + patience_.after + 3s);
}

TEST_F(hostile_rescue, gets_exactly_what_is_asked_for) {
  run(begin(script("echo \"$*\" >&2; exit 1")));
  ASSERT_TRUE(failure_);
  EXPECT_THAT(
      failure_->sentence,
      HasSubstr(fmt::format("lease --pid {} --start-time {} --holder 4242 --window 1000 --mutex 0x1000,",
                            ::getpid(), request().of->start_time())));
}

TEST_F(hostile_rescue, inherits_nothing) {
  run(begin(script("ls /proc/$$/fd | tr '\\n' ' ' >&2; exit 1")));
  EXPECT_THAT(failure_->sentence, HasSubstr("0 1 10 2"));  // 10: the script
}

// Whoever is in the window goes away in some way; unwedge-rescue hears of it, and is not shot.
class abandoned_lease : public helper_fixture {
 protected:
  void expect_ended_in_order() {
    EXPECT_TRUE(run_until([&] { return noted("ended"); }));
    EXPECT_LT(run_dry(), 2s) << "something is left";
  }
  std::filesystem::path orderly() const { return script("granted; told; sleep 0.1; answer; note ended"); }
};

TEST_F(abandoned_lease, ends_when_its_object_is_destroyed) {
  run(begin(orderly()));
  lease_.reset();
  expect_ended_in_order();
}

TEST_F(abandoned_lease, ends_when_the_runner_stops_and_can_still_be_ended) {
  run(begin(orderly()));
  runner_.stop();
  run(end());
  ASSERT_TRUE(*end_) << end_->error().sentence;
  expect_ended_in_order();
}

TEST_F(abandoned_lease, of_a_deaf_helper_does_not_keep_the_daemon_from_ending) {
  run(begin(script("granted; exec sleep 600")));
  runner_.stop();
  EXPECT_LT(run_dry(), patience_.grace + 2s);
  run(end());
  EXPECT_THAT(end_->error().sentence, HasSubstr("signal 9"));
}

TEST_F(abandoned_lease, ends_when_the_io_context_is_destroyed) {
  std::optional<bool> granted;
  const auto pid_file = folder_ / "pid";
  const auto program = script("echo $$ >" + pid_file.string() + "; granted; exec sleep 600");
  steady_clock::time_point began;
  {
    asio::io_context io{1};
    child::runner runner{io.get_executor()};
    rescuer r{runner, patience_};
    asio::co_spawn(io, hold_for_ever(r, program, request(), granted), [](const std::exception_ptr&) {});
    while (!granted) io.run_one();
    began = steady_clock::now();
  }
  EXPECT_TRUE(*granted);
  EXPECT_LT(steady_clock::now() - began, 1s);
  pid_t pid = 0;
  std::ifstream(pid_file) >> pid;
  ASSERT_GT(pid, 1);
  EXPECT_EQ(::kill(pid, 0), -1) << "it is left";
}

TEST_F(abandoned_lease, ends_when_its_end_is_cancelled) {
  run(begin(script("granted; told; sleep 0.1; note ended; sleep 0.1; answer")));
  asio::cancellation_signal cancel;
  bool done = false;
  asio::co_spawn(io_, end(), asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&) {
                   done = true;
                 }));
  io_.restart();
  io_.run_for(20ms);
  EXPECT_FALSE(done);
  cancel.emit(asio::cancellation_type::terminal);
  EXPECT_TRUE(run_until([&] { return done; }));
  ASSERT_TRUE(end_);
  ASSERT_FALSE(*end_);
  EXPECT_EQ(end_->error().vm, touched::yes);
  EXPECT_THAT(end_->error().sentence, HasSubstr("nobody waited"));
  expect_ended_in_order();
}

TEST_F(abandoned_lease, that_is_cancelled_before_it_was_granted_ends_as_soon_as_it_is) {
  asio::cancellation_signal cancel;
  bool done = false;
  asio::co_spawn(
      io_, begin(script("sleep 0.1; granted; told; answer; note ended")),
      asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&) { done = true; }));
  io_.restart();
  io_.run_for(20ms);
  EXPECT_FALSE(done);
  cancel.emit(asio::cancellation_type::terminal);
  EXPECT_TRUE(run_until([&] { return done; }));
  ASSERT_TRUE(failure_);
  EXPECT_EQ(failure_->vm, touched::maybe);
  EXPECT_GT(failure_->over_by, steady_clock::now());
  expect_ended_in_order();
}

class hostile_plan : public helper_fixture {
 protected:
  asio::awaitable<void> look(std::filesystem::path program) {
    plan_ = co_await rescuer_.plan_lease(std::move(program), request());
  }
  asio::awaitable<void> cut(std::filesystem::path program) {
    severed_ = co_await rescuer_.sever(std::move(program), {request().of, 7, 99});
  }
  std::string why_no_plan(const std::string& body) {
    run(look(script(body)));
    return *plan_ ? "it is believed" : plan_->error();
  }
  failure why_not_cut(const std::string& body) {
    run(cut(script(body)));
    return *severed_ ? failure{.sentence = "it is believed"} : severed_->error();
  }
  std::optional<std::expected<plan, std::string>> plan_;
  std::optional<std::expected<severed, failure>> severed_;
};

TEST_F(hostile_plan, is_none) {
  EXPECT_EQ(why_no_plan("plan"), "it is believed");
  EXPECT_THAT(why_no_plan("plan; plan"), HasSubstr("cannot be read"));
  EXPECT_THAT(why_no_plan("plan | tr -d '\\n'"), HasSubstr("cannot be read"));
  EXPECT_THAT(why_no_plan("plan; exit 1"), HasSubstr("exited with status 1"));
  EXPECT_THAT(why_no_plan("answer"), HasSubstr("does not say that it is a plan"));
  EXPECT_THAT(why_no_plan("granted; plan"), HasSubstr("cannot be read"));
  EXPECT_THAT(why_no_plan("plan; exec sleep 600"), HasSubstr("its time was over"));
  EXPECT_THAT(why_no_plan("exec cat /dev/zero"), HasSubstr("wrote too much"));
  EXPECT_THAT(why_no_plan("kill -SEGV $$"), HasSubstr("signal 11"));
  EXPECT_THAT(why_no_plan("exit 0"), HasSubstr("cannot be read"));
  EXPECT_LT(run_dry(), 2s);
}

TEST_F(hostile_plan, says_that_it_is_one) {
  EXPECT_EQ(why_no_plan("case \"$*\" in *--plan) plan;; *) granted;; esac"), "it is believed");
}

TEST_F(hostile_plan, neither_is_a_cut_that_nobody_can_believe) {
  const std::string cut =
      R"("did":"shut down","preconditions":[{"name":"socket","ok":true,"sentence":""}]}')";
  const auto ok = [&](int fd, int inode) {
    return fmt::format(R"(echo '{{"ok":true,"fd":{},"inode":{},)", fd, inode) + cut;
  };
  EXPECT_EQ(why_not_cut(ok(7, 99)).sentence, "it is believed");
  const auto expect = [&](const std::string& body, const char* why, touched vm) {
    const auto f = why_not_cut(body);
    EXPECT_THAT(f.sentence, HasSubstr(why)) << body;
    EXPECT_EQ(f.vm, vm) << body;
  };
  expect(ok(8, 99), "another connection", touched::maybe);
  expect(ok(7, 98), "another connection", touched::maybe);
  expect(ok(7, 99) + "; exit 1", "without an answer", touched::maybe);
  expect("exit 0", "without an answer", touched::maybe);
  expect("exec sleep 600", "its time was over", touched::maybe);
  expect("refused; exit 1", "it runs", touched::no);
  expect("refused; refused; exit 1", "without an answer", touched::maybe);
  expect("exit 2", "without an answer", touched::no);
  EXPECT_THAT(why_not_cut("echo \"$*\" >&2; exit 1").sentence, HasSubstr("--fd 7 --inode 99"));
}

}  // namespace
}  // namespace unwedge::rescuing

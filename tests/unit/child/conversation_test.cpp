// What is said between us and a child while it runs.
#include "daemon/child/own_program.hpp"
#include "daemon/child/runner.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

namespace unwedge::child {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::ElementsAre;

class conversation_with : public testing::Test {
 protected:
  /// Lines until there is none; `silence_` says why.
  asio::awaitable<void> hear(conversation& with, std::chrono::milliseconds patience) {
    for (;;) {
      const auto line = co_await with.next_line(steady_clock::now() + patience);
      if (!line) {
        silence_ = line.error();
        co_return;
      }
      lines_.push_back(*line);
    }
  }
  asio::awaitable<void> end(conversation& with, std::chrono::milliseconds patience) {
    end_ = co_await with.end(steady_clock::now() + patience);
  }
  void run(asio::awaitable<void> task) {
    bool done = false;
    asio::co_spawn(io_, std::move(task), [&](const std::exception_ptr& thrown) {
      EXPECT_FALSE(thrown);
      done = true;
    });
    io_.restart();
    while (!done && io_.run_one() > 0) {
    }
    ASSERT_TRUE(done);
  }
  std::expected<conversation, std::string> shell(std::string script,
                                                 std::optional<std::chrono::milliseconds> grace = 5s) {
    return runner_.start(
        {.program = "/bin/sh", .arguments = {"-c", std::move(script)}, .most_output = 1'000, .grace = grace});
  }

  asio::io_context io_{1};
  runner runner_{io_.get_executor()};
  std::vector<std::string> lines_;
  std::optional<silence> silence_;
  std::optional<std::expected<finished, std::string>> end_;
};

TEST_F(conversation_with, a_child_gives_its_lines_however_they_were_written) {
  auto with = shell("printf 'a\\n\\nbc'; sleep 0.05; printf 'd\\ne\\n'; printf 'rest'; echo why >&2; exit 3");
  ASSERT_TRUE(with) << with.error();
  run(hear(*with, 10s));
  EXPECT_THAT(lines_, ElementsAre("a", "", "bcd", "e"));
  EXPECT_EQ(silence_, silence::ended);
  run(end(*with, 10s));
  ASSERT_TRUE(*end_);
  EXPECT_EQ((*end_)->output, "rest");
  EXPECT_EQ((*end_)->error_output, "why\n");
  EXPECT_EQ((*end_)->status, 3);
}

TEST_F(conversation_with, a_slow_child_does_not_end_it) {
  auto with = shell("cat >/dev/null; echo told");
  ASSERT_TRUE(with);
  run(hear(*with, 50ms));
  EXPECT_EQ(silence_, silence::too_late);
  EXPECT_FALSE(with->has_ended());
  with->hang_up();
  run(hear(*with, 10s));
  EXPECT_THAT(lines_, ElementsAre("told"));
}

TEST_F(conversation_with, a_child_is_over_when_it_has_had_its_grace) {
  auto with = shell("echo begun; exec sleep 600", 200ms);
  ASSERT_TRUE(with);
  run(hear(*with, 300ms));
  const auto began = steady_clock::now();
  run(end(*with, 50ms));
  EXPECT_GE(steady_clock::now() - began, 200ms);
  EXPECT_LT(steady_clock::now() - began, 5s);
  ASSERT_TRUE(*end_);
  EXPECT_EQ((*end_)->signal, SIGKILL);
  EXPECT_TRUE((*end_)->too_late);
}

TEST_F(conversation_with, a_child_is_over_at_its_deadline_and_grace) {
  auto with = runner_.start({.program = "/bin/sh",
                             .arguments = {"-c", "cat >/dev/null; echo told; exec sleep 600"},
                             .deadline = 100ms,
                             .grace = 200ms});
  ASSERT_TRUE(with);
  run(hear(*with, 10s));
  EXPECT_THAT(lines_, ElementsAre("told"));
  EXPECT_EQ(silence_, silence::ended);
}

TEST_F(conversation_with, a_child_without_grace_is_killed_at_once) {
  auto with = shell("sleep 600", std::nullopt);
  ASSERT_TRUE(with);
  const auto began = steady_clock::now();
  with.value() = std::move(*shell("exit 0"));
  io_.restart();
  io_.run();
  EXPECT_LT(steady_clock::now() - began, 5s);
}

TEST_F(conversation_with, too_much_of_what_it_says_ends_it) {
  auto with = shell("cat /dev/zero");
  ASSERT_TRUE(with);
  run(hear(*with, 10s));
  EXPECT_EQ(silence_, silence::ended);
  run(end(*with, 10s));
  ASSERT_TRUE(*end_);
  EXPECT_TRUE((*end_)->too_much);
  EXPECT_EQ((*end_)->output.size(), 1'000u);
}

TEST_F(conversation_with, what_is_no_program_ends_before_it_begins) {
  auto with = runner_.start({.program = "/nonexistent"});
  ASSERT_TRUE(with);
  run(hear(*with, 10s));
  EXPECT_EQ(silence_, silence::ended);
  run(end(*with, 10s));
  ASSERT_FALSE(*end_);
  EXPECT_EQ(end_->error(), "/nonexistent cannot be run: No such file or directory");
}

TEST_F(conversation_with, nobody_begins_once_the_runner_has_stopped) {
  runner_.stop();
  EXPECT_FALSE(shell("exit 0"));
}

TEST(own_program, is_the_configured_one_or_beside_us_or_installed) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  EXPECT_EQ(own_program("x", "/opt/y"), "/opt/y");
  EXPECT_EQ(own_program(self.filename().string()), self);
  EXPECT_EQ(own_program("no-such-program").filename(), "no-such-program");
  EXPECT_NE(own_program("no-such-program").parent_path(), self.parent_path());
}

}  // namespace
}  // namespace unwedge::child

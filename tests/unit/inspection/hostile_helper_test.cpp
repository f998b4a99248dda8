// Helpers that have fallen, as scripts; and the real one, which refuses what is no QEMU.
#include "daemon/child/own_program.hpp"
#include "daemon/inspection/inspector.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <sys/stat.h>

#include <fstream>

namespace unwedge::inspection {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using result = std::expected<policies::process_stacks, std::string>;

class hostile_helper : public testing::Test {
 protected:
  hostile_helper() {
    std::string pattern = "/tmp/unwedge-inspection-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~hostile_helper() override {
    std::filesystem::remove(folder_ / "helper");
    std::filesystem::remove(folder_);
  }

  std::filesystem::path script(const std::string& body) {
    const auto path = folder_ / "helper";
    std::ofstream(path) << "#!/bin/sh\n" << body << '\n';
    ::chmod(path.c_str(), 0755);
    return path;
  }
  result run(std::filesystem::path program, std::chrono::milliseconds deadline = 5s) {
    result got = std::unexpected("it did not return");
    asio::co_spawn(io_, inspector_.take_stacks(own(), std::move(program), deadline),
                   [&](const std::exception_ptr& thrown, result r) {
                     EXPECT_FALSE(thrown);
                     got = std::move(r);
                   });
    io_.restart();
    io_.run();
    return got;
  }
  static std::shared_ptr<const evidence::process> own() {
    return std::make_shared<const evidence::process>(evidence::process::open(::getpid()).value());
  }
  static std::string why(const result& r) { return r ? "it has a result" : r.error(); }

  std::filesystem::path folder_;
  asio::io_context io_{1};
  child::runner runner_{io_.get_executor()};
  inspector inspector_{io_.get_executor(), runner_};
};

TEST_F(hostile_helper, that_floods_is_killed) {
  EXPECT_THAT(why(run(script("exec cat /dev/zero"))), HasSubstr("wrote too much"));
  EXPECT_THAT(why(run(script("cat /dev/zero >&2"), 300ms)), HasSubstr("its time was over"));
}

TEST_F(hostile_helper, that_hangs_is_killed) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(why(run(script("trap '' TERM; exec sleep 600"), 200ms)), HasSubstr("its time was over"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_F(hostile_helper, that_leaves_a_child_behind_is_not_waited_for) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(why(run(script("sleep 3 & exit 1"), 60s)), HasSubstr("exited with status 1"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
}

TEST_F(hostile_helper, that_prints_garbage_or_fails_gives_no_stacks) {
  EXPECT_THAT(why(run(script("echo garbage"))), HasSubstr("not one that can be read"));
  EXPECT_THAT(why(run(script("echo why not >&2; exit 1"))), HasSubstr("exited with status 1: why not"));
  EXPECT_THAT(why(run(script("kill -SEGV $$"))), HasSubstr("signal 11"));
  EXPECT_THAT(why(run("/nonexistent/unwedge-inspect")), HasSubstr("No such file"));
}

TEST_F(hostile_helper, inherits_nothing) {
  const auto r = why(run(script("ls /proc/self/fd >&2; env | sort | tr '\\n' ' ' >&2; exit 1")));
  EXPECT_THAT(r, HasSubstr("LC_ALL=C.UTF-8 PATH="));
  EXPECT_THAT(r, testing::Not(HasSubstr("HOME")));
  EXPECT_THAT(why(run(script("ls /proc/$$/fd | tr '\\n' ' ' >&2; exit 1"))),
              HasSubstr("0 1 10 2"));  // 10: the script
}

TEST_F(hostile_helper, of_which_three_are_wanted_waits_for_a_place) {
  const auto program = script("sleep 0.2; exit 1");
  const auto began = std::chrono::steady_clock::now();
  int ended = 0;
  for (int i = 0; i < 3; ++i)
    asio::co_spawn(io_, inspector_.take_stacks(own(), program, 5s),
                   [&](const std::exception_ptr&, result) { ++ended; });
  io_.run();
  EXPECT_EQ(ended, 3);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 400ms);
}

TEST_F(hostile_helper, is_killed_when_the_daemon_ends) {
  bool ended = false;
  asio::co_spawn(io_, inspector_.take_stacks(own(), script("exec sleep 600"), 300s),
                 [&](const std::exception_ptr&, const result& r) {
                   ended = true;
                   EXPECT_THAT(why(r), HasSubstr("signal 9"));
                 });
  asio::steady_timer soon(io_, 100ms);
  soon.async_wait([&](const boost::system::error_code&) { runner_.stop(); });
  io_.run();
  EXPECT_TRUE(ended);
}

TEST_F(hostile_helper, is_not_what_is_installed) {
  EXPECT_THAT(why(run(child::own_program("unwedge-inspect"))), HasSubstr("QEMU"));
}

}  // namespace
}  // namespace unwedge::inspection

// A scripted unwedge-rescue, and a rescuer that runs it with little patience.
#pragma once

#include "daemon/rescuing/rescuer.hpp"
#include "tests/unit/rescuing/said.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace unwedge::rescuing {

/// Begins a lease and stays in its window; says whether it was granted.
inline asio::awaitable<void> hold_for_ever(rescuer& r, std::filesystem::path program, lease_request what,
                                           std::optional<bool>& granted) {
  const auto got = co_await r.begin(std::move(program), std::move(what));
  granted = got.has_value();
  asio::steady_timer forever(co_await asio::this_coro::executor,
                             std::chrono::steady_clock::time_point::max());
  co_await forever.async_wait(asio::use_awaitable);
}

class helper_fixture : public testing::Test {
 protected:
  using instant = std::chrono::steady_clock::time_point;

  helper_fixture() {
    std::string pattern = "/tmp/unwedge-rescuing-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~helper_fixture() override {
    for (const auto& file : std::filesystem::directory_iterator(folder_)) std::filesystem::remove(file);
    std::filesystem::remove(folder_);
  }

  /// `granted`, `answer`, `refused`, `plan` say their lines; `told` returns when it is told to end; `note X`
  /// makes a file X.
  std::filesystem::path script(const std::string& body) const {
    const auto path = folder_ / "helper";
    std::ofstream out(path);
    out << "#!/bin/sh\n";
    const auto function = [&](const char* name, const std::string& line) {
      out << name << "() { echo '" << line << "'; }\n";
    };
    function("granted", said::granted);
    function("answer", said::answer);
    function("refused", said::refused);
    function("plan", said::plan);
    out << "told() { cat >/dev/null; }\nnote() { : >" << folder_.string() << "/$1; }\n" << body << '\n';
    out.close();
    ::chmod(path.c_str(), 0755);
    return path;
  }
  bool noted(const char* what) const { return std::filesystem::exists(folder_ / what); }

  static lease_request request() {
    return {.of = std::make_shared<const evidence::process>(evidence::process::open(::getpid()).value()),
            .holder = said::holder,
            .mutexes = {0x1000},
            .window = said::window};
  }

  asio::awaitable<void> begin(std::filesystem::path program) {
    auto got = co_await rescuer_.begin(std::move(program), request());
    if (got)
      lease_.emplace(std::move(*got));
    else
      failure_ = std::move(got.error());
  }
  asio::awaitable<void> end() {
    end_ = co_await std::move(*lease_).end();
    lease_.reset();
  }
  asio::awaitable<void> let_run_out() {
    end_ = co_await std::move(*lease_).let_run_out();
    lease_.reset();
  }

  void spawn(asio::awaitable<void> task) {
    asio::co_spawn(io_, std::move(task), [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
  }
  /// Until nothing is left to be done, but for a lease that is kept: see run_until().
  void run(asio::awaitable<void> task) {
    bool done = false;
    asio::co_spawn(io_, std::move(task), [&](const std::exception_ptr& thrown) {
      EXPECT_FALSE(thrown);
      done = true;
    });
    run_until([&] { return done; });
  }
  bool run_until(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    io_.restart();
    while (!holds()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.run_for(std::chrono::milliseconds{2});
      io_.restart();
    }
    return true;
  }
  /// All that a helper has left behind is done as well; how long that took.
  std::chrono::milliseconds run_dry() {
    const auto began = std::chrono::steady_clock::now();
    io_.restart();
    io_.run_for(std::chrono::seconds{20});
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  }

  std::filesystem::path folder_;
  asio::io_context io_{1};
  child::runner runner_{io_.get_executor()};
  patience patience_{.look = std::chrono::milliseconds{1'500},
                     .after = std::chrono::milliseconds{1'000},
                     .grace = std::chrono::milliseconds{300}};
  rescuer rescuer_{runner_, patience_};

  std::optional<lease> lease_;
  std::optional<failure> failure_;
  std::optional<lease::result> end_;
};

}  // namespace unwedge::rescuing

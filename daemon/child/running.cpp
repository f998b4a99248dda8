#include "daemon/child/running.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstring>
#include <utility>

namespace unwedge::child {
namespace {

constexpr std::size_t chunk_bytes = 32'768;
/// How long a child's own children may hold its pipes open after its end.
constexpr std::chrono::milliseconds last_words{200};
/// How long the end of the executor waits for a killed child.
constexpr std::chrono::milliseconds farewell{100};

#ifndef P_PIDFD
constexpr auto by_pidfd = static_cast<idtype_t>(3);
#else
constexpr auto by_pidfd = P_PIDFD;
#endif

}  // namespace

running::running(const asio::any_io_executor& executor, spawned s, const command& c)
    : child_(std::move(s)),
      end_(executor, ::dup(child_.pidfd.get())),
      output_{std::nullopt, &result_.output, c.most_output, true, {}},
      error_output_{std::nullopt, &result_.error_output, c.most_error_output, false, {}},
      deadline_(executor),
      ended_(executor, asio::steady_timer::time_point::max()),
      news_(executor, asio::steady_timer::time_point::max()),
      grace_(c.grace) {
  if (child_.output) output_.from.emplace(executor, child_.output.release());
  error_output_.from.emplace(executor, child_.error_output.release());
}

running::~running() {
  if (reaped_) return;
  hang_up();
  if (!grace_ || !ends_within(farewell)) kill(child_);
  ends_within(farewell);
  reap();  // one that hangs in the kernel is left to init
}

bool running::ends_within(std::chrono::milliseconds time) const {
  pollfd end{.fd = child_.pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&end, 1, static_cast<int>(time.count())) == 1;
}

void running::begin(std::chrono::milliseconds deadline) {
  if (output_.from) read(output_);
  read(error_output_);
  wait_for_end();
  deadline_.expires_after(deadline);
  deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    if (!ec) self->time_is_over();
  });
}

void running::time_is_over() {
  if (over_ || reaped_) return;
  result_.too_late = true;
  stop();
}

void running::hang_up() {
  if (told_) return;
  told_ = std::chrono::steady_clock::now();
  if (child_.input) ::shutdown(child_.input.get(), SHUT_RDWR);
  child_.input = {};
}

void running::say(std::string_view line) {
  if (child_.input) ::send(child_.input.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void running::stop() {
  if (over_ || reaped_) return;
  hang_up();
  const auto kill_at = *told_ + grace_.value_or(std::chrono::milliseconds{0});
  if (kill_at <= std::chrono::steady_clock::now()) return kill_now();
  deadline_.expires_at(kill_at);
  deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    if (!ec && !self->over_ && !self->reaped_) self->kill_now();
  });
}

/// One that hangs in the kernel does not end for a SIGKILL either: its waiter goes on without it.
void running::kill_now() {
  if (std::exchange(killed_, true)) return;
  kill(child_);
  deadline_.expires_after(std::chrono::seconds(1));
  deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    if (!ec) self->finish();
  });
}

void running::leave() {
  left_ = true;
  if (over_) end_.close();
  stop();
}

void running::read(stream& s) {
  s.chunk.resize(chunk_bytes);
  s.from->async_read_some(asio::buffer(s.chunk), [self = shared_from_this(), &s](
                                                     const boost::system::error_code& ec, std::size_t bytes) {
    if (self->over_) return;
    const bool goes_on = self->take(s, bytes);
    if (!ec && goes_on) return self->read(s);
    s.from.reset();
    self->check();
  });
}

bool running::take(stream& s, std::size_t bytes) {
  const auto room = s.most - std::min(s.most, s.into->size());
  s.into->append(s.chunk.data(), std::min(room, bytes));
  news_.cancel();
  if (bytes <= room || !s.kills) return true;
  result_.too_much = true;
  stop();
  return false;
}

void running::wait_for_end() {
  end_.async_wait(asio::posix::stream_descriptor::wait_read,
                  [self = shared_from_this()](const boost::system::error_code& ec) {
                    if (ec) return;
                    if (!self->reap()) return self->wait_for_end();
                    if (self->over_) return;
                    self->deadline_.expires_after(last_words);
                    self->deadline_.async_wait([self](const boost::system::error_code& late) {
                      if (!late) self->finish();
                    });
                    self->check();
                  });
}

bool running::reap() {
  siginfo_t how{};
  const int done = ::waitid(by_pidfd, static_cast<id_t>(child_.pidfd.get()), &how, WEXITED | WNOHANG);
  if (done == 0 && how.si_pid == 0) return false;
  reaped_ = true;  // an error: somebody else has reaped it, there is nothing left to wait for
  if (done == 0 && how.si_code == CLD_EXITED) result_.status = how.si_status;
  if (done == 0 && how.si_code != CLD_EXITED) result_.signal = how.si_status;
  return true;
}

void running::check() {
  if (reaped_ && !output_.from && !error_output_.from) finish();
}

void running::finish() {
  if (over_) return;
  over_ = true;
  deadline_.cancel();
  if (reaped_ || left_) end_.close();
  if (output_.from) output_.from->close();
  if (error_output_.from) error_output_.from->close();
  ended_.cancel();
  news_.cancel();
}

std::optional<std::string> running::next_line() {
  const auto end = result_.output.find('\n', searched_);
  searched_ = std::min(end, result_.output.size());
  if (end == std::string::npos) return std::nullopt;
  auto line = result_.output.substr(heard_, end - heard_);
  heard_ = searched_ = end + 1;
  return line;
}

std::expected<finished, std::string> running::result() {
  int why = 0;
  if (::read(child_.failure.get(), &why, sizeof why) == sizeof why)
    return std::unexpected(fmt::format("cannot be run: {}", std::strerror(why)));
  result_.output.erase(0, heard_);
  return std::move(result_);
}

}  // namespace unwedge::child

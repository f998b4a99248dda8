#include "daemon/child/running.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/wait.h>

#include <cstring>

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
      ended_(executor, asio::steady_timer::time_point::max()) {
  if (child_.output) output_.from.emplace(executor, child_.output.release());
  error_output_.from.emplace(executor, child_.error_output.release());
}

running::~running() {
  if (reaped_) return;
  kill(child_);
  pollfd end{.fd = child_.pidfd.get(), .events = POLLIN, .revents = 0};
  ::poll(&end, 1, static_cast<int>(farewell.count()));
  reap();  // one that hangs in the kernel is left to init
}

void running::begin(std::chrono::milliseconds deadline) {
  if (output_.from) read(output_);
  read(error_output_);
  wait_for_end();
  deadline_.expires_after(deadline);
  deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    if (ec || self->over_ || self->reaped_) return;
    self->result_.too_late = true;
    self->stop();
  });
}

/// One that hangs in the kernel does not end for a SIGKILL either: its waiter goes on without it.
void running::stop() {
  if (over_ || reaped_) return;
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
    self->take(s, bytes);
    if (!ec) return self->read(s);
    s.from.reset();
    self->check();
  });
}

void running::take(stream& s, std::size_t bytes) {
  const auto room = s.most - std::min(s.most, s.into->size());
  s.into->append(s.chunk.data(), std::min(room, bytes));
  if (bytes <= room || !s.kills || result_.too_much) return;
  result_.too_much = true;
  stop();
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
}

std::expected<finished, std::string> running::result() {
  int why = 0;
  if (::read(child_.failure.get(), &why, sizeof why) == sizeof why)
    return std::unexpected(fmt::format("cannot be run: {}", std::strerror(why)));
  return std::move(result_);
}

}  // namespace unwedge::child

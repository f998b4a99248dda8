#include "systemd/bus_peer.hpp"

#include "systemd/bus_vtable.hpp"
#include "systemd/utf8.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace unwedge::systemd {
namespace {

namespace asio = boost::asio;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

int must(int result, const char* tried) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), tried);
  return result;
}

bool takes_more(int fd) {
  pollfd state{fd, POLLOUT, 0};
  return ::poll(&state, 1, 0) > 0;
}

}  // namespace

bus_peer::bus_peer(const asio::any_io_executor& executor, const bus_options& options,
                   const bus_vtable& vtable, int fd)
    : executor_(executor), options_(options), ready_(executor), timer_(executor), call_ended_(executor) {
  sd_bus* bus = nullptr;
  sd_id128_t id{};
  int made = sd_bus_new(&bus);
  if (made >= 0) made = sd_bus_set_fd(bus, fd, fd);
  bus_.reset(bus);
  if (made < 0) {
    ::close(fd);
    must(made, "sd_bus_new");
  }
  must(sd_id128_randomize(&id), "sd_id128_randomize");
  must(sd_bus_set_server(bus, 1, id), "sd_bus_set_server");
  must(sd_bus_add_object_vtable(bus, nullptr, object_path, interface_name, vtable.entries.data(), this),
       "sd_bus_add_object_vtable");
  must(sd_bus_start(bus), "sd_bus_start");
  int const duplicate = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  must(duplicate < 0 ? -errno : 0, "duplicate a socket");
  ready_.assign(duplicate);
}

asio::awaitable<std::string> bus_peer::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  std::exception_ptr thrown;
  try {
    co_await serve();
  } catch (...) {
    thrown = std::current_exception();
  }
  ended_ = true;
  for (auto& running : calls_) running.cancel.emit(asio::cancellation_type::terminal);
  while (!calls_.empty()) {
    call_ended_.expires_at(clock::time_point::max());
    co_await call_ended_.async_wait(as_value);
  }
  if (thrown) std::rethrow_exception(thrown);
  co_return std::move(why_);
}

asio::awaitable<void> bus_peer::serve() {
  while (!ended_) {
    if (process()) {
      co_await asio::post(executor_, as_value);  // more to do, but others' turn first
    } else if (!ended_) {
      co_await wait();
      check_deadlines();
    }
  }
}

/// Lets sd-bus work until it has nothing left (false), or has had its share (true).
bool bus_peer::process() {
  for (int share = 0; share < 32 && !ended_; ++share) {
    int const done = sd_bus_process(bus_.get(), nullptr);
    if (done == 0) return false;
    if (done > 0) continue;
    bool const left = done == -ECONNRESET || done == -ENOTCONN || done == -EPIPE;
    drop(left ? "" : fmt::format("broke the D-Bus protocol: {}", std::strerror(-done)));
  }
  return !ended_;
}

asio::awaitable<void> bus_peer::wait() {
  using namespace asio::experimental::awaitable_operators;
  int const events = sd_bus_get_events(bus_.get());
  std::uint64_t until = UINT64_MAX;  // CLOCK_MONOTONIC in us, as steady_clock
  if (events < 0 || sd_bus_get_timeout(bus_.get(), &until) < 0) co_return drop("");
  auto expiry = until > INT64_MAX / 1000
                    ? clock::time_point::max()
                    : clock::time_point(std::chrono::microseconds(static_cast<std::int64_t>(until)));
  if (sd_bus_is_ready(bus_.get()) <= 0) expiry = std::min(expiry, connected_ + options_.authenticate_in);
  if ((events & POLLOUT) == 0) {
    unsent_ = 0;
    full_since_ = clock::time_point::max();
    timer_.expires_at(expiry);
    co_await (ready_.async_wait(ready_.wait_read, as_value) || timer_.async_wait(as_value));
    co_return;
  }
  if (full_since_ == clock::time_point::max()) full_since_ = clock::now();
  timer_.expires_at(std::min(expiry, full_since_ + options_.unread_for));
  co_await (ready_.async_wait(ready_.wait_read, as_value) || ready_.async_wait(ready_.wait_write, as_value) ||
            timer_.async_wait(as_value));
  // Not by which of them came first: a client that writes all the time would always win as readable.
  if (takes_more(ready_.native_handle())) full_since_ = clock::time_point::max();
}

void bus_peer::check_deadlines() {
  auto const now = clock::now();
  if (now >= connected_ + options_.authenticate_in && sd_bus_is_ready(bus_.get()) == 0) {
    drop(fmt::format("did not authenticate within {} ms", options_.authenticate_in.count()));
  } else if (full_since_ != clock::time_point::max() && now - full_since_ >= options_.unread_for) {
    drop(fmt::format("does not read: its socket was full for {} ms", options_.unread_for.count()));
  }
}

int bus_peer::on_call(sd_bus_message* request, void* self, sd_bus_error* error) {
  auto& peer = *static_cast<bus_peer*>(self);
  const char* argument = nullptr;
  if (int const read = sd_bus_message_read(request, "s", &argument); read < 0) return read;
  auto const found = peer.options_.methods.find(std::string_view(sd_bus_message_get_member(request)));
  if (found == peer.options_.methods.end()) return 0;
  if (peer.calls_.size() >= peer.options_.max_calls) {
    return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                            "too many unanswered calls on this connection");
  }
  peer.start(request, found->second, argument);
  return 1;
}

int bus_peer::on_subscribe(sd_bus_message* request, void* self, sd_bus_error*) {
  static_cast<bus_peer*>(self)->subscribed_ = true;
  return sd_bus_reply_method_return(request, "");
}

void bus_peer::start(sd_bus_message* request, const bus_handler& handler, std::string argument) {
  auto const where = calls_.emplace(calls_.end());
  where->request.reset(sd_bus_message_ref(request));
  asio::co_spawn(
      executor_, answer(where, handler, std::move(argument)),
      asio::bind_cancellation_slot(where->cancel.slot(), [this, where](const std::exception_ptr& thrown) {
        if (thrown && options_.report) options_.report("a D-Bus call ended without an answer");
        calls_.erase(where);
        call_ended_.expires_at(clock::time_point::min());
      }));
}

asio::awaitable<void> bus_peer::answer(call_iterator where, bus_handler handler, std::string argument) {
  bus_reply result;
  try {
    result = co_await handler(std::move(argument));
  } catch (const std::exception& thrown) {
    if (ended_) co_return;  // cancelled
    auto const member = sd_bus_message_get_member(where->request.get());
    if (options_.report) options_.report(fmt::format("D-Bus method {} threw: {}", member, thrown.what()));
    result = std::unexpected(fmt::format("internal error: {}", thrown.what()));
  }
  if (!ended_) reply(where->request.get(), std::move(result));
}

void bus_peer::reply(sd_bus_message* request, bus_reply result) {
  auto const text = valid_utf8(result ? std::move(*result) : std::move(result.error()));
  int done = result ? sd_bus_reply_method_return(request, "s", text.c_str())
                    : sd_bus_reply_method_errorf(request, error_failed, "%s", text.c_str());
  if (done < 0) {  // too large for D-Bus, or the connection is gone
    done = sd_bus_reply_method_errorf(request, error_failed, "the answer of %zu bytes cannot be sent: %s",
                                      text.size(), std::strerror(-done));
  }
  sent(text.size());
}

void bus_peer::emit(const char* json) {
  if (!subscribed_ || ended_) return;
  if (sd_bus_emit_signal(bus_.get(), object_path, interface_name, "Event", "s", json) < 0) return drop("");
  sent(std::strlen(json));
}

/// Accounts for a message handed to sd-bus: what the socket did not take waits in its queue.
void bus_peer::sent(std::size_t bytes) {
  constexpr std::uint64_t max_unsent_messages = 16'384;  // each costs sd-bus about 1 KiB
  std::uint64_t queued = 0;
  if (sd_bus_get_n_queued_write(bus_.get(), &queued) < 0) return wake();
  unsent_ = queued == 0 ? 0 : unsent_ + bytes;
  if (unsent_ > options_.max_unsent_bytes || queued > max_unsent_messages) {
    return drop(fmt::format("does not read: {} messages wait for it", queued));
  }
  wake();
}

void bus_peer::drop(std::string why) {
  if (!ended_) why_ = std::move(why);
  ended_ = true;
  wake();
}

/// Makes wait() return, also when it has not begun to wait yet: hence no cancel().
void bus_peer::wake() {
  timer_.expires_at(clock::time_point::min());
}

}  // namespace unwedge::systemd

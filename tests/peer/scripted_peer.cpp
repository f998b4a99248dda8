#include "tests/peer/scripted_peer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <sys/socket.h>

#include <optional>

namespace unwedge::tests {
namespace {

using unix_socket = asio::local::stream_protocol::socket;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

std::string answer(std::string_view key, std::string_view value, std::string_view id) {
  return fmt::format(R"({{"{}": {}{}}})"
                     "\r\n",
                     key, value, id.empty() ? std::string() : fmt::format(R"(, "id": {})", id));
}

std::optional<heard> understood(const std::string& line) {
  boost::system::error_code ec;
  const auto parsed = boost::json::parse(line, ec);
  const auto* o = ec ? nullptr : parsed.if_object();
  if (o == nullptr) return std::nullopt;
  const bool oob = o->contains("exec-oob");
  const auto* name = o->if_contains(oob ? "exec-oob" : "execute");
  if (name == nullptr || !name->is_string()) return std::nullopt;
  const auto* id = o->if_contains("id");
  const auto* arguments = o->if_contains("arguments");
  return heard{
      std::string(name->get_string()), oob, id == nullptr ? "" : boost::json::serialize(*id),
      arguments != nullptr && arguments->is_object() ? arguments->get_object() : boost::json::object{}};
}

}  // namespace

struct scripted_peer::stage {
  stage(asio::io_context& context, script s, std::map<std::string, std::string> a)
      : io(context),
        steps(std::move(s)),
        standing(std::move(a)),
        acceptor(context),
        client(context),
        timer(context) {}

  asio::io_context& io;
  script steps;
  std::map<std::string, std::string> standing;
  asio::local::stream_protocol::acceptor acceptor;
  unix_socket client;
  asio::steady_timer timer;
  std::string unread;
  std::vector<heard> received;
  std::vector<std::string> complaints;
  std::map<std::string, std::string> ids;  ///< of the commands expected so far; "" is the last
  std::size_t played = 0;
  std::size_t clients = 0;
  bool stopped = false;
  bool silent = false;

  void close_client() {
    boost::system::error_code ignored;
    client.close(ignored);
    timer.cancel();
  }

  asio::awaitable<bool> send(std::string bytes) {
    const auto [ec, n] = co_await asio::async_write(client, asio::buffer(bytes), as_result);
    co_return !ec;
  }

  /// The next command; none if the client has left.
  asio::awaitable<std::optional<heard>> next() {
    const auto [ec, n] =
        co_await asio::async_read_until(client, asio::dynamic_buffer(unread), '\n', as_result);
    if (ec) co_return std::nullopt;
    const auto line = unread.substr(0, n);
    unread.erase(0, n);
    auto command = understood(line);
    if (!command) {
      complaints.push_back("no command: " + line);
      close_client();
      co_return std::nullopt;
    }
    received.push_back(*command);
    co_return command;
  }

  /// Answers from the table, or complains and ends the connection.
  asio::awaitable<bool> answer_unexpected(heard command, std::string instead_of) {
    if (const auto found = standing.find(command.name); found != standing.end()) {
      co_return co_await send(answer("return", found->second, command.id));
    }
    complaints.push_back(fmt::format("got {} while {}", command.name, instead_of));
    close_client();
    co_return false;
  }

  asio::awaitable<bool> play(expect e) {
    while (const auto command = co_await next()) {
      if (command->name == e.name) {
        ids[e.name] = ids[""] = command->id;
        co_return true;
      }
      if (!co_await answer_unexpected(*command, "waiting for " + e.name)) co_return false;
    }
    co_return false;
  }

  asio::awaitable<bool> play(say s) { co_return co_await send(std::move(s.bytes)); }

  asio::awaitable<bool> play(say_in_pieces s) {
    for (std::size_t at = 0; at < s.bytes.size(); at += s.size) {
      if (!co_await send(s.bytes.substr(at, s.size))) co_return false;
      co_await asio::post(io, asio::use_awaitable);
    }
    co_return true;
  }

  asio::awaitable<bool> play(flood f) {
    for (std::size_t i = 0; i < f.times; ++i) {
      if (!co_await send(f.bytes)) co_return false;
    }
    co_return true;
  }

  asio::awaitable<bool> play(reply r) { co_return co_await send(answer("return", r.value, ids[r.to])); }

  asio::awaitable<bool> play(refuse r) {
    const boost::json::object failure{{"class", r.error_class}, {"desc", r.description}};
    co_return co_await send(answer("error", boost::json::serialize(failure), ids[r.to]));
  }

  asio::awaitable<bool> play(reply_as r) { co_return co_await send(answer("return", r.value, r.id)); }

  asio::awaitable<bool> play(delay d) {
    timer.expires_after(d.time);
    const auto [ec] = co_await timer.async_wait(as_result);
    co_return !ec;
  }

  asio::awaitable<bool> play(hang_up) {
    close_client();
    co_return false;
  }

  asio::awaitable<bool> play(go_silent) {
    silent = true;
    co_return false;
  }

  asio::awaitable<bool> play_step(step s) {
    return std::visit([this](auto&& each) { return play(std::forward<decltype(each)>(each)); }, std::move(s));
  }

  /// One client from greeting to end.
  asio::awaitable<void> serve() {
    ++clients;
    played = 0;
    unread.clear();
    ids.clear();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool ends =
          std::holds_alternative<hang_up>(steps[i]) || std::holds_alternative<go_silent>(steps[i]);
      const bool goes_on = co_await play_step(steps[i]);
      if (goes_on || ends) played = i + 1;
      if (!goes_on) {
        if (!silent) close_client();
        co_return;
      }
    }
    while (const auto command = co_await next()) {
      if (!co_await answer_unexpected(*command, "the script was over")) break;
    }
    close_client();
  }

  asio::awaitable<void> serve_all() {
    while (!stopped && !silent) {
      auto [ec, accepted] = co_await acceptor.async_accept(as_result);
      if (ec) break;
      client = std::move(accepted);
      co_await serve();
    }
  }
};

namespace {

/// A peer's coroutines belong to its stage; what one throws is a complaint.
template <typename Stage>
void spawn(const std::shared_ptr<Stage>& stage, asio::awaitable<void> what) {
  asio::co_spawn(stage->io, std::move(what), [stage](const std::exception_ptr& thrown) {
    if (thrown == nullptr) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      stage->complaints.push_back(std::string("the peer threw: ") + e.what());
    }
  });
}

}  // namespace

scripted_peer::scripted_peer(asio::io_context& io, script steps, std::map<std::string, std::string> standing)
    : stage_(std::make_shared<stage>(io, std::move(steps), std::move(standing))) {}

scripted_peer::~scripted_peer() {
  stop();
}

asio::local::stream_protocol::socket scripted_peer::connected() {
  unix_socket other(stage_->io);
  asio::local::connect_pair(stage_->client, other);
  spawn(stage_, stage_->serve());
  return other;
}

void scripted_peer::listen(const std::string& path, int backlog) {
  const asio::local::stream_protocol::endpoint endpoint(path);
  stage_->acceptor.open(endpoint.protocol());
  stage_->acceptor.bind(endpoint);
  stage_->acceptor.listen(backlog);
  spawn(stage_, stage_->serve_all());
}

bool scripted_peer::inject(std::string_view bytes) {
  const auto sent =
      ::send(stage_->client.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent == static_cast<ssize_t>(bytes.size());
}

void scripted_peer::hang_up_now() {
  stage_->close_client();
}

void scripted_peer::stop() {
  stage_->stopped = true;
  stage_->close_client();
  boost::system::error_code ignored;
  stage_->acceptor.close(ignored);
}

const std::vector<heard>& scripted_peer::received() const {
  return stage_->received;
}
const std::vector<std::string>& scripted_peer::complaints() const {
  return stage_->complaints;
}
std::size_t scripted_peer::steps_played() const {
  return stage_->played;
}
std::size_t scripted_peer::clients() const {
  return stage_->clients;
}

}  // namespace unwedge::tests

// Raw requests to the HTTP server over a socket.
#include "daemon/surface/http_server.hpp"
#include "tests/unit/surface/running_server.hpp"
#include "tests/unit/surface/temporary_folder.hpp"

#include <boost/asio.hpp>
#include <gmock/gmock.h>

#include <chrono>

namespace unwedge::tests {
namespace {

using namespace std::chrono_literals;
using boost::asio::generic::stream_protocol;
using surface::http_options;
using surface::http_server;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string metrics() {
  return "unwedge_probes_total 1\n";
}

class http : public testing::Test {
 protected:
  void start(http_options options = {}) {
    if (options.listen.empty()) options.listen = "127.0.0.1:0";
    if (!options.sources.metrics) options.sources.metrics = &metrics;
    server_ = std::make_unique<running_server<http_server>>(
        [&](auto executor) { return http_server::listen(executor, options); });
    address_ = server_->on_loop([](http_server& server) { return server.address(); });
  }

  stream_protocol::socket connect() {
    stream_protocol::endpoint where;
    if (address_.starts_with("unix:")) {
      where = boost::asio::local::stream_protocol::endpoint(address_.substr(5));
    } else {
      auto const port = static_cast<std::uint16_t>(std::stoi(address_.substr(address_.rfind(':') + 1)));
      where = boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), port);
    }
    stream_protocol::socket socket(context_);
    socket.connect(where);
    return socket;
  }

  static std::string read_to_end(stream_protocol::socket& socket) {
    std::string all;
    boost::system::error_code error;
    boost::asio::read(socket, boost::asio::dynamic_buffer(all), error);
    return all;
  }

  /// Sends the parts with a pause in between, closes our side, returns all that came.
  std::string exchange(std::vector<std::string> parts) {
    auto socket = connect();
    boost::system::error_code gone;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i > 0) std::this_thread::sleep_for(20ms);
      boost::asio::write(socket, boost::asio::buffer(parts[i]), gone);
    }
    return read_to_end(socket);
  }

  boost::asio::io_context context_;
  std::unique_ptr<running_server<http_server>> server_;
  std::string address_;
};

constexpr auto get_metrics = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

TEST_F(http, serves_metrics) {
  start();
  auto const answer = exchange({get_metrics});
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 23\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nunwedge_probes_total 1\n"));
}

TEST_F(http, serves_over_a_unix_socket) {
  temporary_folder const folder;
  start({.listen = "unix:" + (folder / "http.sock").string()});
  EXPECT_THAT(exchange({get_metrics}), EndsWith("\r\n\r\nunwedge_probes_total 1\n"));
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(folder / "http.sock"));
}

TEST_F(http, takes_a_request_in_pieces) {
  start();
  EXPECT_THAT(exchange({"GET /hea", "lthz HTTP/1.1\r", "\nConnection: close\r\n\r", "\n"}),
              EndsWith("\r\n\r\nok\n"));
}

TEST_F(http, answers_pipelined_requests_in_order) {
  start();
  auto const answer =
      exchange({"GET /healthz HTTP/1.1\r\n\r\nGET /metrics?x=y HTTP/1.1\r\n\r\n"
                "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"});
  auto const first = answer.find("\r\n\r\nok\n");
  auto const second = answer.find("unwedge_probes_total");
  auto const third = answer.find("/metrics  for Prometheus");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST_F(http, answers_head_without_a_body) {
  start();
  auto const answer = exchange({"HEAD /metrics HTTP/1.1\r\nConnection: close\r\n\r\n"});
  EXPECT_THAT(answer, HasSubstr("Content-Length: 23\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(http, refuses_what_it_does_not_serve) {
  start();
  EXPECT_THAT(exchange({"GET /etc/passwd HTTP/1.0\r\n\r\n"}), StartsWith("HTTP/1.0 404 Not Found\r\n"));
  auto const posted = exchange({"DELETE /metrics HTTP/1.0\r\n\r\n"});
  EXPECT_THAT(posted, StartsWith("HTTP/1.0 405 Method Not Allowed\r\n"));
  EXPECT_THAT(posted, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(exchange({"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"}),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(exchange({"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"}),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(exchange({"\x16\x03\x01 this is TLS\r\n\r\n"}), StartsWith("HTTP/1.1 400 "));
}

TEST_F(http, refuses_a_header_above_its_limit) {
  start();
  auto const large = "GET / HTTP/1.1\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n";
  EXPECT_THAT(exchange({large}), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(exchange({"GET /" + std::string(40'000, 'x')}), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(exchange({get_metrics}), StartsWith("HTTP/1.1 200 "));
}

TEST_F(http, makes_a_failing_source_a_500) {
  start({.sources = {.metrics = []() -> std::string { throw std::runtime_error("no rows"); }}});
  EXPECT_THAT(exchange({get_metrics}), StartsWith("HTTP/1.1 500 "));
}

TEST_F(http, ends_a_request_that_trickles_in) {
  start({.deadline = 200ms});
  auto socket = connect();
  auto const begin = std::chrono::steady_clock::now();
  boost::system::error_code gone;
  for (int i = 0; i < 100 && !gone; ++i) {
    boost::asio::write(socket, boost::asio::buffer("G", 1), gone);
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_TRUE(gone);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
}

TEST_F(http, ends_a_client_that_does_not_read) {
  start({.sources = {.metrics = [] { return std::string(32u << 20, 'm'); }}, .deadline = 300ms});
  auto socket = connect();
  boost::asio::write(socket, boost::asio::buffer(std::string_view("GET /metrics HTTP/1.1\r\n\r\n")));
  std::this_thread::sleep_for(600ms);
  EXPECT_EQ(server_->on_loop([](http_server& server) { return server.connections(); }), 0u);
}

TEST_F(http, closes_connections_above_its_limit) {
  start({.max_connections = 2});
  auto first = connect();
  auto second = connect();
  while (server_->on_loop([](http_server& server) { return server.connections(); }) < 2) {
  }
  auto third = connect();
  EXPECT_EQ(read_to_end(third), "");
  boost::asio::write(first, boost::asio::buffer(std::string_view(get_metrics)));
  EXPECT_THAT(read_to_end(first), StartsWith("HTTP/1.1 200 "));
}

TEST_F(http, stops_with_connections_open) {
  start();
  auto idle = connect();
  auto half = connect();
  boost::asio::write(half, boost::asio::buffer("GET", 3));
  while (server_->on_loop([](http_server& server) { return server.connections(); }) < 2) {
  }
  server_->stop();
  EXPECT_EQ(read_to_end(idle), "");
}

TEST(http_listen, says_what_is_wrong_with_an_address) {
  boost::asio::io_context context;
  for (auto const bad :
       {"", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:80x", ":80"}) {
    auto const made = http_server::listen(context.get_executor(), {.listen = bad});
    ASSERT_FALSE(made) << bad;
    EXPECT_THAT(made.error(), HasSubstr("is none of ADDRESS:PORT"));
  }
  auto const foreign = http_server::listen(context.get_executor(), {.listen = "192.0.2.1:80"});
  EXPECT_THAT(foreign.error(), HasSubstr("cannot listen on 192.0.2.1:80: "));
  auto const v6 = http_server::listen(context.get_executor(), {.listen = "[::1]:0"});
  if (v6) EXPECT_THAT((*v6)->address(), StartsWith("[::1]:"));
}

}  // namespace
}  // namespace unwedge::tests

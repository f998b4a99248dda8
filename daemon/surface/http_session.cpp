#include "daemon/surface/http_session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace unwedge::surface {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr std::uint32_t header_limit = 8 * 1024;
constexpr std::size_t buffer_limit = 16'384;  // room for a request, and the begin of a pipelined one

/// The status that tells a client what was wrong with its bytes; 0: nobody is there to be told.
unsigned refusal(boost::system::error_code error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  return error.category() == http::make_error_code(http::error::bad_method).category() ? 400 : 0;
}

}  // namespace

struct http_stream {
  explicit http_stream(http_socket socket) : wire(std::move(socket)) {}
  beast::basic_stream<asio::generic::stream_protocol> wire;
  beast::flat_buffer buffer{buffer_limit};
};

struct http_session::request {
  std::string method = "GET";
  std::string target = {};
  unsigned version = 11;
  bool keep_alive = false;
  unsigned refused = 0;  ///< answer with this status and close
};

http_session::http_session(http_socket socket, const http_sources& sources,
                           std::chrono::milliseconds deadline)
    : sources_(sources), deadline_(deadline), stream_(std::make_unique<http_stream>(std::move(socket))) {}
http_session::~http_session() = default;

asio::awaitable<void> http_session::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool more = true;
  while (more) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(header_limit);
    parser.body_limit(0);
    stream_->wire.expires_after(deadline_);  // for the whole header, however slowly its bytes come
    auto [error, size] = co_await http::async_read_header(stream_->wire, stream_->buffer, parser, as_value);
    if (error && refusal(error) == 0) break;
    request asked{.refused = error ? refusal(error) : 0};
    if (!error) {
      auto const& head = parser.get();
      asked = {std::string(head.method_string()), std::string(head.target()), head.version(),
               head.keep_alive(), parser.is_done() ? 0u : 413u};  // a body follows: no page takes one
    }
    more = co_await answer(std::move(asked));
  }
  boost::system::error_code ignored;
  stream_->wire.socket().shutdown(asio::socket_base::shutdown_both, ignored);
}

asio::awaitable<bool> http_session::answer(request asked) {
  if (asked.refused == 0) {
    auto page = page_for(asked.method, asked.target, sources_);
    co_return co_await send(std::move(asked), std::move(page));
  }
  asked.keep_alive = false;
  http_page page{.status = asked.refused,
                 .body = std::string(http::obsolete_reason(http::int_to_status(asked.refused))) + '\n'};
  co_return co_await send(std::move(asked), std::move(page));
}

/// True if another request may follow.
asio::awaitable<bool> http_session::send(request asked, http_page page) {
  http::response<http::string_body> response(http::int_to_status(page.status), asked.version);
  response.set(http::field::server, "unwedged");
  response.set(http::field::content_type, beast::string_view(page.type.data(), page.type.size()));
  if (page.status == 405) response.set(http::field::allow, "GET, HEAD");
  response.keep_alive(asked.keep_alive);
  response.content_length(page.body.size());
  if (asked.method != "HEAD") response.body() = std::move(page.body);
  stream_->wire.expires_after(deadline_);
  auto [error, size] = co_await http::async_write(stream_->wire, response, as_value);
  co_return !error && asked.keep_alive;
}

void http_session::close() {
  stream_->wire.close();
}

}  // namespace unwedge::surface

#include "qmp/framer.hpp"

#include <boost/json/monotonic_resource.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::qmp {
namespace {

json::parse_options options(std::size_t depth) {
  json::parse_options o;
  o.max_depth = depth;
  return o;
}

/// The first bytes of hostile text, fit for a log line.
std::string excerpt(std::string_view bytes) {
  std::string out;
  for (const char c : bytes.substr(0, 40)) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x20 && u < 0x7f) out += c;
    else out += fmt::format("\\x{:02x}", u);
  }
  return out;
}

error translate(const json::error_code& ec, std::string_view bytes, const limits& l) {
  if (ec == json::error::too_deep) return {errc::too_deep, fmt::format("more than {} levels", l.depth)};
  return {errc::garbage, fmt::format("{} at \"{}\"", ec.message(), excerpt(bytes))};
}

error over_long(const limits& l) { return {errc::too_long, fmt::format("more than {} bytes", l.message_bytes)}; }

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view skip_space(std::string_view bytes) {
  const auto* first = std::find_if_not(bytes.begin(), bytes.end(), is_space);
  return bytes.substr(static_cast<std::size_t>(first - bytes.begin()));
}

std::expected<void, error> hand_over(const json::value& message, std::string_view raw, message_sink& sink) {
  while (!raw.empty() && is_space(raw.back())) raw.remove_suffix(1);
  if (!message.is_object()) return std::unexpected(error{errc::garbage, "a message that is no object: " + excerpt(raw)});
  return sink.on_message(message.get_object(), raw);
}

std::expected<std::size_t, error> used_if(const std::expected<void, error>& done, std::size_t used) {
  if (!done) return std::unexpected(done.error());
  return used;
}

}  // namespace

parse_scratch::parse_scratch(std::size_t depth)
    : pool_(std::make_unique<unsigned char[]>(pool_bytes)), parser_(json::storage_ptr(), options(depth)) {}
parse_scratch::~parse_scratch() = default;

framer::pending::pending(std::string_view begun, std::size_t depth)
    : raw(begun), parser(json::storage_ptr(), options(depth)) {}

std::expected<void, error> framer::feed(std::string_view bytes, message_sink& sink) {
  for (;;) {
    if (!pending_) bytes = skip_space(bytes);
    if (bytes.empty()) return {};
    const auto used = pending_ ? feed_pending(bytes, sink) : feed_whole(bytes, sink);
    if (!used) return std::unexpected(used.error());
    bytes.remove_prefix(*used);
  }
}

std::expected<std::size_t, error> framer::feed_whole(std::string_view bytes, message_sink& sink) {
  const auto within = bytes.substr(0, limits_.message_bytes + 1);
  json::monotonic_resource memory(scratch_.pool_.get(), parse_scratch::pool_bytes);
  auto& parser = scratch_.parser_;
  parser.reset(&memory);
  // The parser must not keep a reference into `memory` beyond this call, however it ends.
  const std::unique_ptr<json::stream_parser, void (*)(json::stream_parser*)> forget(&parser, [](auto* p) { p->reset(); });
  json::error_code ec;
  const auto used = parser.write_some(within.data(), within.size(), ec);
  if (ec) return std::unexpected(translate(ec, within, limits_));
  if (!parser.done()) return used_if(start_pending(bytes), bytes.size());
  if (used > limits_.message_bytes) return std::unexpected(over_long(limits_));
  const auto message = parser.release();
  return used_if(hand_over(message, within.substr(0, used), sink), used);
}

std::expected<void, error> framer::start_pending(std::string_view tail) {
  if (tail.size() > limits_.message_bytes) return std::unexpected(over_long(limits_));
  pending_ = std::make_unique<pending>(tail, limits_.depth);
  pending_->parser.reset(json::make_shared_resource<json::monotonic_resource>());
  json::error_code ec;
  pending_->parser.write_some(tail.data(), tail.size(), ec);
  if (ec) return std::unexpected(translate(ec, tail, limits_));
  return {};
}

std::expected<std::size_t, error> framer::feed_pending(std::string_view bytes, message_sink& sink) {
  const auto room = limits_.message_bytes - pending_->raw.size();
  const auto within = bytes.substr(0, room + 1);
  json::error_code ec;
  const auto used = pending_->parser.write_some(within.data(), within.size(), ec);
  if (ec) return std::unexpected(translate(ec, within, limits_));
  if (used > room) return std::unexpected(over_long(limits_));
  pending_->raw.append(within.substr(0, used));
  if (!pending_->parser.done()) return used;
  const auto finished = std::move(pending_);
  return used_if(hand_over(finished->parser.release(), finished->raw, sink), used);
}

}  // namespace unwedge::qmp

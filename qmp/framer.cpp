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
    if (u >= 0x20 && u < 0x7f)
      out += c;
    else
      out += fmt::format("\\x{:02x}", u);
  }
  return out;
}

error translate(const json::error_code& ec, std::string_view bytes, std::size_t depth) {
  if (ec == json::error::too_deep) return {errc::too_deep, fmt::format("more than {} levels", depth)};
  return {errc::garbage, fmt::format("{} at \"{}\"", ec.message(), excerpt(bytes))};
}

error over_long(const limits& l) {
  return {errc::too_long, fmt::format("more than {} bytes", l.message_bytes)};
}

std::size_t commas(std::string_view bytes) {
  return static_cast<std::size_t>(std::ranges::count(bytes, ','));
}

error too_many_values(const limits& l) {
  return {errc::too_long, fmt::format("more than {} values", l.values)};
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view skip_space(std::string_view bytes) {
  const auto* first = std::find_if_not(bytes.begin(), bytes.end(), is_space);
  return bytes.substr(static_cast<std::size_t>(first - bytes.begin()));
}

/// The parser takes the white space after a message as part of it; the limits and the sink do not.
std::string_view drop_space(std::string_view raw) {
  while (!raw.empty() && is_space(raw.back())) raw.remove_suffix(1);
  return raw;
}

std::expected<std::size_t, error> used_if(const std::expected<void, error>& done, std::size_t used) {
  if (!done) return std::unexpected(done.error());
  return used;
}

}  // namespace

parse_scratch::parse_scratch(std::size_t depth)
    : depth_(depth),
      pool_(std::make_unique<unsigned char[]>(pool_bytes)),
      parser_(json::storage_ptr(), options(depth)) {}
parse_scratch::~parse_scratch() = default;

framer::pending::pending(std::string_view begun, std::size_t depth)
    : raw(begun), parser(json::storage_ptr(), options(depth)) {}

std::expected<void, error> framer::feed(std::string_view bytes, message_sink& sink) {
  for (;;) {
    if (!pending_) bytes = skip_space(bytes);
    if (bytes.empty()) return {};
    if (!pending_ && bytes.front() != '{') {
      return std::unexpected(
          error{errc::garbage, fmt::format("a message that is no object: \"{}\"", excerpt(bytes))});
    }
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
  const std::unique_ptr<json::stream_parser, void (*)(json::stream_parser*)> forget(
      &parser, [](auto* p) { p->reset(); });
  json::error_code ec;
  const auto used = parser.write_some(within.data(), within.size(), ec);
  if (ec) return std::unexpected(translate(ec, within, scratch_.depth_));
  if (!parser.done()) return used_if(start_pending(bytes), bytes.size());
  const auto raw = drop_space(within.substr(0, used));
  if (raw.size() > limits_.message_bytes) return std::unexpected(over_long(limits_));
  if (raw.size() > limits_.values && commas(raw) > limits_.values)
    return std::unexpected(too_many_values(limits_));
  const auto message = parser.release();
  return used_if(sink.on_message(message.get_object(), raw), used);
}

std::expected<void, error> framer::start_pending(std::string_view tail) {
  if (tail.size() > limits_.message_bytes) return std::unexpected(over_long(limits_));
  pending_ = std::make_unique<pending>(tail, scratch_.depth_);
  pending_->parser.reset(json::make_shared_resource<json::monotonic_resource>());
  json::error_code ec;
  pending_->parser.write_some(tail.data(), tail.size(), ec);
  if (ec) return std::unexpected(translate(ec, tail, scratch_.depth_));
  pending_->commas = commas(tail);
  if (pending_->commas > limits_.values) return std::unexpected(too_many_values(limits_));
  return {};
}

std::expected<std::size_t, error> framer::feed_pending(std::string_view bytes, message_sink& sink) {
  const auto room = limits_.message_bytes - pending_->raw.size();
  const auto within = bytes.substr(0, room + 1);
  json::error_code ec;
  const auto used = pending_->parser.write_some(within.data(), within.size(), ec);
  if (ec) return std::unexpected(translate(ec, within, scratch_.depth_));
  const bool complete = pending_->parser.done();
  const auto taken = complete ? drop_space(within.substr(0, used)) : within.substr(0, used);
  if (taken.size() > room) return std::unexpected(over_long(limits_));
  pending_->commas += commas(taken);
  if (pending_->commas > limits_.values) return std::unexpected(too_many_values(limits_));
  pending_->raw.append(taken);
  if (!complete) return used;
  const auto finished = std::move(pending_);
  const auto message = finished->parser.release();
  return used_if(sink.on_message(message.get_object(), finished->raw), used);
}

}  // namespace unwedge::qmp

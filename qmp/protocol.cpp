#include "qmp/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace unwedge::qmp {
namespace {

constexpr command_id capabilities_id = 0;
const json::object no_data;

std::string_view text(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}

std::int64_t number(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_int64() ? v->get_int64() : 0;
}

const json::object* object(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v == nullptr ? nullptr : v->if_object();
}

/// Our ids are strings "u17": a manager that shared this monitor before us most likely used others.
std::optional<command_id> own_id(const json::object& message) {
  const auto id = text(message, "id");
  if (id.size() < 2 || id.front() != 'u') return std::nullopt;
  command_id value = 0;
  const auto [end, ec] = std::from_chars(id.data() + 1, id.data() + id.size(), value);
  if (ec != std::errc{} || end != id.data() + id.size()) return std::nullopt;
  return value;
}

error refused(const json::object& failure) {
  return {errc::refused, "", server_error{std::string(text(failure, "class")), std::string(text(failure, "desc"))}};
}

qmp::version parse_version(const json::object& v) {
  qmp::version out;
  if (const auto* q = object(v, "qemu")) {
    out.major = static_cast<int>(number(*q, "major"));
    out.minor = static_cast<int>(number(*q, "minor"));
    out.micro = static_cast<int>(number(*q, "micro"));
  }
  out.package = std::string(text(v, "package").substr(0, 128));
  return out;
}

std::string encode(const command& c, command_id id) {
  json::object o;
  o[c.out_of_band ? "exec-oob" : "execute"] = c.name;
  if (!c.arguments.empty()) o["arguments"] = c.arguments;
  o["id"] = fmt::format("u{}", id);
  return json::serialize(o) + "\r\n";
}

}  // namespace

protocol::protocol(parse_scratch& scratch, limits l, protocol_handler& handler)
    : framer_(scratch, l), limits_(l), handler_(handler), tokens_(l.event_burst) {}

std::expected<void, error> protocol::receive(std::string_view bytes, steady_time now) {
  now_ = now;
  return framer_.feed(bytes, *this);
}

std::expected<command_id, error> protocol::send(const command& c, std::string& out) {
  if (phase_ != phase::ready) return std::unexpected(error{errc::not_negotiated, std::string(c.name)});
  if (c.out_of_band && !oob_) return std::unexpected(error{errc::no_oob, std::string(c.name)});
  if (outstanding_.size() >= limits_.outstanding) return std::unexpected(error{errc::too_many, std::string(c.name)});
  const auto id = next_id_++;
  out += encode(c, id);
  outstanding_.push_back({id, c.out_of_band});
  return id;
}

bool protocol::in_band_outstanding() const {
  return std::ranges::any_of(outstanding_, [](const sent& s) { return !s.out_of_band; });
}

std::expected<void, error> protocol::on_message(const json::object& message, std::string_view raw) {
  if (message.contains("event")) return dispatch_event(message, raw);
  if (message.contains("return") || message.contains("error")) return on_reply_message(message);
  if (const auto* qmp = object(message, "QMP"); qmp != nullptr && phase_ == phase::awaiting_greeting) return on_greeting(*qmp);
  ++counters_.unknown_messages;
  return {};
}

std::expected<void, error> protocol::on_greeting(const json::object& qmp) {
  if (const auto* v = object(qmp, "version")) greeting_.version = parse_version(*v);
  if (const auto* offered = qmp.if_contains("capabilities"); offered != nullptr && offered->is_array()) {
    greeting_.oob_offered = std::ranges::find(offered->get_array(), json::value("oob")) != offered->get_array().end();
  }
  json::object arguments;
  if (greeting_.oob_offered) arguments["enable"] = json::array{"oob"};
  output_ += encode({"qmp_capabilities", std::move(arguments)}, capabilities_id);
  outstanding_.push_back({capabilities_id, false});
  phase_ = phase::negotiating;
  return {};
}

std::expected<void, error> protocol::on_reply_message(const json::object& message) {
  const auto id = own_id(message);
  const auto found = std::ranges::find_if(outstanding_, [&](const sent& s) { return id && s.id == *id; });
  if (found == outstanding_.end()) {
    ++counters_.foreign_replies;
    return {};
  }
  ++counters_.replies;
  outstanding_.erase(found);
  if (*id == capabilities_id && phase_ == phase::negotiating) return capabilities_answered(message);
  if (const auto* value = message.if_contains("return")) {
    handler_.on_reply(*id, value);
  } else {
    const auto* failure = object(message, "error");
    handler_.on_reply(*id, std::unexpected(refused(failure != nullptr ? *failure : no_data)));
  }
  return {};
}

std::expected<void, error> protocol::capabilities_answered(const json::object& message) {
  if (const auto* failure = object(message, "error")) return std::unexpected(refused(*failure));
  phase_ = phase::ready;
  oob_ = greeting_.oob_offered;
  handler_.on_ready(greeting_, oob_);
  return {};
}

bool protocol::event_allowed() {
  const std::chrono::duration<double> passed = now_ - tokens_at_;
  tokens_ = tokens_at_ == steady_time{} ? limits_.event_burst
                                        : std::min(limits_.event_burst, tokens_ + passed.count() * limits_.events_per_second);
  tokens_at_ = now_;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

std::expected<void, error> protocol::dispatch_event(const json::object& message, std::string_view raw) {
  if (phase_ != phase::ready) return {};  // not promised before the negotiation, and the resync covers it
  ++counters_.events;
  if (!event_allowed()) {
    return std::unexpected(error{errc::event_flood, fmt::format("more than {:.0f} events a second", limits_.events_per_second)});
  }
  std::chrono::microseconds stamp{0};
  if (const auto* t = object(message, "timestamp")) {
    constexpr std::int64_t sane = 1LL << 40;  // seconds; beyond it the sum below would overflow
    const auto seconds = std::clamp<std::int64_t>(number(*t, "seconds"), 0, sane);
    const auto micros = std::clamp<std::int64_t>(number(*t, "microseconds"), 0, 999'999);
    stamp = std::chrono::seconds(seconds) + std::chrono::microseconds(micros);
  }
  const auto* data = object(message, "data");
  handler_.on_event({text(message, "event"), data != nullptr ? *data : no_data, stamp, raw});
  return {};
}

}  // namespace unwedge::qmp

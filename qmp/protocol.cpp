#include "qmp/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace unwedge::qmp {
namespace {

const json::object no_data;
constexpr std::size_t description_bytes =
    1024;  ///< of a refusal that are kept: it ends in logs and incidents

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
  const auto kept = [&](std::string_view key) {
    return std::string(text(failure, key).substr(0, description_bytes));
  };
  return {errc::refused, "", server_error{kept("class"), kept("desc")}};
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
  const auto verb = c.out_of_band ? "exec-oob" : "execute";
  // Command names are constants of ours that need no escaping; the probes, nearly all that is ever sent, end
  // here.
  if (c.arguments.empty()) return fmt::format("{{\"{}\":\"{}\",\"id\":\"u{}\"}}\r\n", verb, c.name, id);
  json::object o;
  o[verb] = c.name;
  o["arguments"] = c.arguments;
  o["id"] = fmt::format("u{}", id);
  return json::serialize(o) + "\r\n";
}

}  // namespace

protocol::protocol(parse_scratch& scratch, limits l, protocol_handler& handler, command_id first_id)
    : framer_(scratch, l),
      limits_(l),
      handler_(handler),
      capabilities_id_(first_id),
      next_id_(first_id + 1),
      tokens_(l.event_burst) {}

std::expected<void, error> protocol::receive(std::string_view bytes, steady_time now) {
  now_ = now;
  return framer_.feed(bytes, *this);
}

std::expected<command_id, error> protocol::send(const command& c, std::string& out) {
  if (phase_ != phase::ready) return std::unexpected(error{errc::not_negotiated, std::string(c.name)});
  if (c.out_of_band && !oob_) return std::unexpected(error{errc::no_oob, std::string(c.name)});
  if (outstanding_.size() >= limits_.outstanding)
    return std::unexpected(error{errc::too_many, std::string(c.name)});
  const auto id = next_id_++;
  handler_.on_sent(id, c);
  out += encode(c, id);
  outstanding_.push_back({id, c.out_of_band});
  return id;
}

bool protocol::in_band_outstanding() const {
  return std::ranges::any_of(outstanding_, [](const sent& s) { return !s.out_of_band; });
}

std::expected<void, error> protocol::on_message(const json::object& message, std::string_view raw) {
  if (message.contains("event")) return dispatch_event(message, raw);
  if (message.contains("return") || message.contains("error")) return on_reply_message(message, raw);
  if (const auto* qmp = object(message, "QMP"); qmp != nullptr && phase_ == phase::awaiting_greeting) {
    handler_.on_received(raw, {});
    return on_greeting(*qmp);
  }
  ++counters_.unknown_messages;
  if (const auto allowed = unasked(); !allowed) return allowed;
  handler_.on_received(raw, {});
  return {};
}

std::expected<void, error> protocol::on_greeting(const json::object& qmp) {
  if (const auto* v = object(qmp, "version")) greeting_.version = parse_version(*v);
  if (const auto* offered = qmp.if_contains("capabilities"); offered != nullptr && offered->is_array()) {
    greeting_.oob_offered =
        std::ranges::find(offered->get_array(), json::value("oob")) != offered->get_array().end();
  }
  json::object arguments;
  if (greeting_.oob_offered) arguments["enable"] = json::array{"oob"};
  const command negotiate{"qmp_capabilities", std::move(arguments)};
  handler_.on_sent(capabilities_id_, negotiate);
  output_ += encode(negotiate, capabilities_id_);
  outstanding_.push_back({capabilities_id_, false});
  phase_ = phase::negotiating;
  return {};
}

std::expected<void, error> protocol::on_reply_message(const json::object& message, std::string_view raw) {
  const auto id = own_id(message);
  const auto found = std::ranges::find_if(outstanding_, [&](const sent& s) { return id && s.id == *id; });
  if (found == outstanding_.end()) {
    ++counters_.foreign_replies;
    if (const auto allowed = unasked(); !allowed) return allowed;
    handler_.on_received(raw, {});
    return {};
  }
  ++counters_.replies;
  outstanding_.erase(found);
  handler_.on_received(raw, *id);
  if (*id == capabilities_id_ && phase_ == phase::negotiating) return capabilities_answered(message);
  if (const auto* value = message.if_contains("return")) {
    handler_.on_reply(*id, value);
  } else {
    const auto* failure = object(message, "error");
    handler_.on_reply(*id, std::unexpected(refused(failure != nullptr ? *failure : no_data)));
  }
  return {};
}

std::expected<void, error> protocol::capabilities_answered(const json::object& message) {
  if (message.contains("error")) {
    const auto* failure = object(message, "error");
    auto why = refused(failure != nullptr ? *failure : no_data);
    why.what = "qmp_capabilities";
    return std::unexpected(std::move(why));
  }
  phase_ = phase::ready;
  oob_ = greeting_.oob_offered;
  handler_.on_ready(greeting_, oob_);
  return {};
}

/// Accounts for a message that answers no command of ours: those alone a peer can send without end.
std::expected<void, error> protocol::unasked() {
  const std::chrono::duration<double> passed = now_ - tokens_at_;
  tokens_ = std::min(limits_.event_burst, tokens_ + passed.count() * limits_.events_per_second);
  tokens_at_ = now_;
  if (tokens_ < 1) {
    return std::unexpected(
        error{errc::event_flood, fmt::format("more than {:.0f} a second", limits_.events_per_second)});
  }
  tokens_ -= 1;
  return {};
}

std::expected<void, error> protocol::dispatch_event(const json::object& message, std::string_view raw) {
  if (const auto allowed = unasked(); !allowed) return allowed;
  handler_.on_received(raw, {});
  const auto name = text(message, "event");
  if (name.empty()) {
    ++counters_.unknown_messages;
    return {};
  }
  if (phase_ != phase::ready) return {};  // not promised before the negotiation, and the resync covers it
  ++counters_.events;
  std::chrono::microseconds stamp{0};
  if (const auto* t = object(message, "timestamp")) {
    constexpr std::int64_t sane = 1LL << 40;  // seconds; beyond it the sum below would overflow
    const auto seconds = std::clamp<std::int64_t>(number(*t, "seconds"), 0, sane);
    const auto micros = std::clamp<std::int64_t>(number(*t, "microseconds"), 0, 999'999);
    stamp = std::chrono::seconds(seconds) + std::chrono::microseconds(micros);
  }
  const auto* data = object(message, "data");
  handler_.on_event({name, data != nullptr ? *data : no_data, stamp, raw});
  return {};
}

}  // namespace unwedge::qmp

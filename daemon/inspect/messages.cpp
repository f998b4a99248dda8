#include "daemon/inspect/messages.hpp"

#include "daemon/evidence/address.hpp"

#include <fmt/format.h>

#include <charconv>

namespace unwedge::inspect {

namespace json = boost::json;

namespace {

json::value or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

std::string hex(std::uint64_t address) {
  return fmt::format("{:#x}", address);
}

json::object to_json(const frame& f) {
  return {{"pc", hex(f.pc)},
          {"function", or_null(f.function)},
          {"offset", f.offset},
          {"module", or_null(f.module)},
          {"module_offset", hex(f.module_offset)}};
}

// Printable again, whoever wrote it.
std::optional<std::string> text_at(const json::object& in, std::string_view key) {
  const auto* const value = in.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return evidence::printable(std::string_view{value->get_string()});
}

std::uint64_t number_at(const json::object& in, std::string_view key) {
  const auto* const value = in.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  return value->is_int64() ? static_cast<std::uint64_t>(std::max<std::int64_t>(value->get_int64(), 0)) : 0;
}

std::uint64_t address_at(const json::object& in, std::string_view key) {
  const auto text = text_at(in, key).value_or("");
  std::uint64_t value = 0;
  if (text.starts_with("0x")) std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  return value;
}

std::chrono::nanoseconds time_in(const json::value& us) {
  if (!us.is_double()) return {};
  return std::chrono::nanoseconds{static_cast<std::int64_t>(std::clamp(us.get_double(), 0.0, 1e9) * 1e3)};
}

std::optional<thread_stack> thread_in(const json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const auto& in = value.get_object();
  thread_stack made{.tid = static_cast<pid_t>(number_at(in, "tid")),
                    .comm = text_at(in, "comm").value_or("")};
  if (const auto state = text_at(in, "state"); state && state->size() == 1) made.state = state->front();
  if (const auto* us = in.if_contains("stopped_us"); us != nullptr) made.stopped = time_in(*us);
  made.unwind = text_at(in, "unwind").value_or("");
  const auto* const frames = in.if_contains("frames");
  if (frames == nullptr || !frames->is_array()) return std::nullopt;
  for (const auto& item : frames->get_array()) {
    if (!item.is_object() || made.frames.size() == most_frames) return std::nullopt;
    const auto& f = item.get_object();
    made.frames.push_back({.pc = address_at(f, "pc"),
                           .function = text_at(f, "function"),
                           .offset = number_at(f, "offset"),
                           .module = text_at(f, "module"),
                           .module_offset = address_at(f, "module_offset")});
  }
  return made;
}

struct encoder {
  json::object operator()(const seen_message& m) const { return {{"seen", to_json(m.thread)}}; }
  json::object operator()(const captured_message& m) const { return {{"captured", to_json(m.thread)}}; }
  json::object operator()(const stack_message& m) const { return {{"stack", to_json(m.thread)}}; }
  json::object operator()(const problem_message& m) const { return {{"problem", m.sentence}}; }
  json::object operator()(const failed_message& m) const { return {{"failed", m.sentence}}; }
  json::object operator()(const done_message& m) const { return {{"done", in_us(m.capture)}}; }
};

}  // namespace

double in_us(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e3;
}

json::object to_json(const thread_stack& thread) {
  json::array frames;
  for (const auto& f : thread.frames) frames.push_back(to_json(f));
  return {{"tid", thread.tid},
          {"comm", thread.comm},
          {"state", std::string(1, thread.state)},
          {"stopped_us", in_us(thread.stopped)},
          {"frames", std::move(frames)},
          {"unwind", thread.unwind}};
}

std::string encode(const message& m) {
  return json::serialize(std::visit(encoder{}, m)) + '\n';
}

std::optional<message> decode(std::string_view line) {
  boost::system::error_code error;
  const auto parsed = json::parse(line, error);
  if (error || !parsed.is_object() || parsed.get_object().size() != 1) return std::nullopt;
  const auto& in = parsed.get_object();
  const auto& [key, value] = *in.begin();
  if (key == "done") return done_message{time_in(value)};
  if (const auto text = text_at(in, key)) {
    if (key == "problem") return problem_message{*text};
    if (key == "failed") return failed_message{*text};
    return std::nullopt;
  }
  auto thread = thread_in(value);
  if (!thread) return std::nullopt;
  if (key == "seen") return seen_message{std::move(*thread)};
  if (key == "captured") return captured_message{std::move(*thread)};
  if (key == "stack") return stack_message{std::move(*thread)};
  return std::nullopt;
}

}  // namespace unwedge::inspect

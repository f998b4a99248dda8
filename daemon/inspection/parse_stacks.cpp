#include "daemon/inspection/parse_stacks.hpp"

#include "daemon/evidence/address.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace unwedge::inspection {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  return value != nullptr && value->is_string() ? evidence::printable(std::string_view(value->get_string()))
                                                : std::string();
}

std::uint64_t count_at(const json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  return value->is_int64() ? static_cast<std::uint64_t>(std::max<std::int64_t>(value->get_int64(), 0)) : 0;
}

std::uint64_t address_at(const json::object& in, std::string_view key) {
  const auto text = text_at(in, key);
  std::uint64_t value = 0;
  if (text.starts_with("0x")) std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
  return value;
}

/// At most an hour.
std::chrono::microseconds time_at(const json::object& in, std::string_view key) {
  constexpr double most = 3.6e9;
  const auto* value = in.if_contains(key);
  if (value == nullptr || !value->is_number()) return {};
  const auto us = std::clamp(value->to_number<double>(), 0.0, most);
  return std::chrono::microseconds(static_cast<std::int64_t>(us));
}

const json::array* array_at(const json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

pid_t tid_at(const json::object& in, std::string_view key) {
  constexpr std::uint64_t most = 4'194'304;  // PID_MAX_LIMIT
  const auto tid = count_at(in, key);
  return tid <= most ? static_cast<pid_t>(tid) : 0;
}

std::optional<policies::thread_stack> thread_in(const json::value& value) {
  const auto* in = value.if_object();
  const auto tid = in == nullptr ? 0 : tid_at(*in, "tid");
  const auto* frames = in == nullptr ? nullptr : array_at(*in, "frames");
  if (tid == 0 || frames == nullptr) return std::nullopt;
  policies::thread_stack made{
      .tid = tid, .comm = text_at(*in, "comm"), .frames = {}, .unwind = text_at(*in, "unwind")};
  for (const auto& item : *frames) {
    const auto* f = item.if_object();
    if (f == nullptr) return std::nullopt;
    if (made.frames.size() == most_frames) {
      made.unwind = "truncated";
      break;
    }
    made.frames.push_back({.function = text_at(*f, "function"),
                           .offset = count_at(*f, "offset"),
                           .module = text_at(*f, "module"),
                           .module_offset = address_at(*f, "module_offset")});
  }
  return made;
}

void add_problem(policies::process_stacks& to, std::string what) {
  if (what.empty() || to.problems.size() == most_problems) return;
  if (std::ranges::find(to.problems, what) == to.problems.end()) to.problems.push_back(std::move(what));
}

void read_threads(const json::array& from, policies::process_stacks& to) {
  for (const auto& item : from) {
    if (to.threads.size() == most_threads)
      return add_problem(to, fmt::format("more than {} threads: the others are left out", most_threads));
    auto thread = thread_in(item);
    const bool fresh = thread && std::ranges::find(to.threads, thread->tid, &policies::thread_stack::tid) ==
                                     to.threads.end();
    if (fresh)
      to.threads.push_back(std::move(*thread));
    else
      add_problem(to, "a part of the result cannot be read");
  }
}

}  // namespace

std::expected<policies::process_stacks, std::string> parse_stacks(std::string_view text) {
  if (text.size() > most_document_bytes)
    return std::unexpected(fmt::format("the result has {} bytes", text.size()));
  boost::system::error_code ec;
  const auto parsed = json::parse(text, ec);
  const auto* document = ec ? nullptr : parsed.if_object();
  const auto* threads = document == nullptr ? nullptr : array_at(*document, "threads");
  if (threads == nullptr) return std::unexpected(std::string("the result is not one that can be read"));
  policies::process_stacks made;
  if (const auto* problems = array_at(*document, "problems")) {
    for (const auto& p : *problems) {
      if (p.is_string()) add_problem(made, evidence::printable(std::string_view(p.get_string())));
    }
  }
  read_threads(*threads, made);
  const auto main = tid_at(*document, "pid");
  const auto first = std::ranges::find(made.threads, main, &policies::thread_stack::tid);
  if (first != made.threads.end()) std::rotate(made.threads.begin(), first, first + 1);
  made.stopped = time_at(*document, "total_stopped_us");
  made.took = time_at(*document, "capture_us");
  return made;
}

}  // namespace unwedge::inspection

#include "daemon/rescuing/answers.hpp"

#include "daemon/evidence/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace unwedge::rescuing {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::array<std::string_view, 4> ends{"command", "time", "exit", "itself"};

template <typename T>
using result = std::expected<T, std::string>;

std::unexpected<std::string> lacks(std::string_view key) {
  return std::unexpected(fmt::format("says no credible `{}`", key));
}

std::optional<bool> flag(const json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  const auto* is = value == nullptr ? nullptr : value->if_bool();
  return is == nullptr ? std::nullopt : std::optional(*is);
}

bool says(const json::object& in, std::string_view key, bool wanted) {
  return flag(in, key) == wanted;
}

std::optional<std::uint64_t> count(const json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  return std::nullopt;
}

/// In nanoseconds or milliseconds, as Unit; an hour at most.
template <typename Unit>
std::optional<Unit> time(const json::object& in, std::string_view key) {
  constexpr auto most = static_cast<std::uint64_t>(Unit{std::chrono::hours{1}}.count());
  const auto value = count(in, key);
  if (!value || *value > most) return std::nullopt;
  return Unit{static_cast<typename Unit::rep>(*value)};
}

std::string sentence(const json::object& in, std::string_view key) {
  const auto* value = in.if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : evidence::printable(std::string_view(*text));
}

std::optional<std::string> name(const json::object& in, std::string_view key) {
  constexpr std::size_t most = 40;
  const auto* value = in.if_contains(key);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr || text->empty() || text->size() > most) return std::nullopt;
  const bool plain = std::ranges::all_of(
      *text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  return plain ? std::optional(std::string(*text)) : std::nullopt;
}

std::optional<precondition> one(const json::value& from) {
  const auto* in = from.if_object();
  if (in == nullptr) return std::nullopt;
  auto called = name(*in, "name");
  const auto ok = flag(*in, "ok");
  if (!called || !ok) return std::nullopt;
  return precondition{.name = std::move(*called), .ok = *ok, .sentence = sentence(*in, "sentence")};
}

/// At least one.
std::optional<std::vector<precondition>> preconditions(const json::object& in) {
  const auto* value = in.if_contains("preconditions");
  const auto* list = value == nullptr ? nullptr : value->if_array();
  if (list == nullptr || list->empty() || list->size() > most_preconditions) return std::nullopt;
  std::vector<precondition> made;
  for (const auto& item : *list) {
    auto p = one(item);
    if (!p) return std::nullopt;
    made.push_back(std::move(*p));
  }
  return made;
}

const precondition* first_failed(const std::vector<precondition>& of) {
  const auto found = std::ranges::find(of, false, &precondition::ok);
  return found == of.end() ? nullptr : &*found;
}

/// Those of something that was done: all hold.
std::optional<std::vector<precondition>> kept(const json::object& in) {
  auto list = preconditions(in);
  return list && first_failed(*list) == nullptr ? list : std::nullopt;
}

bool is_of(const json::object& in, pid_t holder, milliseconds window) {
  return count(in, "holder") == static_cast<std::uint64_t>(holder) &&
         count(in, "window_ms") == static_cast<std::uint64_t>(window.count());
}

std::optional<ended_by> end_in(const json::object& in) {
  const auto said = name(in, "ended_by");
  const auto* const found = said ? std::ranges::find(ends, *said) : ends.end();
  if (found == ends.end()) return std::nullopt;
  return static_cast<ended_by>(found - ends.begin());
}

}  // namespace

std::string_view to_string(ended_by by) {
  return ends.at(static_cast<std::size_t>(by));
}

std::optional<json::object> parse_object(std::string_view line) {
  if (line.size() > most_answer_bytes) return std::nullopt;
  json::error_code ec;
  auto value = json::parse(line, ec);
  if (ec || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

result<plan> read_plan(const json::object& in) {
  if (!says(in, "ok", true) || !says(in, "plan", true))
    return std::unexpected("does not say that it is a plan");
  const auto would = flag(in, "would");
  auto list = preconditions(in);
  if (!would) return lacks("would");
  if (!list) return lacks("preconditions");
  const auto* const why = first_failed(*list);
  if (*would != (why == nullptr)) return std::unexpected("contradicts itself");
  plan made{.would = *would,
            .failed = why == nullptr ? "" : why->name,
            .sentence = why == nullptr ? "" : why->sentence,
            .walks_graph = *would ? flag(in, "walks_graph") : std::nullopt};
  made.preconditions = std::move(*list);
  return made;
}

result<granted> read_granted(const json::object& in, pid_t holder, milliseconds window) {
  if (name(in, "event") != "granted") return lacks("event");
  if (!is_of(in, holder, window)) return std::unexpected("says that another lease was granted");
  const auto walks = flag(in, "walks_graph");
  const auto stopped = time<nanoseconds>(in, "stopped_ns");
  if (!walks) return lacks("walks_graph");
  if (!stopped) return lacks("stopped_ns");
  granted made{.walks_graph = *walks, .stopped = *stopped};
  if (const auto until = time<nanoseconds>(in, "until_ns"))
    made.until = std::chrono::steady_clock::time_point(*until);
  return made;
}

result<refused> read_refused(const json::object& in) {
  if (!says(in, "ok", false) || in.contains("event")) return lacks("ok");
  auto list = preconditions(in);
  if (!list) return lacks("preconditions");
  const auto* const why = first_failed(*list);
  if (why == nullptr || name(in, "failed") != why->name) return lacks("failed");
  refused made{.failed = why->name, .sentence = why->sentence};
  made.preconditions = std::move(*list);
  return made;
}

result<lease_end> read_lease_end(const json::object& in, const granted& as_begun, pid_t holder,
                                 milliseconds window) {
  if (in.contains("event")) return std::unexpected("says an event in the place of its answer");
  if (!is_of(in, holder, window) || !says(in, "walks_graph", as_begun.walks_graph))
    return std::unexpected("answers of another lease");
  const auto returned = flag(in, "returned");
  if (!returned || !says(in, "ok", *returned)) return lacks("returned");
  const auto by = end_in(in);
  if (!by) return lacks("ended_by");
  const auto lasted = time<milliseconds>(in, "lasted_ms");
  if (!lasted) return lacks("lasted_ms");
  auto list = kept(in);
  if (!list) return lacks("preconditions");
  const auto again = in.contains("end_stopped_ns") ? time<nanoseconds>(in, "end_stopped_ns") : nanoseconds{0};
  if (!again) return lacks("end_stopped_ns");
  return lease_end{.returned = *returned,
                   .by = *by,
                   .lasted = *lasted,
                   .walks_graph = as_begun.walks_graph,
                   .stopped = as_begun.stopped + *again,
                   .sentence = sentence(in, "sentence"),
                   .preconditions = std::move(*list)};
}

result<severed> read_severed(const json::object& in, int fd, std::uint64_t inode) {
  if (!says(in, "ok", true)) return lacks("ok");
  if (count(in, "fd") != static_cast<std::uint64_t>(fd) || count(in, "inode") != inode)
    return std::unexpected("says that another connection was shut down");
  auto did = sentence(in, "did");
  if (did.empty()) return lacks("did");
  auto list = kept(in);
  if (!list) return lacks("preconditions");
  return severed{.did = std::move(did), .preconditions = std::move(*list)};
}

}  // namespace unwedge::rescuing

#include "daemon/incident/journal.hpp"

#include "daemon/incident/timestamp.hpp"

#include <fmt/core.h>

#include <utility>

namespace unwedge::incidents {

namespace {

namespace json = boost::json;
using policies::incident;

/// Reads a record's keys; remembers the first that is not there or of another type.
class fields {
 public:
  explicit fields(const json::object& record) : record_(record) {}

  std::string text(std::string_view key) {
    const auto* value = find(key);
    if (value && value->is_string()) return std::string{value->get_string()};
    return wrong(key, "a string"), std::string{};
  }

  wall_time time(std::string_view key) {
    const auto* value = find(key);
    const auto at = value && value->is_string() ? parse_rfc3339(value->get_string()) : std::nullopt;
    if (!at) wrong(key, "a time such as 2026-11-22T21:50:12.345Z");
    return at.value_or(wall_time{});
  }

  template <typename Number>
  Number number(std::string_view key) {
    const auto* value = find(key);
    boost::system::error_code ec = json::error::not_number;
    const auto number = value ? value->to_number<Number>(ec) : Number{};
    if (ec.failed()) wrong(key, "an integer in range");
    return ec.failed() ? Number{} : number;
  }

  json::value any(std::string_view key) {
    const auto* value = find(key);
    return value ? *value : (wrong(key, "there"), json::value{});
  }

  /// Keys that journals of earlier versions do not have.
  std::string text_if_there(std::string_view key) { return find(key) != nullptr ? text(key) : std::string{}; }
  json::object object_if_there(std::string_view key) {
    return find(key) != nullptr ? object(key) : json::object{};
  }

  json::object object(std::string_view key) {
    const auto* value = find(key);
    if (value && value->is_object()) return value->get_object();
    return wrong(key, "an object"), json::object{};
  }

  const std::string& problem() const { return problem_; }

 private:
  const json::value* find(std::string_view key) const { return record_.if_contains(key); }
  void wrong(std::string_view key, std::string_view expected) {
    if (problem_.empty()) problem_ = fmt::format("\"{}\" is not {}", key, expected);
  }

  const json::object& record_;
  std::string problem_;
};

/// Takes a record into the incident as a whole or, when it gives an error (else ""), not at all.
using change = std::string (*)(incident&, fields&);

std::string opened(incident& in, fields& keys) {
  if (!in.id.empty()) return "opened a second time";
  incident next{.id = keys.text("id"),
                .vm = keys.text("vm"),
                .pid = keys.number<pid_t>("pid"),
                .started = keys.number<std::uint64_t>("started"),
                .condition = keys.text("condition"),
                .policy = keys.text_if_there("policy"),
                .subject = keys.text_if_there("subject"),
                .why = keys.text_if_there("why"),
                .opened = keys.time("at"),
                .closed = {},
                .verdict = keys.any("verdict"),
                .steps = {},
                .notes = {}};
  if (!keys.problem().empty()) return keys.problem();
  if (next.id.empty()) return "an empty id";
  in = std::move(next);
  return {};
}

std::string intent(incident& in, fields& keys) {
  const auto step = keys.number<std::size_t>("step");
  policies::incident_step next{.at = keys.time("at"),
                               .action = keys.text("action"),
                               .arguments = keys.object("arguments"),
                               .authority = keys.text("authority"),
                               .undo = keys.object_if_there("undo"),
                               .result = {},
                               .took = {}};
  if (!keys.problem().empty()) return keys.problem();
  if (step != in.steps.size() + 1) return fmt::format("step {} follows step {}", step, in.steps.size());
  in.steps.push_back(std::move(next));
  return {};
}

std::string outcome(incident& in, fields& keys) {
  const auto step = keys.number<std::size_t>("step");
  const auto took = keys.number<std::uint32_t>("took_ms");
  auto result = keys.text("result");
  keys.time("at");
  if (!keys.problem().empty()) return keys.problem();
  if (step < 1 || step > in.steps.size()) return fmt::format("step {} was never begun", step);
  in.steps[step - 1].result = std::move(result);
  in.steps[step - 1].took = std::chrono::milliseconds{took};
  return {};
}

std::string verdict(incident& in, fields& keys) {
  keys.time("at");
  auto value = keys.any("verdict");
  if (keys.problem().empty()) in.verdict = std::move(value);
  return keys.problem();
}

std::string note(incident& in, fields& keys) {
  policies::incident_note next{.at = keys.time("at"), .text = keys.text("text")};
  if (keys.problem().empty()) in.notes.push_back(std::move(next));
  return keys.problem();
}

std::string closed(incident& in, fields& keys) {
  const auto at = keys.time("at");
  auto how = keys.text("outcome");
  if (!keys.problem().empty()) return keys.problem();
  in.closed = at;
  in.outcome = std::move(how);
  return {};
}

constexpr std::pair<std::string_view, change> records[] = {{"opened", opened},   {"intent", intent},
                                                           {"outcome", outcome}, {"verdict", verdict},
                                                           {"note", note},       {"closed", closed}};

}  // namespace

std::expected<void, std::string> apply(incident& in, const json::object& record) {
  fields keys{record};
  const auto kind = keys.text("record");
  if (!keys.problem().empty()) return std::unexpected(keys.problem());
  for (const auto& [name, take] : records) {
    if (name != kind) continue;
    if (in.id.empty() && name != "opened") return std::unexpected(kind + " before opened");
    if (auto error = take(in, keys); !error.empty())
      return std::unexpected(fmt::format("{}: {}", kind, error));
    break;
  }
  return {};
}

std::expected<replayed, std::string> read_journal(std::string_view journal) {
  if (journal.size() > max_journal_bytes) return std::unexpected("the journal is above 4 MiB");
  replayed out;
  for (std::size_t number = 1;; ++number) {
    const auto rest = journal.substr(out.whole_bytes);
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return out;
    auto record = parse_line(rest.substr(0, end));
    // After a power cut a torn write can have its end but not its middle.
    if (!record && end + 1 == rest.size()) return out;
    auto taken = record ? apply(out.incident, *record) : std::unexpected(record.error());
    if (!taken) return std::unexpected(fmt::format("line {}: {}", number, taken.error()));
    out.whole_bytes += end + 1;
  }
}

std::expected<incident, std::string> replay(std::string_view journal) {
  auto all = read_journal(journal);
  if (!all) return std::unexpected(std::move(all.error()));
  return std::move(all->incident);
}

}  // namespace unwedge::incidents

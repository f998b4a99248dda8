#include "daemon/config/reader.hpp"

#include <algorithm>
#include <tuple>

namespace unwedge::config {

namespace {

const node empty_table{{}, table{}};

}  // namespace

std::vector<problem> problem_list::sorted() && {
  std::ranges::sort(found_, {}, [](const problem& p) { return std::tie(p.line, p.column, p.what); });
  return std::move(found_);
}

table_reader::table_reader(const node& of, std::string_view title, problem_list& problems)
    : entries_(std::get<table>((std::holds_alternative<table>(of.value) ? of : empty_table).value)),
      title_(title),
      problems_(problems) {}

const node* table_reader::find(std::string_view key) {
  known_.push_back(key);
  const auto found = std::ranges::find(entries_, key, &entry::key);
  return found == entries_.end() ? nullptr : &found->value;
}

void table_reader::wrong_kind(std::string_view key, const node& value, std::string_view expected) {
  report(value.at, fmt::format("`{}` is {}, expected {}", key, kind_of(value), expected));
}

std::optional<bool> table_reader::boolean(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* boolean = std::get_if<bool>(&value->value)) return *boolean;
  wrong_kind(key, *value, "true or false");
  return std::nullopt;
}

std::optional<policies::authority> table_reader::authority(std::string_view key) {
  static constexpr std::string_view names[] = {"observe", "protect", "rescue", "destroy"};
  return choice(key, policies::parse_authority, names);
}

std::optional<std::chrono::milliseconds> table_reader::duration(std::string_view key,
                                                                std::chrono::milliseconds least,
                                                                std::chrono::milliseconds most) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!std::holds_alternative<std::string>(value->value)) {
    return wrong_kind(key, *value, "a duration in quotes such as \"1s\" or \"500ms\""), std::nullopt;
  }
  const auto duration = text(key, parse_duration);
  if (!duration || (*duration >= least && *duration <= most)) return duration;
  report(value->at, fmt::format("`{}` is {}, expected {} to {}", key, to_text(*duration), to_text(least),
                                to_text(most)));
  return std::nullopt;
}

std::optional<std::size_t> table_reader::in_range(std::string_view key, const node& value, std::size_t least,
                                                  std::size_t most) {
  const auto number = std::get<std::int64_t>(value.value);
  if (number >= 0 && static_cast<std::size_t>(number) >= least && static_cast<std::size_t>(number) <= most) {
    return static_cast<std::size_t>(number);
  }
  report(value.at, fmt::format("`{}` is {}, expected {} to {}", key, number, least, most));
  return std::nullopt;
}

std::optional<std::size_t> table_reader::count(std::string_view key, std::size_t least, std::size_t most) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (std::holds_alternative<std::int64_t>(value->value)) return in_range(key, *value, least, most);
  wrong_kind(key, *value, "an integer");
  return std::nullopt;
}

std::optional<std::size_t> table_reader::size(std::string_view key, std::size_t least, std::size_t most) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (std::holds_alternative<std::int64_t>(value->value)) return in_range(key, *value, least, most);
  if (!std::holds_alternative<std::string>(value->value)) {
    return wrong_kind(key, *value, "bytes, as an integer or as a string such as \"256MiB\""), std::nullopt;
  }
  const auto bytes = text(key, parse_size);
  if (!bytes) return std::nullopt;
  return in_range(key, {value->at, static_cast<std::int64_t>(*bytes)}, least, most);
}

std::vector<std::string> table_reader::list(std::string_view key, std::string_view noun,
                                            parsed<std::string> (*parse)(std::string_view)) {
  const auto* value = find(key);
  std::vector<std::string> found;
  if (value == nullptr) return found;
  const auto* elements = std::get_if<array>(&value->value);
  if (elements == nullptr) {
    wrong_kind(key, *value, fmt::format("an array of {} in brackets", noun));
    return found;
  }
  for (const auto& element : *elements) {
    const auto* string = std::get_if<std::string>(&element.value);
    if (string == nullptr) {
      report(element.at, fmt::format("`{}` holds {}, expected {} in quotes", key, kind_of(element), noun));
    } else if (auto one = parse(*string); one) {
      found.push_back(std::move(*one));
    } else {
      report(element.at, fmt::format("`{}` holds {}", key, one.error()));
    }
  }
  return found;
}

const node& table_reader::inner(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return empty_table;
  if (std::holds_alternative<table>(value->value)) return *value;
  wrong_kind(key, *value, fmt::format("a table: [{}]", key));
  return empty_table;
}

void table_reader::finish() {
  for (const auto& [key, at, value] : entries_) {
    if (std::ranges::find(known_, key) != known_.end()) continue;
    const bool is_table = std::holds_alternative<table>(value.value);
    problems_.add(at,
                  fmt::format("unknown {} {}{}", is_table ? "table" : "key", backquoted(key),
                              title_.empty() ? "" : " in " + title_),
                  closest(key, known_));
  }
}

}  // namespace unwedge::config

// Reads one table of the configuration: each key is asked for once, and what nobody asked for is a problem.
// Used by config.cpp and policies.cpp. Problems are collected, never thrown, so that a file's are all
// reported at once.
#pragma once

#include "daemon/config/document.hpp"
#include "daemon/config/values.hpp"

#include <fmt/core.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace unwedge::config {

/// What was read, or what was there before.
template <typename T>
void set(T& to, std::optional<std::type_identity_t<T>> from) {
  if (from) to = std::move(*from);
}

/// The problems of a file so far.
class problem_list {
 public:
  explicit problem_list(std::string_view file) : file_(file) {}

  void add(position at, std::string what, std::string suggestion = {}) {
    found_.push_back({file_, at.line, at.column, std::move(what), std::move(suggestion)});
  }

  /// In the order of the file.
  std::vector<problem> sorted() &&;

 private:
  std::string file_;
  std::vector<problem> found_;
};

/// Lives as long as the node and the list that it was made with.
class table_reader {
 public:
  /// `title`: how messages name the table, "[probe]"; "" for the file's top level.
  table_reader(const node& of, std::string_view title, problem_list& problems);

  /// The key's value; nullptr if it is not there. Known from now on.
  const node* find(std::string_view key);

  /// The key's value if it is a string that `parse` (text -> parsed<T>) takes. Everything else is reported.
  template <typename Parse>
  auto text(std::string_view key, Parse parse) -> std::optional<typename decltype(parse(""))::value_type> {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    const auto* string = std::get_if<std::string>(&value->value);
    if (string == nullptr) return wrong_kind(key, *value, "a string"), std::nullopt;
    auto result = parse(*string);
    if (result) return std::move(*result);
    report(value->at, fmt::format("`{}` is {}", key, result.error()));
    return std::nullopt;
  }

  /// One of `names`, which `parse` (text -> std::optional<T>) takes.
  template <typename Parse>
  auto choice(std::string_view key, Parse parse, std::span<const std::string_view> names)
      -> decltype(parse("")) {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    const auto* word = std::get_if<std::string>(&value->value);
    if (word == nullptr) return wrong_kind(key, *value, one_of(names)), std::nullopt;
    auto result = parse(*word);
    if (!result) {
      problems_.add(value->at, fmt::format("`{}` is {}, expected {}", key, backquoted(*word), one_of(names)),
                    closest(*word, names));
    }
    return result;
  }

  std::optional<bool> boolean(std::string_view key);
  std::optional<policies::authority> authority(std::string_view key);

  /// A duration within bounds, both included.
  std::optional<std::chrono::milliseconds> duration(std::string_view key, std::chrono::milliseconds least,
                                                    std::chrono::milliseconds most);

  /// An integer within bounds, both included.
  std::optional<std::size_t> count(std::string_view key, std::size_t least, std::size_t most);

  /// "256MiB" or an integer, within bounds.
  std::optional<std::size_t> size(std::string_view key, std::size_t least, std::size_t most);

  /// The strings of an array, as `parse` takes them; `noun` is what messages call them: "paths".
  std::vector<std::string> list(std::string_view key, std::string_view noun,
                                parsed<std::string> (*parse)(std::string_view));

  /// A table within this one; an empty one if it is not there or no table.
  const node& inner(std::string_view key);

  /// Reports the keys that were never asked for. Call it last.
  void finish();

  void report(position at, std::string what) { problems_.add(at, std::move(what)); }

 private:
  void wrong_kind(std::string_view key, const node& value, std::string_view expected);
  std::optional<std::size_t> in_range(std::string_view key, const node& value, std::size_t least,
                                      std::size_t most);

  const table& entries_;
  std::string title_;
  problem_list& problems_;
  std::vector<std::string_view> known_;
};

}  // namespace unwedge::config

#include "daemon/config/document.hpp"

// The only translation unit that includes toml++.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define TOML_MAX_NESTED_VALUES 16
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

namespace unwedge::config {

namespace {

constexpr std::size_t max_depth = 16;
/// Of one line. Dotted keys nest without a limit of toml++'s, and each level costs stack in its destructors.
constexpr std::ptrdiff_t max_dots = 128;

position at(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

std::optional<problem> too_many_dots(std::string_view text, std::string_view file) {
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    if (std::ranges::count(text.substr(0, end), '.') > max_dots) {
      return problem{std::string{file}, line, 1, "more than 128 dots in one line, expected shorter lines",
                     ""};
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

/// Copies toml++'s tree; remembers where it is too deep.
class copier {
 public:
  node copy(const toml::node& from, std::size_t depth) {
    node to{at(from.source()), date_or_time{}};
    if (depth > max_depth) {
      if (!too_deep_) too_deep_ = to.at;
      return to;
    }
    if (const auto* values = from.as_table()) {
      to.value = copy_table(*values, depth);
    } else if (const auto* elements = from.as_array()) {
      array copied;
      for (const auto& element : *elements) copied.push_back(copy(element, depth + 1));
      to.value = std::move(copied);
    } else if (const auto* boolean = from.as_boolean()) {
      to.value = boolean->get();
    } else if (const auto* integer = from.as_integer()) {
      to.value = integer->get();
    } else if (const auto* number = from.as_floating_point()) {
      to.value = number->get();
    } else if (const auto* string = from.as_string()) {
      to.value = string->get();
    }
    return to;
  }

  std::optional<position> too_deep() const { return too_deep_; }

 private:
  table copy_table(const toml::table& from, std::size_t depth) {
    table to;
    for (const auto& [key, value] : from) {
      to.push_back({std::string{key.str()}, at(key.source()), copy(value, depth + 1)});
    }
    std::ranges::sort(to, {}, &entry::at);
    return to;
  }

  std::optional<position> too_deep_;
};

}  // namespace

std::string_view kind_of(const node& n) {
  static constexpr std::string_view kinds[] = {"a boolean",      "an integer", "a number", "a string",
                                               "a date or time", "an array",   "a table"};
  return kinds[n.value.index()];
}

std::expected<node, problem> read_document(std::string_view text, std::string_view file) {
  if (auto dots = too_many_dots(text, file)) return std::unexpected(std::move(*dots));
  const auto parsed = toml::parse(text);
  if (!parsed) {
    const auto where = at(parsed.error().source());
    return std::unexpected(problem{std::string{file}, where.line, where.column,
                                   "no TOML: " + one_line(parsed.error().description()), ""});
  }
  copier copy;
  auto root = copy.copy(parsed.table(), 0);
  if (const auto deep = copy.too_deep()) {
    return std::unexpected(problem{std::string{file}, deep->line, deep->column, "nested deeper than 16", ""});
  }
  return root;
}

}  // namespace unwedge::config

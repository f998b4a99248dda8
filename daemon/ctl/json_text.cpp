#include "daemon/ctl/json_text.hpp"

#include "daemon/ctl/printable.hpp"
#include "systemd/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

/// Indented output breaks lines between the items of an object or array that is not empty.
class printer {
 public:
  explicit printer(bool indented) : indented_(indented) {}

  void print(const json::value& value) {
    if (auto const* object = value.if_object(); object != nullptr && !object->empty()) {
      block('{', '}', *object, [this](const json::key_value_pair& member) {
        out += scalar(json::value(member.key())) + (indented_ ? ": " : ":");
        print(member.value());
      });
    } else if (auto const* array = value.if_array(); array != nullptr && !array->empty()) {
      block('[', ']', *array, [this](const json::value& item) { print(item); });
    } else {
      out += scalar(value);
    }
  }

  std::string out;

 private:
  static std::string scalar(const json::value& value) {
    if (auto const* number = value.if_double()) {  // Boost writes 3.5 as 3.5E0
      auto const text = fmt::format("{}", *number);
      return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
    }
    auto const text = json::serialize(value);
    std::string escaped;
    for (std::size_t at = 0; at < text.size();) {
      auto const c = systemd::next_code_point(text, at);
      if (is_printable(c)) {
        systemd::append_code_point(escaped, c);
      } else if (c < 0x10000) {
        escaped += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      } else {
        auto const rest = static_cast<unsigned>(c) - 0x10000u;
        escaped += fmt::format("\\u{:04x}\\u{:04x}", 0xD800u + (rest >> 10), 0xDC00u + (rest & 0x3FFu));
      }
    }
    return escaped;
  }

  void line() {
    if (indented_) out += '\n' + std::string(2 * depth_, ' ');
  }

  template <typename Items, typename Item>
  void block(char open, char close, const Items& items, Item item) {
    out += open;
    ++depth_;
    bool first = true;
    for (auto const& each : items) {
      if (!std::exchange(first, false)) out += ',';
      line();
      item(each);
    }
    --depth_;
    line();
    out += close;
  }

  bool indented_;
  std::size_t depth_ = 0;
};

std::string print(const json::value& value, bool indented) {
  printer p(indented);
  p.print(value);
  return std::move(p.out);
}

}  // namespace

std::string_view text_at(const json::object& object, std::string_view key) {
  auto const* value = object.if_contains(key);
  auto const* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

const json::object* object_at(const json::object& object, std::string_view key) {
  auto const* value = object.if_contains(key);
  return value != nullptr ? value->if_object() : nullptr;
}

const json::array* array_at(const json::object& object, std::string_view key) {
  auto const* value = object.if_contains(key);
  return value != nullptr ? value->if_array() : nullptr;
}

std::optional<double> number_at(const json::object& object, std::string_view key) {
  auto const* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::optional<std::chrono::milliseconds> duration_at(const json::object& object, std::string_view key) {
  constexpr double century = 3.2e12;
  auto const number = number_at(object, key);
  if (!number) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::clamp(*number, 0.0, century)));
}

bool flag_at(const json::object& object, std::string_view key) {
  auto const* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::string brief(const json::value& value) {
  if (auto const* text = value.if_string()) return printable(std::string_view(*text));
  auto const* object = value.if_object();
  if (object == nullptr) return compact(value);
  std::string out;
  for (auto const& member : *object) {
    if (!out.empty()) out += ", ";
    auto const nested = member.value().is_object();
    out += printable(std::string_view(member.key())) + '=' +
           (nested ? compact(member.value()) : brief(member.value()));
  }
  return out;
}

std::string compact(const json::value& value) {
  return print(value, false);
}
std::string pretty(const json::value& value) {
  return print(value, true);
}

}  // namespace unwedge::ctl

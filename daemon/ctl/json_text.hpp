// The daemon's JSON: reading it without trust in its shape, and printing it without trust in its text.
#pragma once

#include <boost/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace unwedge::ctl {

/// Members by name; what is missing or of another type is "", nullptr or nothing. Keys are only ever added to
/// the contract, and an older daemon may lack some.
std::string_view text_at(const boost::json::object& object, std::string_view key);
const boost::json::object* object_at(const boost::json::object& object, std::string_view key);
const boost::json::array* array_at(const boost::json::object& object, std::string_view key);
std::optional<double> number_at(const boost::json::object& object, std::string_view key);
/// A number of milliseconds; what is negative or beyond a century is cut to that.
std::optional<std::chrono::milliseconds> duration_at(const boost::json::object& object, std::string_view key);
bool flag_at(const boost::json::object& object, std::string_view key);

/// Any value as short printable text: strings bare, numbers, true, false; objects as `key=value, key=value`.
std::string brief(const boost::json::value& value);

/// JSON on one line. Unprintable characters, C1 and bidi controls included, are written as \u escapes: the
/// same JSON to a program, harmless on a terminal.
std::string compact(const boost::json::value& value);

/// The same, indented by two, for people and for `diff`.
std::string pretty(const boost::json::value& value);

}  // namespace unwedge::ctl

// Times and durations as people say them.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace unwedge::ctl {

using wall_time = std::chrono::system_clock::time_point;

/// "12 ms", "4.2 s", "42 s", "3 min", "2 h 5 min", "3 d 4 h": the two largest units that matter, rounded
/// down. What is negative (clocks differ) is "0 ms".
std::string in_words(std::chrono::milliseconds time);

/// All of it: "2 h", "1 min 30 s", "1 d 12 h".
std::string exactly_in_words(std::chrono::seconds time);

/// "812 bytes", "14 KiB", "3.2 MiB".
std::string bytes_in_words(std::size_t bytes);

/// Reads "2026-11-22T21:50:12.345Z" (the contract's form; the fraction may be missing).
std::optional<wall_time> parse_time(std::string_view rfc3339);

/// "2026-11-22 21:50:12", UTC; the argument made printable if it is no time.
std::string date_and_time(std::string_view rfc3339);

/// "14:00 CET", in this machine's time zone; with the date if that is another day than `now`'s, with seconds
/// if it is less than ten minutes away. The argument made printable if it is no time.
std::string local_time(std::string_view rfc3339, wall_time now);

/// Time from `rfc3339` to `now` in words; "-" if it is no time.
std::string since(std::string_view rfc3339, wall_time now);

}  // namespace unwedge::ctl

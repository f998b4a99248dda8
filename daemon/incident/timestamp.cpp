#include "daemon/incident/timestamp.hpp"

#include <fmt/core.h>

namespace unwedge::incidents {

namespace {

struct civil_time {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::milliseconds> clock;
};

civil_time civil(wall_time at) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(at);
  const auto day = std::chrono::floor<std::chrono::days>(ms);
  return {std::chrono::year_month_day{day}, std::chrono::hh_mm_ss{ms - day}};
}

/// The next `count` digits of `text`, which must be followed by `then`; takes both off.
std::optional<int> take(std::string_view& text, std::size_t count, char then) {
  if (text.size() <= count || text[count] != then) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(count + 1);
  return number;
}

/// Of "345Z" or "Z", the nanoseconds.
std::optional<std::chrono::nanoseconds> fraction(std::string_view text) {
  if (text.size() < 2 || text.size() > 10 || text.back() != 'Z') return std::nullopt;
  text.remove_suffix(1);
  std::int64_t ns = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    const char c = i < text.size() ? text[i] : '0';
    if (c < '0' || c > '9') return std::nullopt;
    ns = ns * 10 + (c - '0');
  }
  return std::chrono::nanoseconds{ns};
}

}  // namespace

std::string to_rfc3339(wall_time at) {
  const auto [date, clock] = civil(at);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string compact_utc(wall_time at) {
  const auto [date, clock] = civil(at);
  return fmt::format("{:04}{:02}{:02}-{:02}{:02}{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<wall_time> parse_rfc3339(std::string_view text) {
  const auto year = take(text, 4, '-');
  const auto month = year ? take(text, 2, '-') : std::nullopt;
  const auto day = month ? take(text, 2, 'T') : std::nullopt;
  const auto hour = day ? take(text, 2, ':') : std::nullopt;
  const auto minute = hour ? take(text, 2, ':') : std::nullopt;
  if (!minute) return std::nullopt;
  const bool whole = text.size() == 3;  // "12Z"
  const auto second = take(text, 2, whole ? 'Z' : '.');
  const auto rest = !second ? std::nullopt
                    : whole ? std::optional{std::chrono::nanoseconds{0}}
                            : fraction(text);
  if (!rest || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  // 64 bits of nanoseconds reach from 1677 to 2262.
  if (!date.ok() || *year < 1678 || *year > 2261) return std::nullopt;
  return wall_time{std::chrono::sys_days{date}} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second} + std::chrono::duration_cast<wall_time::duration>(*rest);
}

}  // namespace unwedge::incidents

#include "daemon/ctl/words.hpp"

#include "daemon/ctl/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <utility>

namespace unwedge::ctl {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

std::string two_units(std::int64_t large, std::string_view large_unit, std::int64_t small,
                      std::string_view small_unit) {
  if (small == 0) return fmt::format("{} {}", large, large_unit);
  return fmt::format("{} {} {} {}", large, large_unit, small, small_unit);
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  if (text.size() < at + count) return std::nullopt;
  auto const end = text.data() + at + count;
  auto const [stop, error] = std::from_chars(text.data() + at, end, value);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

/// The fraction of a second at the end, ".345Z" or "Z"; -1 if it is malformed.
milliseconds fraction(std::string_view tail) {
  if (tail == "Z") return 0ms;
  if (tail.size() < 3 || tail.size() > 11 || tail.front() != '.' || tail.back() != 'Z') return -1ms;
  auto const figures = tail.substr(1, tail.size() - 2);
  if (!std::ranges::all_of(figures, [](char c) { return c >= '0' && c <= '9'; })) return -1ms;
  auto padded = std::string(figures) + "00";
  return milliseconds(digits(padded, 0, 3).value_or(-1));
}

std::tm as_local(wall_time time) {
  auto const seconds = std::chrono::system_clock::to_time_t(time);
  std::tm out{};
  ::localtime_r(&seconds, &out);
  return out;
}

std::string local_text(const char* form, const std::tm& time) {
  std::array<char, 64> out{};
  return {out.data(), std::strftime(out.data(), out.size(), form, &time)};
}

}  // namespace

std::string in_words(milliseconds time) {
  auto const ms = std::max<std::int64_t>(time.count(), 0);
  if (ms < 100) return fmt::format("{} ms", ms);
  if (ms < 10'000) return fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100);
  auto const seconds = ms / 1000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  auto const minutes = seconds / 60;
  if (minutes < 60) return fmt::format("{} min", minutes);
  auto const hours = minutes / 60;
  if (hours < 24) return two_units(hours, "h", minutes % 60, "min");
  return two_units(hours / 24, "d", hours % 24, "h");
}

std::string bytes_in_words(std::size_t bytes) {
  constexpr std::size_t kib = 1'024, mib = kib * kib;
  auto const tenths = [](std::size_t all, std::size_t unit) {
    return static_cast<double>(all * 10 / unit) / 10;
  };
  if (bytes < kib) return fmt::format("{} bytes", bytes);
  if (bytes < 10 * kib) return fmt::format("{:.1f} KiB", tenths(bytes, kib));
  if (bytes < mib) return fmt::format("{} KiB", bytes / kib);
  if (bytes < 10 * mib) return fmt::format("{:.1f} MiB", tenths(bytes, mib));
  return fmt::format("{} MiB", bytes / mib);
}

std::string exactly_in_words(std::chrono::seconds time) {
  constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"d", 86'400}, {"h", 3'600}, {"min", 60}, {"s", 1}};
  std::string out;
  auto left = time.count();
  for (auto const& [unit, size] : units) {
    if (left >= size) out += fmt::format("{}{} {}", out.empty() ? "" : " ", left / size, unit);
    left %= size;
  }
  return out.empty() ? "0 s" : out;
}

std::optional<wall_time> parse_time(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.size() <= shape.size()) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : shape[i] != text[i]) return std::nullopt;
  }
  auto const number = [&](std::size_t at, std::size_t count) { return digits(text, at, count).value_or(0); };
  std::chrono::year_month_day const day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  auto const rest = fraction(text.substr(shape.size()));
  if (!day.ok() || number(0, 4) < 1970 || number(0, 4) > 2200 || number(11, 2) > 23 || number(14, 2) > 59 ||
      number(17, 2) > 60 || rest < 0ms)
    return std::nullopt;
  auto const time = std::chrono::hours(number(11, 2)) + std::chrono::minutes(number(14, 2)) +
                    std::chrono::seconds(number(17, 2)) + rest;
  return wall_time(std::chrono::sys_days(day)) + time;
}

std::string date_and_time(std::string_view text) {
  if (!parse_time(text)) return printable(text);
  return fmt::format("{} {}", text.substr(0, 10), text.substr(11, 8));
}

std::string local_time(std::string_view text, wall_time now) {
  auto const time = parse_time(text);
  if (!time) return printable(text);
  auto const then = as_local(*time);
  auto const today = as_local(now);
  bool const same_day = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
  bool const soon = std::chrono::abs(*time - now) < 10min;
  return printable(local_text(same_day ? "" : "%Y-%m-%d ", then) +
                   local_text(soon ? "%H:%M:%S %Z" : "%H:%M %Z", then));
}

std::string since(std::string_view text, wall_time now) {
  auto const then = parse_time(text);
  return then ? in_words(std::chrono::duration_cast<milliseconds>(now - *then)) : "-";
}

}  // namespace unwedge::ctl

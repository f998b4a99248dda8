#include "daemon/config/values.hpp"

#include "daemon/config/problem.hpp"

#include <climits>
#include <fmt/core.h>

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace unwedge::config {

namespace {

constexpr std::size_t max_socket_path = sizeof(sockaddr_un::sun_path) - 1;  // 107: with its NUL
constexpr std::size_t max_path = PATH_MAX - 1;

std::unexpected<std::string> expected(std::string_view text, std::string_view what) {
  return std::unexpected(fmt::format("{}, expected {}", backquoted(text), what));
}

bool printable(char c) {
  return c >= 0x20 && c <= 0x7E;
}

/// All digits, at most 18 of them.
std::optional<std::int64_t> digits(std::string_view text) {
  if (text.empty() || text.size() > 18 ||
      !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// "1.5s" -> {"1.5", "s"}.
std::pair<std::string_view, std::string_view> split_unit(std::string_view text) {
  const auto end = std::min(text.find_first_not_of("0123456789."), text.size());
  return {text.substr(0, end), text.substr(end)};
}

bool address_with_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = digits(text.substr(colon + 1));
  std::string address{text.substr(0, colon)};
  const bool v6 = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (v6) address = address.substr(1, address.size() - 2);
  in6_addr buffer{};
  return port && *port >= 1 && *port <= 65'535 && address.find('\0') == std::string::npos &&
         ::inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), &buffer) == 1;
}

}  // namespace

parsed<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::string_view form = "a duration such as \"500ms\", \"1.5s\", \"3m\" or \"2h\"";
  static constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
  const auto [number, unit] = split_unit(text);
  const auto* found = std::ranges::find(units, unit, &std::pair<std::string_view, std::int64_t>::first);
  const auto point = std::min(number.find('.'), number.size());
  const auto whole = digits(number.substr(0, point));
  const auto fraction_text = number.substr(std::min(point + 1, number.size()));
  const auto fraction = point == number.size() ? std::optional<std::int64_t>{0} : digits(fraction_text);
  if (found == std::end(units) || !whole || !fraction) return expected(text, form);
  if (*whole > 36'000'000'000 / found->second || fraction_text.size() > 6) return expected(text, form);
  std::int64_t scale = 1;
  for (std::size_t i = 0; i < fraction_text.size(); ++i) scale *= 10;
  if (*fraction * found->second % scale != 0) return expected(text, "a duration in whole milliseconds");
  return std::chrono::milliseconds{*whole * found->second + *fraction * found->second / scale};
}

std::string to_text(std::chrono::milliseconds duration) {
  const auto ms = duration.count();
  for (const auto& [unit, size] :
       {std::pair{"h", 3'600'000}, std::pair{"m", 60'000}, std::pair{"s", 1'000}}) {
    if (ms < size || ms * 10 % size != 0) continue;
    const auto tenths = ms * 10 / size;
    if (tenths % 10 == 0) return fmt::format("{}{}", tenths / 10, unit);
    return fmt::format("{}.{}{}", tenths / 10, tenths % 10, unit);
  }
  return fmt::format("{}ms", ms);
}

parsed<std::size_t> parse_size(std::string_view text) {
  static constexpr std::pair<std::string_view, unsigned> units[] = {
      {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  const auto [number, unit] = split_unit(text);
  const auto* found = std::ranges::find(units, unit, &std::pair<std::string_view, unsigned>::first);
  const auto count = digits(number);
  if (found == std::end(units) || !count || *count > (std::int64_t{1} << 60 >> found->second)) {
    return expected(text, "a size such as \"256MiB\" (B, KiB, MiB, GiB, TiB)");
  }
  return static_cast<std::size_t>(*count) << found->second;
}

parsed<std::string> parse_http(std::string_view text) {
  if (text == "none") return std::string{text};
  if (text.starts_with("unix:")) {
    auto path = parse_socket_path(text.substr(5));
    if (!path) return std::unexpected(std::move(path.error()));
    return std::string{text};
  }
  if (address_with_port(text)) return std::string{text};
  return expected(text, "\"ADDR:PORT\" (\"127.0.0.1:9758\", \"[::1]:9758\"), \"unix:/PATH\" or \"none\"");
}

parsed<std::string> parse_path(std::string_view text) {
  if (!text.starts_with('/')) return expected(text, "an absolute path");
  if (text.size() > max_path) return expected(text, "at most 4095 bytes");
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::ranges::any_of(text, control)) return expected(text, "a path without control characters");
  return std::string{text};
}

parsed<std::string> parse_socket_path(std::string_view text) {
  auto path = parse_path(text);
  if (path && path->size() > max_socket_path) {
    return expected(
        text, fmt::format("at most {} bytes (a socket's path; this has {})", max_socket_path, text.size()));
  }
  return path;
}

parsed<std::string> parse_vm_name(std::string_view text) {
  if (text.empty() || text.size() > 64 || !std::ranges::all_of(text, printable) || text.contains('/')) {
    return expected(text, "1 to 64 printable ASCII characters without '/'");
  }
  return std::string{text};
}

parsed<std::string> parse_vm_glob(std::string_view text) {
  if (text.empty() || text.size() > 128 || !std::ranges::all_of(text, printable) || text.contains('/')) {
    return expected(text, "a pattern of 1 to 128 printable ASCII characters without '/'");
  }
  return std::string{text};
}

parsed<std::string> parse_group(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (text.empty() || text.size() > 32 || text.front() == '-' || !std::ranges::all_of(text, fits)) {
    return expected(text, "the name of a group");
  }
  return std::string{text};
}

}  // namespace unwedge::config

// Single settings, as text -> value: for the configuration file and for the command line. Pure. Every error
// says what was expected, and reads on from "`KEY` is ... " ("`2x`, expected a duration such as \"1s\" or
// \"500ms\"").
#pragma once

#include "policies/settings.hpp"

#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace unwedge::config {

template <typename T>
using parsed = std::expected<T, std::string>;

/// "500ms", "1s", "1.5s", "3m", "2h": one decimal number, one unit, whole milliseconds, at most 10'000 hours.
parsed<std::chrono::milliseconds> parse_duration(std::string_view);

/// "1.5s", "3m": the reverse, in the largest unit that takes at most one decimal.
std::string to_text(std::chrono::milliseconds);

/// "256MiB": whole number, then B, KiB, MiB, GiB or TiB.
parsed<std::size_t> parse_size(std::string_view);

/// "ADDR:PORT" (IPv4, or IPv6 in brackets), "unix:/PATH" or "none". Gives the text itself.
parsed<std::string> parse_http(std::string_view);

/// An absolute path without control characters, at most 4095 bytes. Globs are such paths too.
parsed<std::string> parse_path(std::string_view);

/// A path that fits into sockaddr_un: at most 107 bytes.
parsed<std::string> parse_socket_path(std::string_view);

/// 1 to 64 printable ASCII characters without '/'.
parsed<std::string> parse_vm_name(std::string_view);

/// A glob over such names: the same characters, 1 to 128.
parsed<std::string> parse_vm_glob(std::string_view);

/// A name as groupadd(8) takes it, 1 to 32 characters. Whether there is such a group is seen when it is used.
parsed<std::string> parse_group(std::string_view);

}  // namespace unwedge::config

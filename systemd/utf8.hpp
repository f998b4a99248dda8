// Text of foreign origin made fit for interfaces that demand UTF-8: D-Bus strings, metric labels.
// A QEMU process chooses its own name and its threads' names, so any byte may turn up in them.
#pragma once

#include <string>
#include <string_view>

namespace unwedge::systemd {

/// The code point that begins at `text[at]` and moves `at` past it. An ill-formed sequence (overlong,
/// surrogate, above U+10FFFF, cut short) yields U+FFFD and moves by one byte. `at` must be less than
/// `text.size()`.
char32_t next_code_point(std::string_view text, std::size_t& at);

/// Appends `c` to `out` in UTF-8; `c` must be a scalar value, as next_code_point() returns.
void append_code_point(std::string& out, char32_t c);

/// `text` with every ill-formed byte and every NUL replaced by U+FFFD. Returns its argument where nothing is
/// wrong.
std::string valid_utf8(std::string text);

}  // namespace unwedge::systemd

// Text for a terminal. Names, threads, errors come from QEMU processes that a guest may have taken over:
// nothing of theirs may move the cursor, recolour, reorder or hide what an operator reads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::ctl {

/// Whether a code point may reach a terminal: no C0 and C1 controls, no bidi or line control, nothing
/// invisible.
bool is_printable(char32_t c);

/// `text` on one line: white-space controls become a space, what is not printable or not UTF-8 becomes
/// U+FFFD.
std::string printable(std::string_view text);

/// Columns that printable text takes: 2 for wide East Asian characters and emoji, 0 for combining marks.
std::size_t width_of(std::string_view text);

/// `text` cut to `width` columns; one that does not fit ends in an ellipsis.
std::string fit(std::string_view text, std::size_t width);

/// Lines of at most `width` columns, broken at spaces, inside a word only where it is longer than a line.
/// 0 is no limit.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace unwedge::ctl

// What is wrong with a configuration file, for the one who wrote it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace unwedge::config {

struct position {
  std::size_t line = 0;    ///< from 1; 0: the file as a whole
  std::size_t column = 0;  ///< from 1, in characters (code points)

  auto operator<=>(const position&) const = default;
};

struct problem {
  std::string file;
  std::size_t line = 0;  ///< as in position
  std::size_t column = 0;
  std::string what;        ///< what is wrong and what was expected
  std::string suggestion;  ///< "": none. Else the word that was probably meant
};

/// "FILE:LINE:COL: what; did you mean `late_after`?", or "FILE: what" for the file as a whole. One line.
std::string to_string(const problem&);

/// The candidate that `word` was probably meant to be: few edits away for its length. "" if none is.
std::string closest(std::string_view word, std::span<const std::string_view> candidates);

/// "a, b or c".
std::string one_of(std::span<const std::string_view> names);

/// `text` with its control characters escaped ("\\x0a").
std::string one_line(std::string_view text);

/// The same in backquotes, cut after 64 bytes.
std::string backquoted(std::string_view text);

}  // namespace unwedge::config

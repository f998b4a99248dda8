// Aligned columns that fit a terminal. Cells hold printable text; colour is added around it.
#pragma once

#include "daemon/ctl/words.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::ctl {

/// How to write: what the caller knows of its output.
struct view {
  std::size_t width = 0;  ///< columns of the terminal; 0: no terminal, no limit
  bool colour = false;
  wall_time now{};  ///< durations are told as of here
};

enum class style { plain, heading, dim, good, doubtful, bad, held };

/// `text` in that style if the view has colours, else `text`.
std::string styled(std::string text, style how, const view& to);

/// "first line\n  second line\n": wrapped to the view, every line indented.
std::string paragraph(std::string_view text, std::size_t indent, const view& to);

struct cell {
  std::string text;  ///< printable
  style how = style::plain;
};

struct row {
  std::vector<cell> cells;
  std::vector<std::string> below = {};  ///< paragraphs under the row, indented
};

struct column {
  std::string_view title;
  std::size_t least = 0;  ///< may be narrowed to this for a small terminal; 0: never narrowed
};

/// Columns that the rows take where none is narrowed.
std::size_t width_of(const std::vector<column>& columns, const std::vector<row>& rows);

/// A header line and the rows, two spaces between columns, no blanks at the ends of lines. Columns that may
/// be narrowed are, widest first, until the line fits; a table that still does not fit is wider than the
/// terminal.
std::string table(const std::vector<column>& columns, const std::vector<row>& rows, const view& to);

}  // namespace unwedge::ctl

#include "daemon/ctl/table.hpp"

#include "daemon/ctl/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace unwedge::ctl {
namespace {

constexpr std::size_t gap = 2;

std::string_view code_of(style how) {
  switch (how) {
    case style::plain:
      return "";
    case style::heading:
      return "1";
    case style::dim:
      return "2";
    case style::good:
      return "32";
    case style::doubtful:
      return "33";
    case style::bad:
      return "1;31";
    case style::held:
      return "36";
  }
  return "";
}

std::vector<std::size_t> natural_widths(const std::vector<column>& columns, const std::vector<row>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto widest = width_of(columns[i].title);
    for (auto const& r : rows) widest = std::max(widest, width_of(r.cells[i].text));
    widths.push_back(widest);
  }
  return widths;
}

std::size_t total_of(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1));
}

void narrow(std::vector<std::size_t>& widths, const std::vector<column>& columns, std::size_t limit) {
  auto total = total_of(widths);
  while (total > limit) {
    std::size_t chosen = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      auto const least = std::max(columns[i].least, width_of(columns[i].title));
      if (columns[i].least == 0 || widths[i] <= least) continue;
      if (chosen == columns.size() || widths[i] > widths[chosen]) chosen = i;
    }
    if (chosen == columns.size()) return;
    --widths[chosen];
    --total;
  }
}

std::string line(const std::vector<cell>& cells, const std::vector<std::size_t>& widths, const view& to) {
  std::string out;
  std::size_t owed = 0;  // blanks are written only before more text
  for (std::size_t i = 0; i < cells.size(); ++i) {
    auto text = fit(cells[i].text, widths[i]);
    auto const used = width_of(text);
    if (used > 0) {
      out.append(owed, ' ');
      out += styled(std::move(text), cells[i].how, to);
      owed = 0;
    }
    owed += widths[i] - used + gap;
  }
  return out + '\n';
}

}  // namespace

std::string styled(std::string text, style how, const view& to) {
  auto const code = code_of(how);
  if (!to.colour || code.empty() || text.empty()) return text;
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string paragraph(std::string_view text, std::size_t indent, const view& to) {
  constexpr std::size_t readable = 100;
  auto const room = to.width == 0 ? readable : std::min(to.width, readable);
  std::string out;
  for (auto const& part : wrap(text, room > indent + 20 ? room - indent : 20)) {
    out += std::string(indent, ' ') + part + '\n';
  }
  return out;
}

std::size_t width_of(const std::vector<column>& columns, const std::vector<row>& rows) {
  return total_of(natural_widths(columns, rows));
}

std::string table(const std::vector<column>& columns, const std::vector<row>& rows, const view& to) {
  auto widths = natural_widths(columns, rows);
  if (to.width != 0) narrow(widths, columns, to.width);
  std::vector<cell> titles;
  titles.reserve(columns.size());
  for (auto const& c : columns) titles.push_back({std::string(c.title), style::heading});
  auto out = line(titles, widths, to);
  for (auto const& r : rows) {
    out += line(r.cells, widths, to);
    for (auto const& text : r.below) out += paragraph(text, gap, to);
  }
  return out;
}

}  // namespace unwedge::ctl

#include "daemon/ctl/printable.hpp"

#include "systemd/utf8.hpp"

#include <algorithm>
#include <iterator>

namespace unwedge::ctl {
namespace {

using systemd::append_code_point;
using systemd::next_code_point;

struct range {
  char32_t first, last;
  constexpr bool operator()(char32_t c) const { return c >= first && c <= last; }
};

constexpr range unprintable[] = {
    {0x00, 0x1F},        {0x7F, 0x9F},        // C0, DEL, C1 (U+009B is CSI)
    {0xAD, 0xAD},        {0x61C, 0x61C},      // soft hyphen, Arabic letter mark
    {0x115F, 0x1160},    {0x17B4, 0x17B5},    // fillers
    {0x180B, 0x180F},    {0x200B, 0x200F},    // Mongolian selectors; zero width, bidi marks
    {0x2028, 0x202E},    {0x2060, 0x206F},    // line and paragraph separators, bidi embedding, isolates
    {0x3164, 0x3164},    {0xFE00, 0xFE0F},    // filler, variation selectors
    {0xFEFF, 0xFEFF},    {0xFFA0, 0xFFA0},    // byte order mark, filler
    {0xFFF9, 0xFFFB},    {0x1D173, 0x1D17A},  // annotations
    {0xE0000, 0xE0FFF},  {0xE000, 0xF8FF},    // tags; private use
    {0xF0000, 0x10FFFF},
};
constexpr range combining[] = {{0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},
                               {0x64B, 0x65F},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF},
                               {0xFE20, 0xFE2F}, {0x94D, 0x94D}};
constexpr range wide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xAC00, 0xD7A3},
                          {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                          {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD}};

template <std::size_t N>
bool is_in(const range (&ranges)[N], char32_t c) {
  return std::ranges::any_of(ranges, [c](range r) { return r(c); });
}

std::size_t width_of(char32_t c) {
  return is_in(combining, c) ? 0 : is_in(wide, c) ? 2 : 1;
}

/// The bytes of `text` that fill at most `width` columns.
std::size_t bytes_within(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  for (std::size_t used = 0; at < text.size();) {
    auto next = at;
    used += width_of(next_code_point(text, next));
    if (used > width) break;
    at = next;
  }
  return at;
}

}  // namespace

bool is_printable(char32_t c) {
  return !is_in(unprintable, c);
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    auto const c = next_code_point(text, at);
    bool const space = c == '\n' || c == '\t' || c == '\r' || c == 0x2028 || c == 0x2029;
    append_code_point(out, space ? U' ' : is_printable(c) ? c : U'\uFFFD');
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) width += width_of(next_code_point(text, at));
  return width;
}

std::string fit(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  if (width == 0) return {};
  return std::string(text.substr(0, bytes_within(text, width - 1))) + "…";
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  if (width == 0) return {std::string(text)};
  std::vector<std::string> lines;
  while (width_of(text) > width) {
    auto const most = std::max<std::size_t>(bytes_within(text, width), 1);
    auto space = text[most] == ' ' ? most : text.rfind(' ', most - 1);
    if (space == std::string_view::npos || space == 0) space = most;
    lines.emplace_back(text.substr(0, space));
    text.remove_prefix(space);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

}  // namespace unwedge::ctl

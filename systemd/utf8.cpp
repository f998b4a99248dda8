#include "systemd/utf8.hpp"

namespace unwedge::systemd {
namespace {

constexpr char32_t replacement = 0xFFFD;

struct lead {
  std::size_t length;
  char32_t bits;
  char32_t least;  ///< below this the sequence is overlong
};

constexpr lead classify(unsigned char byte) {
  if (byte < 0x80) return {1, byte, 0};
  if (byte >= 0xC2 && byte < 0xE0) return {2, byte & 0x1Fu, 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return {3, byte & 0x0Fu, 0x800};
  if (byte >= 0xF0 && byte < 0xF5) return {4, byte & 0x07u, 0x10000};
  return {0, 0, 0};
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& at) {
  auto const [length, bits, least] = classify(static_cast<unsigned char>(text[at]));
  if (length == 0 || text.size() - at < length) return ++at, replacement;
  char32_t c = bits;
  for (std::size_t i = 1; i < length; ++i) {
    auto const byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xC0u) != 0x80u) return ++at, replacement;
    c = (c << 6) | (byte & 0x3Fu);
  }
  if (c < least || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return ++at, replacement;
  at += length;
  return c;
}

void append_code_point(std::string& out, char32_t c) {
  auto const tail = [&](unsigned shift) { out += static_cast<char>(0x80u | ((c >> shift) & 0x3Fu)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0u | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0u | (c >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0u | (c >> 18));
    tail(12), tail(6), tail(0);
  }
}

std::string valid_utf8(std::string text) {
  std::size_t at = 0;
  while (at < text.size()) {
    auto const before = at;
    auto const c = next_code_point(text, at);
    if (c != 0 && (c != replacement || at - before == 3)) continue;
    std::string rest;
    for (at = before; at < text.size();) {
      auto const point = next_code_point(text, at);
      append_code_point(rest, point == 0 ? replacement : point);
    }
    return text.substr(0, before) + rest;
  }
  return text;
}

}  // namespace unwedge::systemd

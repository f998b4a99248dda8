// A realistic monitor's byte stream and what a framer makes of it, for the tests of this folder.
#pragma once

#include "qmp/framer.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace unwedge::tests {

/// Greeting, replies, events, a refusal, numbers, escapes, nesting, empty containers: as QEMU 7.2 writes
/// them.
std::string transcript();

/// The same messages as `pretty=on` prints them.
std::string pretty(std::string_view stream);

/// What a framer handed over: each message's text as it came and as parsed, and how the feeding ended.
struct framed {
  std::vector<std::string> raw;
  std::vector<std::string> parsed;
  std::string failure;  ///< empty: none
  std::size_t pending = 0;

  friend bool operator==(const framed&, const framed&) = default;
};

/// Feeds `stream` to a new framer in pieces that end at `cuts` (ascending) and at the end.
framed frame(std::string_view stream, const std::vector<std::size_t>& cuts = {}, qmp::limits limits = {});

/// The same, `size` bytes at a time.
framed frame_in_pieces(std::string_view stream, std::size_t size, qmp::limits limits = {});

}  // namespace unwedge::tests

// The helper's document (daemon/inspect/document.hpp) -> plain values. The helper may have fallen to what it
// parsed, so its document is believed to be anything. Pure.
#pragma once

#include "policies/stacks.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace unwedge::inspection {

/// So that to read one takes milliseconds. A QEMU with 500 threads makes one of about 2 MiB.
inline constexpr std::size_t most_document_bytes = 6u << 20;
inline constexpr std::size_t most_threads = 512;
inline constexpr std::size_t most_frames = 128;  ///< of a thread
inline constexpr std::size_t most_problems = 32;

/// What is beyond a limit is left out, and is a problem; so is a thread that is none. Names are printable and
/// at most 256 bytes. Error: it is no such document at all.
std::expected<policies::process_stacks, std::string> parse_stacks(std::string_view text);

}  // namespace unwedge::inspection

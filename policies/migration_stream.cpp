#include "policies/migration_stream.hpp"

#include <algorithm>

namespace unwedge::policies {
namespace {

using namespace std::string_view_literals;

bool is_text(char c) {
  return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
}

/// A TLS record of application data (RFC 8446, 5.1): what is inside cannot be told.
bool is_tls_record(std::string_view head) {
  return head.starts_with("\x17\x03"sv);
}

/// The end of the state, and the beginning of the description: its length, below 16 MiB, begins with a zero.
bool has_end_of_state(std::string_view tail) {
  return tail.contains("\0\x06\0"sv) || tail.ends_with("\0\x06"sv);
}

}  // namespace

unsent classify_unsent(std::string_view head, std::string_view tail) {
  if (tail.size() < unsent_tail_bytes || is_tls_record(head)) return unsent::unknown;
  // Half of the tail as text is enough: a header before it would be cut off, or in the other half.
  const auto end = tail.substr(tail.size() - unsent_tail_bytes / 2);
  if (has_end_of_state(tail) || std::ranges::all_of(end, is_text)) return unsent::maybe_no_state;
  return unsent::vm_state;
}

}  // namespace unwedge::policies

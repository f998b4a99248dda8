// A TOML text as a plain tree in which everything knows its place. Keeps toml++ within one translation unit
// (document.cpp), and its sorted tables and its exceptions out of the rest.
#pragma once

#include "daemon/config/problem.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace unwedge::config {

struct node;
struct entry;

/// A date or a time: no setting of ours is one.
struct date_or_time {};

using array = std::vector<node>;
using table = std::vector<entry>;  ///< in the order of the file

/// A value, and where it begins.
struct node {
  position at;
  std::variant<bool, std::int64_t, double, std::string, date_or_time, array, table> value;
};

struct entry {
  std::string key;
  position at;  ///< of the key
  node value;
};

/// "an integer", "a table": what the node is, in words.
std::string_view kind_of(const node&);

/// Reads TOML 1.0; the result is a table. A syntax error ends at the first. Larger than max_file_bytes, or
/// nested deeper than 16, is refused: it is no configuration of ours, and the tree is destroyed recursively.
/// Never throws for its input.
std::expected<node, problem> read_document(std::string_view text, std::string_view file);

}  // namespace unwedge::config

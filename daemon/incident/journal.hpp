// What a journal's text means: JSON lines <-> policies::incident. Pure: no files, no clock. Used by the
// store, and by whoever shows an incident.
#pragma once

#include "policies/incident.hpp"

#include <boost/json.hpp>

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace unwedge::incidents {

inline constexpr std::size_t max_journal_bytes = 4u << 20;
inline constexpr std::size_t max_line_bytes = 1u << 20;

/// An incident, and how much of the journal it was made from.
struct replayed {
  policies::incident incident;
  std::size_t whole_bytes =
      0;  ///< the journal's length up to its last whole line; what follows is a torn tail
};

/// Reads a journal. A torn last line (without its newline, or no JSON) is left out. Unknown records and keys
/// are ignored. A journal without one whole line gives an empty incident (id ""), since nothing was on record
/// yet. Errors, with the line's number: another line that is no JSON object, a known record that lacks a key
/// or follows none of its kind, a line above max_line_bytes, a journal above max_journal_bytes. Never throws
/// for its input.
std::expected<replayed, std::string> read_journal(std::string_view journal);

/// As read_journal, for those who do not append.
std::expected<policies::incident, std::string> replay(std::string_view journal);

/// Takes one record into the incident; on error the incident is unchanged.
std::expected<void, std::string> apply(policies::incident&, const boost::json::object& record);

/// The record as its line, newline included. Bytes that are no UTF-8 (names come from hostile places) become
/// U+FFFD. Error: above max_line_bytes, or nested too deep to be read again.
std::expected<std::string, std::string> to_line(const boost::json::object& record);

/// One line, without its newline, as a record.
std::expected<boost::json::object, std::string> parse_line(std::string_view line);

/// The contract of design.md: {id, vm, pid, condition, opened, closed|null, outcome, verdict, steps}.
boost::json::object to_json(const policies::incident&);

}  // namespace unwedge::incidents

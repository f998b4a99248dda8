// Points in time as text: RFC 3339, UTC, milliseconds. The one form that journals, JSON and surfaces use.
// Pure; knows no clock: the caller brings the time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace unwedge::incidents {

using wall_time = std::chrono::system_clock::time_point;

/// "2026-11-22T21:50:12.345Z". What is finer than a millisecond is cut off, towards the past.
std::string to_rfc3339(wall_time);

/// The reverse. Takes the form above, with 0 to 9 digits of a second's fraction; UTC ("Z") only.
/// nullopt for anything else, for a date that does not exist, and for years that wall_time cannot hold.
std::optional<wall_time> parse_rfc3339(std::string_view);

/// "20261122-215012": for names of files. UTC.
std::string compact_utc(wall_time);

}  // namespace unwedge::incidents

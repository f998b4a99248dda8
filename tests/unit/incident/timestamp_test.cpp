#include "daemon/incident/timestamp.hpp"

#include <gtest/gtest.h>

namespace unwedge::incidents {
namespace {

using namespace std::chrono_literals;

// `date -u -d 2026-11-22T21:50:12 +%s`
constexpr auto example = wall_time{1795384212s} + 345ms;

TEST(timestamp, is_rfc_3339_in_utc_with_milliseconds) {
  EXPECT_EQ(to_rfc3339(example), "2026-11-22T21:50:12.345Z");
  EXPECT_EQ(to_rfc3339(wall_time{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(wall_time{} - 1ms), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(to_rfc3339(example + 999us), "2026-11-22T21:50:12.345Z");
  EXPECT_EQ(compact_utc(example), "20261122-215012");
}

TEST(timestamp, reads_what_it_writes) {
  for (auto at = wall_time{} - 24h * 365 * 200; at < wall_time{} + 24h * 365 * 200; at += 12'345'678'901ms) {
    EXPECT_EQ(parse_rfc3339(to_rfc3339(at)), std::chrono::floor<std::chrono::milliseconds>(at));
  }
}

TEST(timestamp, takes_fractions_of_any_length) {
  EXPECT_EQ(parse_rfc3339("2026-11-22T21:50:12Z"), example - 345ms);
  EXPECT_EQ(parse_rfc3339("2026-11-22T21:50:12.3Z"), example - 45ms);
  EXPECT_EQ(parse_rfc3339("2026-11-22T21:50:12.345000001Z"), example + 1ns);
  EXPECT_EQ(parse_rfc3339("2024-02-29T00:00:00.000Z"), wall_time{1709164800s});
}

TEST(timestamp, refuses_what_is_no_time) {
  for (const auto* text : {"",
                           "Z",
                           "2026",
                           "2026-11-22",
                           "2026-11-22T21:50:12",
                           "2026-11-22T21:50:12.345",
                           "2026-11-22 21:50:12.345Z",
                           "2026-11-22T21:50:12.345+01:00",
                           "2026-13-22T21:50:12.345Z",
                           "2026-02-29T21:50:12.345Z",
                           "2026-11-31T21:50:12.345Z",
                           "2026-11-22T24:50:12.345Z",
                           "2026-11-22T21:60:12.345Z",
                           "2026-11-22T21:50:60.345Z",
                           "2026-11-22T21:50:12.Z",
                           "2026-11-22T21:50:12.3450000001Z",
                           "2026-11-22T21:50:12.34xZ",
                           "2026-11-22T21:50:12.345ZZ",
                           "0000-01-01T00:00:00Z",
                           "1677-01-01T00:00:00Z",
                           "2262-01-01T00:00:00Z",
                           "9999-12-31T23:59:59Z",
                           "-026-11-22T21:50:12Z",
                           "2026-1-22T21:50:12.345Z",
                           "2026-00-22T21:50:12.345Z",
                           "2026-11-00T21:50:12.345Z",
                           "+026-11-22T21:50:12Z"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace unwedge::incidents

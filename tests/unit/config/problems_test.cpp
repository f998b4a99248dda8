// Tables of bad input: exact place, exact words.
#include "daemon/config/config.hpp"
#include "daemon/config/values.hpp"

#include <gtest/gtest.h>

namespace unwedge::config {
namespace {

using namespace std::chrono_literals;

struct bad {
  std::string text;
  std::string problem;  ///< after "f:"
};

void check(const std::vector<bad>& table) {
  for (const auto& [text, expected] : table) {
    const auto read = parse(text, "f");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().size(), 1u) << text;
    EXPECT_EQ(to_string(read.error().front()), "f:" + expected) << text;
  }
}

const std::string authorities = "expected observe, protect, rescue or destroy";
const std::string durations = "expected a duration such as \"500ms\", \"1.5s\", \"3m\" or \"2h\"";
const std::string long_path = "/" + std::string(107, 'p');

TEST(config_problems, of_the_top_level) {
  check({
      {"authority = \"protec\"",
       "1:13: `authority` is `protec`, " + authorities + "; did you mean `protect`?"},
      {"authority = \"root\"", "1:13: `authority` is `root`, " + authorities},
      {"authority = true", "1:13: `authority` is a boolean, " + authorities},
      {"dry_run = \"yes\"", "1:11: `dry_run` is a string, expected true or false"},
      {"dryrun = true", "1:1: unknown key `dryrun`; did you mean `dry_run`?"},
      {"colour = true", "1:1: unknown key `colour`"},
      {"\"a\\nb\" = 1", "1:1: unknown key `a\\x0ab`"},
      {"http = 80", "1:8: `http` is an integer, expected a string"},
      {"http = \":80\"",
       "1:8: `http` is `:80`, expected \"ADDR:PORT\" (\"127.0.0.1:9758\", \"[::1]:9758\"), \"unix:/PATH\" or "
       "\"none\""},
      {"http = \"unix:x\"", "1:8: `http` is `x`, expected an absolute path"},
      {"probe = 1", "1:9: `probe` is an integer, expected a table: [probe]"},
      {"[[probe]]", "1:1: `probe` is an array, expected a table: [probe]"},
      {"[prob]", "1:2: unknown table `prob`; did you mean `probe`?"},
  });
}

TEST(config_problems, of_discover) {
  check({
      {"[discover]\nsockets = \"/x\"", "2:11: `sockets` is a string, expected an array of paths in brackets"},
      {"[discover]\nsockets = [\"/x\", 7]", "2:18: `sockets` holds an integer, expected paths in quotes"},
      {"[discover]\nsockets = [\"/x\",\n  \"run/*.sock\"]",
       "3:3: `sockets` holds `run/*.sock`, expected an absolute path"},
      {"[discover]\nlisten = \"x\"", "2:10: `listen` is `x`, expected an absolute path"},
      {"[discover]\nlisten = \"/a\\u0000b\"",
       "2:10: `listen` is `/a\\x00b`, expected a path without control characters"},
      {"[discover]\nlisten = \"" + long_path + "\"",
       "2:10: `listen` is `" + long_path.substr(0, 64) +
           "...`, expected at most 107 bytes (a socket's path; this has 108)"},
      {"[discover]\nprocesses = 1", "2:13: `processes` is an integer, expected true or false"},
      {"[discover]\nsocket = []", "2:1: unknown key `socket` in [discover]; did you mean `sockets`?"},
  });
}

TEST(config_problems, of_probe) {
  check({
      {"[probe]\ninterval = \"1 s\"", "2:12: `interval` is `1 s`, " + durations},
      {"[probe]\ninterval = \"-1s\"", "2:12: `interval` is `-1s`, " + durations},
      {"[probe]\ninterval = \"\"", "2:12: `interval` is ``, " + durations},
      {"[probe]\ninterval = \"1\"", "2:12: `interval` is `1`, " + durations},
      {"[probe]\ninterval = \"1.0005s\"",
       "2:12: `interval` is `1.0005s`, expected a duration in whole milliseconds"},
      {"[probe]\ninterval = \"99ms\"", "2:12: `interval` is 99ms, expected 100ms to 1h"},
      {"[probe]\ninterval = \"61m\"", "2:12: `interval` is 61m, expected 100ms to 1h"},
      {"[probe]\nlate_after = \"2h\"", "2:14: `late_after` is 2h, expected 100ms to 1h"},
      {"[probe]\npatience = \"499ms\"", "2:12: `patience` is 499ms, expected 500ms to 24h"},
      {"[probe]\npatience = \"25h\"", "2:12: `patience` is 25h, expected 500ms to 24h"},
      {"[probe]\nlate_after = \"5s\"\npatience = \"2s\"",
       "3:12: `patience` is 2s, expected at least `late_after`, which is 5s"},
      {"[probe]\nlate_after = \"5s\"",
       "2:14: `patience` is 3s (by default), expected at least `late_after`, which is 5s"},
      {"[probe]\npatience = \"0.5s\"",
       "2:12: `patience` is 500ms, expected at least `late_after`, which is 1s (by default)"},
      {"[probe]\nlate_after = \"5s\"\npatience = 2",
       "3:12: `patience` is an integer, expected a duration in quotes such as \"1s\" or \"500ms\""},
  });
}

TEST(config_problems, of_limits) {
  check({
      {"[limits]\nvms = 0", "2:7: `vms` is 0, expected 1 to 65536"},
      {"[limits]\nvms = -1", "2:7: `vms` is -1, expected 1 to 65536"},
      {"[limits]\nvms = 1.5", "2:7: `vms` is a number, expected an integer"},
      {"[limits]\nincidents = 9223372036854775807",
       "2:13: `incidents` is 9223372036854775807, expected 1 to 100000"},
      {"[limits]\nincident_bytes = \"1MB\"",
       "2:18: `incident_bytes` is `1MB`, expected a size such as \"256MiB\" (B, KiB, MiB, GiB, TiB)"},
      {"[limits]\nincident_bytes = \"1KiB\"",
       "2:18: `incident_bytes` is 1024, expected 1048576 to 1099511627776"},
      {"[limits]\nincident_bytes = 2026-11-22",
       "2:18: `incident_bytes` is a date or time, expected bytes, as an integer or as a string such as "
       "\"256MiB\""},
  });
}

TEST(config_problems, of_vms) {
  const std::string qmp = "qmp = \"/q\"\n";
  check({
      {"[vm]\nname = \"x\"", "1:1: `vm` is a table, expected [[vm]] with two brackets"},
      {"vm = [1]", "1:7: `vm` holds an integer, expected tables: [[vm]]"},
      {"[[vm]]", "1:1: a [[vm]] without `match` or `name`, expected one of them"},
      {"[[vm]]\nmatch = \"w*\"\nname = \"x\"\nauthority = \"observe\"",
       "3:8: `name` beside `match`, expected one of them in a [[vm]]"},
      {"[[vm]]\nmatch = \"w*\"\nqmp = \"/q\"", "3:7: `qmp` without `name`: a socket belongs to one VM"},
      {"[[vm]]\nmatch = \"w*\"", "2:9: a [[vm]] with a `match` only says nothing, expected `authority`"},
      {"[[vm]]\nname = \"x\"",
       "2:8: a [[vm]] with a `name` only says nothing, expected `qmp` or `authority`"},
      {"[[vm]]\nname = \"a/b\"\n" + qmp,
       "2:8: `name` is `a/b`, expected 1 to 64 printable ASCII characters without '/'"},
      {"[[vm]]\nname = \"\"\n" + qmp,
       "2:8: `name` is ``, expected 1 to 64 printable ASCII characters without '/'"},
      {"[[vm]]\nname = \"\u00E4\"\n" + qmp,
       "2:8: `name` is `\u00E4`, expected 1 to 64 printable ASCII characters without '/'"},
      {"[[vm]]\nname = \"" + std::string(65, 'n') + "\"\n" + qmp,
       "2:8: `name` is `" + std::string(64, 'n') +
           "...`, expected 1 to 64 printable ASCII characters without '/'"},
      {"[[vm]]\nname = \"x\"\n" + qmp + "[[vm]]\nname = \"x\"\nqmp = \"/r\"",
       "5:8: `name` is `x`, as in line 2, expected another"},
      {"[[vm]]\nname = \"x\"\n" + qmp + "[[vm]]\nname = \"y\"\n" + qmp,
       "6:7: `qmp` is `/q`, as in line 3, expected another"},
      {"[[vm]]\nname = \"x\"\nqmp = \"q\"", "3:7: `qmp` is `q`, expected an absolute path"},
      {"[[vm]]\nnam = \"x\"\nname = \"x\"\n" + qmp, "2:1: unknown key `nam` in [[vm]]; did you mean `name`?"},
  });
}

TEST(config_problems, of_the_syntax_end_at_the_first) {
  const auto read = parse("authority = \"protect\"\n[probe\ninterval = 7\nx = [", "f");
  ASSERT_FALSE(read);
  ASSERT_EQ(read.error().size(), 1u);
  EXPECT_EQ(read.error()[0].line, 2u);
  EXPECT_EQ(to_string(read.error()[0]).substr(0, 4), "f:2:");
  // toml++ 3.3 by itself crashes, or worse, for these.
  for (const auto* text : {"[.a]", "[ä]", "[[.a]]", "[=]", "\u00E4 = 1", "x = 1 \u00E4", "x = 1\uFEFE"})
    EXPECT_FALSE(parse(text, "f")) << text;
  const auto twice = parse("dry_run = true\ndry_run = false\n", "f");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error()[0].line, 2u);
}

TEST(config_values, durations) {
  const std::pair<std::string_view, std::chrono::milliseconds> good[] = {
      {"1s", 1s}, {"500ms", 500ms}, {"2h", 2h}, {"1.5s", 1'500ms}, {"3m", 3min}, {"0.001s", 1ms}, {"0s", 0s}};
  for (const auto& [text, duration] : good) EXPECT_EQ(parse_duration(text).value(), duration) << text;
  for (const auto* text : {"s", ".5s", "1.s", "1..5s", "1e3s", "1h30m", "1S", "1 s", "1s ",
                           "99999999999999999999s", "999999999999999999h", "0.5ms", "1.0000000s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  for (const auto& [duration, text] : {std::pair{1'500ms, "1.5s"},
                                       {90'000ms, "1.5m"},
                                       {3'600'000ms, "1h"},
                                       {250ms, "250ms"},
                                       {1'250ms, "1250ms"},
                                       {0ms, "0ms"}}) {
    EXPECT_EQ(to_text(duration), text);
  }
}

TEST(config_values, sizes) {
  EXPECT_EQ(parse_size("256MiB").value(), 256u << 20);
  EXPECT_EQ(parse_size("7B").value(), 7u);
  EXPECT_EQ(parse_size("1TiB").value(), std::size_t{1} << 40);
  for (const auto* text : {"", "MiB", "1", "1.5GiB", "1mib", "-1B", "999999999999TiB"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(config_values, http) {
  for (const auto* text : {"127.0.0.1:9758", "[::1]:1", "0.0.0.0:65535", "unix:/run/x.sock", "none"}) {
    EXPECT_EQ(parse_http(text).value(), text);
  }
  for (const auto* text : {"", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:80", "[::1]",
                           "localhost:80", "127.0.0.1:80x", "unix:", "unix:/", "None"}) {
    EXPECT_EQ(bool{parse_http(text)}, std::string_view{text} == "unix:/") << text;
  }
}

TEST(config_suggestions, are_made_for_near_misses_only) {
  constexpr std::string_view words[] = {"late_after", "interval", "patience"};
  EXPECT_EQ(closest("late_aftr", words), "late_after");
  EXPECT_EQ(closest("Interval", words), "interval");
  EXPECT_EQ(closest("patients", words), "patience");
  EXPECT_EQ(closest("colour", words), "");
  EXPECT_EQ(closest("", words), "");
  EXPECT_EQ(closest(std::string(100'000, 'x'), words), "");
}

}  // namespace
}  // namespace unwedge::config

// Tables of bad policies: exact place, exact words.
#include "daemon/config/policies.hpp"
#include "daemon/config/policy_values.hpp"

#include <gtest/gtest.h>

namespace unwedge::config {
namespace {

struct bad {
  std::string text;
  std::string problem;  ///< after "f:"
};

/// Each text, after `before`, is a policy with one problem.
void check(const std::string& before, const std::vector<bad>& table) {
  for (const auto& [text, expected] : table) {
    const auto read = parse_policy(before + text, "f", "x");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().size(), 1u) << text;
    EXPECT_EQ(to_string(read.error().front()), "f:" + expected) << text;
  }
}

const std::string sound = "condition = \"mirror-stalled\"\nladder = [{ action = \"report\" }]\n";
const std::string mirror = "condition = \"mirror-stalled\"\n";
const std::string guard =
    "condition = \"mirror-at-switchover\"\nladder = [{ action = \"guard-switchover\" }]\n";
const std::string conditions =
    "expected monitor-stalled, mirror-stalled, mirror-at-switchover, migration-no-progress, "
    "switchover-overdue, job-stuck, guest-io-stall or process-gone";
const std::string durations = "expected a duration such as \"500ms\", \"1.5s\", \"3m\" or \"2h\"";
const std::string rungs = "expected an array of rungs such as [{ action = \"report\" }]";
const std::string mirror_actions = "expected report, yank-target, cancel-job or pause-job";

TEST(policy_problems, of_the_condition) {
  const std::string ladder = "ladder = [{ action = \"report\" }]\n";
  check(ladder, {
                    {"", " has no `condition`, " + conditions},
                    {"condition = 1", "2:13: `condition` is an integer, " + conditions},
                    {"condition = \"\"", "2:13: `condition` is ``, " + conditions},
                    {"condition = \"mirror-stall\"", "2:13: `condition` is `mirror-stall`, " + conditions +
                                                         "; did you mean `mirror-stalled`?"},
                });
}

TEST(policy_problems, of_the_top_level) {
  check(sound,
        {
            {"patience = 3",
             "3:12: `patience` is an integer, expected a duration in quotes such as \"1s\" or \"500ms\""},
            {"patience = \"0\"", "3:12: `patience` is `0`, " + durations},
            {"patience = \"25h\"", "3:12: `patience` is 25h, expected 0ms to 24h"},
            {"cooldown = \"1441m\"", "3:12: `cooldown` is 1441m, expected 0ms to 24h"},
            {"patince = \"1s\"", "3:1: unknown key `patince`; did you mean `patience`?"},
            {"enabled = \"no\"", "3:11: `enabled` is a string, expected true or false"},
            {"dry_run = 1", "3:11: `dry_run` is an integer, expected true or false"},
            {"authority = \"protekt\"",
             "3:13: `authority` is `protekt`, expected observe, protect, rescue or destroy; did you mean "
             "`protect`?"},
            {"description = [\"x\"]", "3:15: `description` is an array, expected a string"},
            {"description = \"a\\u001bb\"",
             "3:15: `description` is `a\\x1bb`, expected one line without control characters"},
            {"description = \"" + std::string(201, 'd') + "\"",
             "3:15: `description` is `" + std::string(64, 'd') +
                 "...`, expected at most 200 bytes (this has 201)"},
            {"states = \"pending\"", "3:10: `states` is a string, expected an array of states in brackets"},
            {"states = [\"pending\", 1]", "3:22: `states` holds an integer, expected states in quotes"},
            {"states = [\"not ready\"]",
             "3:11: `states` holds `not ready`, expected 1 to 64 characters of a-z, 0-9 and '-'"},
            {"states = []", "3:10: `states` is empty, expected at least one"},
            {"[mach]\n", "3:2: unknown table `mach`; did you mean `match`?"},
            {"[probe]\n", "3:2: unknown table `probe`"},
            {"budget = 7", "3:10: `budget` is an integer, expected a table: [budget]"},
        });
}

TEST(policy_problems, of_the_ladder) {
  std::string nine;
  for (int i = 0; i < 9; ++i) nine += "{ action = \"report\" },";
  check(mirror,
        {
            {"", " has no `ladder`, " + rungs},
            {"ladder = \"report\"", "2:10: `ladder` is a string, " + rungs},
            {"[ladder]\naction = \"report\"", "2:1: `ladder` is a table, " + rungs},
            {"ladder = []", "2:10: `ladder` has 0 rungs, expected 1 to 8"},
            {"ladder = [" + nine + "]", "2:10: `ladder` has 9 rungs, expected 1 to 8"},
            {"ladder = [\"report\"]",
             "2:11: `ladder` holds a string, expected tables such as { action = \"report\" }"},
            {"ladder = [{}]", "2:11: a rung without `action`, " + mirror_actions},
            {"[[ladder]]\naction = true", "3:10: `action` is a boolean, " + mirror_actions},
            {"[[ladder]]\naction = \"yank-targe\"",
             "3:10: `action` is `yank-targe`, " + mirror_actions + "; did you mean `yank-target`?"},
            {"ladder = [{ action = \"report\" },\n  { action = \"kill\" }]",
             "3:14: `action` is `kill`, " + mirror_actions},
            {"[[ladder]]\naction = \"report\"\nverify_within = \"99ms\"",
             "4:17: `verify_within` is 99ms, expected 100ms to 10m"},
            {"[[ladder]]\naction = \"report\"\nverify_within = \"0s\"",
             "4:17: `verify_within` is 0ms, expected 100ms to 10m"},
            {"[[ladder]]\naction = \"report\"\nverify = \"1s\"", "4:1: unknown key `verify` in [[ladder]]"},
        });
}

TEST(policy_problems, of_an_action_for_another_condition) {
  check(mirror, {
                    {"ladder = [{ action = \"yank-root\" }]",
                     "2:22: `action` is `yank-root`, which is for monitor-stalled; for mirror-stalled " +
                         mirror_actions},
                    {"ladder = [{ action = \"cancel-migration\" }]",
                     "2:22: `action` is `cancel-migration`, which is for migration-no-progress or "
                     "switchover-overdue; for mirror-stalled " +
                         mirror_actions},
                });
  check("condition = \"process-gone\"\n", {{"ladder = [{ action = \"pause-job\" }]",
                                            "2:22: `action` is `pause-job`, which is for mirror-stalled or "
                                            "job-stuck; for process-gone expected report"}});
}

/// A lease asks each VM: a ladder with one is not for VMs with authority rescue alone.
TEST(policy_problems, of_an_authority_below_what_ends_vms_but_not_below_a_lease) {
  const std::string stall = "condition = \"monitor-stalled\"\n";
  const std::string lease = "ladder = [{ action = \"yank-root\" }, { action = \"rescue-root\" }]\n";
  for (const auto* authority : {"", "authority = \"protect\"\n", "authority = \"rescue\"\n"}) {
    const auto read = parse_policy(stall + authority + lease, "f", "x");
    EXPECT_TRUE(read) << authority << to_string(read.error().front());
  }
  check(stall, {{"authority = \"observe\"\n" + lease,
                 "2:13: `authority` is `observe`, expected `protect`, which yank-root in its `ladder` needs"},
                {"ladder = [{ action = \"abort\" }]",
                 "2:10: `authority` is `protect` (by default), expected `destroy`, which abort in its "
                 "`ladder` needs"}});
  check("condition = \"mirror-stalled\"\n", {{"ladder = [{ action = \"sever-root\" }]",
                                              "2:22: `action` is `sever-root`, which is for monitor-stalled; "
                                              "for mirror-stalled " +
                                                  mirror_actions}});
}

TEST(policy_problems, of_states_that_would_switch_the_policy_off) {
  check(guard, {{"states = [\"ready\"]",
                 "3:10: `states` in a policy for mirror-at-switchover, which is not told apart by states"}});
  check("condition = \"process-gone\"\nladder = [{ action = \"report\" }]\n",
        {{"states = [\"gone\"]",
          "3:10: `states` in a policy for process-gone, which is not told apart by states"}});
}

TEST(policy_problems, of_match) {
  const std::string uuid = "expected a UUID such as \"1b4e28ba-2fa1-11d2-883f-0016d3cca427\"";
  check(
      sound,
      {
          {"match = \"web*\"", "3:9: `match` is a string, expected a table: [match]"},
          {"[match]", "3:1: a [match] without `names` or `uuids`, expected one of them"},
          {"[match]\nnames = \"web*\"",
           "4:9: `names` is a string, expected an array of patterns in brackets"},
          {"[match]\nnames = []", "4:9: `names` is empty, expected at least one"},
          {"[match]\nuuids = []", "4:9: `uuids` is empty, expected at least one"},
          {"[match]\nnames = [\"a\",\n \"a/b\"]",
           "5:2: `names` holds `a/b`, expected a pattern of 1 to 128 printable ASCII characters without '/'"},
          {"[match]\nuuids = [\"1b4e28ba2fa111d2883f0016d3cca427\"]",
           "4:10: `uuids` holds `1b4e28ba2fa111d2883f0016d3cca427`, " + uuid},
          {"[match]\nuuids = [\"1b4e28ba-2fa1-11d2-883f-0016d3cca42g\"]",
           "4:10: `uuids` holds `1b4e28ba-2fa1-11d2-883f-0016d3cca42g`, " + uuid},
          {"[match]\nuuids = [7]", "4:10: `uuids` holds an integer, expected UUIDs in quotes"},
          {"[match]\nnames = [\"a\"]\nname = \"b\"",
           "5:1: unknown key `name` in [match]; did you mean `names`?"},
      });
}

TEST(policy_problems, of_the_budget) {
  check(sound,
        {
            {"[budget]\nper_vm = -1", "4:10: `per_vm` is -1, expected 0 to 10000"},
            {"[budget]\nper_vm = 10001", "4:10: `per_vm` is 10001, expected 0 to 10000"},
            {"[budget]\nper_vm = \"3\"", "4:10: `per_vm` is a string, expected an integer"},
            {"[budget]\nper_host = 100001", "4:12: `per_host` is 100001, expected 0 to 100000"},
            {"[budget]\nwindow = \"0s\"", "4:10: `window` is 0ms, expected 1s to 720h"},
            {"[budget]\nwindow = \"721h\"", "4:10: `window` is 721h, expected 1s to 720h"},
            {"[budget]\nper_vms = 1", "4:1: unknown key `per_vms` in [budget]; did you mean `per_vm`?"},
        });
}

TEST(policy_problems, of_the_guard) {
  check(guard, {
                   {"[guard]\nhold_for = \"999ms\"", "4:12: `hold_for` is 999ms, expected 1s to 24h"},
                   {"[guard]\nstopped_for = \"11m\"", "4:15: `stopped_for` is 11m, expected 1s to 10m"},
                   {"[guard]\nmanager_grace = \"11m\"", "4:17: `manager_grace` is 11m, expected 0ms to 10m"},
                   {"[guard]\nhold = \"1s\"", "4:1: unknown key `hold` in [guard]"},
                   {"guard = true", "3:9: `guard` is a boolean, expected a table: [guard]"},
               });
  check(sound, {{"[guard]", "3:1: a [guard] in a policy without guard-switchover in its `ladder`"}});
  // Of a ladder that was not understood nobody knows what is not in it.
  check("condition = \"mirror-at-switchover\"\nladder = [{ action = \"guard-switchovr\" }]\n",
        {{"[guard]",
          "2:22: `action` is `guard-switchovr`, expected report or guard-switchover; did you mean "
          "`guard-switchover`?"}});
}

TEST(policy_problems, of_the_syntax_end_at_the_first) {
  const auto read = parse_policy("condition = \"x\"\n[match\nnames = 7", "f", "x");
  ASSERT_FALSE(read);
  ASSERT_EQ(read.error().size(), 1u);
  EXPECT_TRUE(to_string(read.error().front()).starts_with("f:2:")) << to_string(read.error().front());
}

TEST(policy_values, names_of_policies) {
  for (const auto& text : {std::string("a"), std::string("0-x"), std::string(64, 'z')}) {
    EXPECT_EQ(parse_policy_name(text).value(), text);
  }
  for (const auto& text : {std::string(), std::string("A"), std::string("a_b"), std::string("a.b"),
                           std::string("ä"), std::string("a\0b", 3), std::string(65, 'z')}) {
    EXPECT_FALSE(parse_policy_name(text)) << text;
  }
}

TEST(policy_values, descriptions) {
  for (const auto& text :
       {std::string(), std::string("für 10 €"), std::string("\u00A0"), std::string(200, 'x')}) {
    EXPECT_EQ(parse_description(text).value(), text);
  }
  for (const auto* text : {"\n", "\t", "\x7F", "\u0085", "\u009B31m"}) EXPECT_FALSE(parse_description(text));
}

}  // namespace
}  // namespace unwedge::config

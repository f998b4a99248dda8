// One policy: what its keys mean, and tables of bad input: exact place, exact words.
#include "daemon/config/policies.hpp"

#include "daemon/config/builtin_texts.hpp"
#include "daemon/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace unwedge::config {
namespace {

using namespace std::chrono_literals;
using policies::action_kind;
using policies::authority;
using policies::condition_kind;
using policies::policy;
using policies::rung;
using testing::ElementsAre;

TEST(policies, that_are_minimal_have_the_defaults) {
  const auto read =
      parse_policy("condition = \"process-gone\"\nladder = [{ action = \"report\" }]", "/d/x.toml", "x");
  ASSERT_TRUE(read) << to_string(read.error().front());
  EXPECT_EQ(*read, (policy{.name = "x",
                           .condition = condition_kind::process_gone,
                           .ladder = {rung{.action = action_kind::report}},
                           .source = "/d/x.toml"}));
  EXPECT_EQ(read->needs, authority::protect);
  EXPECT_TRUE(read->enabled);
}

TEST(policies, read_every_key) {
  const auto read = parse_policy(R"(
condition = "mirror-stalled"
description = "What für"
states = ["running", "not-ready"]
patience = "0s"
authority = "rescue"
enabled = false
dry_run = true
cooldown = "24h"
[[ladder]]
action = "pause-job"
verify_within = "100ms"
[[ladder]]
action = "yank-target"
[match]
names = ["web*", "db-[0-9]"]
uuids = ["1B4E28BA-2fa1-11d2-883f-0016d3cca427"]
[budget]
per_vm = 0
per_host = 100000
window = "720h"
)",
                                 "f", "x");
  ASSERT_TRUE(read) << to_string(read.error().front());
  EXPECT_EQ(*read, (policy{.name = "x",
                           .description = "What für",
                           .condition = condition_kind::mirror_stalled,
                           .states = {"running", "not-ready"},
                           .match = {{"web*", "db-[0-9]"}, {"1b4e28ba-2fa1-11d2-883f-0016d3cca427"}},
                           .patience = 0s,
                           .ladder = {{action_kind::pause_job, 100ms}, {action_kind::yank_target, 2s}},
                           .needs = authority::rescue,
                           .enabled = false,
                           .dry_run = true,
                           .budget = {0, 100'000, 720h},
                           .cooldown = 24h,
                           .source = "f"}));
}

TEST(policies, read_the_bounds_of_the_guard) {
  const auto read = parse_policy(R"(condition = "mirror-at-switchover"
ladder = [{ action = "guard-switchover" }]
guard = { hold_for = "24h", stopped_for = "1s", manager_grace = "0s" }
)",
                                 "f", "x");
  ASSERT_TRUE(read) << to_string(read.error().front());
  EXPECT_EQ(read->guard, (policies::guard_settings{24h, 1s, 0s}));
}

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream all;
  all << std::ifstream(file).rdbuf();
  return all.str();
}

TEST(policies, that_are_shipped_are_built_in_and_parse) {
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(UNWEDGE_SOURCE_DIR "/policies/shipped")) {
    const auto found =
        std::ranges::find(builtin_policies(), file.path().stem().string(), &builtin_text::name);
    ASSERT_NE(found, builtin_policies().end()) << file.path();
    EXPECT_EQ(found->text, text_of(file.path()));
    ++files;
  }
  EXPECT_EQ(builtin_policies().size(), files);
  EXPECT_TRUE(std::ranges::is_sorted(builtin_policies(), {}, &builtin_text::name));
  for (const auto& [name, text] : builtin_policies()) {
    const auto read = parse_policy(text, "f", name);
    ASSERT_TRUE(read) << name << ": " << to_string(read.error().front());
    EXPECT_FALSE(read->description.empty()) << name;
  }
}

TEST(policies, that_are_shipped_cover_every_condition) {
  std::vector<std::string_view> covered;
  for (const auto& [name, text] : builtin_policies()) {
    covered.push_back(to_string(parse_policy(text, "f", name).value().condition));
  }
  EXPECT_THAT(covered, testing::UnorderedElementsAreArray(policies::condition_names()));
}

TEST(policies, never_throw_for_any_truncation_or_changed_byte_of_a_shipped_one) {
  for (const auto& [name, text] : builtin_policies()) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::expected<policy, std::vector<problem>> read;
      ASSERT_NO_THROW(read = parse_policy(text.substr(0, at), "f", name)) << name << ": " << at;
      if (!read) ASSERT_FALSE(read.error().empty());
      for (const char byte : {'\0', '\n', '"', '[', '{', '=', '.', 'x', '\xFF'}) {
        std::string changed{text};
        changed[at] = byte;
        ASSERT_NO_THROW((void)parse_policy(changed, "f", name)) << name << ": " << at << ": " << int{byte};
      }
    }
  }
}

TEST(policies, report_every_problem_in_the_files_order) {
  const auto read = parse_policy(R"(conditon = "mirror-stalled"
patience = "25h"
[[ladder]]
action = "yank-targt"
verify_whithin = "1s"
[budgt]
per_vm = 1
)",
                                 "/etc/unwedge/policies.d/x.toml", "x");
  ASSERT_FALSE(read);
  std::vector<std::string> texts;
  for (const auto& one : read.error())
    texts.push_back(to_string(one).substr(read.error().front().file.size()));
  EXPECT_THAT(
      texts,
      ElementsAre(
          ": has no `condition`, expected monitor-stalled, mirror-stalled, mirror-at-switchover, "
          "migration-no-progress, switchover-overdue, job-stuck, guest-io-stall or process-gone",
          ":1:1: unknown key `conditon`; did you mean `condition`?",
          ":2:12: `patience` is 25h, expected 0ms to 24h",
          ":4:10: `action` is `yank-targt`, expected report, yank-root, sever-root, rescue-root, "
          "yank-target, cancel-job, pause-job, finalize-job, dismiss-job, cancel-migration, yank-migration, "
          "guard-switchover, flag-core, core or abort; did you mean `yank-target`?",
          ":5:1: unknown key `verify_whithin` in [[ladder]]; did you mean `verify_within`?",
          ":6:2: unknown table `budgt`; did you mean `budget`?"));
}

TEST(policies, of_more_than_one_mebibyte_are_refused) {
  const auto read = parse_policy(std::string(max_file_bytes + 1, '#'), "f", "x");
  ASSERT_FALSE(read);
  EXPECT_EQ(to_string(read.error().front()), "f: is larger than 1 MiB, the limit for a configuration");
}

}  // namespace
}  // namespace unwedge::config

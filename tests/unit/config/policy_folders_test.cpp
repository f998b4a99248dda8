// The two folders of policies, and what `check` says of files.
#include "daemon/config/builtin_texts.hpp"
#include "daemon/config/check.hpp"
#include "daemon/config/config.hpp"
#include "daemon/config/policies.hpp"
#include "tests/unit/config/layered_folders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

namespace unwedge::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string report = "ladder = [{ action = \"report\" }]\n";
const std::string gone = "condition = \"process-gone\"\n" + report;
const std::string stuck = "condition = \"job-stuck\"\n" + report;

class policy_files : public layered_folders {
 protected:
  policy_files() : layered_folders("policies.d") {}
  /// "NAME CONDITION" each.
  std::vector<std::string> loaded() const {
    const auto set = load_policies({vendor(), admin()});
    if (!set) return texts(set.error());
    std::vector<std::string> out;
    for (const auto& one : set->all) out.push_back(one.name + " " + std::string{to_string(one.condition)});
    return out;
  }
};

TEST_F(policy_files, are_ordered_by_file_name_over_both_folders) {
  write(vendor() / "c.toml", gone);
  write(vendor() / "a.toml", gone);
  write(admin() / "b.toml", stuck);
  write(admin() / "a-b.toml", stuck);
  EXPECT_THAT(loaded(), ElementsAre("a-b job-stuck", "a process-gone", "b job-stuck", "c process-gone"));
}

TEST_F(policy_files, of_the_administrator_override_those_of_the_same_name) {
  write(vendor() / "a.toml", "not even TOML");
  write(vendor() / "b.toml", gone);
  const auto file = write(admin() / "a.toml", stuck);
  const auto set = load_policies({vendor(), admin()});
  ASSERT_TRUE(set) << to_string(set.error().front());
  ASSERT_EQ(set->all.size(), 2u);
  EXPECT_EQ(set->all[0].source, file.string());
  EXPECT_EQ(set->all[1].source, (vendor() / "b.toml").string());
}

TEST_F(policy_files, that_are_empty_or_null_mask) {
  for (const auto* name : {"a.toml", "b.toml", "c.toml"}) write(vendor() / name, gone);
  write(admin() / "a.toml", "");
  fs::create_symlink("/dev/null", admin() / "b.toml");
  fs::create_symlink("/dev/null", admin() / "nothing-of-the-vendor.toml");
  EXPECT_THAT(loaded(), ElementsAre("c process-gone"));
}

TEST_F(policy_files, of_the_vendor_do_not_mask) {
  const auto file = write(vendor() / "a.toml", "");
  EXPECT_THAT(loaded(), ElementsAre(file.string() +
                                    ": is empty, which masks a policy in the administrator's folder only"));
}

TEST_F(policy_files, of_a_link_are_read) {
  fs::create_symlink(write(folder() / "elsewhere", gone), admin() / "a.toml");
  EXPECT_THAT(loaded(), ElementsAre("a process-gone"));
}

TEST_F(policy_files, without_a_folder_are_none) {
  fs::remove_all(admin());
  EXPECT_THAT(loaded(), IsEmpty());
}

TEST_F(policy_files, without_a_vendor_folder_are_built_in) {
  fs::remove_all(vendor());
  write(admin() / "stuck-job.toml", "");
  write(admin() / "process-gone.toml", gone + "enabled = false\n");
  const auto set = load_policies({vendor(), admin()});
  ASSERT_TRUE(set) << to_string(set.error().front());
  EXPECT_EQ(set->all.size(), builtin_policies().size() - 1);
  for (const auto& one : set->all) {
    EXPECT_NE(one.name, "stuck-job");
    EXPECT_EQ(one.source, one.name == "process-gone" ? (admin() / "process-gone.toml").string() : "built in");
    EXPECT_EQ(one.enabled, one.name != "process-gone");
  }
}

TEST_F(policy_files, are_toml_only_not_hidden_and_not_of_sub_folders) {
  write(admin() / "README", "x");
  write(admin() / "a.toml~", "x");
  write(admin() / "a.TOML", "x");
  fs::create_symlink("me@host.1234:5678", admin() / ".#a.toml");  // emacs, while somebody edits
  fs::create_directory(admin() / "sub");
  write(admin() / "sub" / "a.toml", gone);
  EXPECT_THAT(loaded(), IsEmpty());
}

TEST_F(policy_files, have_all_their_problems_reported_at_once) {
  const auto a = write(admin() / "a.toml", "condition = 1\n" + report + "enabled = 1\n").string();
  const auto b = write(vendor() / "B.toml", "patience = 1\n" + gone).string();
  const auto c = (admin() / "c.toml").string();
  const auto d = (vendor() / "d.toml").string();
  const auto e = (vendor() / "e.toml").string();
  const auto f = write(vendor() / "f\n.toml", gone).string();
  fs::create_directory(c);
  ASSERT_EQ(::mkfifo(d.c_str(), 0600), 0);
  fs::create_symlink("/nowhere", e);
  const std::string naming = ", expected 1 to 64 characters of a-z, 0-9 and '-', then .toml";
  EXPECT_THAT(
      loaded(),
      ElementsAre(
          b + ": is called `B.toml`" + naming,
          b + ":1:12: `patience` is an integer, expected a duration in quotes such as \"1s\" or \"500ms\"",
          a + ":1:13: `condition` is an integer, expected monitor-stalled, mirror-stalled, "
              "mirror-at-switchover, migration-no-progress, switchover-overdue, job-stuck, "
              "guest-io-stall or process-gone",
          a + ":3:11: `enabled` is an integer, expected true or false",
          c + ": cannot be read: Is a directory", d + ": is a fifo, expected a file",
          e + ": cannot be read: No such file or directory",
          one_line(f) + ": is called `f\\x0a.toml`" + naming));
}

TEST_F(policy_files, have_limits) {
  for (std::size_t i = 0; i < max_policy_files; ++i)
    write(vendor() / ("p" + std::to_string(i) + ".toml"), gone);
  EXPECT_EQ(loaded().size(), max_policy_files);
  write(vendor() / "one-more.toml", gone);
  EXPECT_THAT(loaded(), testing::Contains(vendor().string() + ": has more than 256 policies"));
  fs::remove_all(vendor());
  fs::create_directory(vendor());
  const auto large = write(admin() / "a.toml", std::string(max_file_bytes + 1, '#')).string();
  EXPECT_THAT(loaded(), ElementsAre(large + ": is larger than 1 MiB, the limit for a configuration"));
}

TEST_F(policy_files, in_a_folder_that_is_none_are_a_problem) {
  fs::remove_all(admin());
  write(admin(), "x");
  EXPECT_THAT(loaded(), ElementsAre(admin().string() + ": cannot be read: Not a directory"));
}

TEST_F(policy_files, of_a_device_are_refused) {
  fs::create_symlink("/dev/full", admin() / "a.toml");
  EXPECT_THAT(loaded(), ElementsAre((admin() / "a.toml").string() +
                                    ": is larger than 1 MiB, the limit for a configuration"));
}

TEST_F(policy_files, are_checked_with_the_configuration_that_names_their_folders) {
  const auto config = write_configuration("policies");
  EXPECT_THAT(texts(check_all(config)), IsEmpty());
  const auto file = write(admin() / "a.toml", gone + "enabled = 1\n");
  EXPECT_THAT(texts(check_file(config)),
              ElementsAre(file.string() + ":3:11: `enabled` is an integer, expected true or false"));
  write(config, "authority = 1\n");
  EXPECT_THAT(texts(check_all(config)),
              ElementsAre(config.string() +
                          ":1:13: `authority` is an integer, expected observe, protect, rescue or destroy"));
}

TEST_F(policy_files, are_told_from_configurations_by_folder_or_condition) {
  const auto in_folder = write(admin() / "a.toml", report);
  EXPECT_EQ(check_file(in_folder).size(), 1u);
  EXPECT_EQ(check_file(fs::relative(in_folder)).size(), 1u);
  const auto outside = write(folder() / "a.toml", gone);
  EXPECT_THAT(texts(check_file(outside)), IsEmpty());
  write(outside, gone + "authority = \"none\"\n");
  EXPECT_THAT(texts(check_file(outside)),
              ElementsAre(outside.string() +
                          ":3:13: `authority` is `none`, expected observe, protect, rescue or destroy"));
  const auto mask = write(admin() / "mask.toml", "");
  EXPECT_THAT(texts(check_file(mask)), IsEmpty());
  EXPECT_EQ(check_file("").size(), 1u);
  EXPECT_THAT(texts(check_file("/no/such.toml")),
              ElementsAre("/no/such.toml: cannot be read: No such file or directory"));
}

TEST(config, names_the_folders_of_policies) {
  const auto read = parse("[policies]\nvendor = \"/v\"\nadmin = \"/a b\"\n", "f");
  ASSERT_TRUE(read);
  EXPECT_EQ(folders_of(*read).vendor, "/v");
  EXPECT_EQ(folders_of(*read).admin, "/a b");
  const auto none = parse("", "f");
  EXPECT_EQ(folders_of(*none).vendor, "/usr/lib/unwedge/policies.d");
  EXPECT_EQ(folders_of(*none).admin, "/etc/unwedge/policies.d");
  const auto wrong = parse("[policies]\nadmin = \"x\"\nvendors = 1\n", "f");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(texts(wrong.error()),
              ElementsAre("f:2:9: `admin` is `x`, expected an absolute path",
                          "f:3:1: unknown key `vendors` in [policies]; did you mean `vendor`?"));
}

}  // namespace
}  // namespace unwedge::config

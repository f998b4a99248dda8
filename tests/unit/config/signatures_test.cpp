// Signatures: what of a file is read, everything that is wrong with one, and the two folders.
#include "daemon/config/signatures.hpp"

#include "daemon/config/builtin_texts.hpp"
#include "daemon/config/check.hpp"
#include "daemon/config/config.hpp"
#include "tests/unit/config/layered_folders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string whole = R"(title = "a title"
description = """\
  first \
  second"""
references = ["https://example.org/1"]
helps = "nothing"
from = "7.1"
fixed_in = "8.2.1"
only_in_range = true
roots = ["block-node", "migration"]
jobs = ["mirror"]
[[thread]]
role = "migration"
functions = ["aio_poll", "old_name | new_name", "hidden?"]
without = ["vm_stop"]
[[thread]]
functions = ["main_loop_wait"]
)";

const std::string small = "title = \"t\"\n[[thread]]\nfunctions = [\"a\"]\n";

std::vector<std::string> wrong_with(std::string_view text) {
  const auto parsed = parse_signature(text, "f", "n");
  return parsed ? std::vector<std::string>{} : texts(parsed.error());
}

TEST(signature, is_read_whole) {
  const auto parsed = parse_signature(whole, "f", "n");
  ASSERT_TRUE(parsed) << to_string(parsed.error().front());
  EXPECT_EQ(parsed->name, "n");
  EXPECT_EQ(parsed->source, "f");
  EXPECT_EQ(parsed->description, "first second");
  EXPECT_EQ(parsed->from, (policies::release{7, 1, 0}));
  EXPECT_EQ(parsed->fixed_in, (policies::release{8, 2, 1}));
  EXPECT_TRUE(parsed->only_in_range);
  EXPECT_THAT(parsed->roots,
              ElementsAre(policies::wait_root::kind::block_node, policies::wait_root::kind::migration));
  ASSERT_THAT(parsed->threads, SizeIs(2));
  const auto& first = parsed->threads[0];
  EXPECT_EQ(first.role, policies::thread_role::migration);
  EXPECT_THAT(first.functions[1].any_of, ElementsAre("old_name", "new_name"));
  EXPECT_FALSE(first.functions[1].if_named);
  EXPECT_THAT(first.functions[2].any_of, ElementsAre("hidden"));
  EXPECT_TRUE(first.functions[2].if_named);
  EXPECT_THAT(first.without, ElementsAre("vm_stop"));
  EXPECT_EQ(parsed->threads[1].role, policies::thread_role::unknown);
}

TEST(signature, with_something_wrong_says_where_and_what_was_meant) {
  EXPECT_THAT(
      wrong_with("titl = \"t\"\n[[thread]]\nfunctions = [\"a\"]\n"),
      ElementsAre("f:1:1: a signature without `title`", "f:1:1: unknown key `titl`; did you mean `title`?"));
  EXPECT_THAT(wrong_with("title = \"t\"\n[[thread]]\nrole = \"migraton\"\nfunctions = [\"a\"]\n"),
              ElementsAre(testing::AllOf(testing::StartsWith("f:3:8: `role` is `migraton`, expected main, "),
                                         testing::EndsWith("did you mean `migration`?"))));
  EXPECT_THAT(wrong_with("title = \"t\"\n[[thread]]\nfunctions = [\"__poll\"]\n"),
              ElementsAre(testing::AllOf(testing::StartsWith("f:3:14: "),
                                         testing::HasSubstr("expected the plain name `poll`"))));
  EXPECT_THAT(wrong_with(small + "fixed = \"7.2\"\n"), SizeIs(1));  // it stands in [[thread]]
  EXPECT_THAT(
      wrong_with("fixed_in = \"v7\"\n" + small),
      ElementsAre("f:1:12: `fixed_in` is `v7`, expected a release of QEMU such as \"7.2\" or \"8.2.1\""));
  EXPECT_THAT(wrong_with("from = \"8.0\"\nfixed_in = \"8.0\"\n" + small),
              ElementsAre("f:2:12: `fixed_in` is 8.0, expected a release after `from`, which is 8.0"));
  EXPECT_THAT(wrong_with("only_in_range = true\n" + small), SizeIs(1));
  EXPECT_THAT(wrong_with("roots = [\"blocknode\"]\n" + small), SizeIs(1));
}

TEST(signature, that_would_match_everything_is_refused) {
  EXPECT_THAT(wrong_with("title = \"t\"\n"),
              ElementsAre("f:1:1: a signature without [[thread]], expected at least one"));
  for (const auto* functions : {"", "functions = []\n", "functions = [\"a?\"]\n"})
    EXPECT_THAT(wrong_with("title = \"t\"\n[[thread]]\n" + std::string{functions}), SizeIs(1)) << functions;
  EXPECT_THAT(wrong_with("title = \"t\"\nthread = []\n"), SizeIs(1));
  EXPECT_THAT(wrong_with("title = \"t\"\nthread = 3\n"), SizeIs(1));
  EXPECT_THAT(wrong_with("title = \"t\"\n[thread]\nfunctions = [\"a\"]\n"), SizeIs(1));
}

TEST(signature, is_bounded) {
  std::string many = "title = \"t\"\n";
  for (int i = 0; i < 9; ++i) many += "[[thread]]\nfunctions = [\"a\"]\n";
  EXPECT_THAT(wrong_with(many), SizeIs(1));
  std::string long_one = "title = \"t\"\n[[thread]]\nfunctions = [";
  for (int i = 0; i < 33; ++i) long_one += "\"a\",";
  EXPECT_THAT(wrong_with(long_one + "]\n"), SizeIs(1));
  EXPECT_THAT(wrong_with("title = \"t\"\n[[thread]]\nfunctions = [\"a|b|c|d|e|f|g|h|i\"]\n"), SizeIs(1));
}

class signature_files : public layered_folders {
 protected:
  signature_files() : layered_folders("signatures.d") {}
  std::vector<std::string> loaded() const {
    const auto all = load_signatures({vendor(), admin()});
    if (!all) return texts(all.error());
    std::vector<std::string> out;
    for (const auto& one : *all) out.push_back(one.name + " " + one.title);
    return out;
  }
};

TEST_F(signature_files, of_the_administrator_take_the_place_of_the_vendors) {
  write(vendor() / "a.toml", small);
  write(vendor() / "b.toml", small);
  write(vendor() / "c.toml", small);
  write(admin() / "b.toml", "title = \"mine\"\n[[thread]]\nfunctions = [\"a\"]\n");
  write(admin() / "c.toml", "");
  EXPECT_THAT(loaded(), ElementsAre("a t", "b mine"));
  write(vendor() / "d.toml", "");
  EXPECT_THAT(loaded(),
              ElementsAre((vendor() / "d.toml").string() +
                          ": is empty, which masks a signature in the administrator's folder only"));
}

TEST_F(signature_files, built_in_stand_in_for_a_vendors_folder_that_does_not_exist) {
  fs::remove(vendor());
  EXPECT_EQ(loaded().size(), builtin_signatures().size());
  EXPECT_GE(builtin_signatures().size(), 15U);
}

TEST_F(signature_files, are_checked_with_the_configuration_and_alone) {
  const auto config = write_configuration("signatures");
  EXPECT_THAT(texts(check_all(config)), IsEmpty());
  const auto file = write(admin() / "a.toml", "title = 1\n[[thread]]\nfunctions = [\"a\"]\n");
  EXPECT_THAT(texts(check_all(config)),
              ElementsAre(file.string() + ":1:9: `title` is an integer, expected a string"));
  EXPECT_THAT(texts(check_file(file)), SizeIs(1));
  const auto outside = write(folder() / "x.toml", small);
  EXPECT_THAT(texts(check_file(outside)), IsEmpty());
}

}  // namespace
}  // namespace unwedge::config

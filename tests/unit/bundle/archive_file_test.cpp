#include "daemon/bundle/archive_file.hpp"

#include "daemon/bundle/base64.hpp"
#include "daemon/bundle/readme.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <random>
#include <sstream>

namespace unwedge::bundle {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

constexpr auto then = std::chrono::system_clock::time_point{1795384212s};

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string out(size, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

struct member {
  std::string bytes;
  unsigned mode = 0;
  std::time_t modified = 0;
};

std::map<std::string, member> unpacked(const fs::path& file) {
  std::map<std::string, member> out;
  auto* a = archive_read_new();
  archive_read_support_filter_zstd(a);
  archive_read_support_format_tar(a);
  EXPECT_EQ(archive_read_open_filename(a, file.c_str(), 65536), ARCHIVE_OK) << archive_error_string(a);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
    auto& m = out[archive_entry_pathname(entry)];
    m.mode = archive_entry_perm(entry);
    m.modified = archive_entry_mtime(entry);
    m.bytes.resize(static_cast<std::size_t>(archive_entry_size(entry)));
    EXPECT_EQ(archive_read_data(a, m.bytes.data(), m.bytes.size()), static_cast<la_ssize_t>(m.bytes.size()));
  }
  archive_read_free(a);
  return out;
}

class archive_of_an_incident : public testing::Test {
 protected:
  archive_of_an_incident() {
    std::string name = (fs::temp_directory_path() / "unwedge-bundle-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    folder_ = name;
  }
  ~archive_of_an_incident() override {
    std::error_code ec;
    fs::remove_all(folder_, ec);
  }
  fs::path file() const { return folder_ / "a.tar.zst"; }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& e : fs::directory_iterator(folder_)) out.push_back(e.path().filename());
    return out;
  }
  static void spill(const fs::path& p, const char* text) { std::ofstream(p) << text; }
  static std::string slurp(const fs::path& p) {
    std::ostringstream out;
    out << std::ifstream(p).rdbuf();
    return out.str();
  }

  fs::path folder_;
};

TEST_F(archive_of_an_incident, holds_what_was_put_in) {
  auto a = archive_file::create(file(), false).value();
  const auto large = noise(3u << 20);
  ASSERT_TRUE(a.add("id/journal.jsonl", "{}\n", then));
  ASSERT_TRUE(a.add("id/empty", "", then));
  ASSERT_TRUE(a.add("id/core", large, then));
  EXPECT_FALSE(fs::exists(file())) << "is there before it is whole";
  const auto bytes = a.commit();
  ASSERT_TRUE(bytes) << bytes.error();
  EXPECT_EQ(*bytes, fs::file_size(file()));
  const auto all = unpacked(file());
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all.at("id/journal.jsonl").bytes, "{}\n");
  EXPECT_EQ(all.at("id/journal.jsonl").mode, 0600u);
  EXPECT_EQ(all.at("id/journal.jsonl").modified, std::chrono::system_clock::to_time_t(then));
  EXPECT_EQ(all.at("id/empty").bytes, "");
  EXPECT_EQ(all.at("id/core").bytes, large);
  EXPECT_THAT(names(), UnorderedElementsAre("a.tar.zst"));
}

TEST_F(archive_of_an_incident, is_for_its_owner_whatever_the_umask) {
  const auto before = ::umask(0);
  auto a = archive_file::create(file(), false).value();
  ASSERT_TRUE(a.commit());
  ::umask(before);
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(archive_of_an_incident, replaces_nothing_unasked) {
  spill(file(), "mine");
  const auto refused = archive_file::create(file(), false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("is there already"));
  EXPECT_EQ(slurp(file()), "mine");
  ASSERT_TRUE(archive_file::create(file(), true).value().commit());
  EXPECT_NE(slurp(file()), "mine");
}

TEST_F(archive_of_an_incident, replaces_no_file_that_came_meanwhile) {
  auto a = archive_file::create(file(), false).value();
  spill(file(), "mine");
  const auto refused = a.commit();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("is there already"));
  EXPECT_EQ(slurp(file()), "mine");
}

TEST_F(archive_of_an_incident, does_not_follow_a_link_that_leads_nowhere) {
  fs::create_symlink(folder_ / "elsewhere", file());
  EXPECT_FALSE(archive_file::create(file(), false));
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
}

TEST_F(archive_of_an_incident, that_is_given_up_leaves_nothing) {
  {
    auto a = archive_file::create(file(), false).value();
    ASSERT_TRUE(a.add("x", noise(1u << 20), then));
    auto moved = std::move(a);
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(archive_of_an_incident, that_was_to_replace_a_file_and_is_given_up_leaves_that) {
  spill(file(), "mine");
  ASSERT_TRUE(archive_file::create(file(), true).value().add("x", "y", then));
  EXPECT_EQ(slurp(file()), "mine");
  EXPECT_THAT(names(), UnorderedElementsAre("a.tar.zst"));
}

TEST_F(archive_of_an_incident, names_the_folder_that_is_not_there) {
  const auto refused = archive_file::create(folder_ / "no/a.tar.zst", false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("no/a.tar.zst: No such file or directory"));
  EXPECT_THAT(archive_file::create(folder_, true).error(), HasSubstr("is a folder"));
}

/// A file system of a given size over the folder.
TEST_F(archive_of_an_incident, on_a_full_disk_leaves_nothing_and_says_why) {
  if (::mount("none", folder_.c_str(), "tmpfs", 0, "size=256k") != 0) GTEST_SKIP() << "needs root";
  std::string error;
  {
    auto a = archive_file::create(file(), false).value();
    const auto large = noise(1u << 20);
    for (int i = 0; i < 4 && error.empty(); ++i) {
      if (const auto added = a.add("x", large, then); !added) error = added.error();
    }
    if (error.empty()) {
      const auto committed = a.commit();
      error = committed ? "was committed" : committed.error();
    }
  }
  EXPECT_THAT(error, HasSubstr("No space left on device"));
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_EQ(::umount(folder_.c_str()), 0);
}

TEST(base64, is_what_the_rfc_has) {
  const std::map<std::string, std::string> vectors{{"", ""},
                                                   {"f", "Zg=="},
                                                   {"fo", "Zm8="},
                                                   {"foo", "Zm9v"},
                                                   {"foob", "Zm9vYg=="},
                                                   {"fooba", "Zm9vYmE="},
                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
  for (std::size_t size = 0; size < 300; ++size) EXPECT_EQ(from_base64(to_base64(noise(size))), noise(size));
}

TEST(base64, refuses_everything_else) {
  for (const auto* text : {"Z", "Zg", "Zg=", "Zg==Zg==", "Zh==", "Zm9=", "====", "Zm 9", "Zm9v\n", "Zm9-"})
    EXPECT_FALSE(from_base64(text)) << text;
}

TEST(readme, says_what_each_file_is_and_what_is_missing) {
  const auto text = readme("web01-1", {"journal.jsonl", "qmp-history-at-close.json", "new.json"},
                           {{"core.zst", "3 GiB, above 64 MiB."}});
  EXPECT_THAT(text, HasSubstr("Incident web01-1,"));
  EXPECT_THAT(text, HasSubstr("\njournal.jsonl\n    What happened"));
  EXPECT_THAT(text, HasSubstr("at the end of the incident"));
  EXPECT_THAT(text, HasSubstr("\nnew.json\n    Put beside the journal by the daemon."));
  EXPECT_THAT(text, HasSubstr("Not in this bundle:\n\ncore.zst\n    3 GiB, above 64 MiB.\n"));
}

}  // namespace
}  // namespace unwedge::bundle

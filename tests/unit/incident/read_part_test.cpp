#include "daemon/incident/store.hpp"
#include "tests/unit/incident/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

namespace unwedge::incidents {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
namespace fs = std::filesystem;

constexpr auto now = wall_time{1795384212s};

class files_of_an_incident : public testing::Test {
 protected:
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& f : store_.files(id_).value()) out.push_back(f.name);
    return out;
  }
  fs::path path(std::string_view name) const { return store_.path_of(id_) / name; }

  temporary_folder temporary_;
  store store_ = store::open(temporary_.path() / "state").value();
  incident_log log_ =
      store_.create({.vm = "web01", .condition = "monitor-stalled", .verdict = {}}, now).value();
  std::string id_{log_.id()};
};

TEST_F(files_of_an_incident, are_the_journal_and_what_lies_beside_it) {
  ASSERT_TRUE(log_.attach("evidence.json", "{}"));
  EXPECT_THAT(names(), ElementsAre("evidence.json", "journal.jsonl"));
  EXPECT_EQ(store_.files(id_)->front().bytes, 2u);
  EXPECT_FALSE(store_.files("web01-no-such"));
  EXPECT_FALSE(store_.files("../incidents"));
}

TEST_F(files_of_an_incident, are_regular_ones_only) {
  spill(temporary_.path() / "secret", "s");
  fs::create_symlink(temporary_.path() / "secret", path("link.json"));
  fs::create_directory(path("folder"));
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(names(), ElementsAre("journal.jsonl"));
  EXPECT_FALSE(store_.read_part(id_, "link.json", 0, 10));
  EXPECT_FALSE(store_.read_part(id_, "folder", 0, 10));
  EXPECT_FALSE(store_.read_part(id_, "fifo", 0, 10));
}

TEST_F(files_of_an_incident, are_read_piece_by_piece) {
  ASSERT_TRUE(log_.attach("evidence.json", "0123456789"));
  const auto part = [&](std::size_t offset, std::size_t limit) {
    return store_.read_part(id_, "evidence.json", offset, limit).value();
  };
  EXPECT_EQ(part(0, 4).bytes, "0123");
  EXPECT_EQ(part(4, 4).bytes, "4567");
  EXPECT_EQ(part(8, 4).bytes, "89");
  EXPECT_EQ(part(10, 4).bytes, "");
  EXPECT_EQ(part(~std::size_t{0}, 4).bytes, "");
  EXPECT_EQ(part(8, 4).total, 10u);
  EXPECT_EQ(part(0, 4).version, part(8, 4).version);
}

TEST_F(files_of_an_incident, tell_when_they_were_replaced) {
  ASSERT_TRUE(log_.attach("evidence.json", "one"));
  const auto first = store_.read_part(id_, "evidence.json", 0, 2).value();
  ASSERT_TRUE(log_.attach("evidence.json", "two"));
  EXPECT_NE(store_.read_part(id_, "evidence.json", 2, 2)->version, first.version);
}

TEST_F(files_of_an_incident, a_journal_that_grows_is_the_same) {
  const auto first = store_.read_part(id_, "journal.jsonl", 0, 1u << 20).value();
  ASSERT_TRUE(log_.note("more", now));
  const auto second = store_.read_part(id_, "journal.jsonl", first.bytes.size(), 1u << 20).value();
  EXPECT_EQ(second.version, first.version);
  EXPECT_THAT(second.bytes, testing::HasSubstr("more"));
  EXPECT_EQ(first.bytes + second.bytes, slurp(path("journal.jsonl")));
}

TEST_F(files_of_an_incident, cannot_be_named_out_of_their_folder) {
  spill(temporary_.path() / "state/secret", "s");
  for (const auto* name : {"../../secret", "..", ".", "", "/etc/passwd", "./journal.jsonl", "a/b", ".hidden"})
    EXPECT_FALSE(store_.read_part(id_, name, 0, 10)) << name;
  for (const auto* id : {"..", ".", "", "../state", "a/b"})
    EXPECT_FALSE(store_.read_part(id, "journal.jsonl", 0, 10)) << id;
}

}  // namespace
}  // namespace unwedge::incidents

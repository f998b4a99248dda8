#include "daemon/incident/incident_id.hpp"

#include <gtest/gtest.h>

#include <random>

namespace unwedge::incidents {
namespace {

using namespace std::chrono_literals;
constexpr auto now = wall_time{1795384212s};

TEST(incident_id, is_the_vm_and_the_second) {
  EXPECT_EQ(make_id("web01", now, 1), "web01-20261122-215012");
  EXPECT_EQ(make_id("web01", now, 2), "web01-20261122-215012-2");
}

TEST(incident_id, keeps_nothing_hostile_of_a_name) {
  const std::pair<std::string_view, std::string_view> names[] = {{"web-01_a.b", "web-01_a.b"},
                                                                 {"", "vm"},
                                                                 {".", "_"},
                                                                 {"..", "_."},
                                                                 {"-rf", "_rf"},
                                                                 {".hidden", "_hidden"},
                                                                 {"a b", "a_b"},
                                                                 {"a..b", "a._b"},
                                                                 {"a\nb", "a_b"},
                                                                 {"\xC3\xA4", "__"},
                                                                 {std::string_view{"a\0b", 3}, "a_b"}};
  for (const auto& [name, expected] : names) {
    EXPECT_EQ(sanitised(name), expected);
  }
  EXPECT_EQ(sanitised(std::string(200, 'x')), std::string(48, 'x'));
}

TEST(incident_id, of_any_name_is_valid) {
  std::mt19937 random{7};
  std::uniform_int_distribution<int> byte{0, 255}, length{0, 80};
  for (int i = 0; i < 20'000; ++i) {
    std::string name(static_cast<std::size_t>(length(random)), '\0');
    // Half of them mostly of the characters that matter.
    for (auto& c : name) c = i % 2 ? static_cast<char>(byte(random)) : "./-a"[byte(random) % 4];
    const auto id = make_id(name, now, static_cast<unsigned>(1 + i % 1000));
    EXPECT_TRUE(valid_id(id)) << id;
    EXPECT_LE(sanitised(name).size(), 48u);
  }
  EXPECT_TRUE(valid_id(make_id("../../etc/passwd", now, 1)));
}

TEST(incident_id, from_outside_is_checked) {
  for (const std::string& id :
       {std::string{}, std::string{"."}, std::string{".."}, std::string{"a/b"}, std::string{"../x"},
        std::string{"a..b"}, std::string{"-x"}, std::string{".x"}, std::string{"x\n"}, std::string("a\0b", 3),
        std::string(81, 'a'), std::string{"a b"}}) {
    EXPECT_FALSE(valid_id(id)) << id;
  }
  EXPECT_TRUE(valid_id(std::string(80, 'a')));
  EXPECT_TRUE(valid_attachment_name("evidence.json"));
  const auto longest_core =
      "core-" + sanitised(std::string(60, 'v')) + "-4194304-" + compact_utc(now) + ".123.zst";
  EXPECT_GT(longest_core.size(), 80u);
  EXPECT_TRUE(valid_attachment_name(longest_core));
  EXPECT_FALSE(valid_attachment_name(std::string(129, 'a')));
  EXPECT_FALSE(valid_attachment_name("journal.jsonl"));
  EXPECT_FALSE(valid_attachment_name("../evidence.json"));
}

}  // namespace
}  // namespace unwedge::incidents

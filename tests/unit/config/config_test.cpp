#include "daemon/config/config.hpp"

#include "tests/unit/config/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <random>

namespace unwedge::config {
namespace {

using namespace std::chrono_literals;
using policies::authority;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(config, bounds_the_cores_of_a_vms_process) {
  const auto read = parse("[core]\nmax_bytes = \"64MiB\"\nmin_free = 0\nmax_stop = \"500ms\"\n", "x.toml");
  ASSERT_TRUE(read) << to_string(read.error().front());
  EXPECT_EQ(read->core, (policies::core_settings{.max_bytes = 64u << 20, .min_free = 0, .max_stop = 500ms}));
  EXPECT_FALSE(parse("[core]\nmax_stop = \"2m\"\n", "x.toml"));
  EXPECT_FALSE(parse("[core]\nmax_memory = \"1KiB\"\n", "x.toml"));
}

TEST(config, bounds_the_window_of_a_lease) {
  const auto usual = parse("", "x.toml");
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->rescue, (policies::rescue_settings{.window = 3s, .program = std::nullopt}));
  const auto read = parse("[rescue]\nwindow = \"2s\"\nprogram = \"/opt/unwedge-rescue\"\n", "x.toml");
  ASSERT_TRUE(read) << to_string(read.error().front());
  EXPECT_EQ(read->rescue, (policies::rescue_settings{.window = 2s, .program = "/opt/unwedge-rescue"}));
  EXPECT_TRUE(parse("[rescue]\nwindow = \"1s\"\n", "x.toml"));
  EXPECT_TRUE(parse("[rescue]\nwindow = \"10s\"\n", "x.toml"));
  EXPECT_FALSE(parse("[rescue]\nwindow = \"999ms\"\n", "x.toml"));
  EXPECT_FALSE(parse("[rescue]\nwindow = \"10001ms\"\n", "x.toml"));
  EXPECT_FALSE(parse("[rescue]\nprogram = \"unwedge-rescue\"\n", "x.toml"));
  EXPECT_FALSE(parse("[rescue]\nwindows = \"2s\"\n", "x.toml"));
}

TEST(config, reads_the_example_of_the_contract) {
  const auto read = parse(example, "x.toml");
  ASSERT_TRUE(read) << to_string(read.error().front());
  EXPECT_EQ(read->authority, authority::protect);
  EXPECT_FALSE(read->dry_run);
  EXPECT_EQ(read->http, std::nullopt);
  EXPECT_THAT(read->discover.sockets, ElementsAre("/run/unwedge/qmp/*.sock"));
  EXPECT_EQ(read->discover.listen, "/run/unwedge/dial-in.sock");
  EXPECT_TRUE(read->discover.processes);
  EXPECT_EQ(read->probe.interval, 1s);
  EXPECT_EQ(read->probe.late_after, 1s);
  EXPECT_EQ(read->probe.patience, 3s);
  ASSERT_EQ(read->vms.size(), 2u);
  EXPECT_EQ(read->vms[0].match, "web*");
  EXPECT_EQ(read->vms[0].name, std::nullopt);
  EXPECT_EQ(read->vms[0].authority, authority::rescue);
  EXPECT_EQ(read->vms[1].name, "db01");
  EXPECT_EQ(read->vms[1].qmp, "/srv/db01/qmp.sock");
  EXPECT_EQ(read->vms[1].authority, std::nullopt);
  EXPECT_EQ(read->max_vms, 4'096u);
}

TEST(config, reads_every_other_key) {
  const auto read = parse(R"(
dry_run = true
http = "unix:/run/unwedge/http.sock"
[probe]
interval = "1.5s"
late_after = "500ms"
patience = "3m"
[limits]
vms = 10
incidents = 20
incident_bytes = "64MiB"
[[vm]]
name = "a b"
authority = "destroy"
)",
                          "x.toml");
  ASSERT_TRUE(read) << to_string(read.error().front());
  EXPECT_TRUE(read->dry_run);
  EXPECT_EQ(read->http, "unix:/run/unwedge/http.sock");
  EXPECT_EQ(read->probe.interval, 1'500ms);
  EXPECT_EQ(read->probe.late_after, 500ms);
  EXPECT_EQ(read->probe.patience, 180s);
  EXPECT_EQ(read->max_vms, 10u);
  EXPECT_EQ(read->max_incidents, 20u);
  EXPECT_EQ(read->max_incident_bytes, 64u << 20);
  EXPECT_EQ(read->authority, authority::observe);
}

TEST(config, that_is_empty_is_the_default) {
  const auto read = parse("", "x.toml");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->authority, authority::observe);
  EXPECT_EQ(read->probe.patience, 3s);
  EXPECT_EQ(parse("[limits]\nincident_bytes = 2097152\n", "x").value().max_incident_bytes, 2u << 20);
}

TEST(config, reports_every_problem_in_the_files_order) {
  const auto read = parse(R"(authorty = "protect"
[probe]
late_aftr = "1s"
interval = 5
[[vm]]
name = "x"
[discver]
sockets = []
)",
                          "/etc/unwedge/unwedged.toml");
  ASSERT_FALSE(read);
  std::vector<std::string> texts;
  for (const auto& one : read.error()) texts.push_back(to_string(one));
  EXPECT_THAT(
      texts,
      ElementsAre(
          "/etc/unwedge/unwedged.toml:1:1: unknown key `authorty`; did you mean `authority`?",
          "/etc/unwedge/unwedged.toml:3:1: unknown key `late_aftr` in [probe]; did you mean `late_after`?",
          "/etc/unwedge/unwedged.toml:4:12: `interval` is an integer, expected a duration in quotes such as "
          "\"1s\" "
          "or \"500ms\"",
          "/etc/unwedge/unwedged.toml:6:8: a [[vm]] with a `name` only says nothing, expected `qmp` or "
          "`authority`",
          "/etc/unwedge/unwedged.toml:7:2: unknown table `discver`; did you mean `discover`?"));
}

std::string file_of(std::size_t size) {
  return "#" + std::string(size - 1, 'x');
}

TEST(config, of_one_mebibyte_is_the_largest) {
  EXPECT_TRUE(parse(file_of(max_file_bytes), "x"));
  const auto read = parse(file_of(max_file_bytes + 1), "x");
  ASSERT_FALSE(read);
  EXPECT_THAT(to_string(read.error().front()), HasSubstr("x: is larger than 1 MiB"));
}

TEST(config, never_throws_for_any_changed_byte_of_the_example) {
  std::size_t sound = 0;
  for (std::size_t at = 0; at < example.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text{example};
      text[at] = static_cast<char>(byte);
      std::expected<policies::settings, std::vector<problem>> read;
      ASSERT_NO_THROW(read = parse(text, "x")) << at << ": " << byte;
      if (read) {
        ++sound;
        continue;
      }
      ASSERT_FALSE(read.error().empty());
      for (const auto& one : read.error()) {
        EXPECT_GE(one.line, 1u) << at << ": " << byte << ": " << to_string(one);
        EXPECT_GE(one.column, 1u);
        EXPECT_FALSE(one.what.empty());
        EXPECT_EQ(to_string(one).find('\n'), std::string::npos) << to_string(one);
      }
    }
  }
  EXPECT_GT(sound, 1'000u);
}

TEST(config, never_throws_for_garbage) {
  std::mt19937 random{3};
  std::uniform_int_distribution<std::size_t> position{0, example.size() - 1};
  constexpr std::string_view alphabet = "[]{}.=\"'#\n,\\ a1-:\xC3\x00";
  for (int i = 0; i < 20'000; ++i) {
    std::string text{example};
    for (int n = 0; n < 8; ++n) text[position(random)] = alphabet[position(random) % alphabet.size()];
    ASSERT_NO_THROW((void)parse(text, "x")) << text;
  }
}

TEST(config, never_crashes_for_deep_nesting) {
  std::string dots, brackets(100'000, '['), lines = "a=1\n";
  for (int i = 0; i < 100'000; ++i) dots += "a.";
  for (int i = 0; i < 10; ++i) lines += "[" + dots.substr(0, 250) + "b]\n";
  for (const auto& text :
       {dots + "a = 1", "[" + dots + "a]", "x = " + brackets, "x = {" + dots + "a = 1}", lines}) {
    EXPECT_FALSE(parse(text, "x"));
  }
  std::string mixed = "x = ";
  for (int i = 0; i < 200; ++i) mixed += "[\n{" + dots.substr(0, 250) + "a = ";
  EXPECT_FALSE(parse(mixed, "x"));
  EXPECT_THAT(to_string(parse(dots.substr(0, 40) + "a = 1", "x").error().front()),
              HasSubstr("nested deeper than 16"));
}

class config_file : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(folder_), nullptr); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(std::string_view text) const {
    const auto path = std::filesystem::path{folder_} / "unwedged.toml";
    std::ofstream{path} << text;
    return path;
  }

  std::string problem_of(const std::filesystem::path& path) const {
    const auto read = load(path);
    return read ? "none" : to_string(read.error().front());
  }

  char folder_[32] = "/tmp/unwedge-config-XXXXXX";
};

TEST_F(config_file, is_read) {
  EXPECT_EQ(load(write(example)).value().vms.size(), 2u);
  EXPECT_EQ(load("/dev/null").value().vms.size(), 0u);
}

TEST_F(config_file, has_its_name_in_its_problems) {
  const auto path = write("\nauthority = 7\n");
  EXPECT_EQ(problem_of(path),
            path.string() + ":2:13: `authority` is an integer, expected observe, protect, rescue or destroy");
}

TEST_F(config_file, that_cannot_be_read_is_a_problem) {
  const std::string folder{folder_};
  EXPECT_EQ(problem_of(folder + "/no.toml"), folder + "/no.toml: cannot be read: No such file or directory");
  EXPECT_EQ(problem_of(folder), folder + ": cannot be read: Is a directory");
  EXPECT_THAT(problem_of("/dev/zero"), HasSubstr("larger than 1 MiB"));
  EXPECT_THAT(problem_of(write(file_of(max_file_bytes + 1))), HasSubstr("larger than 1 MiB"));
  ASSERT_EQ(::mkfifo((folder + "/fifo").c_str(), 0600), 0);
  EXPECT_THAT(problem_of(folder + "/fifo"), HasSubstr("is a fifo"));
}

}  // namespace
}  // namespace unwedge::config

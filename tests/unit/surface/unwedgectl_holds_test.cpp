// `unwedgectl hold` and `unwedgectl release`: what they ask the daemon for, and what they say.
#include "tests/unit/surface/unwedgectl_fixture.hpp"

#include <gmock/gmock.h>

namespace unwedge::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class hold : public unwedgectl_fixture {
 protected:
  /// A daemon that answers a hold so, whatever was asked for.
  void answers(systemd::bus_reply reply) { start({{"Hold", std::move(reply)}}); }
};

constexpr auto till_two = R"({"vm":"web01","held_until":"2099-11-22T13:00:00.000Z"})";
constexpr auto without_end = R"({"vm":"web01","held_until":null})";

TEST_F(hold, of_a_vm_for_a_time_says_until_when_and_how_to_release_it) {
  answers(till_two);
  auto const done = run("hold web01 --for 2h --reason 'its storage moves'");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(
      done.out,
      "web01 is held for 2 h, until 2099-11-22 14:00 CET; to release it before: unwedgectl release web01\n");
  EXPECT_THAT(asked(), ElementsAre(R"(Hold {"vm":"web01","seconds":7200,"reason":"its storage moves"})"));
}

TEST_F(hold, without_a_time_lasts_until_released) {
  answers(without_end);
  EXPECT_EQ(run("hold web01").out, "web01 is held until released: unwedgectl release web01\n");
  EXPECT_THAT(asked(), ElementsAre(R"(Hold {"vm":"web01"})"));
}

TEST_F(hold, of_all_is_of_the_whole_host) {
  answers(R"({"vm":"*","held_until":"2099-11-22T13:00:00.000Z"})");
  EXPECT_EQ(run("hold --all --for 90s").out,
            "the whole host is held for 1 min 30 s, until 2099-11-22 14:00 CET; "
            "to release it before: unwedgectl release --all\n");
  EXPECT_THAT(asked(), ElementsAre(R"(Hold {"vm":"*","seconds":90})"));
}

TEST_F(hold, takes_a_vm_that_is_called_like_a_command) {
  answers(R"({"vm":"list","held_until":null})");
  EXPECT_EQ(run("hold list").out, "list is held until released: unwedgectl release list\n");
  EXPECT_THAT(asked(), ElementsAre(R"(Hold {"vm":"list"})"));
}

TEST_F(hold, gives_the_daemons_json) {
  answers(without_end);
  EXPECT_EQ(run("--json hold web01").out, "{\n  \"vm\": \"web01\",\n  \"held_until\": null\n}\n");
}

TEST_F(hold, refuses_what_is_no_time_and_asks_nothing) {
  answers(till_two);
  for (auto const* bad : {"2x", "1d", "2", "-1h"}) {
    auto const done = run(std::string("hold web01 --for=") + bad);
    EXPECT_EQ(done.status, 2) << bad;
    EXPECT_THAT(done.err, HasSubstr("expected a duration such as")) << bad;
  }
  for (auto const* bad : {"0s", "1.5s", "500ms"}) {
    auto const done = run(std::string("hold web01 --for ") + bad);
    EXPECT_EQ(done.status, 2) << bad;
    EXPECT_THAT(done.err, HasSubstr(std::string("--for: `") + bad + "`, expected whole seconds, at least"))
        << bad;
  }
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(hold, refuses_to_guess_which_vm) {
  answers(till_two);
  for (auto const* command : {"hold", "hold --for 2h", "hold ''", "release", "release ''"}) {
    auto const done = run(command);
    EXPECT_EQ(done.status, 2) << command;
    EXPECT_THAT(done.err, HasSubstr("VM or --all is required")) << command;
  }
  for (auto const* command : {"hold web01 --all", "release --all web01"}) {
    EXPECT_THAT(run(command).err, HasSubstr("VM excludes --all")) << command;
    EXPECT_EQ(run(command).status, 2) << command;
  }
  EXPECT_EQ(run("hold web01 db01").status, 2);
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(hold, refuses_a_reason_that_could_not_be_kept_or_shown) {
  answers(till_two);
  auto const longest = std::string(200, 'x');
  EXPECT_EQ(run("hold web01 --reason " + longest).status, 0);
  for (auto const& bad : {longest + "x", std::string("\"$(printf 'a\\nb')\""),
                          std::string("\"$(printf '\\033[31m')\""), std::string("\"$(printf '\\377')\"")}) {
    auto const done = run("hold web01 --reason " + bad);
    EXPECT_EQ(done.status, 2) << bad;
    EXPECT_THAT(done.err, HasSubstr("--reason: expected one line of printable text, at most 200 bytes"))
        << bad;
  }
  EXPECT_EQ(asked().size(), 1u);
}

TEST_F(hold, says_what_the_daemon_refuses) {
  answers(std::unexpected("no VM \"web9\"; known are: web01"));
  auto const done = run("hold web9");
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, "");
  EXPECT_EQ(done.err, "unwedgectl: no VM \"web9\"; known are: web01\n");
}

TEST_F(hold, says_that_there_is_no_daemon) {
  EXPECT_EQ(run("hold web01").status, 3);
  EXPECT_EQ(run("release --all").status, 3);
}

TEST_F(hold, complains_about_an_answer_of_another_shape) {
  answers("[]");
  auto const done = run("hold web01");
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.err, "unwedgectl: the daemon's answer to Hold is not what this version expects\n");
}

class release : public unwedgectl_fixture {
 protected:
  /// A daemon that gives this answer to a release, and knows these VMs.
  void knows(systemd::bus_reply reply, systemd::bus_reply vms) {
    start({{"Release", std::move(reply)}, {"List", std::move(vms)}});
  }
};

constexpr auto nobody_held = R"([{"name":"web01","hold":null},{"name":"db01","hold":null}])";
constexpr auto both_held = R"([{"name":"web01","hold":{"until":"2099-11-22T13:00:00.000Z","reason":""}},
                               {"name":"db01","hold":{"until":null,"reason":"x"}}])";

TEST_F(release, says_so) {
  knows(R"({"vm":"web01","released":true})", nobody_held);
  auto const done = run("release web01");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out, "web01 is released\n");
  EXPECT_THAT(asked(), ElementsAre("Release web01", "List"));
}

TEST_F(release, says_if_there_was_nothing_to_release) {
  knows(R"({"vm":"web01","released":false})", nobody_held);
  auto const done = run("release web01");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out, "web01 was not held\n");
}

TEST_F(release, says_if_the_name_may_be_misspelt) {
  knows(R"({"vm":"web9","released":false})", nobody_held);
  EXPECT_EQ(run("release web9").out, "web9 was not held; no VM of that name is known\n");
}

TEST_F(release, of_a_vm_that_has_ended_is_an_ordinary_one) {
  knows(R"({"vm":"web9","released":true})", nobody_held);
  EXPECT_EQ(run("release web9").out, "web9 is released\n");
}

TEST_F(release, says_that_the_host_is_held_all_the_same) {
  knows(R"({"vm":"web01","released":true})", both_held);
  EXPECT_EQ(
      run("release web01").out,
      "web01 is released, but the whole host is held until 2099-11-22 14:00 CET: unwedgectl release --all\n");
}

TEST_F(release, of_all_ends_the_hosts_hold_only) {
  knows(R"({"vm":"*","released":true})", both_held);
  EXPECT_EQ(run("release --all").out,
            "the whole host is released; VMs with a hold of their own: web01, db01\n");
  EXPECT_THAT(asked(), ElementsAre("Release *", "List"));
}

TEST_F(release, of_all_says_if_the_host_was_not_held) {
  knows(R"({"vm":"*","released":false})", nobody_held);
  EXPECT_EQ(run("release --all").out, "the whole host was not held\n");
}

TEST_F(release, gives_the_daemons_json) {
  knows(R"({"vm":"web01","released":false})", nobody_held);
  EXPECT_EQ(run("release web01 --json").out, "{\n  \"vm\": \"web01\",\n  \"released\": false\n}\n");
  EXPECT_THAT(asked(), ElementsAre("Release web01"));
}

TEST_F(release, is_told_also_if_the_other_holds_are_not_known) {
  knows(R"({"vm":"web01","released":true})", std::unexpected("out of memory"));
  auto const done = run("release web01");
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, "web01 is released\n");
  EXPECT_EQ(done.err, "unwedgectl: out of memory\n");
}

TEST_F(release, that_fails_says_why) {
  knows(std::unexpected("open /var/lib/unwedge: Read-only file system"), nobody_held);
  auto const done = run("release web01");
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, "");
  EXPECT_EQ(done.err, "unwedgectl: open /var/lib/unwedge: Read-only file system\n");
}

}  // namespace
}  // namespace unwedge::tests

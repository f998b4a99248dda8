// The program unwedgectl against a server that speaks the contract: exit statuses, output, following.
#include "tests/unit/surface/unwedgectl_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace unwedge::tests {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class unwedgectl : public unwedgectl_fixture {
 protected:
  void start() {
    unwedgectl_fixture::start(
        {{"List",
          R"([{"name":"web01","state":"healthy","since":"2026-11-22T22:10:00.000Z","qmp":{"connected":true}}])"},
         {"Show", std::unexpected("no VM \"web\x1b[31m9\"; there are: web01")},
         {"Events",
          R"([{"seq":1,"at":"2026-11-22T22:10:00.000Z","vm":"web01","type":"connected","text":"first"},
              {"seq":2,"at":"2026-11-22T22:10:01.000Z","vm":"web01","type":"suspect","text":"second"}])"},
         {"Incidents", "{"},
         {"Policies", R"([{"name":"dead-mirror","enabled":false}])"},
         {"Reload", "{}"}});
  }
};

TEST_F(unwedgectl, without_a_daemon_says_what_to_do_and_exits_3) {
  auto const done = run("list");
  EXPECT_EQ(done.status, 3);
  EXPECT_EQ(done.err, "unwedgectl: no daemon answers on " + (folder_ / "unwedged.sock").string() +
                          "; is unwedged running? systemctl status unwedged\n");
}

TEST_F(unwedgectl, exits_2_on_a_wrong_command_line) {
  EXPECT_EQ(run("").status, 2);
  EXPECT_EQ(run("lists").status, 2);
  EXPECT_EQ(run("show").status, 2);
  EXPECT_EQ(run("--help").status, 0);
}

TEST_F(unwedgectl, helps_with_every_command) {
  for (auto const* command : {"list", "show", "incidents", "incident", "events", "policies", "hold",
                              "release", "reload", "check"}) {
    EXPECT_THAT(run("--help").out, HasSubstr(std::string("\n  ") + command + ' '));
    auto const help = run(std::string(command) + " --help");
    EXPECT_EQ(help.status, 0) << help.err;
    EXPECT_THAT(help.out, HasSubstr(std::string("Usage: unwedgectl ") + command + ' '));
  }
}

TEST_F(unwedgectl, gives_an_example_where_the_form_is_not_obvious) {
  for (auto const* example : {"unwedgectl show web01", "unwedgectl incidents web01",
                              "unwedgectl events --follow", "unwedgectl hold web01 --for 2h",
                              "unwedgectl hold --all", "unwedgectl release web01", "unwedgectl release --all",
                              "unwedgectl incident web01-", "unwedgectl check /etc/unwedge/unwedged.toml"}) {
    std::istringstream words(example);
    std::string program, command;
    words >> program >> command;
    EXPECT_THAT(run(command + " --help").out, HasSubstr(example));
  }
}

TEST_F(unwedgectl, checks_configuration_without_a_daemon) {
  auto const file = (folder_ / "x.toml").string();
  std::ofstream(file) << "authority = \"observe\"\n";
  EXPECT_EQ(run("check " + file).out, file + ": ok\n");
  std::ofstream(file) << "authority = \"observe\"\n[probe]\nlate = 1\n";
  auto const done = run("check " + file);
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.err, StartsWith(file + ":3:1: "));
  EXPECT_EQ(run("check " UNWEDGE_SOURCE_DIR "/systemd/unwedged.toml").err, "");
}

TEST_F(unwedgectl, checks_policies_alone_and_with_the_configuration_that_names_them) {
  auto const policies = folder_ / "policies.d";
  std::filesystem::create_directory(policies);
  auto const file = (policies / "x.toml").string();
  auto const config = (folder_ / "c.toml").string();
  std::ofstream(config) << "[policies]\nadmin = \"" << policies.string() << "\"\n";
  std::ofstream(file) << "condition = \"job-stuck\"\nladder = [{ action = \"report\" }]\n";
  EXPECT_EQ(run("check " + file + " " + config).out, file + ": ok\n" + config + ": ok\n");
  std::ofstream(file) << "condition = \"job-stuck\"\nladder = [{ action = \"yank-root\" }]\n";
  for (auto const& one : {file, config}) {
    auto const done = run("check " + one);
    EXPECT_EQ(done.status, 2);
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err, StartsWith(file + ":2:22: `action` is `yank-root`, which is for monitor-stalled"));
  }
  EXPECT_EQ(run("check " UNWEDGE_SOURCE_DIR "/policies/shipped/*.toml").status, 0);
}

TEST_F(unwedgectl, lists) {
  start();
  auto const done = run("list");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, StartsWith("NAME   STATE    SINCE"));
  EXPECT_THAT(done.out, HasSubstr("\n1 VM: 1 healthy\n"));
  EXPECT_THAT(run("list --json").out, StartsWith("[\n  {\n    \"name\": \"web01\",\n"));
}

TEST_F(unwedgectl, shows_the_daemons_error_and_exits_1) {
  start();
  auto const done = run("show 'web\x1b[31m9'");
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.err, "unwedgectl: no VM \"web\uFFFD[31m9\"; there are: web01\n");
  EXPECT_THAT(asked(), ElementsAre("Show web\x1b[31m9"));
  EXPECT_EQ(run("incidents").status, 1);
  EXPECT_EQ(run("incident x").err, "unwedgectl: this daemon has no method Incident\n");
}

TEST_F(unwedgectl, shows_policies) {
  start();
  EXPECT_THAT(run("policies").out, AllOf(StartsWith("NAME         CONDITION  WHAT IT DOES"),
                                         HasSubstr("\ndead-mirror  -          off: -")));
  EXPECT_EQ(run("policies --json").out,
            "[\n  {\n    \"name\": \"dead-mirror\",\n    \"enabled\": false\n  }\n]\n");
  EXPECT_THAT(asked(), ElementsAre("Policies", "Policies"));
}

TEST_F(unwedgectl, says_that_an_older_daemon_has_no_policies) {
  unwedgectl_fixture::start({{"List", "[]"}});
  auto const done = run("policies");
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.err, "unwedgectl: this daemon has no method Policies\n");
}

TEST_F(unwedgectl, prints_events_as_one_json_line_each) {
  start();
  EXPECT_THAT(run("--json events").out,
              HasSubstr("\n{\"seq\":2,\"at\":\"2026-11-22T22:10:01.000Z\",\"vm\":\"web01\","));
}

TEST_F(unwedgectl, follows_events_once_each_until_interrupted) {
  start();
  auto const folder = (folder_ / "").string();
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  pid_t const child = ::fork();
  ASSERT_GE(child, 0);  // kill(-1) would end everything
  if (child == 0) {
    ::dup2(pipe_ends[1], STDOUT_FILENO);
    ::execl(program().c_str(), "unwedgectl", "--runtime-dir", folder.c_str(), "events", "-f", "--json",
            nullptr);
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  std::FILE* const lines = ::fdopen(pipe_ends[0], "r");
  std::array<char, 512> line{};
  auto const next = [&] { return std::string(std::fgets(line.data(), line.size(), lines)); };
  EXPECT_THAT(next(), HasSubstr("first"));
  EXPECT_THAT(next(), HasSubstr("second"));
  for (auto const* event : {R"({"seq":2,"text":"again"})", R"({"seq":3,"text":"third"})"}) {
    server_->on_loop([event](systemd::bus_server& server) { return server.emit(event), 0; });
  }
  EXPECT_EQ(next(), "{\"seq\":3,\"text\":\"third\"}\n");
  ::kill(child, SIGINT);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  std::fclose(lines);
}

}  // namespace
}  // namespace unwedge::tests

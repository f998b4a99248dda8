// What survives the daemon's death at any instant, and a full disk.
#include "daemon/incident/store.hpp"
#include "tests/unit/incident/temporary_folder.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

namespace unwedge::incidents {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr auto now = wall_time{1795384212s};

/// Creates incidents and appends for ever; tells through `pipe` each step that is durable, as 1 byte.
[[noreturn]] void append_for_ever(const fs::path& state, int pipe) {
  auto in = store::open(state);
  while (in) {
    auto log = in->create({.vm = "web01", .condition = "monitor-stalled", .verdict = {}}, now);
    for (std::size_t step = 1; log && step <= 40; ++step) {
      const auto done = log->intent({"yank", {{"text", std::string(step * 37, 'x')}}, "protect"}, now);
      if (!done || ::write(pipe, "i", 1) != 1) ::_exit(1);
      if (step % 7 == 0 && !log->attach("evidence.json", std::string(20'000, 'e'))) ::_exit(1);
      if (!log->outcome(step, "done", 1ms, now) || ::write(pipe, "o", 1) != 1) ::_exit(1);
    }
    if (!log || !log->close("recovered", now) || ::write(pipe, "c", 1) != 1) ::_exit(1);
  }
  ::_exit(1);
}

/// Runs it, kills it after `life`, gives what it had told.
std::string told_before_the_kill(const fs::path& state, std::chrono::microseconds life) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const auto child = ::fork();
  if (child == 0) append_for_ever(state, ends[1]);
  if (child < 0) throw std::runtime_error("fork");  // kill(-1) would end everything
  ::close(ends[1]);
  ::usleep(static_cast<useconds_t>(life.count()));
  ::kill(child, SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;
  std::string told;
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    told.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  return told;
}

struct tally {
  std::size_t intents = 0, outcomes = 0, closed = 0, empty = 0;
};

/// What the store holds; every incident must be sound, except one whose creation was under way.
tally counted(const store& in) {
  tally sum;
  for (const auto& [incident, error] : in.list().value()) {
    if (!error.empty()) {
      EXPECT_TRUE(error.ends_with("no whole line") || error.ends_with("No such file or directory")) << error;
      ++sum.empty;
    }
    sum.closed += incident.closed.has_value();
    sum.intents += incident.steps.size();
    for (const auto& step : incident.steps) sum.outcomes += step.result == "done";
    const auto evidence = in.attachment(incident.id, "evidence.json");
    if (evidence) EXPECT_EQ(evidence->size(), 20'000u);
  }
  return sum;
}

TEST(incident_crash, kill_9_at_any_instant_loses_nothing_that_was_said_to_be_durable) {
  std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> life{200, 12'000};
  std::size_t while_creating = 0;
  for (int run = 0; run < 300; ++run) {
    const temporary_folder folder;
    const auto told = told_before_the_kill(folder.path() / "state", std::chrono::microseconds{life(random)});
    auto in = store::open(folder.path() / "state").value();
    const auto count = [&](char what) { return static_cast<std::size_t>(std::ranges::count(told, what)); };
    const auto have = counted(in);
    // One more than told may be there: written, and killed before it was told.
    EXPECT_TRUE(have.intents == count('i') || have.intents == count('i') + 1) << run;
    EXPECT_TRUE(have.outcomes == count('o') || have.outcomes == count('o') + 1) << run;
    EXPECT_TRUE(have.closed == count('c') || have.closed == count('c') + 1) << run;
    EXPECT_LE(have.empty, 1u) << run;
    while_creating += have.empty;
    for (const auto& open : in.open_incidents().value()) {
      auto log = in.reopen(open.id);
      ASSERT_TRUE(log) << log.error();
      ASSERT_TRUE(log->intent({"sever", {}, "protect"}, now));
      ASSERT_TRUE(log->close("failed", now));
      EXPECT_EQ(in.load(open.id).value().steps.size(), open.steps.size() + 1);
    }
    if (HasFailure()) break;
  }
  RecordProperty("killed_while_creating", static_cast<int>(while_creating));
}

/// A file system of 512 KiB.
class incident_full_disk : public testing::Test {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=512k,mode=0700") != 0) {
      GTEST_SKIP() << "needs the right to mount a tmpfs (root): " << std::generic_category().message(errno);
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) EXPECT_EQ(::umount2(folder_.path().c_str(), MNT_DETACH), 0);
  }
  temporary_folder folder_;
  bool mounted_ = false;
};

TEST_F(incident_full_disk, leaves_the_journal_consistent_and_the_incident_usable) {
  auto in = store::open(folder_.path() / "state", {.min_free_bytes = 0}).value();
  auto log = in.create({.vm = "web01", .condition = "monitor-stalled", .verdict = {}}, now).value();
  std::size_t steps = 0;
  std::expected<std::size_t, std::string> step;
  while ((step = log.intent({"yank", {{"text", std::string(1'777, 'x')}}, "protect"}, now))) steps = *step;
  EXPECT_THAT(step.error(), HasSubstr("No space left on device"));
  EXPECT_GT(steps, 100u);

  const auto text = slurp(folder_.path() / "state/incidents" / log.id() / "journal.jsonl");
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(in.load(log.id()).value().steps.size(), steps);
  EXPECT_EQ(log.current().steps.size(), steps);

  EXPECT_THAT(log.attach("evidence.json", std::string(100'000, 'e')).error(), HasSubstr("No space left"));
  EXPECT_FALSE(fs::exists(folder_.path() / "state/incidents" / log.id() / ".evidence.json.new"));
  const auto second = in.create({.vm = "db01", .condition = "monitor-stalled", .verdict = {}}, now);
  if (!second) EXPECT_EQ(in.list().value().size(), 1u) << "half an incident is left behind";

  ASSERT_TRUE(::mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_REMOUNT, "size=1m") == 0);
  EXPECT_EQ(log.intent({"sever", {}, "protect"}, now).value(), steps + 1);
  EXPECT_TRUE(log.close("failed", now));
  EXPECT_EQ(in.load(log.id()).value().steps.size(), steps + 1);
}

TEST_F(incident_full_disk, keeps_an_attachment_that_cannot_be_replaced) {
  auto in = store::open(folder_.path() / "state", {.min_free_bytes = 0}).value();
  auto log = in.create({.vm = "web01", .condition = "monitor-stalled", .verdict = {}}, now).value();
  ASSERT_TRUE(log.attach("evidence.json", "first"));
  EXPECT_FALSE(log.attach("evidence.json", std::string(600'000, 'e')));
  EXPECT_EQ(in.attachment(log.id(), "evidence.json").value(), "first");
}

TEST_F(incident_full_disk, is_not_filled_by_new_incidents) {
  auto in = store::open(folder_.path() / "state").value();
  const auto log = in.create({.vm = "web01", .condition = "monitor-stalled", .verdict = {}}, now);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error(), HasSubstr("KiB free, below 16384 KiB"));
  EXPECT_TRUE(in.list().value().empty());
}

}  // namespace
}  // namespace unwedge::incidents

#include "daemon/incident/store.hpp"

#include "tests/unit/incident/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

namespace unwedge::incidents {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;
namespace json = boost::json;

constexpr auto now = wall_time{1795384212s} + 345ms;

onset stalled(std::string vm) {
  return {.vm = std::move(vm),
          .condition = "monitor-stalled",
          .pid = 4711,
          .started = 99,
          .verdict = json::object{{"kind", "bql-held"}}};
}

class incident_store : public testing::Test {
 protected:
  store open(store_limits limits = {}) { return store::open(temporary_.path() / "state", limits).value(); }
  fs::path folder(std::string_view id) const { return temporary_.path() / "state/incidents" / id; }
  fs::path journal(std::string_view id) const { return folder(id) / "journal.jsonl"; }

  /// An incident that begins, and unless `length` is negative ends, and has `bytes` of evidence.
  static std::string add(store& in, const std::string& vm, wall_time at, std::chrono::seconds length = 1s,
                         std::size_t bytes = 0) {
    auto log = in.create(stalled(vm), at).value();
    if (bytes > 0) EXPECT_TRUE(log.attach("evidence.json", std::string(bytes, 'e')));
    if (length >= 0s) EXPECT_TRUE(log.close("recovered", at + length));
    return log.id();
  }

  static std::vector<std::string> ids(const std::vector<stored_incident>& all) {
    std::vector<std::string> out;
    for (const auto& one : all) out.push_back(one.incident.id);
    return out;
  }

  temporary_folder temporary_;
};

unsigned mode(const fs::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

TEST_F(incident_store, gives_back_what_was_put_in) {
  auto in = open();
  auto log = in.create(stalled("web01"), now).value();
  EXPECT_EQ(log.id(), "web01-20261122-215012");
  EXPECT_EQ(log.intent({"yank", {{"node", "tgt"}}, "protect"}, now + 1s).value(), 1u);
  EXPECT_EQ(json::serialize(to_json(in.load(log.id()).value())), json::serialize(to_json(log.current())));
  ASSERT_TRUE(log.outcome(1, "failed: no such node", 93ms, now + 2s));
  EXPECT_EQ(log.intent({"sever", {}, "protect"}, now + 3s).value(), 2u);
  ASSERT_TRUE(log.outcome(2, "done", 5ms, now + 3s));
  ASSERT_TRUE(log.note("VM running", now + 4s));
  ASSERT_TRUE(log.verdict({{"kind", "main-loop-busy"}}, now + 4s));
  ASSERT_TRUE(log.attach("evidence.json", "{}"));
  ASSERT_TRUE(log.close("recovered", now + 5s));

  const auto loaded = in.load(log.id()).value();
  EXPECT_EQ(json::serialize(to_json(loaded)), json::serialize(to_json(log.current())));
  EXPECT_EQ(loaded.started, 99u);
  ASSERT_EQ(loaded.steps.size(), 2u);
  EXPECT_EQ(loaded.steps[0].result, "failed: no such node");
  EXPECT_EQ(loaded.steps[0].took, 93ms);
  EXPECT_EQ(loaded.steps[1].at, now + 3s);
  EXPECT_EQ(loaded.outcome, "recovered");
  EXPECT_EQ(in.attachment(log.id(), "evidence.json").value(), "{}");
  EXPECT_EQ(loaded.verdict.at("kind"), "main-loop-busy");
}

TEST_F(incident_store, is_readable_for_its_user_only) {
  auto in = open();
  const auto id = add(in, "web01", now, 1s, 10);
  EXPECT_EQ(mode(temporary_.path() / "state"), 0700u);
  EXPECT_EQ(mode(folder("")), 0700u);
  EXPECT_EQ(mode(folder(id)), 0700u);
  EXPECT_EQ(mode(journal(id)), 0600u);
  EXPECT_EQ(mode(folder(id) / "evidence.json"), 0600u);
}

TEST_F(incident_store, numbers_incidents_of_one_second) {
  auto in = open();
  for (int i = 0; i < 11; ++i) add(in, "web01", now);
  const auto found = ids(in.list("web01").value());
  ASSERT_EQ(found.size(), 11u);
  EXPECT_EQ(found.front(), "web01-20261122-215012-11");
  EXPECT_EQ(found[9], "web01-20261122-215012-2");
  EXPECT_EQ(found.back(), "web01-20261122-215012");
}

TEST_F(incident_store, survives_hostile_names) {
  auto in = open();
  const std::string names[] = {"",
                               ".",
                               "..",
                               "../../etc",
                               "/etc/passwd",
                               "-rf",
                               ".removed-x",
                               std::string("a\0b", 3),
                               "\n",
                               "\xff\xfe",
                               std::string(5'000, 'n'),
                               "%s%n",
                               "web01/../x"};
  for (const auto& name : names) {
    auto log = in.create(stalled(name), now);
    ASSERT_TRUE(log) << name << ": " << log.error();
    EXPECT_TRUE(fs::is_regular_file(journal(log->id())));
    EXPECT_EQ(fs::canonical(folder(log->id())).parent_path(), fs::canonical(folder("")));
  }
  EXPECT_EQ(in.list().value().size(), std::size(names));
  EXPECT_EQ(in.list("..").value().size(), 1u);
  EXPECT_EQ(in.list("..").value()[0].incident.vm, "..");
}

TEST_F(incident_store, takes_no_path_for_an_id) {
  auto in = open();
  spill(temporary_.path() / "state/journal.jsonl", "secret");
  for (const auto* id : {"", ".", "..", "../incidents", "/etc", "a/b", "nobody-20261122-215012"}) {
    EXPECT_FALSE(in.load(id)) << id;
    EXPECT_FALSE(in.reopen(id)) << id;
    EXPECT_FALSE(in.attachment(id, "evidence.json")) << id;
  }
  const auto id = add(in, "web01", now);
  for (const auto* name : {"../evidence.json", "journal.jsonl", "", ".evidence.json.new", "a/b"}) {
    EXPECT_FALSE(in.attachment(id, name)) << name;
  }
  fs::create_directory_symlink("/etc", folder("link-20261122-215012"));
  EXPECT_FALSE(in.load("link-20261122-215012"));
  EXPECT_EQ(in.list().value().size(), 1u);
}

TEST_F(incident_store, lists_the_newest_first_and_damaged_ones_with_their_error) {
  auto in = open();
  const auto old = add(in, "web01", now);
  const auto other = add(in, "db01", now + 10s);
  const auto young = add(in, "web01", now + 20s, -1s);
  EXPECT_THAT(ids(in.list().value()), ElementsAre(young, other, old));
  EXPECT_THAT(ids(in.list("web01").value()), ElementsAre(young, old));

  spill(journal(old), "{\"record\":\n\n\n");
  fs::remove(journal(other));
  const auto damaged = in.list().value();
  ASSERT_EQ(damaged.size(), 3u);
  for (const auto& one : damaged) EXPECT_EQ(one.error.empty(), one.incident.id == young) << one.error;
  EXPECT_EQ(in.list("web01").value().size(), 2u);
  ASSERT_EQ(in.open_incidents().value().size(), 1u);
  EXPECT_EQ(in.open_incidents().value()[0].id, young);
  EXPECT_THAT(in.load(old).error(), HasSubstr("line 1"));
}

TEST_F(incident_store, goes_on_with_an_open_incident_and_drops_a_torn_tail) {
  auto in = open();
  const auto id = add(in, "web01", now, -1s);
  const auto sound = slurp(journal(id));
  spill(journal(id), sound + R"({"record":"intent","st)");
  auto log = in.reopen(id).value();
  EXPECT_EQ(slurp(journal(id)), sound);
  EXPECT_EQ(log.intent({"yank", {}, "protect"}, now + 1s).value(), 1u);
  EXPECT_EQ(in.load(id).value().steps.size(), 1u);
  ASSERT_TRUE(log.close("failed", now + 2s));
  EXPECT_THAT(in.load(id).value().outcome, "failed");
}

TEST_F(incident_store, has_one_writer_an_incident) {
  auto in = open();
  {
    auto log = in.create(stalled("web01"), now).value();
    EXPECT_THAT(in.reopen(log.id()).error(), HasSubstr("being written already"));
  }
  EXPECT_TRUE(in.reopen("web01-20261122-215012"));
}

TEST_F(incident_store, refuses_what_would_not_be_an_incident) {
  auto in = open();
  auto log = in.create(stalled("web01"), now).value();
  EXPECT_FALSE(log.outcome(1, "done", 1ms, now));
  EXPECT_FALSE(log.close("fine", now));
  EXPECT_FALSE(log.close("open", now));
  EXPECT_FALSE(log.attach("journal.jsonl", ""));
  EXPECT_FALSE(log.attach("../x", ""));
  EXPECT_FALSE(log.note(std::string(2u << 20, 'x'), now));
  ASSERT_TRUE(log.close("dry-run", now));
  EXPECT_THAT(log.note("late", now).error(), HasSubstr("closed"));
  EXPECT_FALSE(log.intent({"yank", {}, "protect"}, now));
  EXPECT_FALSE(log.close("failed", now));
  EXPECT_EQ(in.load(log.id()).value().outcome, "dry-run");
  EXPECT_THAT(in.reopen(add(in, "db01", now)).error(), HasSubstr("is closed"));
}

TEST_F(incident_store, can_be_closed_when_the_journal_is_full) {
  auto in = open();
  auto log = in.create(stalled("web01"), now).value();
  ASSERT_TRUE(log.intent({"yank", {}, "protect"}, now));
  std::expected<void, std::string> noted;
  while ((noted = log.note(std::string(60'000, 'x'), now))) {
  }
  EXPECT_THAT(noted.error(), HasSubstr("the journal is full"));
  EXPECT_TRUE(log.outcome(1, "done", 1ms, now));
  EXPECT_TRUE(log.close("recovered", now));
  EXPECT_EQ(in.load(log.id()).value().outcome, "recovered");
}

TEST_F(incident_store, removes_the_ones_closed_longest_ago_first) {
  auto in = open({.max_incidents = 3});
  const auto open_one = add(in, "a", now, -1s);
  const auto long_one = add(in, "b", now + 1s, 100s);
  const auto second = add(in, "c", now + 2s, 2s);
  const auto first = add(in, "d", now + 3s, 0s);
  EXPECT_THAT(in.prune().value(), ElementsAre(first));
  EXPECT_THAT(in.prune().value(), ElementsAre());
  const auto young = add(in, "e", now + 200s);
  EXPECT_THAT(in.prune().value(), ElementsAre(second));
  add(in, "f", now + 300s, -1s);
  add(in, "g", now + 300s, -1s);
  add(in, "h", now + 300s, -1s);
  EXPECT_THAT(in.prune().value(), ElementsAre(long_one, young));
  EXPECT_THAT(in.prune().value(), ElementsAre());
  EXPECT_EQ(in.open_incidents().value().size(), 4u);
  EXPECT_TRUE(in.load(open_one));
  EXPECT_FALSE(fs::exists(folder(long_one)));
}

TEST_F(incident_store, keeps_within_its_bytes) {
  auto in = open({.max_incident_bytes = 250'000});
  const auto a = add(in, "a", now, 0s, 100'000);
  const auto b = add(in, "b", now + 1s, 0s, 100'000);
  EXPECT_THAT(in.prune().value(), ElementsAre());
  const auto c = add(in, "c", now + 2s, 0s, 100'000);
  EXPECT_THAT(in.prune().value(), ElementsAre(a));
  EXPECT_THAT(ids(in.list().value()), ElementsAre(c, b));
}

TEST_F(incident_store, removes_damaged_ones_by_their_last_change) {
  auto in = open({.max_incidents = 1});
  const auto kept = add(in, "kept", std::chrono::system_clock::now() + 1h);
  const auto damaged = add(in, "damaged", now);
  spill(journal(damaged), "{\n{\n");
  EXPECT_THAT(in.prune().value(), ElementsAre(damaged));
  EXPECT_THAT(ids(in.list().value()), ElementsAre(kept));
}

TEST_F(incident_store, ends_a_removal_that_was_interrupted) {
  {
    auto in = open();
    fs::rename(folder(add(in, "web01", now)), folder(".removed-web01-20261122-215012"));
    EXPECT_TRUE(in.list().value().empty());
  }
  open();
  EXPECT_FALSE(fs::exists(folder(".removed-web01-20261122-215012")));
}

TEST_F(incident_store, says_what_is_wrong_with_its_folder) {
  spill(temporary_.path() / "file", "");
  EXPECT_THAT(store::open(temporary_.path() / "file").error(), HasSubstr("Not a directory"));
  EXPECT_THAT(store::open(temporary_.path() / "no/such").error(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace unwedge::incidents

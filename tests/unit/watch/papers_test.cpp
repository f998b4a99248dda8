// What lies beside an incident's journal, from what the kernel and a hostile QEMU say.
#include "daemon/watch/papers.hpp"

#include "daemon/watch/host_paper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
namespace json = boost::json;

constexpr auto now = qmp::message_history::wall_time{1795384212s} + 345ms;

TEST(history_json, has_each_message_on_its_line) {
  qmp::message_history history;
  history.sent(now, 1, {.name = "yank", .arguments = {{"a", 1}}, .out_of_band = true});
  history.received(now + 5ms, R"({"return": {}, "id": "u1"})", 1);
  history.note(now + 1s, "lost");
  const auto text = history_json(history, now + 2s);
  const auto o = json::parse(text).as_object();
  EXPECT_EQ(o.at("count"), 3);
  const auto& messages = o.at("messages").as_array();
  EXPECT_EQ(json::serialize(messages[0]),
            R"({"at":"2026-11-22T21:50:12.345Z","direction":"sent","out_of_band":true,"id":1,"bytes":12,)"
            R"("text":"yank {\"a\":1}"})");
  EXPECT_EQ(messages[1].at("direction"), "received");
  EXPECT_EQ(messages[2].at("direction"), "note");
  EXPECT_THAT(text, HasSubstr("\n{\"at\":\"2026-11-22T21:50:13.345Z\",\"direction\":\"note\""));
}

TEST(history_json, has_no_secret_and_no_broken_text) {
  qmp::message_history history;
  history.sent(now, 1, {.name = "set_password", .arguments = {{"protocol", "vnc"}, {"password", "hunter2"}}});
  history.received(now, "\xff\xfe{\"key\": \"hunter2", {});
  history.received(now, std::string("\0\x1b\"\\", 4), {});
  const auto text = history_json(history, now);
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, HasSubstr("vnc"));
  EXPECT_EQ(json::parse(text).at("messages").as_array().size(), 3u) << "valid UTF-8, valid JSON";
}

TEST(history_json, of_nothing_is_valid) {
  qmp::message_history history;
  EXPECT_EQ(json::parse(history_json(history, now)).at("messages").as_array().size(), 0u);
}

TEST(process_json, says_what_is_missing) {
  const auto o = process_json("/usr/bin/q\xff", std::unexpected("process 1: command line: no"));
  EXPECT_EQ(o.at("missing"), "process 1: command line: no");
  EXPECT_FALSE(o.contains("command_line"));
}

TEST(process_json, takes_secrets_out) {
  const evidence::command_line line{.arguments = {"q", "-object", "secret,id=s,data=hunter2", "\xff"},
                                    .cut = true};
  const auto text = json::serialize(process_json("/usr/bin/q", line));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, HasSubstr(R"("cut":true)"));
}

TEST(host_paper, reads_pressure) {
  EXPECT_EQ(
      pressure_json("some avg10=1.50 avg60=0.00 avg300=0.25 total=12\nfull avg10=3.00 total=x\n"),
      json::parse(R"({"some":{"avg10":1.5,"avg60":0.0,"avg300":0.25,"total":12.0},"full":{"avg10":3.0}})"));
  for (const auto* text : {"", "\n\n", "some", "some avg10", "=", "some =1", " avg10=1"})
    EXPECT_LE(pressure_json(text).size(), 1u) << text;
}

TEST(host_paper, reads_memory) {
  EXPECT_EQ(memory_json("MemTotal:       24684084 kB\nNonsense: 7 kB\nMemFree: x\nDirty:\nShmem: 1 kB"),
            json::parse(R"({"MemTotal":24684084,"Shmem":1})"));
}

TEST(host_paper, knows_this_host) {
  const auto o = host_facts_json();
  EXPECT_THAT(std::string(o.at("kernel").at("release").as_string()), Not(testing::IsEmpty()));
  EXPECT_GT(o.at("memory_kb").at("MemTotal").as_int64(), 0);
  EXPECT_GT(o.at("uptime_s").as_int64(), 0);
}

}  // namespace
}  // namespace unwedge::watch

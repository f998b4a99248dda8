#include "policies/vm_model.hpp"

#include "world.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;

refresh happens(vm_model& vm, std::string_view name, std::string_view data = "{}", double second = 1) {
  const auto parsed = qmp::json::parse(data);
  return apply_event(vm, {.name = name, .data = parsed.get_object(), .raw = data}, at(second));
}

refresh job_is(vm_model& vm, std::string_view id, std::string_view status, double second = 1) {
  return happens(vm, "JOB_STATUS_CHANGE", fmt::format(R"({{"id":"{}","status":"{}"}})", id, status), second);
}

refresh migration_is(vm_model& vm, std::string_view status, double second = 1) {
  return happens(vm, "MIGRATION", fmt::format(R"({{"status":"{}"}})", status), second);
}

std::string in_letters(refresh r) {
  return fmt::format("{}{}{}{}", r.status ? "s" : "", r.jobs ? "j" : "", r.nodes ? "n" : "",
                     r.migration ? "m" : "");
}

TEST(vm_model, follows_a_job_from_created_to_null) {
  vm_model vm;
  // As QEMU 7.2 sent them for a mirror that was completed.
  const std::pair<const char*, const char*> steps[] = {{"created", "j"}, {"running", "jn"},
                                                       {"ready", "j"},   {"waiting", "j"},
                                                       {"pending", "j"}, {"concluded", "j"}};
  double second = 1;
  for (const auto& [status, unknown] : steps) {
    EXPECT_EQ(in_letters(job_is(vm, "m2", status, second)), unknown) << status;
    EXPECT_EQ(vm.jobs.at("m2").status, status);
    EXPECT_EQ(vm.jobs.at("m2").progressed, at(second));
    second += 1;
  }
  vm.jobs.at("m2").type = "mirror";
  EXPECT_EQ(in_letters(job_is(vm, "m2", "standby")), "") << "its type is known now";
  EXPECT_EQ(in_letters(job_is(vm, "m2", "null")), "");
  EXPECT_TRUE(vm.jobs.empty());
  EXPECT_EQ(in_letters(job_is(vm, "never-seen", "null")), "");
  EXPECT_TRUE(vm.jobs.empty());
}

TEST(vm_model, keeps_an_unknown_job_state) {
  vm_model vm;
  job_is(vm, "m0", "levitating");
  EXPECT_EQ(vm.jobs.at("m0").status, "levitating");
}

TEST(vm_model, notes_the_error_that_ended_a_job) {
  vm_model vm;
  job_is(vm, "m0", "aborting");
  happens(vm, "BLOCK_JOB_COMPLETED", R"({"device":"m0","error":"Input/output error"})");
  EXPECT_EQ(vm.jobs.at("m0").error, "Input/output error");
  happens(vm, "BLOCK_JOB_CANCELLED", R"({"device":"m0"})");
  EXPECT_EQ(vm.jobs.at("m0").error, "");
  happens(vm, "BLOCK_JOB_COMPLETED", R"({"device":"unknown","error":"x"})");
  EXPECT_EQ(vm.jobs.size(), 1u);
}

TEST(vm_model, keeps_at_most_256_jobs) {
  vm_model vm;
  for (int i = 0; i < 1'000; ++i) job_is(vm, fmt::format("j{}", i), "running");
  EXPECT_EQ(vm.jobs.size(), 256u);
  EXPECT_EQ(in_letters(job_is(vm, "one-more", "running")), "");
  job_is(vm, vm.jobs.begin()->first, "null");
  job_is(vm, "one-more", "running");
  EXPECT_TRUE(vm.jobs.contains("one-more"));
}

TEST(vm_model, cuts_long_text) {
  vm_model vm;
  const std::string longest(10'000, 'x');
  job_is(vm, longest, longest);
  job_is(vm, longest, longest);
  ASSERT_EQ(vm.jobs.size(), 1u);
  EXPECT_EQ(vm.jobs.begin()->first.size(), 256u);
  EXPECT_EQ(vm.jobs.begin()->second.status.size(), 256u);
  migration_is(vm, longest);
  EXPECT_EQ(vm.migration->status.size(), 256u);
}

TEST(vm_model, takes_no_event_of_wrong_types_for_anything) {
  for (const auto* data :
       {"{}", R"({"id":1,"status":2})", R"({"id":null})", R"({"id":{"id":"m0"},"status":[]})"}) {
    vm_model vm;
    happens(vm, "JOB_STATUS_CHANGE", data);
    EXPECT_TRUE(vm.jobs.empty()) << data;
    happens(vm, "BLOCK_JOB_COMPLETED", data);
    EXPECT_EQ(vm.event_count, 2u);
  }
  vm_model vm;
  happens(vm, "MIGRATION", R"({"status":7})");
  EXPECT_FALSE(is_running(*vm.migration));
}

TEST(vm_model, follows_a_migration) {
  vm_model vm;
  EXPECT_EQ(in_letters(migration_is(vm, "setup", 1)), "m");
  EXPECT_TRUE(at_risk(vm));
  EXPECT_EQ(vm.migration->since, at(1));
  migration_is(vm, "active", 2);
  EXPECT_EQ(vm.migration->since, at(2));
  migration_is(vm, "completed", 3);
  EXPECT_FALSE(at_risk(vm));
}

// Capabilities may differ from one migration to the next, and only stand still while one runs.
TEST(vm_model, forgets_the_capabilities_when_a_new_migration_begins) {
  vm_model vm;
  migration_is(vm, "setup");
  vm.migration->postcopy_enabled = false;
  migration_is(vm, "active");
  EXPECT_EQ(vm.migration->postcopy_enabled, false);
  migration_is(vm, "failed");
  migration_is(vm, "setup");
  EXPECT_EQ(vm.migration->postcopy_enabled, std::nullopt);
}

TEST(migration_state, runs_in_all_states_but_the_final_ones) {
  const auto state = [](std::string_view status) {
    migration_state m;
    m.status = status;
    return m;
  };
  for (const auto* status :
       {"setup", "active", "cancelling", "pre-switchover", "device", "wait-unplug", "postcopy-active",
        "postcopy-paused", "postcopy-recover", "postcopy-recover-setup", "postcopy-device", "brand-new"}) {
    EXPECT_TRUE(is_running(state(status))) << status;
    EXPECT_EQ(in_postcopy(state(status)), std::string_view(status).starts_with("postcopy")) << status;
  }
  for (const auto* status : {"", "none", "completed", "failed", "cancelled", "colo"}) {
    EXPECT_FALSE(is_running(state(status))) << status;
  }
}

TEST(vm_model, follows_the_run_state) {
  vm_model vm;
  EXPECT_EQ(vm.run_state, "unknown");
  EXPECT_EQ(in_letters(happens(vm, "STOP")), "sm");
  EXPECT_EQ(vm.run_state, "paused");
  EXPECT_EQ(in_letters(happens(vm, "RESUME")), "sm");
  EXPECT_EQ(vm.run_state, "running");
  migration_is(vm, "active");
  happens(vm, "STOP");
  EXPECT_EQ(vm.run_state, "finish-migrate");
  for (const auto* name : {"SUSPEND", "WAKEUP", "GUEST_PANICKED", "BLOCK_IO_ERROR"}) {
    EXPECT_EQ(in_letters(happens(vm, name)), "s") << name;
  }
}

TEST(vm_model, knows_an_announced_end) {
  vm_model vm;
  EXPECT_FALSE(vm.shut_down);
  happens(vm, "SHUTDOWN", R"({"guest":true,"reason":"guest-shutdown"})");
  EXPECT_TRUE(vm.shut_down);
}

TEST(vm_model, counts_and_keeps_events_that_it_does_not_know) {
  vm_model vm;
  EXPECT_FALSE(happens(vm, "SOMETHING_NEW", R"({"a":1})").any());
  EXPECT_EQ(vm.event_count, 1u);
  ASSERT_EQ(vm.events.oldest_first().size(), 1u);
  EXPECT_EQ(vm.events.oldest_first().front()->name, "SOMETHING_NEW");
  EXPECT_EQ(vm.events.oldest_first().front()->data, R"({"a":1})");
}

TEST(history, keeps_the_last_32_oldest_first) {
  for (const std::size_t count : {0u, 1u, 31u, 32u, 33u, 64u, 100u}) {
    history h;
    const qmp::json::object none;
    for (std::size_t i = 0; i < count; ++i)
      h.add({.name = fmt::format("E{}", i), .data = none, .raw = ""}, at(static_cast<double>(i)));
    const auto seen = h.oldest_first();
    ASSERT_EQ(seen.size(), std::min(count, history::capacity));
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const auto n = count - seen.size() + i;
      EXPECT_EQ(seen[i]->name, fmt::format("E{}", n)) << count;
      EXPECT_EQ(seen[i]->at, at(static_cast<double>(n)));
    }
  }
}

TEST(history, cuts_what_is_long) {
  history h;
  const qmp::json::object none;
  const std::string longest(100'000, 'x');
  h.add({.name = longest, .data = none, .raw = longest}, at(0));
  EXPECT_EQ(h.oldest_first().front()->name.size(), 256u);
  EXPECT_EQ(h.oldest_first().front()->data.size(), history::data_bytes);
}

TEST(refresh, adds_up) {
  refresh all;
  EXPECT_FALSE(all.any());
  all |= {.status = true};
  all |= {.nodes = true};
  EXPECT_EQ(in_letters(all), "sn");
  EXPECT_TRUE(all.any());
}

TEST(next_probe, asks_in_turn_for_what_is_going_on) {
  const auto of = [](const vm_model& vm) {
    std::string out;
    for (std::uint64_t i = 0; i < 8; ++i) {
      const auto q = next_probe(vm, i);
      out += q == query::status               ? 's'
             : q == query::migrate            ? 'm'
             : q == query::jobs               ? 'j'
             : q == query::block_jobs         ? 'b'
             : q == query::migrate_parameters ? 'p'
                                              : '?';
    }
    return out;
  };
  vm_model vm;
  EXPECT_EQ(of(vm), "sssmsssm");
  vm.jobs["m0"] = {};
  EXPECT_EQ(of(vm), "sjmbsjmb");
  migration_is(vm, "active");
  EXPECT_EQ(of(vm), "mjmbmpmb");
  vm.jobs.clear();
  EXPECT_EQ(of(vm), "msmmmsmm");
  migration_is(vm, "completed");
  EXPECT_EQ(of(vm), "sssmsssm");
}

TEST(next_probe, never_asks_the_block_layer) {
  vm_model vm = mirroring();
  for (std::uint64_t i = 0; i < 16; ++i) {
    EXPECT_NE(next_probe(vm, i), query::block_nodes);
    EXPECT_NE(next_probe(vm, i), query::block_graph);
  }
}

TEST(resync_queries, ask_for_jobs_before_the_graph_that_refers_to_them) {
  const auto all = resync_queries();
  const auto place = [&](query q) { return std::ranges::find(all, q) - all.begin(); };
  EXPECT_LT(place(query::jobs), place(query::block_jobs));
  EXPECT_LT(place(query::jobs), place(query::block_graph));
  EXPECT_LT(place(query::block_nodes), place(query::block_graph));
  EXPECT_LT(place(query::block_graph), std::ssize(all));
}

TEST(at_risk, is_a_vm_with_a_job_or_a_migration) {
  vm_model vm;
  EXPECT_FALSE(at_risk(vm));
  job_is(vm, "m0", "created");
  EXPECT_TRUE(at_risk(vm));
  job_is(vm, "m0", "null");
  EXPECT_FALSE(at_risk(vm));
}

}  // namespace
}  // namespace unwedge::policies

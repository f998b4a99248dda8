// What is done in the window of a lease, in which order, and what comes of it: a scripted unwedge-rescue and
// a scripted monitor.
#include "daemon/watch/vm_rescue.hpp"

#include "tests/unit/rescuing/said.hpp"
#include "tests/unit/watch/watch_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>

#include <sys/stat.h>

#include <fstream>

namespace unwedge::tests {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
namespace said = rescuing::said;

const std::string runs_out = said::final_with(R"("ok":true,"returned":true,"ended_by":"time")");

/// The parts of a watcher that a rescue needs, and nobody who decides.
class a_rescue : public watch_fixture, public watch::vm_driver, public watch::vm_monitor::listener {
 protected:
  a_rescue() {
    services->rescuer = &rescuer_;
    process_.take(evidence::process::open(::getpid()).value());
  }
  ~a_rescue() override {
    monitor_.close();
    children_.stop();
    EXPECT_TRUE(until([&] { return !talking_; }));
  }

  void helper(const std::string& body) {
    std::ofstream out(folder / "helper");
    out << "#!/bin/sh\nnote() { : >" << folder.string() << "/$1; }\ngranted() { echo '" << said::granted
        << "'; }\nanswer() { echo '" << said::answer << "'; }\ntold() { cat >/dev/null; note told; }\n"
        << body << '\n';
    out.close();
    ::chmod((folder / "helper").c_str(), 0755);
  }
  bool noted(const char* what) const { return std::filesystem::exists(folder / what); }

  /// A monitor that is asked what is scripted, once it was connected to.
  void monitor(const script& steps) {
    peer.emplace(io, handshake() + steps, answers_);
    talking_ = true;
    asio::co_spawn(io, monitor_.talk(peer->connected()), [this](const std::exception_ptr& thrown, auto) {
      EXPECT_FALSE(thrown);
      talking_ = false;
    });
    ASSERT_TRUE(until([&] { return monitor_.is_ready(); }));
    monitor_.want({});  // the watcher's clock does it
    ASSERT_TRUE(until([&] { return monitor_.is_synced() && monitor_.wants_nothing(); }));
    vm_.model.jobs["m0"].status = "running";
    asked_before_ = peer->received().size();
  }

  watch::act_outcome carry_out(const policies::step& s) {
    std::optional<watch::act_outcome> got;
    asio::co_spawn(io, rescue_.carry_out(s, [this] { return banned_; }),
                   [&](const std::exception_ptr& thrown, auto outcome) {
                     EXPECT_FALSE(thrown);
                     got = std::move(outcome);
                   });
    EXPECT_TRUE(until([&] { return got.has_value(); }));
    EXPECT_FALSE(vm_.lent);
    EXPECT_FALSE(process_.inspecting);
    return got.value_or(watch::act_outcome{});
  }

  std::vector<std::string> asked() const {
    std::vector<std::string> names;
    for (auto i = asked_before_; i < peer->received().size(); ++i)
      names.push_back((peer->received()[i].out_of_band ? "oob " : "") + peer->received()[i].name);
    return names;
  }

  static policies::step lease() {
    return {
        .action = "rescue-root",
        .arguments =
            boost::json::parse(
                R"({"holder":4242,"mutexes":["0x1000"],"cancel_migration":true,"frees_graph":false,)"
                R"("nodes":["tgt"],"jobs":["m0"],"cut":{"yank":[{"type":"block-node","node-name":"tgt"}]}})")
                .as_object()};
  }
  static policies::step cut_of_two() {
    return {.action = "sever-root",
            .arguments = boost::json::parse(R"({"nodes":["a"],"connections":[{"fd":7,"inode":11},)"
                                            R"({"fd":8,"inode":12}]})")
                             .as_object()};
  }
  static step job_is(const char* status) {
    return say{event("JOB_STATUS_CHANGE", fmt::format(R"({{"id":"m0","status":"{}"}})", status))};
  }

  void spawn(asio::awaitable<void> task, std::string_view what) override {
    tasks.spawn(std::move(task), std::string(what));
  }
  void wake_soon() override {}
  void decide() override {}
  void note_state() override {}
  void greeted() override {}
  void ready() override {}
  void happened(const qmp::event& e) override {
    policies::apply_event(vm_.model, e, std::chrono::steady_clock::now());
  }
  void answered(policies::query, bool) override {}
  void went_on(policies::instant, bool) override {}

  child::runner children_{io.get_executor()};
  rescuing::rescuer rescuer_{children_, {.look = 2s, .after = 1s, .grace = 300ms}};
  std::size_t asked_before_ = 0;
  std::map<std::string, std::string> answers_ = idle_vm();
  std::string banned_;
  bool talking_ = false;

  watch::services& shared() {
    settings.rescue = {.window = said::window, .program = folder / "helper"};
    make_services();
    return *services;
  }
  watch::watched_vm vm_{.shared = shared(), .driver = *this, .name = "vm", .no_monitor = false};
  watch::vm_process process_;
  watch::vm_monitor monitor_{vm_, *this};
  watch::process_stops stops_{vm_, process_};
  watch::monitor_commands commands_{vm_, monitor_};
  watch::vm_rescue rescue_{{vm_, process_, monitor_, stops_, commands_}};
};

TEST_F(a_rescue, cancels_the_migration_then_cuts_and_ends_the_window_with_the_job) {
  helper("granted; told; answer");
  monitor({expect{"migrate_cancel"}, reply{}, expect{"yank"}, reply{}, job_is("aborting")});
  const auto done = carry_out(lease());
  EXPECT_EQ(done.result, "done");
  EXPECT_THAT(asked(), ElementsAre("query-migrate", "query-migrate-capabilities", "migrate_cancel",
                                   "oob yank", "query-status"));
  EXPECT_TRUE(noted("told"));
  EXPECT_THAT(done.notes, ElementsAre("In the window, migrate_cancel: done.", "In the window, yank: done.",
                                      "The lock was lent for 12 ms; its holder stood still for 125 us.",
                                      HasSubstr("Migrate the VM away soon")));
}

/// When the VM hung nothing was known of it, or only that it runs.
TEST_F(a_rescue, cuts_nothing_if_the_migration_is_not_what_it_was_taken_for) {
  helper("granted; told; answer");
  answers_["query-migrate"] = R"({"status":"postcopy-active"})";
  monitor({});
  const auto done = carry_out(lease());
  EXPECT_EQ(done.result, "refused: In post-copy the memory is split over two hosts. Nothing was cut.");
  EXPECT_FALSE(was_tried(done));
  EXPECT_THAT(done.notes, Not(Contains(HasSubstr("damaged heap")))) << "no job has ended";
  EXPECT_THAT(asked(), ElementsAre("query-migrate", "query-migrate-capabilities"));
  EXPECT_TRUE(noted("told"));
}

TEST_F(a_rescue, cuts_nothing_unless_the_migration_was_cancelled) {
  helper("granted; told; answer");
  monitor({expect{"migrate_cancel"}, refuse{}});
  const auto done = carry_out(lease());
  EXPECT_THAT(done.result,
              StartsWith("failed: whether the migration was cancelled is not known; nothing was cut"));
  EXPECT_THAT(asked(), ElementsAre("query-migrate", "query-migrate-capabilities", "migrate_cancel"));
  EXPECT_TRUE(noted("told"));
}

/// Left alone it goes on after the drain, and QEMU aborts if the guest's disk goes back into its iothread
/// before it has come to its end (seen on 7.2 and 10.0).
TEST_F(a_rescue, cancels_a_job_that_only_pauses) {
  helper("granted; told; answer");
  monitor({expect{"migrate_cancel"}, reply{}, expect{"yank"}, reply{}, job_is("paused"), expect{"job-cancel"},
           reply{}, job_is("aborting")});
  const auto done = carry_out(lease());
  EXPECT_EQ(done.result, "done");
  EXPECT_TRUE(noted("told"));
  EXPECT_THAT(done.notes, Contains("In the window, job m0 only paused; job-cancel: done."));
  EXPECT_THAT(asked(), ElementsAre("query-migrate", "query-migrate-capabilities", "migrate_cancel",
                                   "oob yank", "job-cancel", "query-status"));
}

/// It may hang on its way, and need more of the main loop.
TEST_F(a_rescue, does_not_take_for_an_end_what_had_begun_before) {
  helper("granted; sleep 1; echo '" + runs_out + "'; told");
  monitor({expect{"migrate_cancel"}, reply{}, expect{"yank"}, reply{}});
  vm_.model.jobs["m0"].status = "aborting";
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(carry_out(lease()).result, "done");
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
}

TEST_F(a_rescue, lets_the_window_run_out_for_a_job_that_pauses_and_cannot_be_cancelled) {
  helper("granted; sleep 1; echo '" + runs_out + "'; told");
  monitor({expect{"migrate_cancel"}, reply{}, expect{"yank"}, reply{}, job_is("paused"), expect{"job-cancel"},
           refuse{}});
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(carry_out(lease()).result, "done");
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
}

TEST_F(a_rescue, that_is_refused_says_which_precondition_does_not_hold) {
  helper("echo '" + said::refused + "'; exit 1");
  monitor({});
  EXPECT_EQ(carry_out(lease()).result, "refused: holder-polls: it runs; nothing was done");
  EXPECT_THAT(asked(), ElementsAre());
}

TEST_F(a_rescue, fails_if_the_holder_does_not_come_back) {
  helper("granted; told; echo '" + said::not_back + "'; exit 1");
  monitor({expect{"migrate_cancel"}, reply{}, expect{"yank"}, reply{}, job_is("concluded")});
  EXPECT_THAT(carry_out(lease()).result, StartsWith("failed: the holder has not got its locks back"));
}

TEST_F(a_rescue, fails_if_the_main_loop_hangs_again_afterwards) {
  helper("granted; told; answer");
  monitor({expect{"migrate_cancel"}, reply{}, expect{"yank"}, reply{}, job_is("concluded"), go_silent{}});
  EXPECT_THAT(carry_out(lease()).result, StartsWith("failed: the main loop does not answer"));
}

TEST_F(a_rescue, whose_helper_dies_in_the_window_says_that_the_vm_was_touched) {
  helper("granted; kill -9 $$");
  monitor({expect{"migrate_cancel"}, reply{}, expect{"yank"}, reply{}, job_is("concluded")});
  const auto done = carry_out(lease());
  EXPECT_THAT(done.result, StartsWith("failed: "));
  EXPECT_THAT(done.result, Not(HasSubstr("nothing was done")));
}

TEST_F(a_rescue, has_no_session_in_its_window) {
  helper("granted; told; answer");
  auto s = lease();
  const auto done = carry_out(s);
  EXPECT_THAT(done.result, StartsWith("failed: whether the migration was cancelled"));
  EXPECT_TRUE(noted("told"));
}

TEST_F(a_rescue, cuts_nothing_if_it_was_banned_meanwhile) {
  helper("granted; told; answer");
  monitor({});
  banned_ = "the VM is held";
  const auto done = carry_out(lease());
  EXPECT_EQ(done.result, "refused: the VM is held; nothing was cut");
  EXPECT_TRUE(done.touched);
  EXPECT_THAT(asked(), ElementsAre());
  EXPECT_TRUE(noted("told"));
}

TEST_F(a_rescue, yanks_the_migration_before_it_severs) {
  helper(R"(case "$1" in
lease) granted; told; answer ;;
*) note severed; echo '{"ok":true,"did":"shut down","fd":7,"inode":11,)"
         R"("preconditions":[{"name":"socket","ok":true,"sentence":"it is it"}]}' ;;
esac)");
  monitor({expect{"yank"}, reply{}, delay{50ms}, job_is("concluded")});
  auto s = lease();
  s.arguments["cancel_migration"] = false;
  s.arguments["cut"] = boost::json::parse(R"({"yank":[{"type":"migration"}],"sever":[{"fd":7,"inode":11}]})");
  const auto done = carry_out(s);
  EXPECT_EQ(done.result, "done");
  EXPECT_TRUE(noted("severed"));
  EXPECT_THAT(asked(),
              ElementsAre("query-migrate", "query-migrate-capabilities", "oob yank", "query-status"));
}

TEST_F(a_rescue, severs_nothing_if_the_migration_could_not_be_yanked) {
  helper(R"(case "$1" in
lease) granted; sleep 1; echo ')" +
         runs_out + R"(' ;;
*) note severed ;;
esac)");
  monitor({expect{"yank"}, refuse{}});
  auto s = lease();
  s.arguments["cancel_migration"] = false;
  s.arguments["cut"] = boost::json::parse(R"({"yank":[{"type":"migration"}],"sever":[{"fd":7,"inode":11}]})");
  EXPECT_THAT(carry_out(s).result, StartsWith("failed: yank: "));
  EXPECT_FALSE(noted("severed"));
}

TEST_F(a_rescue, asks_nothing_of_the_block_layer_in_the_window) {
  helper("granted; sleep 0.5; note late; sleep 0.2; told; answer");
  monitor({expect{"migrate_cancel"}, reply{}, expect{"yank"}, reply{}, delay{200ms}, job_is("concluded")});
  std::optional<watch::act_outcome> got;
  asio::co_spawn(io, rescue_.carry_out(lease(), [] { return std::string(); }),
                 [&](const std::exception_ptr&, auto outcome) { got = std::move(outcome); });
  ASSERT_TRUE(until([&] { return asked().size() >= 4; }));
  ASSERT_TRUE(vm_.lent);
  monitor_.want({.nodes = true});
  ASSERT_TRUE(until([&] { return noted("late"); }));
  EXPECT_TRUE(vm_.lent);
  EXPECT_THAT(asked(), Not(Contains("query-named-block-nodes")));
  ASSERT_TRUE(until([&] { return got.has_value(); }));
  EXPECT_TRUE(until([&] { return monitor_.wants_nothing(); }));
  EXPECT_THAT(asked(), Contains("query-named-block-nodes"));
}

TEST_F(a_rescue, knows_of_a_command_without_an_answer_that_it_may_have_been_carried_out) {
  monitor({expect{"yank"}, refuse{}, expect{"yank"}, go_silent{}});
  const auto yank = [&] {
    std::optional<watch::act_outcome> got;
    asio::co_spawn(io, commands_.send({.action = "yank", .arguments = {}}, 100ms),
                   [&](const std::exception_ptr&, auto outcome) { got = std::move(outcome); });
    EXPECT_TRUE(until([&] { return got.has_value(); }));
    return got.value_or(watch::act_outcome{});
  };
  const auto refused = yank();
  EXPECT_THAT(refused.result, StartsWith("failed: "));
  EXPECT_FALSE(was_tried(refused));
  const auto silent = yank();
  EXPECT_THAT(silent.result, HasSubstr("timed out"));
  EXPECT_TRUE(was_tried(silent));
}

TEST_F(a_rescue, waits_for_nobody_who_has_the_threads) {
  helper("note started");
  settings.inspect.deadline = 100ms;
  services->settings = std::make_shared<const policies::settings>(settings);
  process_.inspecting = true;
  std::optional<watch::act_outcome> got;
  asio::co_spawn(io, rescue_.carry_out(lease(), [] { return std::string(); }),
                 [&](const std::exception_ptr&, auto outcome) { got = std::move(outcome); });
  ASSERT_TRUE(until([&] { return got.has_value(); }));
  EXPECT_EQ(got->result, "refused: its threads are being stopped already");
  EXPECT_FALSE(noted("started"));
}

TEST_F(a_rescue, cuts_no_connection_if_one_of_them_must_not_be) {
  helper(R"(case "$*" in
*--plan*"--fd 8 "*|*"--fd 8 "*--plan*) echo '{"ok":true,"plan":true,"would":false,"failed":"socket","error":"socket: it is another",)"
         R"("preconditions":[{"name":"socket","ok":false,"sentence":"it is another"}]}' ;;
*--plan*) echo '{"ok":true,"plan":true,"would":true,"preconditions":[{"name":"socket","ok":true,"sentence":"it is it"}]}' ;;
*) note severed ;;
esac)");
  const auto done = carry_out(cut_of_two());
  EXPECT_THAT(done.result, StartsWith("failed: "));
  EXPECT_THAT(done.result, HasSubstr("it is another"));
  EXPECT_FALSE(noted("severed"));
}

}  // namespace
}  // namespace unwedge::tests

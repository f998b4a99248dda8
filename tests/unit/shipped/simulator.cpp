#include "simulator.hpp"

#include "../policies/world.hpp"
#include "daemon/config/policies.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace unwedge::policies::fake {
namespace {

constexpr std::chrono::milliseconds slot_length{10};

std::vector<policy> read_shipped() {
  const auto read = config::load_policies({.vendor = UNWEDGE_SOURCE_DIR "/policies/shipped",
                                           .admin = UNWEDGE_SOURCE_DIR "/policies/no-such-folder"});
  if (!read) throw std::runtime_error("the shipped policies cannot be read");
  return read->all;
}

std::string lines(const std::vector<std::string>& some) {
  return fmt::format("{}\n", fmt::join(some, "\n"));
}

}  // namespace

const std::vector<policy>& shipped_policies() {
  static const auto all = read_shipped();
  return all;
}

simulator::simulator(machine m, step_budget* of_host)
    : policies_(shipped_policies()),
      qemu_(m),
      around_{.qemu = qemu_,
              .policies = policies_,
              .frame = {.allowed = authority::protect},
              .of_host = of_host != nullptr ? *of_host : own_host_} {
  start_daemon();
}

void simulator::start_daemon() {
  around_.next_step = killed::not_at_all;
  back_at_ = instant::max();
  daemon_ = std::make_unique<simulated_daemon>(around_, now_);
}

void simulator::until(double second) {
  for (const auto end = fake::at(second); now_ < end; now_ += slot_length) slot();
}

void simulator::until_closed(double seconds) {
  const auto end = now_ + (fake::at(seconds) - instant{});
  while (now_ < end && (incident_open() || daemon_ == nullptr)) {
    slot();
    now_ += slot_length;
  }
}

void simulator::slot() {
  while (!script_.empty() && script_.begin()->first <= now_) {
    const auto does = script_.extract(script_.begin());
    does.mapped()();
  }
  qemu_.pass(now_);
  if (daemon_ == nullptr && now_ >= back_at_) start_daemon();
  for (const auto& e : qemu_.take_events()) {
    around_.told.remark(now_, fmt::format("QEMU: {} {}", e.name, boost::json::serialize(e.data)));
    if (daemon_) daemon_->hears(e, now_);
  }
  if (daemon_) daemon_->slot(now_);
  if (daemon_ && daemon_->is_dead()) {
    around_.told.remark(now_, "the daemon is gone");
    daemon_.reset();
    back_at_ = now_ + gone_for_;
  }
}

moment simulator::at(double second) {
  return {*this, fake::at(second)};
}

double simulator::now() const {
  return std::chrono::duration<double>(now_.time_since_epoch()).count();
}

policy& simulator::policy_called(const std::string& name) {
  return *std::ranges::find(policies_, name, &policy::name);
}

std::vector<std::string> simulator::broken_rules() const {
  auto all = around_.broken_rules;
  all.insert(all.end(), qemu_.broken_rules().begin(), qemu_.broken_rules().end());
  return all;
}

void keeps_the_rules(const simulator& s) {
  EXPECT_EQ(lines(s.broken_rules()), lines({})) << s.transcript();
}

void tells(const simulator& s, const std::vector<std::string>& story) {
  EXPECT_EQ(lines(s.story()), lines(story)) << s.transcript();
  keeps_the_rules(s);
}

void tells_first(const simulator& s, const std::vector<std::string>& story) {
  auto told = s.story();
  told.resize(std::min(told.size(), story.size()));
  EXPECT_EQ(lines(told), lines(story)) << s.transcript();
  keeps_the_rules(s);
}

}  // namespace unwedge::policies::fake

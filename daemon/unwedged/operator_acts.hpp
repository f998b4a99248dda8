// What operators asked to be done to VMs, under way and just ended. An act may take minutes, a call on the
// bus may not: whoever asks gets a ticket and comes back with it. Used by the operator's methods. One thread.
#pragma once

#include "daemon/watch/fleet.hpp"

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>

namespace unwedge {

class operator_acts {
 public:
  /// `tasks` owns what is begun; both outlive it.
  operator_acts(watch::fleet& fleet, watch::task_group& tasks) : fleet_(fleet), tasks_(tasks) {}

  /// {vm, action, yes, with_ram, plan_only} -> {ticket, vm, action}. It goes on whether somebody comes back
  /// or not. Error: a sentence; nothing was begun.
  std::expected<std::string, std::string> begin(const std::string& argument);

  /// The ticket's number -> {vm, action, running, plan, preconditions, ok, text}. Error: no such ticket; old
  /// ones are forgotten.
  std::expected<std::string, std::string> result(const std::string& ticket) const;

 private:
  struct act {
    std::string vm, action;
    watch::act_plan plan;
    std::string text;
    bool running = true, ok = false;
  };
  using asked = watch::operator_act;
  static boost::asio::awaitable<void> carry_out(std::shared_ptr<watch::vm_watcher> on, asked what,
                                                std::shared_ptr<act> into);
  bool make_room();

  watch::fleet& fleet_;
  watch::task_group& tasks_;
  std::map<std::uint64_t, std::shared_ptr<act>> acts_;
  std::uint64_t last_ = 0;
};

}  // namespace unwedge

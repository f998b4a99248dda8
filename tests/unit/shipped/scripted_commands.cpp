// What the scripted QEMU does for commands, and the rules that it holds the engine to.
#include "scripted_qemu.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::fake {
namespace {

std::string text(const boost::json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string(v->as_string()) : "";
}

}  // namespace

void scripted_qemu::happens(std::string event, boost::json::object data) {
  if (alive_) events_.push_back({std::move(event), std::move(data)});
}

void scripted_qemu::pass(instant now) {
  const auto seconds = std::chrono::duration<double>(now - now_).count();
  now_ = now;
  if (!alive_ || signal_stopped_ || hang_ != hang::none) return;
  if (aborts_at_ && now_ >= *aborts_at_) return dies();
  for (auto& [id, j] : jobs_) {
    if (j.listed) pass_job(j, seconds);
  }
  pass_migration(seconds);
}

void scripted_qemu::dies() {
  alive_ = false;
  events_.clear();  // what it had not sent is lost with it
}

void scripted_qemu::abort_process(std::string_view why) {
  if (last_sender_ == sender::unwedged) broken_rules_.push_back(fmt::format("QEMU aborts: {}", why));
  dies();
}

void scripted_qemu::shut_down() {
  happens("SHUTDOWN", {{"guest", false}, {"reason", "host-qmp-quit"}});
}

void scripted_qemu::breaks_a_rule(std::string_view command, const boost::json::object& arguments,
                                  std::string_view rule) {
  broken_rules_.push_back(fmt::format("{} {}: {} (migration {}, run state {})", command,
                                      boost::json::serialize(arguments), rule, status_, run_state_));
}

void scripted_qemu::is_sent(std::string_view command, const boost::json::object& arguments) {
  if (status_.starts_with("postcopy")) breaks_a_rule(command, arguments, "a command in post-copy");
  if (command == "migrate_cancel" && status_ == "device")
    breaks_a_rule(command, arguments, "the destination may be the VM already");
  if (command == "yank" && hang_ == hang::drain_before_stop) {
    for (const auto& i : arguments.at("instances").as_array()) {
      const auto* j = job_of(text(i.as_object(), "node-name"));
      if (j != nullptr && j->owed_since) breaks_a_rule(command, arguments, "an iothread polls it");
    }
  }
  if (command == "block-job-cancel" || command == "job-cancel") {
    const auto found = jobs_.find(text(arguments, command == "job-cancel" ? "id" : "device"));
    const bool ready = found == jobs_.end() || !found->second.listed || found->second.status == "ready" ||
                       found->second.status == "standby";
    if (!ready) breaks_a_rule(command, arguments, "a mirror that is not READY loses its copy");
  }
  if (command == "cont" || command == "stop")
    breaks_a_rule(command, arguments, "the guest's run state is its owner's");
}

qmp_answer scripted_qemu::execute(std::string_view command, const boost::json::object& arguments, sender by) {
  last_sender_ = by;
  if (command == "migrate") {
    if (migrates()) return {false, "There's a migration process in progress"};
    begin_migration();
    return {};
  }
  if (command == "migrate_cancel") {
    cancel_migration();
    return {};
  }
  if (command == "migrate-continue") {
    if (status_ != "pre-switchover") return {false, "Migration not in expected state"};
    const bool whole =
        std::ranges::all_of(jobs_, [&](const auto& j) { return !matters(j.second) || j.second.whole; });
    if (by == sender::unwedged && !whole)
      breaks_a_rule(command, arguments, "over a mirror that did not conclude without error");
    set_migration("device");
    return {};
  }
  if (command == "migrate-start-postcopy") {
    if (status_ != "active" || !capabilities_.at("postcopy-ram")) return {false, "Enable postcopy first"};
    run_state_ = "finish-migrate";
    happens("STOP");
    set_migration("postcopy-active");
    return {};
  }
  if (command == "migrate-set-capabilities") return set_capabilities(arguments);
  if (command == "migrate-set-parameters") {
    set_parameters(arguments);
    return {};
  }
  if (command == "yank") {
    for (const auto& i : arguments.at("instances").as_array()) {
      if (alive_) yank(i.as_object());
    }
    return {};
  }
  if (command == "stop") {
    user_stops();
    return {};
  }
  if (command == "cont") {
    if (run_state_ != "running") happens("RESUME");
    run_state_ = "running";
    return {};
  }
  return job_command(command, arguments);
}

void scripted_qemu::user_stops() {
  run_state_ = "paused";
  happens("STOP");
  if (owes_anything()) hang_ = hang::user_stop;
}

qmp_answer scripted_qemu::set_capabilities(const boost::json::object& arguments) {
  if (migrates()) return {false, "There's a migration process in progress"};
  for (const auto& c : arguments.at("capabilities").as_array())
    capabilities_[text(c.as_object(), "capability")] = c.as_object().at("state").as_bool();
  return {};
}

bool scripted_qemu::capability(std::string_view name) const {
  const auto found = capabilities_.find(name);
  return found != capabilities_.end() && found->second;
}

void scripted_qemu::set_parameters(const boost::json::object& arguments) {
  if (const auto* v = arguments.if_contains("max-bandwidth")) bandwidth_ = v->to_number<std::int64_t>();
  if (const auto* v = arguments.if_contains("downtime-limit")) downtime_ms_ = v->to_number<std::int64_t>();
  if (arguments.contains("zero-page-detection"))
    zero_page_detection_ = text(arguments, "zero-page-detection");
}

/// {} says only that the functions were called.
void scripted_qemu::yank(const boost::json::object& instance) {
  if (text(instance, "type") == "block-node") return yank_node(text(instance, "node-name"));
  if (text(instance, "type") != "migration" || !migrates()) return;
  stream_cut_ = true;
  if (hang_ == hang::destination) return come_back();
  if (hang_ == hang::none && status_ != "cancelling") end_migration("failed");
}

void scripted_qemu::yank_node(const std::string& node) {
  auto* j = job_of(node);
  if (j == nullptr) return;
  if (on_unix_socket(*j) && j->owed_since)
    j->spins = true;  // POLLHUP, and it waits for POLLOUT (qemu-facts 8.5)
  else
    cut_off(*j);
}

}  // namespace unwedge::policies::fake

// The verbs of a script.
#include "../policies/world.hpp"
#include "simulator.hpp"

#include <fmt/format.h>

namespace unwedge::policies::fake {

moment& moment::then(std::function<void()> does) {
  s_.script_.emplace(when_, std::move(does));
  return *this;
}

moment moment::at(double second) {
  return {s_, fake::at(second)};
}

moment& moment::qemu(std::function<void(scripted_qemu&)> does) {
  return then([&s = s_, does = std::move(does)] { does(s.qemu_); });
}

moment& moment::frame(std::function<void(action_frame&)> changes) {
  return then([&s = s_, changes = std::move(changes)] { changes(s.around_.frame); });
}

moment& moment::mirror(const std::string& id, double seconds_to_ready) {
  return qemu([=](scripted_qemu& q) { q.mirror(id, seconds_to_ready); });
}

moment& moment::job(const std::string& id, const std::string& type, const std::string& status) {
  return qemu([=](scripted_qemu& q) { q.job(id, type, status); });
}

moment& moment::target_dies(const std::string& job) {
  return qemu([=](scripted_qemu& q) { q.target_dies(job); });
}

moment& moment::target_falls_silent(const std::string& job) {
  return qemu([=](scripted_qemu& q) { q.target_falls_silent(job); });
}

moment& moment::target_falls_silent_in_one_tick(const std::string& job) {
  return qemu([=](scripted_qemu& q) { q.target_falls_silent_in_one_tick(job); });
}

moment& moment::target_flushes(const std::string& job) {
  return qemu([=](scripted_qemu& q) { q.target_flushes(job); });
}

moment& moment::target_revives(const std::string& job) {
  return qemu([=](scripted_qemu& q) { q.target_revives(job); });
}

moment& moment::target_fails(const std::string& job) {
  return qemu([=](scripted_qemu& q) { q.target_fails(job); });
}

moment& moment::destination_freezes(bool frozen) {
  return qemu([=](scripted_qemu& q) { q.destination_freezes(frozen); });
}

moment& moment::event(const std::string& name, const boost::json::object& data) {
  return qemu([=](scripted_qemu& q) { q.happens(name, data); });
}

moment& moment::manager(const std::string& command, boost::json::object arguments) {
  return then([&s = s_, command, arguments = std::move(arguments)] {
    const bool reached = command == "yank" ? s.qemu_.answers_out_of_band() : s.qemu_.answers_in_band();
    if (!reached) return s.around_.told.remark(s.now_, "the manager gets no answer: " + command);
    const auto answer = s.qemu_.execute(command, arguments, sender::manager);
    s.around_.told.remark(
        s.now_, fmt::format("the manager: {}: {}", command, answer.accepted ? "ok" : answer.why_not));
  });
}

moment& moment::manager_sets(const std::string& capability, bool on) {
  return manager(
      "migrate-set-capabilities",
      {{"capabilities", boost::json::array{boost::json::object{{"capability", capability}, {"state", on}}}}});
}

moment& moment::yanks_node(const std::string& node) {
  return manager(
      "yank",
      {{"instances", boost::json::array{boost::json::object{{"type", "block-node"}, {"node-name", node}}}}});
}

moment& moment::yanks_migration() {
  return manager("yank", {{"instances", boost::json::array{boost::json::object{{"type", "migration"}}}}});
}

moment& moment::process_dies() {
  return qemu([](scripted_qemu& q) { q.dies(); });
}

moment& moment::process_shuts_down() {
  qemu([](scripted_qemu& q) { q.shut_down(); });
  s_.script_.emplace(when_ + std::chrono::milliseconds(100), [&s = s_] { s.qemu_.dies(); });
  return *this;
}

moment& moment::daemon_is_killed(double seconds) {
  return then([&s = s_, seconds] {
    s.daemon_.reset();
    s.around_.told.remark(s.now_, "the daemon is killed");
    s.back_at_ = s.now_ + (fake::at(seconds) - instant{});
  });
}

moment& moment::daemon_is_killed(killed when, double seconds) {
  return then([&s = s_, when, seconds] {
    s.around_.next_step = when;
    s.gone_for_ = fake::at(seconds) - instant{};
  });
}

moment& moment::daemon_is_stopped(double seconds) {
  return then([&s = s_, seconds] {
    if (s.daemon_) s.daemon_->ends_in_order();
    s.gone_for_ = fake::at(seconds) - instant{};
  });
}

}  // namespace unwedge::policies::fake

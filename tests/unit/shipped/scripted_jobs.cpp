// The block jobs of the scripted QEMU (qemu-facts section 3).
#include "../policies/world.hpp"
#include "scripted_qemu.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::fake {
namespace {

constexpr double disk_bytes = 268'435'456;
constexpr std::chrono::milliseconds time_to_conclude{30};

bool copies(const scripted_job& j) {
  return j.status == "running" || j.status == "paused";
}

bool is_ready(const scripted_job& j) {
  return j.status == "ready" || j.status == "standby";
}

}  // namespace

void scripted_qemu::mirror(const std::string& id, double seconds_to_ready) {
  const auto index = static_cast<int>(jobs_.contains(id) ? std::distance(jobs_.begin(), jobs_.find(id))
                                                         : static_cast<std::ptrdiff_t>(jobs_.size()));
  auto& j = jobs_[id] = {.id = id, .type = "mirror"};
  j.node = id == "m0" ? "tgt" : "tgt-" + id;
  j.peer = of_.unix_targets ? fmt::format("/run/nbd-{}.sock", id) : fmt::format("10.0.0.{}:10809", 7 + index);
  j.fd = nbd_fd + index;
  j.bytes_a_second = disk_bytes / seconds_to_ready;
  set_status(j, "created");
  set_status(j, "running");
}

void scripted_qemu::job(const std::string& id, const std::string& type, const std::string& status) {
  auto& j = jobs_[id];
  j.id = id;
  j.type = type;
  if (j.status.empty()) set_status(j, "created");
  if (status == "null") return leave(j);
  set_status(j, status);
}

void scripted_qemu::set_status(scripted_job& j, std::string status) {
  j.status = std::move(status);
  if (j.status == "concluded") j.ended_at = now_;
  happens("JOB_STATUS_CHANGE", {{"id", j.id}, {"status", j.status}});
}

/// Only what is in flight is owed: a READY mirror over an idle guest looks the same whether its target lives.
void scripted_qemu::target_dies(const std::string& job) {
  auto& j = jobs_.at(job);
  j.dead = true;
  if (copies(j) || (is_ready(j) && of_.writes && !guest_stands())) owe(j);
}

void scripted_qemu::target_falls_silent(const std::string& job) {
  jobs_.at(job).takes_bytes = true;
  target_dies(job);
}

void scripted_qemu::target_falls_silent_in_one_tick(const std::string& job) {
  jobs_.at(job).same_tick = true;
  target_falls_silent(job);
}

void scripted_qemu::target_flushes(const std::string& job) {
  jobs_.at(job).takes_bytes = jobs_.at(job).slow_flush = true;
}

void scripted_qemu::target_revives(const std::string& job) {
  auto& j = jobs_.at(job);
  j.dead = j.takes_bytes = j.slow_flush = false;
  j.owed_since.reset();
  if (!owes_anything() && hang_ != hang::destination) come_back();
}

void scripted_qemu::target_fails(const std::string& job) {
  lose_connection(jobs_.at(job));
}

void scripted_qemu::ends(const std::string& job) {
  if (!has(job)) return;
  target_revives(job);
  auto& j = jobs_.at(job);
  if (j.status == "concluded") return leave(j);
  if (alive_) give_up(j);
  if (j.listed) leave(j);
}

void scripted_qemu::vanishes(const std::string& job) {
  auto& j = jobs_.at(job);
  j.listed = j.whole = false;
  j.owed_since.reset();
  j.ended_at = now_;
}

void scripted_qemu::owe(scripted_job& j) {
  if (j.dead && !j.owed_since) j.owed_since = now_;
}

void scripted_qemu::owe_flush(scripted_job& j) {
  if ((j.dead || j.slow_flush) && !j.owed_since) j.owed_since = now_;
}

/// By a yank, or because its server closed it. What waits for an answer fails: after STOP the flush of
/// vm_stop and so the migration. A READY mirror that had nothing in flight has lost nothing, and stays READY.
void scripted_qemu::lose_connection(scripted_job& j) {
  flush_failed_ = flush_failed_ || j.owed_since;
  if (hang_ == hang::flush_after_stop && is_ready(j)) {
    j.cut = true;
    j.owed_since.reset();
  } else {
    fail(j, "Input/output error");
  }
  if (!owes_anything() && hang_ != hang::destination) come_back();
}

/// aborting, BLOCK_JOB_COMPLETED with the error, concluded, null.
void scripted_qemu::fail(scripted_job& j, const std::string& error) {
  const bool runs = copies(j) || is_ready(j);
  j.cut = true;
  j.owed_since.reset();
  if (!runs && j.status != "aborting") return;
  j.whole = false;
  j.error = error;
  j.concludes_at.reset();
  if (j.status != "aborting") set_status(j, "aborting");
  happens("BLOCK_JOB_COMPLETED", {{"type", j.type}, {"device", j.id}, {"error", error}});
  set_status(j, "concluded");
  if (of_.auto_dismiss) leave(j);
}

/// By force, or softly before it was READY: the copy is lost. What is in flight is waited for.
void scripted_qemu::give_up(scripted_job& j) {
  j.whole = false;
  j.concludes_at.reset();
  if (j.owed_since) return;  // the job stays as it is until somebody yanks
  set_status(j, "aborting");
  happens("BLOCK_JOB_CANCELLED", {{"type", j.type}, {"device", j.id}});
  set_status(j, "concluded");
  if (of_.auto_dismiss) leave(j);
}

/// waiting, pending, BLOCK_JOB_COMPLETED, concluded, null.
void scripted_qemu::conclude(scripted_job& j) {
  j.concludes_at.reset();
  j.whole = true;
  set_status(j, "waiting");
  set_status(j, "pending");
  happens("BLOCK_JOB_COMPLETED", {{"type", j.type}, {"device", j.id}});
  set_status(j, "concluded");
  if (of_.auto_dismiss) leave(j);
}

void scripted_qemu::leave(scripted_job& j) {
  set_status(j, "null");
  j.listed = false;
  if (j.type != "mirror") jobs_.erase(std::string(j.id));
}

void scripted_qemu::pass_job(scripted_job& j, double seconds) {
  if (j.dead && (copies(j) || j.concludes_at)) return owe(j);
  if (j.slow_flush && j.concludes_at) return owe_flush(j);
  const bool at_work = j.concludes_at || (of_.writes && !guest_stands());
  if (j.cut && is_ready(j) && at_work) return fail(j, "Input/output error");
  if (j.concludes_at && now_ >= *j.concludes_at) return conclude(j);
  if (j.type != "mirror" || j.status != "running") return;
  j.offset = std::min(j.offset + j.bytes_a_second * seconds, disk_bytes);
  if (j.offset < disk_bytes) return;
  if (j.slow_flush) return owe_flush(j);
  set_status(j, "ready");
  happens("BLOCK_JOB_READY", {{"type", j.type}, {"device", j.id}});
}

qmp_answer scripted_qemu::job_command(std::string_view command, const boost::json::object& arguments) {
  const auto* name = arguments.if_contains(command == "block-job-cancel" ? "device" : "id");
  const auto found = name != nullptr ? jobs_.find(std::string(name->as_string())) : jobs_.end();
  if (found == jobs_.end() || !found->second.listed) return {false, "DeviceNotActive"};
  auto& j = found->second;
  if (command == "job-dismiss") {
    if (j.status != "concluded") return {false, "job is not concluded"};
    leave(j);
    return {};
  }
  if (j.status == "concluded") return {false, "job has concluded"};
  const auto* force = arguments.if_contains("force");
  const bool soft = command == "block-job-cancel" && (force == nullptr || !force->as_bool());
  if (soft && is_ready(j))
    j.concludes_at = now_ + time_to_conclude;
  else
    give_up(j);
  return {};
}

scripted_job* scripted_qemu::job_of(const std::string& node) {
  const auto found =
      std::ranges::find_if(jobs_, [&](const auto& j) { return !node.empty() && j.second.node == node; });
  return found == jobs_.end() ? nullptr : &found->second;
}

bool scripted_qemu::matters(const scripted_job& j) const {
  return j.type == "mirror" && (!j.ended_at || *j.ended_at >= began_ - std::chrono::minutes(1));
}

bool scripted_qemu::owes_anything() const {
  return std::ranges::any_of(jobs_, [](const auto& j) { return j.second.owed_since.has_value(); });
}

}  // namespace unwedge::policies::fake

// What unwedge-rescue does to the scripted QEMU (docs/rescue.md).
#include "../policies/world.hpp"
#include "scripted_qemu.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies::fake {
namespace {

constexpr const char* failed_write = "Input/output error";

}  // namespace

bool scripted_qemu::on_unix_socket(const scripted_job& j) const {
  return j.peer.starts_with('/');
}

/// By a yank or a shutdown, with the BQL held by whoever waits.
void scripted_qemu::cut_off(scripted_job& j) {
  if (hang_ != hang::none && of_.cuts_in_vain > 0) {
    --of_.cuts_in_vain;
    return;
  }
  j.spins = false;
  if (hang_ == hang::drain_before_stop && j.owed_since &&
      (of_.aborts_at_a_yank || of_.release == release::qemu_5_2))
    return abort_process("job_set_aio_context: Assertion `job->paused || job_is_completed_locked(job)'");
  lose_connection(j);
}

std::string scripted_qemu::sever(const boost::json::object& connection) {
  last_sender_ = sender::unwedged;
  const auto fd = connection.at("fd").to_number<int>();
  const auto all = sockets();
  const auto found = std::ranges::find(all, fd, &socket_facts::fd);
  if (found == all.end() || found->inode != connection.at("inode").to_number<std::uint64_t>())
    return fmt::format("socket: descriptor {} is not that socket", fd);
  if (fd == stream_fd) {
    if (hang_ == hang::destination) come_back();
    return "";
  }
  auto& j = std::ranges::find(jobs_, fd, [](const auto& entry) { return entry.second.fd; })->second;
  if (hang_ == hang::drain_before_stop && j.owed_since)
    breaks_a_rule("sever", connection, "an iothread polls it, and there is no lease");
  cut_off(j);
  return "";
}

std::string scripted_qemu::against_lease(const boost::json::object& arguments) const {
  const bool drains =
      hang_ == hang::drain_before_stop || hang_ == hang::drain_after_stop || hang_ == hang::flush_after_stop;
  if (!drains) return "nested-poll: its stack is another";
  if (arguments.at("holder").to_number<pid_t>() != migration_tid) return "holder: it is another thread";
  if (arguments.at("mutexes").as_array().front().as_string() != fmt::format("{:#x}", bql))
    return "mutex: it is no mutex of the holder's";
  if (of_.release == release::qemu_5_2 && of_.iothread) return "nested-poll: bdrv_set_aio_context_ignore";
  return "";
}

/// With the BQL lent the main loop runs, and what fails fails in it.
std::string scripted_qemu::lease(const boost::json::object& arguments) {
  last_sender_ = sender::unwedged;
  if (auto why = against_lease(arguments); !why.empty()) return why;
  if (arguments.at("cancel_migration").as_bool()) {
    is_sent("migrate_cancel", {});
    cancel_migration();
  }
  cut_in_lease(arguments.at("cut").as_object());
  end_lease();
  return "";
}

void scripted_qemu::cut_in_lease(const boost::json::object& cut) {
  const auto ends = [&](scripted_job& j) {
    j.spins = false;
    flush_failed_ = flush_failed_ || hang_ != hang::drain_before_stop;
    fail(j, failed_write);
  };
  if (const auto* instances = cut.if_contains("yank")) {
    for (const auto& i : instances->as_array()) {
      if (i.at("type").as_string() == "migration") {
        stream_cut_ = migrates();
        continue;
      }
      auto* j = job_of(std::string(i.at("node-name").as_string()));
      if (j == nullptr) continue;
      if (on_unix_socket(*j))
        j->spins = true;
      else
        ends(*j);
    }
  }
  const auto* connections = cut.if_contains("sever");
  if (connections == nullptr) return;
  for (const auto& c : connections->as_array()) {
    const auto found = std::ranges::find(jobs_, c.at("fd").to_number<int>(),
                                         [](const auto& entry) { return entry.second.fd; });
    if (found != jobs_.end()) ends(found->second);
  }
}

/// And the guest goes on.
void scripted_qemu::give_disks_away_for_good() {
  abort_process("bdrv_co_write_req_prepare: Assertion `!(bs->open_flags & BDRV_O_INACTIVE)'");
}

/// The holder looks again at what it waited for.
void scripted_qemu::end_lease() {
  if (owes_anything()) return;
  if (status_ == "cancelling") {
    hang_ = hang::none;
    flush_failed_ = false;
    // Where it does not end at the pause: its disks are given away before it is looked at again.
    if (before_10() && !capabilities_.at("pause-before-switchover")) return give_disks_away_for_good();
    return end_migration("cancelled");
  }
  if (of_.goes_on_after_a_lease)
    flush_failed_ = false;
  else
    flush_failed_ = true;
  const bool after_stop = hang_ != hang::drain_before_stop;
  hang_ = hang::none;
  if (!after_stop) {
    run_state_ = "finish-migrate";
    happens("STOP");
  }
  after_vm_stop();
}

}  // namespace unwedge::policies::fake

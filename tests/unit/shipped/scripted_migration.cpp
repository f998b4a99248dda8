// The migration of the scripted QEMU: vm_stop before pre-switchover, and where it hangs (qemu-facts 2, 5, 8).
#include "scripted_qemu.hpp"

#include <algorithm>
#include <array>

namespace unwedge::policies::fake {
namespace {

constexpr double mib = 1'048'576;
constexpr std::chrono::milliseconds a_moment{20};
constexpr std::chrono::milliseconds until_it_aborts{100};
constexpr std::chrono::seconds postcopy_takes{5};

}  // namespace

bool scripted_qemu::migrates() const {
  constexpr std::array<std::string_view, 4> over{"none", "completed", "failed", "cancelled"};
  return std::ranges::find(over, status_) == over.end();
}

void scripted_qemu::set_migration(std::string status) {
  status_ = std::move(status);
  status_since_ = now_;
  if (capabilities_.at("events")) happens("MIGRATION", {{"status", status_}});
}

void scripted_qemu::begin_migration() {
  began_ = now_;
  guest_ran_ = run_state_ == "running";
  remaining_ = of_.ram_mib * mib;
  pass_seconds_ = transferred_ = 0;
  passes_ = 1;
  stream_cut_ = false;
  set_migration("setup");
}

void scripted_qemu::pass_migration(double seconds) {
  const auto since = now_ - status_since_;
  if (status_ == "setup" && since >= a_moment) return set_migration("active");
  if (status_ == "active" && !destination_frozen_) return send_memory(seconds);
  if (status_ == "device" && since >= a_moment) {
    if (stream_cut_) {
      // A channel that fails makes it failed, and then nobody takes the disks back.
      if (before_10() && capabilities_.at("multifd")) return give_disks_away_for_good();
      return end_migration("failed");
    }
    if (destination_frozen_)
      hang_ = hang::destination;
    else
      finish();
  }
  if (status_ == "cancelling" && since >= a_moment) {
    // 7.2 drains in its cleanup.
    if (before_10() && owes_anything())
      hang_ = hang::cancel_cleanup;
    else
      end_migration("cancelled");
  }
  if (status_ == "postcopy-active" && since >= postcopy_takes && !destination_frozen_) finish();
}

/// Pass after pass over the memory, until what remains fits into the downtime.
void scripted_qemu::send_memory(double seconds) {
  const auto rate = static_cast<double>(bandwidth_);
  transferred_ += std::min(rate * seconds, remaining_);
  remaining_ -= rate * seconds;
  pass_seconds_ += seconds;
  if (remaining_ > 0) return;
  remaining_ = std::min(of_.dirties_mib * pass_seconds_, of_.ram_mib) * mib;
  pass_seconds_ = 0;
  ++passes_;
  if (remaining_ <= rate * static_cast<double>(downtime_ms_) / 1'000) switch_over();
}

/// vm_stop, in the migration thread and with the BQL: first the devices leave their iothreads, then STOP,
/// then all is drained and flushed.
void scripted_qemu::switch_over() {
  if (of_.iothread && owes_anything() && guest_ran_) {
    hang_ = hang::drain_before_stop;
    return;
  }
  if (guest_ran_) {
    run_state_ = "finish-migrate";
    happens("STOP");
  }
  const bool drains = owes_anything();
  flush_failed_ = false;
  for (auto& [id, j] : jobs_) {
    if (!j.listed || j.status == "concluded") continue;
    if (j.cut) flush_failed_ = true;
    if (!j.cut) owe_flush(j);
  }
  if (owes_anything()) {
    hang_ = drains ? hang::drain_after_stop : hang::flush_after_stop;
    return;
  }
  after_vm_stop();
}

/// Of vm_stop the migration thread believes the result: over a flush that failed it goes no further.
void scripted_qemu::after_vm_stop() {
  if (std::exchange(flush_failed_, false)) return end_migration("failed");
  for (auto& [id, j] : jobs_) {
    if (!j.listed || j.type != "mirror") continue;
    if (j.status == "ready") {
      set_status(j, "standby");
      set_status(j, "ready");
    } else if (j.status == "running") {
      set_status(j, "paused");
      set_status(j, "running");
    }
  }
  set_migration(capabilities_.at("pause-before-switchover") ? "pre-switchover" : "device");
}

/// The destination is the VM from here on, with the disk as it was copied.
void scripted_qemu::finish() {
  bool busy = false;
  for (const auto& [id, j] : jobs_) {
    if (!matters(j)) continue;
    const bool ready = j.listed && (j.status == "ready" || j.status == "standby") && !j.dead && !j.cut;
    busy = busy || (j.listed && (j.status == "running" || j.status == "paused"));
    if (!ready && !j.whole) copy_broken_ = true;
  }
  set_migration("completed");
  run_state_ = "postmigrate";
  // bdrv_co_write_req_prepare: Assertion `!(bs->open_flags & BDRV_O_INACTIVE)' failed.
  if (busy && (of_.aborts_over_a_copy || before_10())) aborts_at_ = now_ + until_it_aborts;
}

void scripted_qemu::cancel_migration() {
  if (migrates() && status_ != "cancelling" && !status_.starts_with("postcopy")) set_migration("cancelling");
}

void scripted_qemu::end_migration(const std::string& status) {
  set_migration(status);
  resume_guest();
}

void scripted_qemu::resume_guest() {
  if (!guest_ran_ || run_state_ == "running") return;
  run_state_ = "running";
  happens("RESUME");
}

/// Nothing that it waited for is owed any more.
void scripted_qemu::come_back() {
  switch (std::exchange(hang_, hang::none)) {
    case hang::none:
    case hang::user_stop:
      break;
    case hang::drain_before_stop:
      // The mirror has failed and is out of the way: nothing is left to flush to (qemu-facts 5).
      flush_failed_ = false;
      run_state_ = "finish-migrate";
      happens("STOP");
      after_vm_stop();
      break;
    case hang::drain_after_stop:
    case hang::flush_after_stop:
      after_vm_stop();
      break;
    case hang::cancel_cleanup:
      end_migration("cancelled");
      break;
    case hang::destination:
      end_migration("failed");
      break;
  }
}

std::string scripted_qemu::fate() const {
  if (!alive_) return "aborts";
  if (!answers_in_band()) return "hangs";
  if (status_ == "completed") return copy_broken_ ? "completes over a broken copy" : "completes";
  return run_state_ == "running" && !migrates() ? "runs on the source"
                                                : run_state_ + ", migration " + status_;
}

}  // namespace unwedge::policies::fake

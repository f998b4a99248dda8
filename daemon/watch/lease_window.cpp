#include "daemon/watch/lease_window.hpp"

#include "daemon/watch/connection_cuts.hpp"
#include "qmp/printable.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// What is begun in the window must be over before the lock is taken back: with less than this nothing is.
constexpr auto margin = 300ms;

bool is_aborting(const policies::vm_model& vm, const std::string& job) {
  const auto found = vm.jobs.find(job);
  return found != vm.jobs.end() && found->second.status == "aborting";
}

bool has_concluded(const policies::vm_model& vm, const std::string& job) {
  const auto found = vm.jobs.find(job);
  return found == vm.jobs.end() || found->second.status == "concluded" || found->second.status == "null";
}

bool stands_still(const policies::vm_model& vm, const std::string& job) {
  const auto found = vm.jobs.find(job);
  return found != vm.jobs.end() && (found->second.status == "paused" || found->second.status == "standby");
}

void tell(const rescuing::lease_end& end, bool cut, act_outcome& out) {
  const auto us = std::chrono::duration<double, std::micro>(end.stopped).count();
  out.notes.push_back(fmt::format("The lock was lent for {} ms; its holder stood still for {:.0f} us.",
                                  end.lasted.count(), us));
  if (end.walks_graph && cut)
    out.notes.emplace_back(
        "The holder was on its way through the block graph while the job left it: QEMU may have a damaged "
        "heap now. Migrate the VM away soon (docs/rescue.md).");
  if (end.by == rescuing::ended_by::exit)
    out.result = "failed: QEMU ended in the window";
  else if (!end.returned)
    out.result = "failed: the holder has not got its locks back: " + end.sentence;
}

}  // namespace

asio::awaitable<act_outcome> lease_window::use() {
  const auto used = co_await cut();
  const auto ended =
      used == end::jobs_go_on ? co_await std::move(lease_).let_run_out() : co_await std::move(lease_).end();
  if (ended) {
    tell(*ended, used != end::nothing_cut, out_);
  } else {
    out_.result = "failed: " + in_words(ended.error());
    co_await over(ended.error().over_by);
  }
  co_return std::move(out_);
}

/// Nobody goes on while the lock may still be away.
asio::awaitable<void> lease_window::over(std::chrono::steady_clock::time_point at) {
  asio::steady_timer timer(n_.vm.shared.executor, at);
  co_await timer.async_wait(as_result);
}

milliseconds lease_window::usable() const {
  return std::chrono::duration_cast<milliseconds>(lease_.left()) - margin;
}

std::string lease_window::against_going_on() const {
  if (n_.vm.stopping) return "the daemon ends";
  if (of_ != n_.process.held) return "another VM is behind the monitor";
  if (usable() <= 0ms) return "the window is nearly over";
  return banned_();
}

/// From `aborting` on the main thread ends it in one go, with the BQL in its hands (QEMU's job_exit): the
/// holder has to wait for that. The less is done between that and its going on the better: one that walks the
/// block graph goes on over what the job has freed. One that was `aborting` before hangs on the way.
bool lease_window::is_at_its_end(const std::string& job) const {
  return has_concluded(n_.vm.model, job) ||
         (is_aborting(n_.vm.model, job) && !aborting_before_.contains(job));
}

/// A migration first: it must not complete over the copy that is cut off.
asio::awaitable<lease_window::end> lease_window::cut() {
  for (const auto& job : orders_.jobs)
    if (is_aborting(n_.vm.model, job)) aborting_before_.insert(job);
  if (auto why = against_going_on(); !why.empty()) {
    out_.result = "refused: " + why + "; nothing was cut";
    co_return end::nothing_cut;
  }
  if (auto why = co_await against_fence(); !why.empty()) {
    out_.result = "refused: " + why + " Nothing was cut.";
    co_return end::nothing_cut;
  }
  if (orders_.cancel_migration && !co_await cancel_migration()) co_return end::nothing_cut;
  if (auto why = against_going_on(); !why.empty()) {
    out_.result = "failed: " + why + "; nothing was cut";
    co_return end::nothing_cut;
  }
  const bool done = (orders_.cut.yank.empty() || co_await yank()) &&
                    (orders_.cut.sever.empty() || co_await sever_all()) && co_await jobs_end();
  co_return done ? end::jobs_end : end::jobs_go_on;
}

/// What was known of the migration when the VM hung may be its first look, and from before its settings.
asio::awaitable<std::string> lease_window::against_fence() {
  if (!n_.monitor.session()) co_return "";  // then none was planned that QEMU has to carry out
  const bool known =
      co_await asked(policies::query::migrate) && co_await asked(policies::query::migrate_capabilities);
  if (!known) co_return "What the migration does was not told.";
  co_return policies::against_fence(orders_.fence(), n_.vm.model);
}

asio::awaitable<bool> lease_window::asked(policies::query q) {
  const auto session = n_.monitor.session();
  if (!session || usable() <= 0ms) co_return false;
  const auto said = co_await qmp::execute(session, command_of(q), std::min(usable(), command_patience));
  if (said) policies::apply_reply(n_.vm.model, q, *said, std::chrono::steady_clock::now());
  co_return said.has_value();
}

asio::awaitable<bool> lease_window::cancel_migration() {
  const auto cancelled =
      (co_await n_.commands.send({.action = "migrate_cancel", .arguments = {}}, usable())).result;
  out_.notes.push_back("In the window, migrate_cancel: " + cancelled + '.');
  if (cancelled == "done") co_return true;
  out_.result = "failed: whether the migration was cancelled is not known; nothing was cut";
  co_return false;
}

asio::awaitable<bool> lease_window::yank() {
  policies::step yank{.action = "yank", .arguments = {{"instances", orders_.cut.yank}}};
  const auto within = std::min(usable(), command_patience);
  const auto yanked = (co_await n_.commands.send(std::move(yank), within)).result;
  out_.notes.push_back("In the window, yank: " + yanked + '.');
  if (yanked == "done") co_return true;
  out_.result = "failed: yank: " + yanked;
  co_return false;
}

asio::awaitable<bool> lease_window::sever_all() {
  if (auto why = against_going_on(); !why.empty()) {
    out_.result = "failed: " + why + "; no connection was severed";
    co_return false;
  }
  auto all = orders_.cut.sever;
  for (auto& each : all) each.of = of_;
  const auto severed = co_await sever(n_.vm.shared, std::move(all), usable());
  for (const auto& note : severed.notes) out_.notes.push_back("In the window, sever: " + note);
  if (severed.result == "done") co_return true;
  out_.result = "failed: sever: " + severed.result.substr(severed.result.find(": ") + 2);
  co_return false;
}

/// A job that only pauses stands still for the drain that the holder waits in. Where that is over it goes on,
/// comes to its end at last, and QEMU aborts if the guest's disk is moved back into its iothread before: so
/// it is cancelled, which ends it here and now.
asio::awaitable<void> lease_window::end_paused() {
  for (const auto& job : orders_.jobs) {
    if (!stands_still(n_.vm.model, job) || usable() <= 0ms || !cancelled_.insert(job).second) continue;
    policies::step cancel{.action = "job-cancel", .arguments = {{"id", job}}};
    const auto done = co_await n_.commands.send(std::move(cancel), std::min(usable(), command_patience));
    out_.notes.push_back(
        fmt::format("In the window, job {} only paused; job-cancel: {}.", qmp::printable(job), done.result));
  }
}

asio::awaitable<bool> lease_window::jobs_end() {
  asio::steady_timer pause(n_.vm.shared.executor);
  const auto done = [this](const std::string& job) { return is_at_its_end(job); };
  while (!orders_.jobs.empty() && lease_.lasts() && n_.monitor.session() && of_ == n_.process.held) {
    if (std::ranges::all_of(orders_.jobs, done)) co_return true;
    co_await end_paused();
    pause.expires_after(1ms);  // each counts where a walk is under way
    co_await pause.async_wait(as_result);
  }
  co_return false;
}

}  // namespace unwedge::watch

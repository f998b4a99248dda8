#include "daemon/watch/vm_rescue.hpp"

#include "daemon/rescuing/rescuer.hpp"
#include "qmp/commands.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// The look before a lease, its window, and until its holder has its locks again.
constexpr auto quiet_for = 60s;
/// What is begun in a window must be over before the lock is taken back: with less than this nothing is.
constexpr auto margin = 300ms;
/// The guest is started again, disks are flushed before that.
constexpr auto back_within = 5s;

milliseconds usable(const rescuing::lease& lease) {
  return std::chrono::duration_cast<milliseconds>(lease.left()) - margin;
}

bool has_concluded(const policies::vm_model& vm, const std::string& job) {
  const auto found = vm.jobs.find(job);
  return found == vm.jobs.end() || found->second.status == "concluded" || found->second.status == "null";
}

/// Its BQL is not where it was: for as long as it lives, also if what it is for throws.
class lent {
 public:
  lent(watched_vm& vm, vm_monitor& monitor) : vm_(vm), monitor_(monitor) { vm_.lent = true; }
  ~lent() {
    vm_.lent = false;
    vm_.lent_until = steady_clock::now();
    monitor_.want({});  // what was put off
  }
  lent(const lent&) = delete;
  lent& operator=(const lent&) = delete;

 private:
  watched_vm& vm_;
  vm_monitor& monitor_;
};

void tell_end(const rescuing::lease_end& end, vm_rescue::outcome& out) {
  const auto us = std::chrono::duration<double, std::micro>(end.stopped).count();
  out.notes.push_back(fmt::format("The lock was lent for {} ms; its holder stood still for {:.0f} us.",
                                  end.lasted.count(), us));
  if (end.walks_graph)
    out.notes.emplace_back(
        "The holder was on its way through the block graph while the job left it: QEMU may have a damaged "
        "heap now. Migrate the VM away soon (docs/rescue.md).");
}

/// Nothing was done, since it was another situation than a moment before: a fresh look may find the old one.
bool may_pass(const rescuing::failure& f) {
  constexpr std::array names{"undisturbed", "holder-polls", "wanted", "asked-for", "still-there"};
  return f.vm == rescuing::touched::no && std::ranges::find(names, f.precondition) != names.end();
}

vm_rescue::outcome failed(const rescuing::failure& f) {
  return {.result = (may_pass(f) ? "refused: " : "failed: ") + in_words(f),
          .touched = f.vm != rescuing::touched::no};
}

vm_rescue::outcome refused(std::string why) {
  return {.result = "refused: " + std::move(why)};
}

}  // namespace

std::string in_words(const rescuing::failure& f) {
  const auto what = f.precondition.empty() ? f.sentence : f.precondition + ": " + f.sentence;
  switch (f.vm) {
    case rescuing::touched::no:
      return what + "; nothing was done";
    case rescuing::touched::maybe:
      return what + "; whether anything was done is not known";
    case rescuing::touched::yes:
      break;
  }
  return what;
}

asio::awaitable<vm_rescue::outcome> vm_rescue::carry_out(policies::step s, ban banned) {
  if (n_.vm.shared.rescuer == nullptr) co_return outcome{"failed: this daemon rescues nobody"};
  const auto of = n_.process.held;
  if (!of || !n_.process.lives()) co_return refused("the process is not known, or has ended");
  if (auto orders = lease_orders_of(s)) co_return co_await lend(of, std::move(*orders), std::move(banned));
  if (auto all = connections_of(s)) co_return co_await sever_all(of, std::move(*all), std::move(banned));
  co_return outcome{"failed: the step cannot be read"};
}

/// All of them or none: what stands against one is looked for before the first is cut.
asio::awaitable<vm_rescue::outcome> vm_rescue::sever_all(vm_process::handle of, connections all, ban banned) {
  for (auto& each : all) each.of = of;
  for (const auto& each : all) {
    if (all.size() == 1) break;
    const auto plan = co_await n_.vm.shared.rescuer->plan_sever(n_.vm.shared.rescue_program(), each);
    if (!plan) co_return outcome{"failed: " + plan.error() + "; nothing was done"};
    if (!plan->would)
      co_return outcome{fmt::format("failed: {}: {}; nothing was done", plan->failed, plan->sentence)};
  }
  if (of != n_.process.held) co_return refused("another VM is behind the monitor");
  if (auto why = banned(); !why.empty()) co_return refused(std::move(why));
  co_return co_await sever(std::move(all), milliseconds::max());
}

asio::awaitable<vm_rescue::outcome> vm_rescue::sever(connections all, milliseconds within) {
  outcome out{"done"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto done = co_await n_.vm.shared.rescuer->sever(n_.vm.shared.rescue_program(), all[i], within);
    if (!done) {
      const auto earlier = i == 0 ? "" : fmt::format("{} of {} were cut, then: ", i, all.size());
      auto why = failed(done.error());
      if (i > 0) why.result = "failed: " + earlier + done.error().sentence;
      why.touched = why.touched || i > 0;
      why.notes = std::move(out.notes);
      co_return why;
    }
    out.touched = true;
    out.notes.push_back(fmt::format("Descriptor {}: {}.", all[i].fd, done->did));
  }
  co_return out;
}

rescuing::lease_request vm_rescue::request_of(const vm_process::handle& of,
                                              const lease_orders& orders) const {
  return {.of = of,
          .holder = orders.holder,
          .mutexes = orders.mutexes,
          .window = n_.vm.shared.settings->rescue.window};
}

asio::awaitable<vm_rescue::outcome> vm_rescue::lend(vm_process::handle of, lease_orders orders, ban banned) {
  const auto turn = co_await n_.stops.take_turn(quiet_for);
  if (!turn) co_return refused("its threads are being stopped already");
  if (of != n_.process.held) co_return refused("another VM is behind the monitor");
  std::optional<outcome> done;
  {
    const lent until_done(n_.vm, n_.monitor);
    auto& shared = n_.vm.shared;
    auto lease = co_await shared.rescuer->begin(shared.rescue_program(), request_of(of, orders));
    if (!lease) co_return co_await not_begun(std::move(lease.error()));
    lending l{.of = of, .orders = std::move(orders), .banned = std::move(banned), .lease = std::move(*lease)};
    l.out.touched = true;
    co_await use_and_end(l);
    done = std::move(l.out);
  }
  if (done->result == "done" && !co_await main_loop_answers(back_within))
    done->result = "failed: the main loop does not answer once the holder has its locks back";
  co_return std::move(*done);
}

/// One that may have begun all the same is over before anybody goes on.
asio::awaitable<vm_rescue::outcome> vm_rescue::not_begun(rescuing::failure why) {
  asio::steady_timer over(n_.vm.shared.executor, why.over_by);
  if (why.over_by > steady_clock::now()) co_await over.async_wait(as_result);
  co_return failed(why);
}

asio::awaitable<void> vm_rescue::use_and_end(lending& l) {
  const auto used = co_await use(l);
  const auto end = used == window::not_concluded ? co_await std::move(l.lease).let_run_out()
                                                 : co_await std::move(l.lease).end();
  if (!end) {
    const auto notes = std::move(l.out.notes);
    l.out = co_await not_begun(end.error());
    l.out.notes = notes;
    co_return;
  }
  tell_end(*end, l.out);
  if (end->by == rescuing::ended_by::exit)
    l.out.result = "failed: QEMU ended in the window";
  else if (!end->returned)
    l.out.result = "failed: the holder has not got its locks back: " + end->sentence;
}

std::string vm_rescue::against_going_on(const lending& l) const {
  if (n_.vm.stopping) return "the daemon ends";
  if (l.of != n_.process.held) return "another VM is behind the monitor";
  if (usable(l.lease) <= 0ms) return "the window is nearly over";
  return l.banned();
}

asio::awaitable<vm_rescue::window> vm_rescue::use(lending& l) {
  if (auto why = against_going_on(l); !why.empty()) {
    l.out.result = "refused: " + why + "; nothing was cut";
    co_return window::nothing_cut;
  }
  if (l.orders.cancel_migration && !co_await cancel_migration(l)) co_return window::nothing_cut;
  if (auto why = against_going_on(l); !why.empty()) {
    l.out.result = "failed: " + why + "; nothing was cut";
    co_return window::nothing_cut;
  }
  if (!co_await cut_off(l)) co_return window::not_concluded;
  co_return co_await concluded(l) ? window::concluded : window::not_concluded;
}

/// Before anything is cut: it must not complete over the copy.
asio::awaitable<bool> vm_rescue::cancel_migration(lending& l) {
  const auto cancelled =
      co_await n_.commands.send({.action = "migrate_cancel", .arguments = {}}, usable(l.lease));
  l.out.notes.push_back("In the window, migrate_cancel: " + cancelled + '.');
  if (cancelled == "done") co_return true;
  l.out.result = "failed: whether the migration was cancelled is not known; nothing was cut";
  co_return false;
}

/// The yank first: with the copies that are severed it may have the migration.
asio::awaitable<bool> vm_rescue::cut_off(lending& l) {
  const auto& how = l.orders.cut;
  if (!how.yank.empty()) {
    const auto yanked = co_await n_.commands.send({.action = "yank", .arguments = {{"instances", how.yank}}},
                                                  std::min(usable(l.lease), command_patience));
    l.out.notes.push_back("In the window, yank: " + yanked + '.');
    if (yanked != "done") {
      l.out.result = "failed: yank: " + yanked;
      co_return false;
    }
  }
  if (how.sever.empty()) co_return true;
  auto all = how.sever;
  for (auto& each : all) each.of = l.of;
  if (auto why = against_going_on(l); !why.empty()) {
    l.out.result = "failed: " + why + "; no connection was severed";
    co_return false;
  }
  auto severed = co_await sever(std::move(all), usable(l.lease));
  for (auto& note : severed.notes) l.out.notes.push_back("In the window, sever: " + note);
  if (severed.result == "done") co_return true;
  l.out.result = "failed: sever: " + severed.result.substr(severed.result.find(": ") + 2);
  co_return false;
}

/// A job that only pauses stands still for the drain that the holder waits in: the window has to run out.
asio::awaitable<bool> vm_rescue::concluded(const lending& l) {
  asio::steady_timer pause(n_.vm.shared.executor);
  const auto done = [&](const std::string& job) { return has_concluded(n_.vm.model, job); };
  while (!l.orders.jobs.empty() && l.lease.lasts() && n_.monitor.session() && l.of == n_.process.held) {
    if (std::ranges::all_of(l.orders.jobs, done)) co_return true;
    pause.expires_after(5ms);
    co_await pause.async_wait(as_result);
  }
  co_return false;
}

asio::awaitable<bool> vm_rescue::main_loop_answers(milliseconds within) {
  const auto session = n_.monitor.session();
  if (!session || n_.vm.stopping) co_return true;
  co_return (co_await qmp::execute(session, qmp::query_status(), within)).has_value();
}

asio::awaitable<vm_rescue::plan_result> vm_rescue::plan(policies::step s) {
  if (n_.vm.shared.rescuer == nullptr) co_return std::unexpected("this daemon rescues nobody");
  const auto of = n_.process.held;
  if (!of) co_return std::unexpected("the process is not known");
  auto& rescuer = *n_.vm.shared.rescuer;
  const auto program = n_.vm.shared.rescue_program();
  std::vector<rescuing::plan> plans;
  connections cuts;
  if (const auto orders = lease_orders_of(s)) {
    auto plan = co_await rescuer.plan_lease(program, request_of(of, *orders));
    if (!plan) co_return std::unexpected(plan.error());
    plans.push_back(std::move(*plan));
    cuts = orders->cut.sever;
  } else if (auto all = connections_of(s)) {
    cuts = std::move(*all);
  }
  for (auto& each : cuts) {
    each.of = of;
    auto plan = co_await rescuer.plan_sever(program, each);
    if (!plan) co_return std::unexpected(plan.error());
    plans.push_back(std::move(*plan));
  }
  co_return plans;
}

}  // namespace unwedge::watch

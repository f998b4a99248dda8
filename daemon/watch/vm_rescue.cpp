#include "daemon/watch/vm_rescue.hpp"

#include "daemon/rescuing/rescuer.hpp"
#include "qmp/commands.hpp"
#include "qmp/printable.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// The look before a lease, its window, and until its holder has its locks again.
constexpr auto quiet_for = 60s;

double microseconds(std::chrono::nanoseconds t) {
  return std::chrono::duration<double, std::micro>(t).count();
}

bool has_concluded(const policies::vm_model& vm, const std::string& job) {
  const auto found = vm.jobs.find(job);
  return found == vm.jobs.end() || found->second.status == "concluded" || found->second.status == "null";
}

/// Its BQL is not where it was: for as long as it lives, also if what it is for throws.
class lent {
 public:
  explicit lent(watched_vm& vm) : vm_(vm) { vm_.lent = true; }
  ~lent() { vm_.lent = false; }
  lent(const lent&) = delete;
  lent& operator=(const lent&) = delete;

 private:
  watched_vm& vm_;
};

void tell_end(const rescuing::lease_end& end, vm_rescue::outcome& out) {
  out.notes.push_back(fmt::format("The lock was lent for {} ms; its holder stood still for {:.0f} us.",
                                  end.lasted.count(), microseconds(end.stopped)));
  if (end.walks_graph)
    out.notes.emplace_back(
        "The holder was on its way through the block graph while the job left it: QEMU may have a damaged "
        "heap now. Migrate the VM away soon (docs/rescue.md).");
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

asio::awaitable<vm_rescue::outcome> vm_rescue::carry_out(policies::step s) {
  if (n_.vm.shared.rescuer == nullptr) co_return outcome{"failed: this daemon rescues nobody", {}};
  if (auto orders = lease_orders_of(s)) co_return co_await lend(std::move(*orders));
  if (auto connections = connections_of(s)) co_return co_await sever(std::move(*connections));
  co_return outcome{"failed: the step cannot be read", {}};
}

/// All of them or none: what stands against one is looked for before the first is cut.
asio::awaitable<vm_rescue::outcome> vm_rescue::sever(std::vector<rescuing::sever_request> all) {
  auto& rescuer = *n_.vm.shared.rescuer;
  const auto program = n_.vm.shared.rescue_program();
  outcome out{"done", {}};
  for (auto& each : all) {
    each.of = n_.process.held;
    if (all.size() == 1) break;
    const auto plan = co_await rescuer.plan_sever(program, each);
    if (!plan || !plan->would) {
      out.result = "failed: " + (plan ? plan->failed + ": " + plan->sentence : plan.error());
      co_return out;
    }
  }
  for (const auto& each : all) {
    const auto done = co_await rescuer.sever(program, each);
    if (!done) {
      out.result = "failed: " + in_words(done.error());
      co_return out;
    }
    out.notes.push_back(fmt::format("Descriptor {}: {}", each.fd, done->did));
  }
  co_return out;
}

rescuing::lease_request vm_rescue::request_of(const lease_orders& orders) const {
  return {.of = n_.process.held,
          .holder = orders.holder,
          .mutexes = orders.mutexes,
          .window = n_.vm.shared.settings->rescue.window};
}

asio::awaitable<vm_rescue::outcome> vm_rescue::lend(lease_orders orders) {
  outcome out{"done", {}};
  const auto turn = co_await n_.stops.take_turn(quiet_for);
  if (!turn) co_return outcome{"failed: its threads are being stopped already", {}};
  const lent until_done(n_.vm);
  auto& shared = n_.vm.shared;
  auto lease = co_await shared.rescuer->begin(shared.rescue_program(), request_of(orders));
  if (!lease) {
    out.result = "failed: " + in_words(lease.error());
    co_return out;
  }
  const auto used = co_await use(orders, *lease, out);
  const auto end = used == window::not_concluded ? co_await std::move(*lease).let_run_out()
                                                 : co_await std::move(*lease).end();
  if (!end) {
    out.result = "failed: " + in_words(end.error());
    co_return out;
  }
  tell_end(*end, out);
  if (end->by == rescuing::ended_by::exit)
    out.result = "failed: QEMU ended in the window";
  else if (!end->returned)
    out.result = "failed: the holder has not got its locks back: " + end->sentence;
  else if (used != window::nothing_cut && !co_await answers())
    out.result = "failed: the main loop does not answer once the holder has its locks back";
  co_return out;
}

/// A migration first: it must not complete over the copy that is cut off.
asio::awaitable<vm_rescue::window> vm_rescue::use(const lease_orders& orders, const rescuing::lease& lease,
                                                  outcome& out) {
  if (orders.cancel_migration) {
    const auto cancelled = co_await n_.commands.send({.action = "migrate_cancel", .arguments = {}});
    out.notes.push_back("In the window, migrate_cancel: " + cancelled + '.');
    if (cancelled != "done") {
      out.result = "failed: the migration could not be cancelled; nothing was cut";
      co_return window::nothing_cut;
    }
  }
  if (!lease.lasts()) {
    out.result = "failed: the lease was over before anything was cut";
    co_return window::nothing_cut;
  }
  const auto done = co_await cut_off(orders.cut);
  out.notes.push_back(
      fmt::format("In the window, {}: {}.", orders.cut.yank.empty() ? "sever" : "yank", done));
  if (done != "done") out.result = "failed: the copy could not be cut off: " + done;
  co_return co_await concluded(orders, lease) ? window::concluded : window::not_concluded;
}

asio::awaitable<std::string> vm_rescue::cut_off(const watch::cut& how) {
  if (!how.yank.empty())
    co_return co_await n_.commands.send({.action = "yank", .arguments = {{"instances", how.yank}}});
  const auto done = co_await sever(how.sever);
  co_return done.result;
}

/// A job that only pauses stands still for the drain that the holder waits in: the window has to run out.
asio::awaitable<bool> vm_rescue::concluded(const lease_orders& orders, const rescuing::lease& lease) {
  asio::steady_timer pause(n_.vm.shared.executor);
  const auto done = [&](const std::string& job) { return has_concluded(n_.vm.model, job); };
  while (!orders.jobs.empty() && lease.lasts() && n_.monitor.session()) {
    if (std::ranges::all_of(orders.jobs, done)) co_return true;
    pause.expires_after(5ms);
    co_await pause.async_wait(as_result);
  }
  co_return false;
}

/// Without a monitor nobody can be asked; the next samples tell.
asio::awaitable<bool> vm_rescue::answers() {
  const auto session = n_.monitor.session();
  if (!session || n_.vm.stopping) co_return true;
  co_return (co_await qmp::execute(session, qmp::query_status(), command_patience)).has_value();
}

asio::awaitable<vm_rescue::plan_result> vm_rescue::plan(policies::step s) {
  if (n_.vm.shared.rescuer == nullptr) co_return std::unexpected("this daemon rescues nobody");
  auto& rescuer = *n_.vm.shared.rescuer;
  const auto program = n_.vm.shared.rescue_program();
  std::vector<rescuing::plan> plans;
  std::vector<rescuing::sever_request> cuts;
  if (const auto orders = lease_orders_of(s)) {
    auto plan = co_await rescuer.plan_lease(program, request_of(*orders));
    if (!plan) co_return std::unexpected(plan.error());
    plans.push_back(std::move(*plan));
    cuts = orders->cut.sever;
  } else if (auto connections = connections_of(s)) {
    cuts = std::move(*connections);
  }
  for (auto& each : cuts) {
    each.of = n_.process.held;
    auto plan = co_await rescuer.plan_sever(program, each);
    if (!plan) co_return std::unexpected(plan.error());
    plans.push_back(std::move(*plan));
  }
  co_return plans;
}

}  // namespace unwedge::watch

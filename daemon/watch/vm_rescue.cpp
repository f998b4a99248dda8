#include "daemon/watch/vm_rescue.hpp"

#include "daemon/watch/lease_window.hpp"
#include "qmp/commands.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// The look before a lease, its window, and until its holder has its locks again.
constexpr auto quiet_for = 60s;
/// The guest is started again, disks are flushed before that.
constexpr auto back_within = 5s;

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

}  // namespace

asio::awaitable<act_outcome> vm_rescue::carry_out(policies::step s, ban banned) {
  if (n_.vm.shared.rescuer == nullptr) co_return act_outcome{"failed: this daemon rescues nobody"};
  const auto of = n_.process.held;
  if (!of || !n_.process.lives()) co_return refused("the process is not known, or has ended");
  if (auto orders = lease_orders_of(s)) co_return co_await lend(of, std::move(*orders), std::move(banned));
  if (auto all = connections_of(s)) co_return co_await sever_all(of, std::move(*all), std::move(banned));
  co_return act_outcome{"failed: the step cannot be read"};
}

/// All of them or none: what stands against one is looked for before the first is cut.
asio::awaitable<act_outcome> vm_rescue::sever_all(vm_process::handle of, connections all, ban banned) {
  auto& shared = n_.vm.shared;
  for (auto& each : all) each.of = of;
  if (all.size() > 1) {
    const auto why = co_await against_severing(shared, all);
    if (!why.empty()) co_return act_outcome{"failed: " + why + "; nothing was done"};
  }
  if (of != n_.process.held) co_return refused("another VM is behind the monitor");
  if (auto why = banned(); !why.empty()) co_return refused(std::move(why));
  co_return co_await sever(shared, std::move(all), milliseconds::max());
}

rescuing::lease_request vm_rescue::request_of(const vm_process::handle& of,
                                              const lease_orders& orders) const {
  return {.of = of,
          .holder = orders.holder,
          .mutexes = orders.mutexes,
          .window = n_.vm.shared.settings->rescue.window,
          .frees_graph = orders.frees_graph};
}

asio::awaitable<act_outcome> vm_rescue::lend(vm_process::handle of, lease_orders orders, ban banned) {
  const auto turn = co_await n_.stops.take_turn(quiet_for);
  if (!turn) co_return refused("its threads are being stopped already");
  if (of != n_.process.held) co_return refused("another VM is behind the monitor");
  auto done = co_await lend_in_turn(std::move(of), std::move(orders), std::move(banned));
  if (done.result == "done" && !co_await main_loop_answers(back_within))
    done.result = "failed: the main loop does not answer once the holder has its locks back";
  co_return done;
}

asio::awaitable<act_outcome> vm_rescue::lend_in_turn(vm_process::handle of, lease_orders orders, ban banned) {
  const lent until_done(n_.vm, n_.monitor);
  auto& shared = n_.vm.shared;
  auto lease = co_await shared.rescuer->begin(shared.rescue_program(), request_of(of, orders));
  if (lease) {
    lease_window window({n_.vm, n_.process, n_.monitor, n_.commands}, std::move(of), std::move(orders),
                        std::move(banned), std::move(*lease));
    co_return co_await window.use();
  }
  // One that may have begun all the same is over before anybody goes on.
  asio::steady_timer over(shared.executor, lease.error().over_by);
  if (lease.error().over_by > steady_clock::now()) co_await over.async_wait(as_result);
  co_return failed(lease.error());
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

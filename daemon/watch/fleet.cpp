#include "daemon/watch/fleet.hpp"

#include "qmp/printable.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace unwedge::watch {
namespace {

/// How long a VM that has ended stays in `unwedgectl list`, if its socket does not come back.
constexpr std::chrono::minutes remembered{10};

}  // namespace

fleet::fleet(services& shared) : shared_(shared), sweep_(shared.executor) {
  shared_.tasks.spawn(shared_.clock.run(), "clock");
  shared_.tasks.spawn(sweep(), "forgetting ended VMs");
}

fleet::~fleet() = default;

bool fleet::full() const {
  if (watchers_.size() < shared_.settings->max_vms) return false;
  spdlog::warn("{} VMs are watched already ([limits] vms); one more is left out", watchers_.size());
  return true;
}

void fleet::start(const std::shared_ptr<vm_watcher>& w) {
  w->rename(watchers_.free_name(w->name(), *w));
  watchers_.insert(w);
  w->begin();
}

void fleet::add(endpoint where) {
  removed_.erase(where.path);
  const auto known =
      std::ranges::find_if(watchers_, [&](const auto& w) { return w->where().path == where.path; });
  if (stopping_ || known != watchers_.end() || full()) return;
  const auto w = std::make_shared<vm_watcher>(shared_, std::move(where), static_cast<watcher_owner&>(*this));
  shared_.hub.publish("discovered", w->name(), w->where().path);
  start(w);
  shared_.tasks.spawn(w->keep_connected(), w->name() + ": session");
}

void fleet::add(evidence::qemu_process q) {
  const auto known =
      std::ranges::any_of(watchers_, [&](const auto& w) { return same_process(w->process(), &q.held); });
  if (stopping_ || known || full()) return;
  const auto w =
      std::make_shared<vm_watcher>(shared_, endpoint{.path = "", .fixed_name = q.name, .no_monitor = true},
                                   static_cast<watcher_owner&>(*this));
  w->watch_process(std::move(q.held), std::move(q.uuid));
  start(w);
  spdlog::info("{}: QEMU process {} has no monitor of ours; it is watched as a process", w->name(),
               w->process()->pid());
  shared_.hub.publish("discovered", w->name(), fmt::format("process {}", w->process()->pid()));
  take_up_incidents(*w);
}

/// The VM's own monitor tells more than its process does. The name is free for it at once.
void fleet::hand_over_to(const vm_watcher& claims) {
  const auto found = std::ranges::find_if(watchers_, [&](const auto& w) {
    return w.get() != &claims && w->where().no_monitor && same_process(w->process(), claims.process());
  });
  if (found == watchers_.end()) return;
  const auto old = *found;
  watchers_.erase(old);
  old->hand_over();
}

void fleet::remove(const std::string& path) {
  removed_.insert(path);
}

void fleet::adopt(qmp::socket connection) {
  if (stopping_) return;
  auto peer = evidence::process::peer_of(connection.native_handle());
  for (const auto& w : watchers_) {
    if (peer && w->where().path.empty() && !w->connected() && same_process(w->process(), &*peer)) {
      shared_.tasks.spawn(w->serve(std::move(connection)), w->name() + ": session");
      return;
    }
  }
  if (full()) return;
  const auto w = std::make_shared<vm_watcher>(shared_, endpoint{}, static_cast<watcher_owner&>(*this));
  start(w);
  shared_.tasks.spawn(serve_dial_in(w, std::move(connection)), w->name() + ": session");
}

/// A dial-in of a process that is no QEMU, or that never becomes a session, leaves no VM behind.
asio::awaitable<void> fleet::serve_dial_in(std::shared_ptr<vm_watcher> w, qmp::socket connection) {
  co_await w->serve(std::move(connection));
  if (w->process() != nullptr) co_return;
  w->stop();
  watchers_.erase(w);
}

void fleet::expect(std::vector<policies::incident> open) {
  expected_ = std::move(open);
}

bool fleet::claim(const vm_watcher& candidate) {
  hand_over_to(candidate);
  for (const auto& w : watchers_) {
    if (w.get() == &candidate) {
      take_up_incidents(*w);
      continue;
    }
    if (w->connected() && same_process(w->process(), candidate.process())) {
      spdlog::info("{}: pid {} is watched already as {}", candidate.name(), candidate.process()->pid(),
                   w->name());
      return false;
    }
  }
  return true;
}

void fleet::take_up_incidents(vm_watcher& w) {
  if (w.process() == nullptr) return;
  const auto rest = std::partition(expected_.begin(), expected_.end(), [&](const policies::incident& i) {
    return i.pid != w.process()->pid() || i.started != w.process()->start_time();
  });
  for (auto i = rest; i != expected_.end(); ++i) w.take_up(*i);
  expected_.erase(rest, expected_.end());
}

void fleet::named(vm_watcher& w) {
  const auto wanted = qmp::printable(w.model().guest_name);
  for (const auto& old : watchers_) {  // one that has ended gives its name back: authority goes by name
    if (old.get() != &w && old->name() == wanted && old->state() == vm_state::gone &&
        old->where().path.empty()) {
      old->rename(watchers_.free_name(wanted + " (ended)", *old));
    }
  }
  const auto name = watchers_.free_name(wanted, w);
  if (name == w.name()) return;
  spdlog::info("{}: is called {}", w.name(), name);
  w.rename(name);
}

asio::awaitable<void> fleet::sweep() {
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::shared_ptr<vm_watcher>> over;
    for (const auto& w : watchers_) {
      const bool unreachable = w->where().path.empty() || removed_.contains(w->where().path);
      const bool ended =
          w->state() == vm_state::gone ? now - w->state_since() > remembered : w->process() == nullptr;
      if (unreachable && ended && !w->connected()) over.push_back(w);
    }
    for (const auto& w : over) {
      w->stop();
      watchers_.erase(w);
    }
    sweep_.expires_after(std::chrono::seconds(5));
    co_await sweep_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<void> fleet::stop() {
  stopping_ = true;
  sweep_.cancel();
  shared_.clock.stop();
  task_group backwards(shared_.executor);
  for (const auto& w : watchers_) backwards.spawn(w->take_back(), w->name() + ": taking back");
  co_await backwards.join();
  for (const auto& w : watchers_) w->stop();
  co_await shared_.tasks.join();
  watchers_.clear();
}

}  // namespace unwedge::watch

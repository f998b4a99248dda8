#include "daemon/unwedged/unfinished_incidents.hpp"

#include "daemon/evidence/process.hpp"

#include <spdlog/spdlog.h>

namespace unwedge {
namespace {

/// Its process ended while no daemon watched it.
void close_ended(incidents::store& s, const policies::incident& i) {
  const auto now = std::chrono::system_clock::now();
  auto log = s.reopen(i.id);
  if (!log) return spdlog::warn("incident {}: {}", i.id, log.error());
  auto done = log->note("The process ended while no daemon watched it.", now);
  if (done) done = log->close("failed", now);
  if (!done) spdlog::warn("incident {}: {}", i.id, done.error());
}

}  // namespace

boost::asio::awaitable<std::vector<policies::incident>> unfinished_incidents(watch::store_worker& store) {
  using found = std::vector<policies::incident>;
  co_return co_await store.run<found>([](incidents::store& s) -> found {
    auto all = s.open_incidents();
    if (!all) {
      spdlog::warn("incidents: {}", all.error());
      return {};
    }
    found still;
    for (auto& i : *all) {
      const auto process = evidence::process::open(i.pid);
      if (process && process->start_time() == i.started) {
        still.push_back(std::move(i));
        continue;
      }
      close_ended(s, i);
    }
    return still;
  });
}

}  // namespace unwedge

#include "daemon/watch/incident_stacks.hpp"

#include "daemon/inspection/stacks_json.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace unwedge::watch {
namespace {

/// One whose stacks say something: it waits, and not for us or the host.
bool hangs(const policies::verdict& v) {
  return is_hang(v.kind) || v.kind == policies::verdict_kind::storage_wait;
}

std::string in_words(const policies::process_stacks& s) {
  const auto ms = [](std::chrono::microseconds t) { return static_cast<double>(t.count()) / 1e3; };
  const auto known = std::ranges::count_if(s.threads, [](const auto& t) { return !t.frames.empty(); });
  return fmt::format("Stacks of {} threads taken within {:.1f} ms; all stops added up: {:.1f} ms.", known,
                     ms(s.took), ms(s.stopped));
}

}  // namespace

void incident_stacks::begin() {
  const auto& shared = n_.vm.shared;
  const auto& verdict = n_.stall.verdict();
  const bool may = shared.inspector != nullptr && shared.settings->inspect.stacks_on_verdict;
  if (!may || !n_.process.lives() || n_.process.inspecting || !verdict || !hangs(*verdict)) return;
  if (std::chrono::steady_clock::now() < not_before_) return;
  const auto run = n_.incidents.ask_for_stacks();
  if (run.empty()) return;
  n_.process.inspecting = true;
  n_.vm.driver.spawn(record(run, *n_.incidents.of(run)), "stacks");
}

asio::awaitable<void> incident_stacks::record(std::string run, incident_recorder to) {
  const auto of = n_.process.held;
  const auto stacks = co_await n_.stops.take_stacks();
  const auto* open = n_.incidents.of(run);
  const bool still_open = of == n_.process.held && open != nullptr && open->id() == to.id();
  arrived(std::move(to), stacks, still_open);
}

void incident_stacks::arrived(incident_recorder to, const process_stops::stacks_result& stacks,
                              bool still_open) {
  const auto text = stacks ? in_words(*stacks) : "No stacks: " + stacks.error() + '.';
  if (stacks) to.attach("stacks.json", boost::json::serialize(inspection::to_json(*stacks)));
  if (still_open) to.note(text);
  spdlog::info("{}: {}", n_.vm.name, text);
  if (stacks && still_open) match_signatures(to, *stacks);
}

void incident_stacks::match_signatures(incident_recorder& to, const policies::process_stacks& stacks) {
  const auto& verdict = n_.stall.verdict();
  if (!verdict) return;
  const auto found =
      policies::matches(*n_.vm.shared.signatures, stacks, policies::context_of(n_.vm.model, &*verdict));
  n_.incidents.set_signatures(found);
  to.verdict(n_.incidents.verdict_json(*verdict));
  for (const auto& m : found) {
    const auto text = fmt::format("A known hang: {} ({}). What helps: {}", m.title, m.name, m.helps);
    to.note(text);
    n_.vm.shared.hub.publish("note", n_.vm.name, text);
    spdlog::warn("{}: {}", n_.vm.name, text);
  }
}

}  // namespace unwedge::watch

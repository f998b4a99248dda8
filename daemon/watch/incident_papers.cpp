#include "daemon/watch/incident_papers.hpp"

#include "daemon/incident/timestamp.hpp"
#include "daemon/incident/utf8.hpp"
#include "daemon/watch/host_paper.hpp"
#include "daemon/watch/papers.hpp"
#include "daemon/watch/policy_json.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace unwedge::watch {
namespace {

std::chrono::system_clock::time_point wall_now() {
  return std::chrono::system_clock::now();
}

asio::awaitable<boost::json::object> host_and_process(vm_process::handle process) {
  auto o = host_facts_json();
  if (process) o["process"] = process_json(process->exe(), evidence::read_command_line(*process));
  co_return o;
}

}  // namespace

std::uint64_t incident_papers::first_messages(incident_recorder& of) {
  auto& history = monitor_.history();
  if (!history.empty()) of.attach("qmp-history.json", history_json(history, wall_now()));
  return history.left_out();
}

/// The history of the beginning is replaced only by one that has all of it.
void incident_papers::last_messages(incident_recorder& of, std::optional<std::uint64_t> left_out) {
  auto& history = monitor_.history();
  if (history.empty()) return;
  const bool has_all = left_out == history.left_out();
  of.attach(has_all ? "qmp-history.json" : "qmp-history-at-close.json", history_json(history, wall_now()));
}

void incident_papers::host(const incident_recorder& of, const std::string& policy) {
  const auto& shared = vm_.shared;
  boost::json::object known{{"taken", incidents::to_rfc3339(wall_now())},
                            {"vm", incidents::repaired_utf8(vm_.name)},
                            {"authority", to_string(vm_.allowed())},
                            {"dry_run", shared.settings->dry_run},
                            {"host_starved", shared.host_starved}};
  if (shared.own_lateness)
    known["own_lateness_ms"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(shared.own_lateness()).count();
  const auto& version = vm_.model.monitor.version;
  if (version != qmp::version{}) known["qemu_version"] = to_string(version);
  const auto& all = *shared.policies;
  const auto by = std::ranges::find(all, policy, &policies::policy::name);
  if (by != all.end()) known["policy"] = to_json(*by);
  vm_.driver.spawn(take_host(of, std::move(known)), "state of the host");
}

asio::awaitable<void> incident_papers::take_host(incident_recorder to, boost::json::object known) {
  auto facts =
      co_await asio::co_spawn(vm_.shared.evidence_pool, host_and_process(process_.held), uncancelled());
  for (auto& [key, value] : facts) known[key] = std::move(value);
  to.attach("host.json", boost::json::serialize(known));
}

}  // namespace unwedge::watch

// The part of a watcher that keeps what was said on the monitor.
#include "daemon/incident/timestamp.hpp"
#include "daemon/incident/utf8.hpp"
#include "daemon/watch/host_paper.hpp"
#include "daemon/watch/papers.hpp"
#include "daemon/watch/views.hpp"
#include "daemon/watch/vm_watcher.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace unwedge::watch {
namespace {

std::chrono::system_clock::time_point wall_now() {
  return std::chrono::system_clock::now();
}

asio::awaitable<boost::json::object> host_and_process(std::shared_ptr<const evidence::process> process) {
  auto o = host_facts_json();
  if (process) o["process"] = process_json(process->exe(), evidence::read_command_line(*process));
  co_return o;
}

}  // namespace

void vm_watcher::on_sent(qmp::command_id id, const qmp::command& c) {
  history_.sent(wall_now(), id, c);
}

void vm_watcher::on_received(std::string_view raw, std::optional<qmp::command_id> answers) {
  history_.received(wall_now(), raw, answers);
}

void vm_watcher::attach_first_messages(open_record& record) {
  if (!history_.empty()) record.recorder.attach("qmp-history.json", history_json(history_, wall_now()));
  record.history_left_out = history_.left_out();
}

/// The history of the beginning is replaced only by one that has all of it.
void vm_watcher::attach_last_messages(open_record& record) {
  if (history_.empty()) return;
  const bool has_all = record.history_left_out == history_.left_out();
  record.recorder.attach(has_all ? "qmp-history.json" : "qmp-history-at-close.json",
                         history_json(history_, wall_now()));
}

/// host.json: what is known here, at once; the rest on a worker thread, and beside the journal a moment
/// later.
void vm_watcher::attach_host(const open_record& record, const std::string& policy) {
  boost::json::object known{{"taken", incidents::to_rfc3339(wall_now())},
                            {"vm", incidents::repaired_utf8(name_)},
                            {"authority", to_string(allowed())},
                            {"dry_run", shared_.settings->dry_run},
                            {"host_starved", shared_.host_starved}};
  if (shared_.own_lateness)
    known["own_lateness_ms"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(shared_.own_lateness()).count();
  if (vm_.monitor.version != qmp::version{}) known["qemu_version"] = to_string(vm_.monitor.version);
  const auto& all = *shared_.policies;
  const auto by = std::ranges::find(all, policy, &policies::policy::name);
  if (by != all.end()) known["policy"] = to_json(*by);
  shared_.tasks.spawn(take_host_paper(record.recorder, std::move(known)), name_ + ": state of the host");
}

asio::awaitable<void> vm_watcher::take_host_paper(incident_recorder to, boost::json::object known) {
  const auto self = shared_from_this();
  auto facts = co_await asio::co_spawn(shared_.evidence_pool, host_and_process(process_), uncancelled());
  for (auto& [key, value] : facts) known[key] = std::move(value);
  to.attach("host.json", boost::json::serialize(known));
}

}  // namespace unwedge::watch

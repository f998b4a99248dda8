// The part of a watcher that keeps what was said on the monitor.
#include "daemon/watch/papers.hpp"
#include "daemon/watch/vm_watcher.hpp"

namespace unwedge::watch {
namespace {

std::chrono::system_clock::time_point wall_now() {
  return std::chrono::system_clock::now();
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

}  // namespace unwedge::watch

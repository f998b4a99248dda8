#include "daemon/watch/stop_traces.hpp"

#include "policies/wait_chain.hpp"

#include <algorithm>

namespace unwedge::watch {
namespace {

/// Into the stop, and out of it: measured, and never another number.
constexpr std::uint64_t switches_of_a_stop = 2;

const policies::socket_facts* same_socket(const policies::process_facts& in,
                                          const policies::socket_facts& s) {
  const auto found = std::ranges::find_if(
      in.sockets, [&](const auto& o) { return o.inode != 0 && o.inode == s.inode && o.fd == s.fd; });
  return found == in.sockets.end() ? nullptr : &*found;
}

bool blocked_on(const policies::process_facts& in, int fd) {
  return std::ranges::any_of(in.threads, [&](const auto& t) { return t.io_fd == fd; });
}

}  // namespace

void stop_traces::begin() {
  running_ = true;
  open_ = true;
  ended_.reset();
  begun_ += switches_of_a_stop;
}

void stop_traces::end(policies::instant at) {
  running_ = false;
  ended_ = at;
}

bool stop_traces::disturbed(const policies::process_facts& facts,
                            const policies::process_facts* before) const {
  if (!running_ || before == nullptr || facts.threads.empty() || before->threads.empty()) return false;
  const auto is = policies::follow(facts);
  const bool waits = std::ranges::all_of(is.threads, [](const auto* t) { return t->sleeping; });
  return !waits || !policies::same_wait(is, policies::follow(*before));
}

void stop_traces::take_out_of(policies::process_facts& facts, const policies::process_facts* before) {
  if (!open_ && threads_.empty() && queues_.empty()) return;
  if (before != nullptr && running_) hide_tracer(facts, *before);
  // A sample that began after the end has seen all of it: what did not show by now never was.
  const bool all_seen = ended_ && facts.at >= *ended_;
  take_out_of_threads(facts, before, all_seen);
  take_out_of_queues(facts, before);
  if (all_seen) open_ = false;
}

void stop_traces::take_out_of_threads(policies::process_facts& facts, const policies::process_facts* before,
                                      bool all_seen) {
  std::map<pid_t, thread> still;
  for (auto& t : facts.threads) {
    const auto known = threads_.find(t.tid);
    auto mine = known == threads_.end() ? thread{} : known->second;
    mine.owed += begun_;
    if (t.context_switches < mine.taken) continue;  // another thread has the number
    t.context_switches -= mine.taken;
    const auto* was = before == nullptr ? nullptr : policies::find_thread(*before, t.tid);
    if (was != nullptr && t.context_switches > was->context_switches) {
      const auto ours = std::min(mine.owed, t.context_switches - was->context_switches);
      t.context_switches -= ours;
      mine.taken += ours;
      mine.owed -= ours;
    }
    if (all_seen) mine.owed = 0;
    if (mine.taken != 0 || mine.owed != 0) still.emplace(t.tid, mine);
  }
  threads_ = std::move(still);
  begun_ = 0;
}

/// Only of a socket that a thread was blocked on, and only while its peer takes and sends nothing.
void stop_traces::take_out_of_queues(policies::process_facts& facts, const policies::process_facts* before) {
  std::map<std::uint64_t, queue> still;
  for (auto& s : facts.sockets) {
    const auto known = queues_.find(s.inode);
    auto mine = known == queues_.end() ? queue{0, s.bytes_acked} : known->second;
    if (s.bytes_acked != mine.acked || s.send_queue < mine.taken) continue;  // the peer has taken some
    s.send_queue -= mine.taken;
    const auto* was = before == nullptr ? nullptr : same_socket(*before, s);
    const bool ours = open_ && was != nullptr && blocked_on(*before, s.fd) &&
                      was->bytes_acked == s.bytes_acked && was->bytes_received == s.bytes_received &&
                      s.send_queue > was->send_queue;
    if (ours) {
      mine.taken += s.send_queue - was->send_queue;
      s.send_queue = was->send_queue;
    }
    if (mine.taken != 0) still.emplace(s.inode, mine);
  }
  queues_ = std::move(still);
}

/// A process has one tracer at most: while ours may be it, and none was there before, it is ours.
void stop_traces::hide_tracer(policies::process_facts& facts, const policies::process_facts& before) const {
  if (before.tracer == 0) facts.tracer = 0;
  for (auto& t : facts.threads) {
    const auto* was = policies::find_thread(before, t.tid);
    if (t.state != 't' || was == nullptr || was->state == 't') continue;
    t.state = was->state;
    t.sleeping = was->sleeping && t.syscall == was->syscall;
  }
}

}  // namespace unwedge::watch

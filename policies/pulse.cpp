#include "policies/pulse.hpp"

#include "policies/verdicts/poll_kind.hpp"

namespace unwedge::policies {

void pulse::add(const thread_facts& main, instant at) {
  const bool same = last_ && last_->tid == main.tid && last_->syscall == main.syscall &&
                    last_->cpu_ns == main.cpu_ns && last_->context_switches == main.context_switches;
  if (!same) {
    quiet_since_.reset();
    idle_ = false;
  } else if (!quiet_since_) {
    quiet_since_ = last_at_;
  }
  last_ = main;
  last_at_ = at;
}

bool main_loop_idles(const process_facts& f) {
  return !f.threads.empty() && f.threads.front().tid == f.pid && f.threads.front().state == 'S' &&
         !f.frozen_in && f.tracer == 0 && poll_of(f, f.threads.front()) == poll_kind::main_loops_own;
}

}  // namespace unwedge::policies

#include "policies/pulse.hpp"

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

}  // namespace unwedge::policies

// The process of a VM as its watcher holds it, and who is at it now: a sample beside a stop of its threads
// would show the stop, and two samples would wait for the kernel together. Plain; the watcher owns one, the
// parts that look at the process (process_samples, process_stops) take turns by it.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/watch/stop_traces.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace unwedge::watch {

struct vm_process {
  using handle = std::shared_ptr<const evidence::process>;

  handle held;        ///< null: not known. Whoever waits compares it afterwards: another one is another VM
  bool gone = false;  ///< it has ended, and what it said last was heard
  std::optional<policies::instant> ended_at;  ///< since when it has, but may still be heard

  bool sampling = false, pulsing = false;
  bool inspecting = false;                ///< its threads are being stopped, or will be
  policies::instant undisturbed_until{};  ///< no sample begins before
  stop_traces traces;

  bool lives() const { return held && !gone; }
  void take(evidence::process of) { held = std::make_shared<const evidence::process>(std::move(of)); }
  /// Who is at it stays so: what was begun still has to end.
  void forget() {
    traces = {};
    undisturbed_until = {};
    held.reset();
    ended_at.reset();
    gone = false;
  }
};

}  // namespace unwedge::watch

// What is done at each tick of the clock: whether the process lives, a probe, a sample when one is due, and
// what the engine decides in view of all of it, handed to those who carry it out. Decides nothing. One
// thread.
#pragma once

#include "daemon/watch/look_times.hpp"
#include "daemon/watch/vm_steps.hpp"

namespace unwedge::watch {

class vm_rounds {
 public:
  /// All outlive it. It outlives its coroutines, which the watcher's tasks keep.
  struct needs {
    watched_vm& vm;
    policies::engine& engine;
    vm_process& process;
    vm_monitor& monitor;
    process_samples& samples;
    stall_watch& stall;
    look_times& times;
    vm_situation& situation;
    vm_incidents& incidents;
    incident_stacks& stacks;
    vm_steps& steps;
  };
  explicit vm_rounds(needs n) : n_(n) {}

  void tick(policies::instant now);
  /// The engine looks, and what it decides is begun.
  void decide(policies::instant now);
  /// The process has ended: seen by whoever looked. Judged once its last words were heard.
  void process_gone(policies::instant now);
  policies::instant next_wake(policies::instant now) const { return n_.times.next_wake(now, may_sample()); }

 private:
  bool may_sample() const;
  void probe(policies::instant now);
  asio::awaitable<void> take_sample();
  asio::awaitable<void> take_pulse();
  bool last_words_are_to_come(policies::instant now);

  needs n_;
};

}  // namespace unwedge::watch

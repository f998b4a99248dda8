// What the parts of a watcher have in common: the VM's name and model, what every watcher shares, and the
// little that a part may ask for. The watcher owns it and all parts; it is made first and outlives them.
#pragma once

#include "daemon/watch/services.hpp"
#include "policies/vm_model.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>

namespace unwedge::watch {

/// What a part may ask for. Implemented by the watcher. Not to be called before the watcher is in its
/// shared_ptr.
class vm_driver {
 public:
  /// Runs a part's coroutine as a task. The watcher, and with it all parts, lives until it ends; a coroutine
  /// that is awaited by one that was spawned so needs nothing more. `what` names it in the log.
  virtual void spawn(asio::awaitable<void> task, std::string_view what) = 0;
  /// A tick comes at once, from the clock.
  virtual void wake_soon() = 0;
  /// The engine looks now.
  virtual void decide() = 0;
  /// The state that surfaces show may be another now.
  virtual void note_state() = 0;

 protected:
  ~vm_driver() = default;
};

struct watched_vm {
  services& shared;
  vm_driver& driver;
  std::string name;
  bool no_monitor;  ///< nobody enrolled it: its process is all that there is to watch
  policies::vm_model model = {};
  bool stopping = false;
  bool lent = false;  ///< its BQL is, or may be, lent away: it answers, in the middle of something
  policies::instant lent_until{};  ///< only what it says afterwards tells how it stands
  bool operator_acts = false;      ///< something that an operator asked for is being done to it

  policies::authority allowed() const { return shared.settings->authority_of(name); }
  const holds::hold* held() const { return shared.holds.find(name, std::chrono::system_clock::now()); }
  bool migrates() const { return model.migration && is_running(*model.migration); }
};

}  // namespace unwedge::watch

// The remedies of a hang that an operator may ask for by name: what each would be here and now, every
// precondition of it, and the act itself, after the same last look as a policy's. Used by operator_steps.
// One thread.
#pragma once

#include "daemon/watch/last_look.hpp"
#include "daemon/watch/vm_rescue.hpp"

#include <boost/json.hpp>

#include <expected>
#include <string>
#include <string_view>

namespace unwedge::watch {

/// What an act would mean, before it is done.
struct act_plan {
  std::string sentence;
  boost::json::array preconditions;  ///< {name, ok, sentence} each; of what is done from outside
  std::string against;               ///< the first of them that does not hold; empty: none
};

class operator_rescue {
 public:
  /// All outlive it. It outlives its coroutines: whoever awaits them keeps the watcher.
  struct needs {
    vm_situation& situation;
    monitor_commands& commands;
    vm_rescue& rescue;
    last_look::needs look;
  };
  explicit operator_rescue(needs n) : n_(n), look_(n.look) {}

  /// yank-root, sever-root and rescue-root are themselves; rescue is the first of them that is one here and
  /// now, and was not tried on this hang. Error: why there is none, in a sentence.
  std::expected<policies::step, std::string> remedy(std::string_view asked) const;
  asio::awaitable<act_plan> plan(policies::step s);
  /// If it is still what remedy(asked) says. Done only if the main loop answers afterwards.
  asio::awaitable<act_outcome> carry_out(std::string asked, policies::step s);

 private:
  needs n_;
  last_look look_;
};

/// What the step does, for people: "lends the BQL away ...".
std::string remedy_in_words(const policies::step&);

}  // namespace unwedge::watch

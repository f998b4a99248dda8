// The dialogue of a lease as a state machine: fed with the lines of unwedge-rescue and then with its end, it
// says where the lease stands. Whatever it is fed, the worst it comes to is `broken`. Pure: no clock, no I/O.
#pragma once

#include "daemon/child/command.hpp"
#include "daemon/rescuing/failure.hpp"

#include <string_view>
#include <variant>

namespace unwedge::rescuing {

class dialogue {
 public:
  enum class phase {
    asked,     ///< nothing was said yet
    granted,   ///< it has begun
    refused,   ///< nothing was done
    answered,  ///< it was granted and has ended
    broken     ///< it said what cannot be: nothing of it is believed any more, but a `granted` before
  };

  dialogue(pid_t holder, std::chrono::milliseconds window) : holder_(holder), window_(window) {}

  /// A line, without its line feed.
  void hear(std::string_view line);
  /// It has ended; no line follows. `how.output` is what it said beyond its lines.
  void close(const child::finished& how);
  /// It never became the program.
  void never_ran(std::string why);
  /// Nobody listens any more.
  void break_off(std::string why);

  phase now() const { return phase_; }
  /// What it means for the VM. Only a refusal that was whole, and an end by its word, is a `no`.
  touched vm() const { return vm_; }

  const granted& begun() const { return begun_; }  ///< from `granted` on
  const lease_end& end() const { return end_; }    ///< if `answered`
  /// If it came to no answer: why. Without a time.
  failure why() const;

 private:
  void hear_first(const boost::json::object&);
  void hear_last(const boost::json::object&);
  void break_by(std::string what);  ///< "unwedge-rescue ..."

  pid_t holder_;
  std::chrono::milliseconds window_;
  phase phase_ = phase::asked;
  touched vm_ = touched::maybe;
  granted begun_;
  refused refused_;
  lease_end end_;
  std::string trouble_;
};

}  // namespace unwedge::rescuing

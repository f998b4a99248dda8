// Why an order was not carried out, or nobody knows how it went. Plain values.
#pragma once

#include "daemon/rescuing/answers.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace unwedge::rescuing {

/// Was anything done to the VM's process? `maybe` whenever unwedge-rescue has run and did not say it itself.
enum class touched { no, maybe, yes };

struct failure {
  touched vm = touched::no;
  std::string precondition;  ///< that does not hold; empty: it is no refusal, something went wrong
  std::string sentence;
  std::vector<rescuing::precondition> preconditions;  ///< of a refusal
  /// Of a lease that has, or may have, begun: by then its window is over whoever lives, if the VM's process
  /// was not stopped meanwhile.
  std::chrono::steady_clock::time_point over_by = {};
};

}  // namespace unwedge::rescuing

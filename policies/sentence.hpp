// Verdicts and durations in words: the one sentence that an operator must get. Pure.
#pragma once

#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

#include <string>

namespace unwedge::policies {

/// "monitor stalled 4.2 s. The main loop waits for the BQL, held by mig/src/main, which polls for NBD node
/// "tgt" (10.0.0.7:10809), silent for 6.1 s. Mirror m0, 41 % done." The VM's name is left to the caller.
std::string sentence(const verdict&, const vm_model&);

/// "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h".
std::string in_words(std::chrono::nanoseconds);

}  // namespace unwedge::policies

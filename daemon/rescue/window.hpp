// The time between a lease's begin and its end, for the program that stays: waits for the word, ends the
// lease, and says what has become of the holder. If nobody stays, the lease ends all the same.
#pragma once

#include "daemon/rescue/operation.hpp"

#include <boost/json.hpp>

namespace unwedge::rescue {

/// Waits until `orders` (a descriptor, standard input) says "end" in a line or is closed, or the window is
/// over; then until the holder is back in its own frames, at most `patience` longer. The end of the document:
/// "returned", "ended_by", "lasted_ms", "end_stopped_ns", "sentence".
boost::json::object keep_window(const evidence::process& of, const lease_request& wanted, const grant& lease,
                                int orders, std::chrono::milliseconds patience);

}  // namespace unwedge::rescue

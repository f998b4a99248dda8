// What unwedge-rescue is told to do, done, and its answer: one JSON object, {"ok": true, ...} or {"ok":
// false, "error": SENTENCE, ...}, with "preconditions". A lease says {"event": "granted", ...} in a line
// before. Keys are only ever added.
#pragma once

#include "daemon/rescue/options.hpp"

#include <boost/json.hpp>

#include <functional>

namespace unwedge::rescue {

using teller = std::function<void(const boost::json::object&)>;

/// Takes hold of the process that was meant and carries out the order. `tell` gets what is to be said
/// meanwhile; `orders` is where the word to end a lease comes from. Blocks for the window and some seconds.
boost::json::object carry_out(const options&, const teller& tell, int orders);

}  // namespace unwedge::rescue

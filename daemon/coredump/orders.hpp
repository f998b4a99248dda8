// What unwedge-core is told to do, done, and its answer: one JSON object, {"ok": true, ...} or {"ok": false,
// "error": SENTENCE}. Keys are only ever added.
#pragma once

#include "daemon/coredump/options.hpp"

#include <boost/json.hpp>

namespace unwedge::coredump {

/// Takes hold of the process that was meant and carries out the order. Blocks for seconds.
boost::json::object carry_out(const options&);

}  // namespace unwedge::coredump

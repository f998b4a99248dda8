// How the host stood when an incident began, as the kernel tells it, for host.json. Decides nothing.
#pragma once

#include <boost/json.hpp>

#include <string_view>

namespace unwedge::watch {

/// kernel, cpus, uptime_s, load, pressure (of cpu, memory, io), memory_kb; what cannot be read is
/// missing. Reads /proc, a few hundred microseconds: for a worker thread.
boost::json::object host_facts_json();

/// Pure parts: "some avg10=1.00 avg60=.. avg300=.. total=.." by line; some of /proc/meminfo's figures.
boost::json::object pressure_json(std::string_view text);
boost::json::object memory_json(std::string_view text);

}  // namespace unwedge::watch

// What an earlier run of the daemon left open.
#pragma once

#include "daemon/watch/store_worker.hpp"

#include <vector>

namespace unwedge {

/// Incidents of processes that have ended are closed, which is logged; the others are returned, for their
/// VMs. `store` must outlive the call.
boost::asio::awaitable<std::vector<policies::incident>> unfinished_incidents(watch::store_worker& store);

}  // namespace unwedge

// Shuts connections of a VM's process down from outside, one after the other. Used by vm_rescue, and by
// lease_window in the window of a lease. One thread.
#pragma once

#include "daemon/watch/act_outcome.hpp"
#include "daemon/watch/rescue_orders.hpp"
#include "daemon/watch/services.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>

namespace unwedge::watch {

/// `shared` outlives it. Ends at the first that fails; those before it are cut.
asio::awaitable<act_outcome> sever(services& shared, connections all, std::chrono::milliseconds within);

/// The first that could not be cut now, and why; empty: all could. Touches nothing.
asio::awaitable<std::string> against_severing(services& shared, connections all);

}  // namespace unwedge::watch

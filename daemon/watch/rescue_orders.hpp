// The steps sever-root and rescue-root (policies/remedies/remedies.hpp) as what is to be ordered of
// unwedge-rescue and of QEMU. Pure.
#pragma once

#include "daemon/rescuing/requests.hpp"
#include "policies/remedies/remedies.hpp"
#include "policies/remedy.hpp"

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace unwedge::watch {

using connections = std::vector<rescuing::sever_request>;

/// What ends the wait in the window of a lease: the yank first. At least one of the two.
struct cut {
  boost::json::array yank;  ///< instances, as in QMP
  connections sever;        ///< without their process
};

struct lease_orders {
  pid_t holder = 0;
  std::vector<std::uint64_t> mutexes;
  bool cancel_migration = false;
  bool frees_graph = false;  ///< a node goes with its job, or the job itself
  watch::cut cut;
  std::vector<std::string> jobs;

  policies::migration_fence fence() const;
};

/// nullopt: it is no such step.
std::optional<lease_orders> lease_orders_of(const policies::step&);
std::optional<connections> connections_of(const policies::step&);

/// In the window of its lease QEMU is asked to yank.
bool yanks_in_window(const policies::step&);

}  // namespace unwedge::watch

// What the switchover guard has set in a VM's QEMU in advance, kept on disk with the process that it is of,
// so that a later run of the daemon can take it back. One thread.
#pragma once

#include "daemon/watch/vm_process.hpp"
#include "daemon/watch/watched_vm.hpp"
#include "policies/engine.hpp"

#include <optional>

namespace unwedge::watch {

class vm_precautions {
 public:
  /// All outlive it.
  vm_precautions(watched_vm& vm, const vm_process& process, policies::engine& engine)
      : vm_(vm), process_(process), engine_(engine) {}

  /// The process is known now: the engine is told what an earlier run left in it.
  void remember();
  /// Puts on disk what has changed. Those of a VM whose process is not known cannot be told from another's
  /// later.
  void save();
  void forget() { saved_.reset(); }

 private:
  watched_vm& vm_;
  const vm_process& process_;
  policies::engine& engine_;
  std::optional<boost::json::object> saved_;
};

}  // namespace unwedge::watch

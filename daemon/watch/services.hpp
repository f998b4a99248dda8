// What every watcher of a VM shares. Owned by the daemon (daemon/unwedged), outlives all watchers. Used on
// the I/O thread only, but for the pools.
#pragma once

#include "daemon/inspection/inspector.hpp"
#include "daemon/rescuing/rescuer.hpp"
#include "daemon/watch/cores.hpp"
#include "daemon/watch/event_hub.hpp"
#include "daemon/watch/holds.hpp"
#include "daemon/watch/precaution_file.hpp"
#include "daemon/watch/store_worker.hpp"
#include "daemon/watch/task_group.hpp"
#include "daemon/watch/watch_clock.hpp"
#include "policies/budget.hpp"
#include "policies/policy.hpp"
#include "policies/settings.hpp"
#include "policies/signature.hpp"
#include "qmp/session.hpp"

#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>
#include <string_view>

namespace unwedge::watch {

/// What the metrics want to know as it happens. Empty functions are not called.
struct meters {
  std::function<void(std::chrono::microseconds)> probe_answered;
  std::function<void()> event_received;
  std::function<void(std::string_view kind)> verdict_reached;
  std::function<void(std::string_view action, std::string_view result)> step_ended;
  std::function<void(std::string_view condition, std::string_view outcome)> incident_closed;
  std::function<void(std::string_view reason)> protocol_error;
  std::function<void(std::chrono::microseconds)> evidence_taken;
};

struct services {
  asio::any_io_executor executor;
  asio::thread_pool& evidence_pool;
  store_worker& store;
  event_hub& hub;
  task_group& tasks;
  watch_clock& clock;
  qmp::io_scratch& scratch;
  meters meter;
  std::shared_ptr<const policies::settings> settings;             ///< replaced as a whole by a reload
  std::shared_ptr<const std::vector<policies::policy>> policies;  ///< likewise; in the order of their files
  watch::holds& holds;
  watch::precaution_file& precautions;
  policies::step_budget host_budget;
  std::string host_starved;  ///< why nothing may be concluded from lateness now; empty: the host is well
  std::shared_ptr<const std::vector<policies::signature>> signatures =
      std::make_shared<const std::vector<policies::signature>>();  ///< never null; replaced by a reload
  inspection::inspector* inspector = nullptr;                      ///< takes stacks; none: nobody does
  rescuing::rescuer* rescuer = nullptr;                            ///< none: nobody is rescued from outside
  watch::cores* cores = nullptr;  ///< none: no process is looked into from outside, as in tests
  std::function<policies::duration()> own_lateness = {};  ///< of the daemon's own timers, lately

  std::filesystem::path rescue_program() const;
};

}  // namespace unwedge::watch

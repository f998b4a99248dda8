// The daemon: owns everything, wires it, reacts to signals. What it is made of is in the folders beside it.
#pragma once

#include "daemon/child/runner.hpp"
#include "daemon/config/problem.hpp"
#include "daemon/inspection/inspector.hpp"
#include "daemon/surface/daemon_metrics.hpp"
#include "daemon/surface/http_server.hpp"
#include "daemon/surface/vm_metrics.hpp"
#include "daemon/unwedged/operator_acts.hpp"
#include "daemon/unwedged/options.hpp"
#include "daemon/watch/dial_in.hpp"
#include "daemon/watch/fleet.hpp"
#include "daemon/watch/host_watch.hpp"
#include "daemon/watch/process_scan.hpp"
#include "daemon/watch/socket_globs.hpp"
#include "systemd/bus_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <expected>
#include <memory>
#include <string>

namespace unwedge {

namespace asio = boost::asio;

class daemon {
 public:
  /// `settings` come from `config` (empty: there is none, reloading then changes nothing).
  struct state {
    policies::settings settings;
    std::vector<policies::policy> policies;
    incidents::store store;
    watch::holds holds;
    watch::precaution_file precautions;
    std::vector<policies::signature> signatures;
  };
  daemon(options o, std::filesystem::path config, state initial);

  /// Opens what must be open before "ready": the operator's socket, HTTP, the dial-in. Errors in a sentence.
  std::expected<void, std::string> open();

  /// Runs until SIGTERM or SIGINT.
  void run();

 private:
  std::expected<void, std::string> open_bus();
  std::expected<void, std::string> open_http();
  std::expected<void, std::string> open_dial_in(const policies::discover_settings& discover);
  void retire_dial_in();
  systemd::bus_methods methods();

  asio::awaitable<void> main();
  asio::awaitable<void> handle_signals();
  asio::awaitable<void> feed_watchdog();
  std::expected<std::string, std::string> reload();
  void apply(policies::settings s);
  std::unexpected<std::string> reload_failed(const std::vector<config::problem>& problems);
  watch::host_watch::counts count_late() const;
  std::string unknown_vm(const std::string& name) const;
  void host_changed(const std::string& why);
  void stop();
  /// After a large answer (a scrape, a list) its memory goes back to the system instead of staying ours for
  /// ever.
  void trim_memory_soon();

  asio::awaitable<systemd::bus_reply> list(std::string argument);
  asio::awaitable<systemd::bus_reply> show(std::string name);
  asio::awaitable<systemd::bus_reply> inspect(std::string argument);
  asio::awaitable<systemd::bus_reply> incidents(std::string vm);
  asio::awaitable<systemd::bus_reply> incident(std::string id);
  asio::awaitable<systemd::bus_reply> incident_file(std::string argument);
  asio::awaitable<systemd::bus_reply> events(std::string argument);
  asio::awaitable<systemd::bus_reply> reload_on_request(std::string argument);
  asio::awaitable<systemd::bus_reply> policies_in_force(std::string argument);
  asio::awaitable<systemd::bus_reply> hold(std::string argument);
  asio::awaitable<systemd::bus_reply> release(std::string vm);
  asio::awaitable<systemd::bus_reply> act(std::string argument);
  asio::awaitable<systemd::bus_reply> act_result(std::string ticket);

  options options_;
  std::filesystem::path config_;
  asio::io_context io_{1};
  asio::thread_pool evidence_pool_{4};
  watch::store_worker store_;
  watch::event_hub hub_;
  watch::task_group watch_tasks_;
  watch::watch_clock clock_;
  watch::task_group tasks_;
  qmp::io_scratch scratch_;
  surface::daemon_metrics metrics_;
  std::shared_ptr<surface::vm_collector> vm_metrics_;
  watch::holds holds_;
  watch::precaution_file precautions_;
  child::runner children_;
  inspection::inspector inspector_;
  rescuing::rescuer rescuer_;
  watch::cores cores_;
  watch::services services_;
  watch::fleet fleet_;
  operator_acts acts_;
  watch::host_watch host_;
  watch::socket_globs globs_;
  watch::process_scan processes_;
  std::unique_ptr<watch::dial_in> dial_in_;
  std::vector<std::unique_ptr<watch::dial_in>> retired_;
  std::unique_ptr<systemd::bus_server> bus_;
  std::unique_ptr<surface::http_server> http_;
  asio::signal_set signals_;
  asio::steady_timer watchdog_;
  asio::steady_timer trim_;
  bool taken_up_ = false;  ///< the open incidents of an earlier run are known
  bool stopping_ = false;
};

}  // namespace unwedge

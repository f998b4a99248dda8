// What the service manager is told (sd_notify) and what it asks (watchdog). Everything is a no-op without
// one.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace unwedge::systemd {

void notify_ready(std::string status);   ///< start-up or reload is complete
void notify_status(std::string status);  ///< one line for `systemctl status`
void notify_reloading();                 ///< SIGHUP came; notify_ready() ends it
void notify_stopping();                  ///< SIGTERM came
void notify_alive();                     ///< to be sent every watchdog_interval()

/// How often to send notify_alive(): half of WatchdogSec=. Nothing if the service has no watchdog.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace unwedge::systemd

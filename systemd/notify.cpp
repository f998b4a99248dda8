#include "systemd/notify.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <string_view>

namespace unwedge::systemd {
namespace {

/// A newline would begin another assignment.
std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

void notify(const std::string& state) {
  sd_notify(0, state.c_str());
}

}  // namespace

void notify_ready(std::string status) {
  notify("READY=1\nSTATUS=" + one_line(std::move(status)));
}
void notify_status(std::string status) {
  notify("STATUS=" + one_line(std::move(status)));
}
void notify_reloading() {
  auto const now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
  auto const usec = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec));
}
void notify_stopping() {
  notify("STOPPING=1");
}
void notify_alive() {
  notify("WATCHDOG=1");
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t usec = 0;
  if (sd_watchdog_enabled(0, &usec) <= 0) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(usec / 2));
}

}  // namespace unwedge::systemd

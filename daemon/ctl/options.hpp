// unwedgectl's command line as plain values.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace unwedge::ctl {

enum class command {
  list,
  show,
  inspect,
  act,
  incidents,
  incident,
  events,
  policies,
  hold,
  release,
  reload,
  check
};

/// Exit statuses are contracts (design.md).
enum exit_status : int { exit_done = 0, exit_failed = 1, exit_usage = 2, exit_no_daemon = 3 };

/// The daemon's name for every VM.
inline constexpr std::string_view whole_host = "*";

struct options {
  command what = command::list;
  bool json = false;
  bool follow = false;
  bool stacks = false;                           ///< of an inspection
  std::string subject;                           ///< the VM or the incident; "" is all
  std::optional<std::chrono::seconds> hold_for;  ///< nullopt: until released
  std::string reason;                            ///< of a hold
  std::string action;                            ///< to be done to a VM
  bool yes = false;                              ///< it is meant
  bool plan_only = false;                        ///< only what it would mean
  bool with_ram = false;                         ///< guest memory may be in the kernel's core
  std::vector<std::filesystem::path> files;      ///< to check
  std::filesystem::path bundle;  ///< where an incident's archive goes; empty: none is asked for
  bool force = false;            ///< the archive may replace a file
  std::filesystem::path runtime_dir;

  std::filesystem::path socket() const { return runtime_dir / "unwedged.sock"; }
};

/// The options, or the status to exit with: help or an error was printed.
std::variant<options, exit_status> parse_command_line(int argc, const char* const* argv);

}  // namespace unwedge::ctl

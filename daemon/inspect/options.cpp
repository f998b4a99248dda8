#include "daemon/inspect/options.hpp"

#include <CLI/CLI.hpp>

#include <charconv>

namespace unwedge::inspect {

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::int64_t longest = 300'000;
  std::int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value <= 0 || value > longest) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  if (unit != "s" && unit != "ms") return std::nullopt;
  if (unit == "s") value *= 1'000;
  if (value > longest) return std::nullopt;
  return std::chrono::milliseconds{value};
}

std::variant<options, exit_status> parse_command_line(int argc, const char* const* argv) {
  options chosen;
  std::string deadline = "5s";
  CLI::App app(
      "Looks into one QEMU process for unwedged. Prints one JSON document.\n"
      "Exit status: 0 done, also partly (see its problems), 1 failed, 2 usage.",
      "unwedge-inspect");
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "unwedge-inspect " UNWEDGE_VERSION);
  app.add_option("--pid", chosen.pid, "the process")->required()->check(CLI::Range(1, 4'194'304));
  app.add_option("--start-time", chosen.start_time,
                 "its start in clock ticks since boot (/proc/PID/stat, field 22): whoever got its pid later "
                 "is refused")
      ->required();
  app.add_option("--deadline", deadline, "after this it prints what it has")
      ->capture_default_str()
      ->check([](const std::string& text) {
        return parse_duration(text) ? "" : "not a duration from 1ms to 300s, such as 5s or 250ms";
      });
  app.add_flag("--any-process", chosen.any_process, "also a process that is no QEMU");
  app.add_subcommand("stacks", "the stacks of all its threads, each thread stopped for microseconds");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  chosen.deadline = *parse_duration(deadline);
  return chosen;
}

}  // namespace unwedge::inspect

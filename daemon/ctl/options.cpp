#include "daemon/ctl/options.hpp"

#include "daemon/ctl/subcommands.hpp"

#include <unistd.h>

#include <cstdlib>

namespace unwedge::ctl {
namespace {

std::filesystem::path default_runtime_dir() {
  const char* own = ::geteuid() == 0 ? nullptr : std::getenv("XDG_RUNTIME_DIR");
  return own != nullptr && *own != '\0' ? std::filesystem::path(own) / "unwedge" : "/run/unwedge";
}

}  // namespace

std::variant<options, exit_status> parse_command_line(int argc, const char* const* argv) {
  options chosen{.runtime_dir = default_runtime_dir()};
  CLI::App app("Asks unwedged about this host's VMs.\nExit status: 0 done, 1 failed, 2 usage, 3 no daemon.",
               "unwedgectl");
  app.require_subcommand(1);
  app.fallthrough();  // `unwedgectl list --json` as well as `unwedgectl --json list`
  app.set_version_flag("--version", "unwedgectl " UNWEDGE_VERSION);
  app.add_flag("--json", chosen.json, "print the daemon's JSON");
  app.add_option("--runtime-dir", chosen.runtime_dir, "where unwedged's socket is")
      ->type_name("DIR")
      ->capture_default_str();
  app.footer("Options may also follow the subcommand. More about one: unwedgectl SUBCOMMAND --help");
  add_subcommands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  return chosen;
}

}  // namespace unwedge::ctl

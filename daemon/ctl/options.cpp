#include "daemon/ctl/options.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cstdlib>

namespace unwedge::ctl {
namespace {

std::filesystem::path default_runtime_dir() {
  const char* own = ::geteuid() == 0 ? nullptr : std::getenv("XDG_RUNTIME_DIR");
  return own != nullptr && *own != '\0' ? std::filesystem::path(own) / "unwedge" : "/run/unwedge";
}

void add_commands(CLI::App& app, options& chosen) {
  auto const add = [&](const char* name, command what, const char* description) {
    auto* sub = app.add_subcommand(name, description)->fallthrough();
    sub->callback([&chosen, what] { chosen.what = what; });
    return sub;
  };
  add("list", command::list, "every VM, those in trouble first");
  add("show", command::show, "one VM: state, verdict, jobs, nodes, last events")
      ->add_option("VM", chosen.subject, "its name")
      ->required();
  add("incidents", command::incidents, "what happened, and what came of it")
      ->add_option("VM", chosen.subject, "of this VM only");
  add("incident", command::incident, "one incident: verdict, reasons, every step")
      ->add_option("ID", chosen.subject, "as `incidents` shows it")
      ->required();
  add("events", command::events, "what unwedged saw and did last")
      ->add_flag("-f,--follow", chosen.follow, "and what comes, until interrupted");
  add("reload", command::reload, "read the configuration again; a faulty one changes nothing");
  add("check", command::check, "check configuration and policies without a daemon")
      ->add_option(
          "FILE", chosen.files,
          "a configuration, with the policies it names, or a policy; default: /etc/unwedge/unwedged.toml");
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
  add_commands(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  return chosen;
}

}  // namespace unwedge::ctl

#include "daemon/unwedged/options.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cstdlib>

namespace unwedge {
namespace {

std::filesystem::path from_environment(const char* variable, const std::filesystem::path& fallback) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? std::filesystem::path(value) : fallback;
}

/// Without root the daemon watches its own user's QEMUs.
void default_folders(options& o) {
  const bool root = ::geteuid() == 0;
  const auto home = from_environment("HOME", "/tmp");
  if (o.runtime_dir.empty())
    o.runtime_dir = root ? "/run/unwedge" : from_environment("XDG_RUNTIME_DIR", home) / "unwedge";
  if (o.state_dir.empty()) {
    o.state_dir =
        root ? "/var/lib/unwedge" : from_environment("XDG_STATE_HOME", home / ".local/state") / "unwedge";
  }
}

}  // namespace

std::optional<options> parse_options(int argc, char** argv, int& status) {
  options o;
  CLI::App app{
      "unwedged watches the QEMU processes of this host, says why a monitor stalls, and brings the VM back."};
  app.footer(
      "Exit status: 0 ended as asked, 1 failed, 2 usage or configuration.\nSee also: unwedgectl --help");
  app.add_option("--config", o.config,
                 "configuration, TOML (default: /etc/unwedge/unwedged.toml if there is one)");
  app.add_option("--runtime-dir", o.runtime_dir, "where unwedgectl finds the daemon (default: /run/unwedge)");
  app.add_option("--state-dir", o.state_dir, "where incidents are kept (default: /var/lib/unwedge)");
  app.add_option("--bus", o.bus, "D-Bus besides the private socket; only `none` in this version")
      ->check(CLI::IsMember({"none"}));
  app.add_option("--http", o.http,
                 "metrics: ADDR:PORT, unix:PATH or none (default: `http` of the configuration)");
  app.add_flag("--check", o.check, "check the configuration, say what is wrong with it, and end");
  app.add_flag("--dry-run", o.dry_run, "act on nothing; log and record what would be done");
  app.add_flag("-v,--verbose", o.verbose, "log more");
  app.set_version_flag("--version", "unwedged " UNWEDGE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    status = app.exit(e) == 0 ? 0 : 2;
    return std::nullopt;
  }
  default_folders(o);
  return o;
}

}  // namespace unwedge

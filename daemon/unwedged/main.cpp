#include "daemon/unwedged/configuration.hpp"
#include "daemon/unwedged/daemon.hpp"
#include "daemon/unwedged/logging.hpp"

#include <spdlog/spdlog.h>

#include <sys/resource.h>

#include <cstdio>

namespace {

constexpr auto default_config = "/etc/unwedge/unwedged.toml";

/// A VM takes three descriptors; the usual soft limit of 1,024 would end at 300 VMs.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::filesystem::path config_path(const unwedge::options& o) {
  if (o.config) return *o.config;
  std::error_code ignored;
  return std::filesystem::exists(default_config, ignored) ? default_config : "";
}

int failed(std::string_view what) {
  fmt::print(stderr, "unwedged: {}\n", what);
  return 1;
}

int faulty(const std::vector<unwedge::config::problem>& problems) {
  for (const auto& p : problems) fmt::print(stderr, "{}\n", unwedge::config::to_string(p));
  return 2;
}

int run(const unwedge::options& o) {
  const auto config = config_path(o);
  auto loaded = unwedge::load_configuration(config);
  if (!loaded) return faulty(loaded.error());
  auto& settings = loaded->settings;
  if (o.check) {
    fmt::print("{}: good\n",
               config.empty() ? std::string("no configuration, the defaults hold") : config.string());
    return 0;
  }
  unwedge::set_up_logging(o.verbose);
  raise_descriptor_limit();
  std::error_code ec;
  std::filesystem::create_directories(o.runtime_dir, ec);
  if (ec) return failed(fmt::format("{}: {}", o.runtime_dir.string(), ec.message()));
  std::filesystem::create_directories(o.state_dir, ec);
  if (ec) return failed(fmt::format("{}: {}", o.state_dir.string(), ec.message()));
  auto store = unwedge::incidents::store::open(
      o.state_dir,
      {.max_incidents = settings.max_incidents, .max_incident_bytes = settings.max_incident_bytes});
  if (!store) return failed(store.error());
  auto holds = unwedge::watch::holds::load(o.state_dir / "holds.json");
  if (!holds) return failed(holds.error());
  auto precautions = unwedge::watch::precaution_file::load(o.state_dir / "precautions.json");
  if (!precautions) return failed(precautions.error());
  unwedge::daemon daemon(o, config,
                         {std::move(settings), std::move(loaded->policies), std::move(*store),
                          std::move(*holds), std::move(*precautions), std::move(loaded->signatures)});
  if (const auto opened = daemon.open(); !opened) return failed(opened.error());
  daemon.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int status = 0;
  const auto o = unwedge::parse_options(argc, argv, status);
  if (!o) return status;
  try {
    return run(*o);
  } catch (const std::exception& e) {
    return failed(e.what());
  }
}

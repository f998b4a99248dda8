#include "daemon/unwedged/daemon.hpp"

#include "daemon/unwedged/configuration.hpp"
#include "daemon/unwedged/fleet_metrics.hpp"
#include "daemon/unwedged/unfinished_incidents.hpp"
#include "systemd/notify.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <malloc.h>

#include <array>
#include <csignal>

namespace unwedge {
namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

void log_warning(std::string text) {
  spdlog::warn("{}", text);
}

std::shared_ptr<const policies::settings> with_options(policies::settings s, const options& o) {
  s.dry_run = s.dry_run || o.dry_run;
  return std::make_shared<const policies::settings>(std::move(s));
}

bool is_on(const std::optional<std::string>& http) {
  return http && *http != "none" && !http->empty();
}

}  // namespace

daemon::daemon(options o, std::filesystem::path config, state initial)
    : options_(std::move(o)),
      config_(std::move(config)),
      store_(std::move(initial.store)),
      watch_tasks_(io_.get_executor()),
      clock_(io_.get_executor()),
      tasks_(io_.get_executor()),
      metrics_(UNWEDGE_VERSION),
      holds_(std::move(initial.holds)),
      precautions_(std::move(initial.precautions)),
      children_(io_.get_executor()),
      inspector_(io_.get_executor(), children_),
      rescuer_(children_),
      cores_(children_, options_.state_dir),
      services_{io_.get_executor(),
                evidence_pool_,
                store_,
                hub_,
                watch_tasks_,
                clock_,
                scratch_,
                meters_into(metrics_),
                with_options(std::move(initial.settings), options_),
                std::make_shared<const std::vector<policies::policy>>(std::move(initial.policies)),
                holds_,
                precautions_,
                {},
                {},
                std::make_shared<const std::vector<policies::signature>>(std::move(initial.signatures)),
                &inspector_,
                &rescuer_,
                &cores_},
      fleet_(services_),
      acts_(fleet_, watch_tasks_),
      host_(
          io_.get_executor(), [this] { return count_late(); },
          [this](const std::string& why) { host_changed(why); }),
      globs_(io_.get_executor(), {[this](const std::string& path) { fleet_.add({path, ""}); },
                                  [this](const std::string& path) { fleet_.remove(path); }}),
      processes_(
          io_.get_executor(), evidence_pool_,
          {[this] { return fleet_.pids(); }, [this](evidence::qemu_process q) { fleet_.add(std::move(q)); }}),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      watchdog_(io_),
      trim_(io_) {
  services_.own_lateness = [this] { return host_.own_lateness(); };
  vm_metrics_ = std::make_shared<surface::vm_collector>([this] { return metrics_rows(fleet_); });
}

std::expected<void, std::string> daemon::open() {
  if (auto done = open_bus(); !done) return done;
  if (auto done = open_http(); !done) return done;
  return open_dial_in(services_.settings->discover);
}

std::expected<void, std::string> daemon::open_bus() {
  auto server = systemd::bus_server::listen(
      io_.get_executor(),
      {.path = options_.runtime_dir / "unwedged.sock", .methods = methods(), .report = log_warning});
  if (!server) return std::unexpected(server.error());
  bus_ = std::move(*server);
  hub_.listen([this](const std::string& json) { bus_->emit(json); });
  tasks_.spawn(bus_->run(), "operator's socket");
  return {};
}

std::expected<void, std::string> daemon::open_http() {
  const auto where = options_.http ? options_.http : services_.settings->http;
  if (!is_on(where)) return {};
  auto text = [this] {
    const std::array<std::weak_ptr<prometheus::Collectable>, 2> all{metrics_.collectable(), vm_metrics_};
    trim_memory_soon();
    return surface::metrics_text(all);
  };
  auto server = surface::http_server::listen(
      io_.get_executor(), {.listen = *where, .sources = {.metrics = text}, .report = log_warning});
  if (!server) return std::unexpected(server.error());
  http_ = std::move(*server);
  spdlog::info("metrics on {}", http_->address());
  tasks_.spawn(http_->run(), "HTTP");
  return {};
}

std::expected<void, std::string> daemon::open_dial_in(const policies::discover_settings& discover) {
  const auto at = discover.listen
                      ? std::optional(watch::dial_in::where{*discover.listen, discover.listen_group})
                      : std::nullopt;
  if (dial_in_ && at && dial_in_->at() == *at) return {};
  if (dial_in_) retire_dial_in();
  if (!at) return {};
  auto opened =
      watch::dial_in::listen(io_.get_executor(), *at, [this](qmp::socket s) { fleet_.adopt(std::move(s)); });
  if (!opened) return std::unexpected(opened.error());
  dial_in_ = std::move(*opened);
  if (taken_up_) tasks_.spawn(dial_in_->run(), "dial-in");
  return {};
}

/// Its coroutine may still be on its way out: it is kept until the daemon ends.
void daemon::retire_dial_in() {
  dial_in_->stop();
  retired_.push_back(std::move(dial_in_));
}

void daemon::run() {
  tasks_.spawn(main(), "unwedged");
  io_.run();
  store_.finish();
}

asio::awaitable<void> daemon::main() {
  fleet_.expect(co_await unfinished_incidents(store_));
  taken_up_ = true;
  if (dial_in_) tasks_.spawn(dial_in_->run(), "dial-in");
  apply(*services_.settings);
  tasks_.spawn(globs_.run(), "socket globs");
  tasks_.spawn(processes_.run(), "process scan");
  tasks_.spawn(host_.run(), "host");
  tasks_.spawn(feed_watchdog(), "watchdog");
  spdlog::info("unwedged " UNWEDGE_VERSION " watches, authority {}{}",
               to_string(services_.settings->authority), services_.settings->dry_run ? ", dry run" : "");
  systemd::notify_ready("watching");
  co_await handle_signals();
  co_await fleet_.stop();
  evidence_pool_.stop();
}

/// What VMs are watched follows from the settings; what has not changed is left alone.
void daemon::apply(policies::settings s) {
  services_.settings = with_options(std::move(s), options_);
  for (const auto& vm : services_.settings->vms) {
    if (vm.qmp) fleet_.add({*vm.qmp, *vm.name});
  }
  globs_.set(services_.settings->discover.sockets);
  processes_.enable(services_.settings->discover.processes);
}

asio::awaitable<void> daemon::handle_signals() {
  for (;;) {
    const auto [ec, number] = co_await signals_.async_wait(as_result);
    if (ec) co_return;
    if (number != SIGHUP) break;
    systemd::notify_reloading();
    if (const auto done = reload(); !done)
      spdlog::error("reload failed, the running settings stay: {}", done.error());
    systemd::notify_ready("watching");
  }
  spdlog::info("ending");
  systemd::notify_stopping();
  stop();
}

void daemon::stop() {
  stopping_ = true;
  children_.stop();
  globs_.stop();
  processes_.stop();
  host_.stop();
  watchdog_.cancel();
  trim_.cancel();
  if (dial_in_) dial_in_->stop();
  if (http_) http_->stop();
  bus_->stop();
}

/// The running settings and policies stay as they are.
std::unexpected<std::string> daemon::reload_failed(const std::vector<config::problem>& problems) {
  std::string all;
  for (const auto& p : problems) all += (all.empty() ? "" : "\n") + config::to_string(p);
  hub_.publish("reload", "", "reload failed: " + all);
  return std::unexpected(all);
}

/// Of the VMs whose monitor once answered: those that are late, and no verdict says why.
watch::host_watch::counts daemon::count_late() const {
  watch::host_watch::counts out;
  for (const auto& w : fleet_.all()) {
    if (!w->model().monitor.last_reply) continue;
    ++out.vms;
    const bool explained = w->verdict() && !is_only_late(w->verdict()->kind);
    if (w->suspicion().active() && !explained) ++out.late;
  }
  return out;
}

void daemon::host_changed(const std::string& why) {
  services_.host_starved = why;
  metrics_.host_starved(!why.empty());
  hub_.publish("host", "", why.empty() ? "the host is well again" : "all actions are held: " + why);
  if (why.empty())
    spdlog::info("the host is well again");
  else
    spdlog::warn("all actions are held: {}", why);
}

std::expected<std::string, std::string> daemon::reload() {
  if (!taken_up_) return std::unexpected("still starting");
  if (config_.empty()) return std::unexpected("there is no configuration file; start with --config FILE");
  auto loaded = load_configuration(config_);
  if (!loaded) return reload_failed(loaded.error());
  if (auto opened = open_dial_in(loaded->settings.discover); !opened) return std::unexpected(opened.error());
  services_.policies = std::make_shared<const std::vector<policies::policy>>(std::move(loaded->policies));
  services_.signatures =
      std::make_shared<const std::vector<policies::signature>>(std::move(loaded->signatures));
  apply(std::move(loaded->settings));
  hub_.publish("reload", "", config_.string() + " applied");
  spdlog::info("{} applied", config_.string());
  return R"({"reloaded":true})";
}

void daemon::trim_memory_soon() {
  trim_.expires_after(std::chrono::seconds(1));
  trim_.async_wait([](const boost::system::error_code& ec) {
    if (!ec) ::malloc_trim(0);
  });
}

asio::awaitable<void> daemon::feed_watchdog() {
  const auto interval = systemd::watchdog_interval();
  while (interval && !stopping_) {
    systemd::notify_alive();
    watchdog_.expires_after(*interval);
    co_await watchdog_.async_wait(as_result);
  }
}

}  // namespace unwedge

#include "tests/unit/watch/watch_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <stdlib.h>

namespace unwedge::tests {

watch_fixture::watch_fixture() {
  std::string name = "/tmp/unwedge-watch-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  folder = name;
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text)));
  settings.probe = {std::chrono::milliseconds(100), std::chrono::milliseconds(100),
                    std::chrono::milliseconds(500)};
  auto opened = incidents::store::open(folder);
  if (!opened) throw std::runtime_error(opened.error());
  store.emplace(std::move(*opened));
}

watch_fixture::~watch_fixture() {
  if (fleet) end();
  store->finish();
  peer.reset();
  io.restart();
  io.poll();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("none"));
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

std::map<std::string, std::string> watch_fixture::idle_vm() {
  return {{"query-status", R"({"status":"running","running":true})"},
          {"query-name", R"({"name":"vm"})"},
          {"query-uuid", R"({"UUID":"6c2f"})"},
          {"query-jobs", "[]"},
          {"query-block-jobs", "[]"},
          {"query-migrate", "{}"},
          {"query-yank", "[]"},
          {"query-named-block-nodes", "[]"},
          {"x-debug-query-block-graph", "{}"},
          {"query-migrate-capabilities", "[]"},
          {"query-migrate-parameters", "{}"},
          {"query-chardev", "[]"}};
}

scripted_peer& watch_fixture::watch(script steps, std::map<std::string, std::string> standing) {
  peer.emplace(io, std::move(steps), std::move(standing));
  peer->listen(folder / "vm.sock");
  watch_at(folder / "vm.sock");
  return *peer;
}

void watch_fixture::make_services() {
  services.emplace(watch::services{io.get_executor(),
                                   pool,
                                   *store,
                                   hub,
                                   tasks,
                                   clock,
                                   scratch,
                                   {},
                                   std::make_shared<const policies::settings>(settings),
                                   std::make_shared<const std::vector<policies::policy>>(policies),
                                   holds,
                                   precautions,
                                   {},
                                   {}});
}

void watch_fixture::watch_at(const std::string& socket_path) {
  make_services();
  fleet.emplace(*services);
  fleet->add({socket_path, "vm"});
}

bool watch_fixture::until(const std::function<bool()>& condition, std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    io.restart();
    io.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

void watch_fixture::end() {
  bool ended = false;
  asio::co_spawn(io, fleet->stop(), [&](std::exception_ptr thrown) { ended = !thrown; });
  EXPECT_TRUE(until([&] { return ended; })) << "a coroutine of the fleet is stuck";
  EXPECT_EQ(tasks.running(), 0u);
  fleet.reset();
}

}  // namespace unwedge::tests

#include "tests/unit/surface/unwedgectl_fixture.hpp"

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

namespace unwedge::tests {
namespace {

/// `log` is the fixture's, which ends the server, and with it all calls, before itself.
boost::asio::awaitable<systemd::bus_reply> answer(std::vector<std::string>* log, std::string name,
                                                  systemd::bus_reply reply, std::string argument) {
  log->push_back(argument.empty() ? name : name + ' ' + argument);
  co_return reply;
}

}  // namespace

std::filesystem::path unwedgectl_fixture::program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "unwedgectl";
}

void unwedgectl_fixture::start(const std::map<std::string, systemd::bus_reply>& answers) {
  systemd::bus_options options{.path = folder_ / "unwedged.sock"};
  for (auto const& [name, reply] : answers)
    options.methods[name] = std::bind_front(&answer, &asked_, name, reply);
  server_ = std::make_unique<running_server<systemd::bus_server>>(
      [&](const auto& executor) { return systemd::bus_server::listen(executor, options); });
}

std::vector<std::string> unwedgectl_fixture::asked() {
  return server_->on_loop([this](systemd::bus_server&) { return asked_; });
}

unwedgectl_fixture::outcome unwedgectl_fixture::run(const std::string& arguments) {
  auto const command = program().string() + " --runtime-dir " + (folder_ / "").string() + " " + arguments +
                       " >" + (folder_ / "out").string() + " 2>" + (folder_ / "err").string();
  int const status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents("out"), contents("err")};
}

std::string unwedgectl_fixture::contents(std::string_view name) const {
  std::ostringstream all;
  all << std::ifstream(folder_ / name).rdbuf();
  return all.str();
}

}  // namespace unwedge::tests

#include "daemon/rescue/options.hpp"

#include <CLI/CLI.hpp>

namespace unwedge::rescue {

namespace {

constexpr std::int64_t shortest_window = 10, longest_window = 30'000;  // ms

void add_lease_options(CLI::App& to, options& into, std::vector<std::string>& mutexes,
                       std::int64_t& window_ms) {
  to.add_option("--holder", into.lease.holder, "thread that has the mutexes and waits in a nested poll")
      ->required();
  to.add_option("--mutex", mutexes,
                "address of a mutex, 0x...; the BQL first, then others that it holds as well")
      ->required()
      ->check([](const std::string& text) {
        const bool hex = text.starts_with("0x") && text.size() > 2 && text.size() <= 18 &&
                         text.find_first_not_of("0123456789abcdefABCDEF", 2) == text.npos;
        return hex ? "" : "not an address such as 0x55d0c0ffee40";
      });
  to.add_flag("--frees-graph", into.lease.frees_graph,
              "what ends in the window frees nodes or jobs (drive-mirror, auto-dismiss)");
  to.add_option("--window", window_ms, "milliseconds that it is without them, at most")
      ->check(CLI::Range(shortest_window, longest_window))
      ->capture_default_str();
}

}  // namespace

std::variant<options, int> parse_command_line(int argc, const char* const* argv) {
  options chosen;
  std::int64_t window_ms = chosen.lease.window.count();
  std::vector<std::string> mutexes;
  CLI::App app{
      "Brings one hung QEMU process back, for unwedged; JSON on standard output.\n"
      "Exit status: 0 done, or planned, 1 not done (the document says why), 2 usage.",
      "unwedge-rescue"};
  app.require_subcommand(1);
  const auto add = [&](const char* name, order what, const char* does) {
    auto* sub = app.add_subcommand(name, does);
    sub->add_option("--pid", chosen.pid, "of the process")->required()->check(CLI::Range(2, 4'194'304));
    sub->add_option("--start-time", chosen.start_time,
                    "field 22 of /proc/PID/stat: which process of that pid")
        ->required();
    sub->add_flag("--plan", chosen.plan, "only check every precondition");
    sub->add_flag("--any-process", chosen.any_process, "also one that is no QEMU");
    sub->callback([&chosen, what] { chosen.what = what; });
    return sub;
  };
  add_lease_options(
      *add("lease", order::lease,
           "let a thread give its locks away for a while; `end` on standard input, or its end, ends it"),
      chosen, mutexes, window_ms);
  auto* sever = add("sever", order::sever, "shut down one connection");
  sever->add_option("--fd", chosen.sever.fd, "descriptor in the process")
      ->required()
      ->check(CLI::NonNegativeNumber);
  sever->add_option("--inode", chosen.sever.inode, "of the socket that it must be")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  for (const auto& text : mutexes) chosen.lease.mutexes.push_back(std::stoull(text, nullptr, 16));
  chosen.lease.window = std::chrono::milliseconds{window_ms};
  return chosen;
}

}  // namespace unwedge::rescue

#include "daemon/coredump/options.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace unwedge::coredump {
namespace {

void add_core_options(CLI::App& to, options& into, std::int64_t& longest_ms) {
  to.add_option("--folder", into.core.folder, "where the core goes")->required();
  to.add_option("--name", into.core.name, "of the core's file")->required();
  to.add_option("--max-bytes", into.core.bounds.most_bytes, "of the file");
  to.add_option("--min-free", into.core.bounds.least_free, "bytes that stay free on the disk");
  to.add_option("--max-memory", into.core.most_copied, "bytes copied");
  to.add_option("--max-stop", longest_ms, "milliseconds that the process may stand still")
      ->check(CLI::Range(1, 60'000));
}

}  // namespace

std::variant<options, int> parse_command_line(int argc, const char* const* argv) {
  options chosen;
  std::int64_t longest_ms = chosen.core.longest_stop.count();
  CLI::App app{"Cores of one QEMU process, for unwedged; one JSON document on standard output",
               "unwedge-core"};
  app.require_subcommand(1);
  const auto add = [&](const char* name, order what, const char* does) {
    auto* sub = app.add_subcommand(name, does);
    sub->add_option("--pid", chosen.pid, "of the process")->required();
    sub->add_option("--start-time", chosen.start_time,
                    "field 22 of /proc/PID/stat: which process of that pid")
        ->required();
    sub->add_flag("--any-process", chosen.any_process, "also one that is no QEMU");
    sub->callback([&chosen, what] { chosen.what = what; });
    return sub;
  };
  add("plan", order::plan, "what a core would hold and cost; changes nothing");
  add("flag", order::flag, "prepare it for the kernel's core")
      ->add_flag("--with-ram", chosen.with_ram, "even if guest memory will be in it");
  add_core_options(*add("core", order::core, "take a core, the process runs on"), chosen, longest_ms);
  auto* abort = add("abort", order::abort, "end it with a core");
  abort->add_flag("--with-ram", chosen.with_ram, "even if guest memory will be in it");
  add_core_options(*abort, chosen, longest_ms);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (chosen.core.name.find('/') != std::string::npos || chosen.core.name.starts_with('.')) {
    std::fprintf(stderr, "unwedge-core: --name: a plain file name is expected\n");
    return 2;
  }
  chosen.core.longest_stop = std::chrono::milliseconds(longest_ms);
  return chosen;
}

}  // namespace unwedge::coredump

// unwedge-inspect: looks into one QEMU process, for unwedged.
#include "daemon/inspect/supervisor.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  using namespace unwedge::inspect;
  try {
    const auto parsed = parse_command_line(argc, argv);
    if (const auto* status = std::get_if<exit_status>(&parsed)) return *status;
    return inspect(std::get<options>(parsed));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "unwedge-inspect: %s\n", error.what());
    return exit_failed;
  }
}

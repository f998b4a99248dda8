// unwedgectl: the operator's command line.
#include "daemon/ctl/commands.hpp"
#include "daemon/ctl/session.hpp"

#include <exception>

int main(int argc, char** argv) {
  using namespace unwedge::ctl;
  try {
    auto const parsed = parse_command_line(argc, argv);
    if (auto const* status = std::get_if<exit_status>(&parsed)) return *status;
    return run(std::get<options>(parsed));
  } catch (const std::exception& error) {
    complain(error.what());
    return exit_failed;
  }
}

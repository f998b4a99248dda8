#include "daemon/ctl/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace unwedge::ctl {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

bool stdout_is_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

view stdout_view() {
  view to{.now = std::chrono::system_clock::now()};
  if (!stdout_is_terminal()) return to;
  winsize size{};
  to.width = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80u;
  to.colour = environment("NO_COLOR").empty() && environment("TERM") != "dumb";
  return to;
}

}  // namespace unwedge::ctl

#include "daemon/ctl/commands.hpp"
#include "daemon/ctl/session.hpp"

namespace unwedge::ctl {

exit_status check(const options&) {
  complain("this build cannot check configuration files");
  return exit_failed;
}

}  // namespace unwedge::ctl

#include "daemon/ctl/commands.hpp"
#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/session.hpp"
#include "daemon/ctl/terminal.hpp"

namespace unwedge::ctl {

namespace json = boost::json;

exit_status hold(const options& chosen) {
  auto daemon = connect(chosen);
  if (!daemon) return daemon.error();
  json::object asked{{"vm", chosen.subject}};
  if (chosen.hold_for) asked["seconds"] = chosen.hold_for->count();
  if (!chosen.reason.empty()) asked["reason"] = chosen.reason;
  auto const answer = ask(*daemon, "Hold", json::serialize(asked));
  if (!answer) return answer.error();
  if (!chosen.json) return put_rendered("Hold", render_hold(*answer, chosen.hold_for, stdout_view()));
  put(pretty(*answer) + '\n');
  return exit_done;
}

exit_status release(const options& chosen) {
  auto daemon = connect(chosen);
  if (!daemon) return daemon.error();
  auto const answer = ask(*daemon, "Release", chosen.subject);
  if (!answer) return answer.error();
  if (chosen.json) return put(pretty(*answer) + '\n'), exit_done;
  // What else holds it: who releases a VM believes that it is acted on from now on.
  auto const vms = ask(*daemon, "List", "");
  auto const told =
      put_rendered("Release", render_release(*answer, vms ? *vms : json::value(), stdout_view()));
  return vms ? told : vms.error();
}

}  // namespace unwedge::ctl

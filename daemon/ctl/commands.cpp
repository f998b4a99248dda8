#include "daemon/ctl/commands.hpp"

#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/session.hpp"
#include "daemon/ctl/terminal.hpp"

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

const char* method_of(command what) {
  switch (what) {
    case command::list:
      return "List";
    case command::show:
      return "Show";
    case command::incidents:
      return "Incidents";
    case command::incident:
      return "Incident";
    case command::events:
      return "Events";
    case command::policies:
      return "Policies";
    case command::reload:
      return "Reload";
    case command::inspect:
    case command::hold:
    case command::release:
    case command::act:
    case command::check:
      break;
  }
  return "";
}

/// The answer for people; "" if it has another shape than the contract says.
std::string rendered(command what, const json::value& answer, const view& to) {
  auto const* array = answer.if_array();
  auto const* object = answer.if_object();
  if (what == command::list && array != nullptr) return render_list(*array, to);
  if (what == command::incidents && array != nullptr) return render_incidents(*array, to);
  if (what == command::events && array != nullptr) return render_events(*array, to);
  if (what == command::policies && array != nullptr) return render_policies(*array, to);
  if (what == command::show && object != nullptr) return render_vm(*object, to);
  if (what == command::incident && object != nullptr) return render_incident(*object, to);
  if (what == command::reload) return "reloaded\n";
  return {};
}

std::string as_json(command what, const json::value& answer) {
  auto const* events = answer.if_array();
  if (what != command::events || events == nullptr) return pretty(answer) + '\n';
  std::string lines;
  for (auto const& event : *events) lines += compact(event) + '\n';
  return lines;
}

}  // namespace

exit_status run(const options& chosen) {
  if (chosen.what == command::check) return check(chosen);
  if (chosen.what == command::inspect) return inspect(chosen);
  if (chosen.what == command::hold) return hold(chosen);
  if (chosen.what == command::release) return release(chosen);
  if (chosen.what == command::act) return act(chosen);
  if (chosen.what == command::incident && !chosen.bundle.empty()) return bundle_incident(chosen);
  if (chosen.what == command::events && chosen.follow) return follow(chosen);
  auto daemon = connect(chosen);
  if (!daemon) return daemon.error();
  auto const answer = ask(*daemon, method_of(chosen.what), chosen.subject);
  if (!answer) return answer.error();
  if (!chosen.json)
    return put_rendered(method_of(chosen.what), rendered(chosen.what, *answer, stdout_view()));
  put(as_json(chosen.what, *answer));
  return exit_done;
}

}  // namespace unwedge::ctl

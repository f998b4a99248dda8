#include "daemon/ctl/commands.hpp"
#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/session.hpp"
#include "daemon/ctl/terminal.hpp"

namespace unwedge::ctl {

namespace json = boost::json;

exit_status inspect(const options& chosen) {
  // The daemon may be configured to give the stacks a minute, and may be at those of another VM.
  auto daemon = connect(chosen, chosen.stacks ? std::chrono::seconds(150) : std::chrono::seconds(15));
  if (!daemon) return daemon.error();
  const json::object asked{{"vm", chosen.subject}, {"stacks", chosen.stacks}};
  auto const answer = ask(*daemon, "Inspect", json::serialize(asked));
  if (!answer) return answer.error();
  auto const* object = answer->if_object();
  auto const problem = object == nullptr ? std::string() : std::string(text_at(*object, "stacks_problem"));
  exit_status told = exit_done;
  if (chosen.json)
    put(pretty(*answer) + '\n');
  else
    told = put_rendered("Inspect",
                        object == nullptr ? std::string() : render_inspection(*object, stdout_view()));
  if (problem.empty()) return told;
  complain("no stacks: " + problem);
  return exit_failed;
}

}  // namespace unwedge::ctl

#include "daemon/ctl/commands.hpp"
#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/session.hpp"
#include "daemon/ctl/terminal.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <thread>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// The line of an act that takes its time: on standard error, so that what is printed stays what it is.
class progress_line {
 public:
  explicit progress_line(const options& of) : shown_(!of.json && ::isatty(STDERR_FILENO) == 1), of_(of) {}
  ~progress_line() {
    if (drawn_) fmt::print(stderr, "\r\x1b[K");
  }
  void draw(steady_clock::duration since) {
    if (!shown_ || since < 500ms) return;
    fmt::print(stderr, "\r{}", render_act_progress(of_.action, since));
    drawn_ = true;
  }

 private:
  bool shown_, drawn_ = false;
  const options& of_;
};

exit_status failed(const json::object& result) {
  auto const text = text_at(result, "text");
  complain(text.empty() ? "it is not known what came of it; unwedgectl incidents" : text);
  return exit_failed;
}

/// Comes back with the ticket until it is over; what it would mean is shown as soon as it is known.
std::expected<json::object, exit_status> wait_for(systemd::bus_client& daemon, const std::string& ticket,
                                                  const options& chosen) {
  progress_line line(chosen);
  auto const began = steady_clock::now();
  for (bool told = false;;) {
    auto const answer = ask(daemon, "ActResult", ticket);
    if (!answer) return std::unexpected(answer.error());
    auto const* now = answer->if_object();
    if (now == nullptr) return std::unexpected(put_rendered("ActResult", ""));
    if (!told && !chosen.json && !text_at(*now, "plan").empty()) {
      put(render_act_plan(*now));
      told = true;
    }
    if (!flag_at(*now, "running")) return *now;
    line.draw(steady_clock::now() - began);
    std::this_thread::sleep_for(100ms);
  }
}

}  // namespace

exit_status act(const options& chosen) {
  auto daemon = connect(chosen);
  if (!daemon) return daemon.error();
  json::object const asked{{"vm", chosen.subject},
                           {"action", chosen.action},
                           {"yes", chosen.yes},
                           {"with_ram", chosen.with_ram},
                           {"plan_only", chosen.plan_only}};
  auto const begun = ask(*daemon, "Act", json::serialize(asked));
  if (!begun) return begun.error();
  auto const* o = begun->if_object();
  auto const ticket = o != nullptr ? number_at(*o, "ticket") : std::nullopt;
  if (!ticket) return put_rendered("Act", "");
  auto const result = wait_for(*daemon, fmt::format("{:.0f}", *ticket), chosen);
  if (!result) return result.error();
  if (chosen.json) {
    put(pretty(*result) + '\n');
    return flag_at(*result, "ok") ? exit_done : exit_failed;
  }
  return flag_at(*result, "ok") ? put_rendered("ActResult", render_act(*result)) : failed(*result);
}

}  // namespace unwedge::ctl

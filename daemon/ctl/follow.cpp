#include "daemon/ctl/commands.hpp"
#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/session.hpp"
#include "daemon/ctl/terminal.hpp"

#include <csignal>
#include <cstdint>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

volatile std::sig_atomic_t interrupted = 0;

void on_signal(int) {
  interrupted = 1;
}

/// Prints each event once: those of the history may come again as signals.
class event_printer {
 public:
  explicit event_printer(bool as_json) : json_(as_json) {}

  void print(const json::value& value) {
    auto const* event = value.if_object();
    if (event == nullptr) return;
    auto const number = number_at(*event, "seq");
    if (number && *number <= last_) return;
    last_ = number.value_or(last_);
    put(json_ ? compact(value) + '\n' : render_event(*event, stdout_view()));
  }

  void print_text(std::string_view text) {
    json::error_code error;
    auto const value = json::parse(text, error);
    if (!error) print(value);
  }

 private:
  bool json_;
  double last_ = -1;
};

void catch_signals() {
  struct sigaction action{};
  action.sa_handler = &on_signal;  // without SA_RESTART: the wait returns
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

exit_status follow(const options& chosen) {
  auto daemon = connect(chosen);
  if (!daemon) return daemon.error();
  event_printer printer(chosen.json);
  // Subscribed before the history is asked for: nothing falls between.
  auto state = daemon->subscribe([&printer](std::string_view text) { printer.print_text(text); });
  if (!state) return complain(state.error().text), exit_failed;
  auto const history = ask(*daemon, "Events", "");
  if (!history) return history.error();
  if (!chosen.json) put(render_events_heading(stdout_view()));
  if (auto const* events = history->if_array()) {
    for (auto const& event : *events) printer.print(event);
  }
  catch_signals();
  while (interrupted == 0) {
    state = daemon->wait(200ms);  // a signal between the check and the wait costs no more than this
    if (!state) return complain(state.error().text), exit_failed;
  }
  return exit_done;
}

}  // namespace unwedge::ctl

#include "daemon/ctl/session.hpp"

#include "daemon/ctl/printable.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdio>

namespace unwedge::ctl {
namespace {

using systemd::call_errc;

exit_status explain(const systemd::call_error& error, const options& chosen) {
  auto const socket = chosen.socket().string();
  switch (error.code) {
    case call_errc::no_daemon:
      complain(
          fmt::format("no daemon answers on {}; is unwedged running? systemctl status unwedged", socket));
      return exit_no_daemon;
    case call_errc::forbidden:
      complain(
          fmt::format("{} is closed to this user: run as root, or as the user that runs unwedged", socket));
      return exit_failed;
    case call_errc::timed_out:
      complain(fmt::format(
          "the daemon on {} does not answer; systemctl status unwedged, journalctl -u unwedged", socket));
      return exit_failed;
    case call_errc::failed:
    case call_errc::closed:
      complain(error.text);
      return exit_failed;
  }
  return exit_failed;
}

}  // namespace

void complain(std::string_view what) {
  fmt::print(stderr, "unwedgectl: {}\n", printable(what));
}

void put(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

exit_status put_rendered(std::string_view method, std::string_view text) {
  put(text);
  if (!text.empty()) return exit_done;
  complain(fmt::format("the daemon's answer to {} is not what this version expects", method));
  return exit_failed;
}

std::expected<systemd::bus_client, exit_status> connect(const options& chosen,
                                                        std::chrono::milliseconds patience) {
  auto made = systemd::bus_client::connect(chosen.socket(), patience);
  if (!made) return std::unexpected(explain(made.error(), chosen));
  return std::move(*made);
}

std::expected<boost::json::value, exit_status> ask(systemd::bus_client& daemon, std::string method,
                                                   std::string argument) {
  auto answer = daemon.call(method, std::move(argument));
  if (!answer) {
    complain(answer.error().code == call_errc::timed_out
                 ? fmt::format("the daemon did not answer {}; journalctl -u unwedged", method)
                 : answer.error().text);
    return std::unexpected(exit_failed);
  }
  boost::json::error_code error;
  boost::json::parse_options lenient;
  lenient.allow_invalid_utf8 = true;
  auto parsed = boost::json::parse(*answer, error, {}, lenient);
  if (!error) return parsed;
  complain(fmt::format("the daemon's answer to {} is no JSON: {}", method, error.message()));
  return std::unexpected(exit_failed);
}

}  // namespace unwedge::ctl

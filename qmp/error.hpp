// What can go wrong between us and a monitor, as a value.
#pragma once

#include "qmp/message.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace unwedge::qmp {

enum class errc {
  connect_failed,  ///< no socket, refused, backlog full
  no_greeting,     ///< connected, but silent: another client holds this monitor, or QEMU is stopped
  not_negotiated,  ///< greeted, but qmp_capabilities was not answered in time: the main loop is stuck
  refused,         ///< QEMU answered with an error, see `server`
  timed_out,       ///< no answer within the deadline; the command may still run
  closed,          ///< the connection ended; nobody knows whether a running command took effect
  garbage,         ///< not JSON, or JSON that is no QMP message
  too_long,        ///< a message above limits::message_bytes or limits::values
  too_deep,        ///< a message nested deeper than limits::depth
  event_flood,     ///< more messages that nobody asked for than limits::events_per_second
  too_many,        ///< limits::outstanding commands of ours are unanswered already
  no_oob,          ///< an out-of-band command on a session without `oob`
  would_block,     ///< the peer does not read what we send
  cancelled,       ///< the owner of the session gave up
};

std::string_view to_string(errc);

struct error {
  errc code;
  std::string what = {};                    ///< what was tried, on what, and what came back
  std::optional<server_error> server = {};  ///< only with errc::refused
};

/// "timed out: query-status on /run/x.sock, 5.0 s". One line, whatever the peer wrote: control characters are
/// escaped.
std::string to_string(const error&);

}  // namespace unwedge::qmp

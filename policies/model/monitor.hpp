// The session with a VM's monitor, as its model has it. Plain values.
#pragma once

#include "policies/evidence.hpp"
#include "qmp/message.hpp"

#include <optional>
#include <string>

namespace unwedge::policies {

struct monitor_state {
  bool connected = false;  ///< a socket is open
  bool ready = false;      ///< and capabilities are negotiated
  bool oob = false;
  qmp::version version;
  std::optional<instant> last_reply;  ///< to any in-band command: proof that the main loop ran
  std::optional<instant>
      waiting_since;  ///< the oldest unanswered in-band command (or qmp_capabilities) was sent
  std::optional<instant> last_oob_reply;  ///< proof that the monitor's thread ran
  std::chrono::microseconds last_round_trip{0};
  std::string problem;  ///< why there is no session, for people; empty while there is one
};

}  // namespace unwedge::policies

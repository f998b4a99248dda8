// The plain types of the QMP protocol: what a QEMU can say to us. Used by every layer; they hold no I/O.
// Source: QEMU docs/interop/qmp-spec.rst, qapi/*.json.
#pragma once

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace unwedge::qmp {

namespace json = boost::json;

/// QEMU's version as its greeting tells it; all zero where it did not.
struct version {
  int major = 0;
  int minor = 0;
  int micro = 0;
  std::string package;  ///< the vendor's text, e.g. "Debian 1:7.2+dfsg-7"; hostile like all text

  friend bool operator==(const version&, const version&) = default;
};

/// "7.2.22", or "unknown".
std::string to_string(const version&);

/// The first message on a connection.
struct greeting {
  qmp::version version;
  bool oob_offered = false;  ///< the monitor runs in an I/O thread (QEMU >= 4.0, not Proxmox's build)
};

/// QEMU answered a command with an error. Never parse `description`: it is for people.
struct server_error {
  std::string error_class;  ///< GenericError, CommandNotFound, DeviceNotActive, DeviceNotFound, ...
  std::string description;
};

/// An asynchronous event. A view: valid only while the handler it is passed to runs.
struct event {
  std::string_view name;
  const json::object& data;                ///< empty where the event carries none
  std::chrono::microseconds timestamp{0};  ///< QEMU's wall clock since the epoch; 0 if unknown
  std::string_view raw;                    ///< the message as it came
};

/// A command to send. `arguments` may be empty.
struct command {
  std::string_view name;
  json::object arguments = {};
  bool out_of_band = false;  ///< sent as exec-oob; needs a negotiated `oob`
};

}  // namespace unwedge::qmp

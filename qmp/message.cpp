#include "qmp/message.hpp"

#include "qmp/error.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

namespace unwedge::qmp {
std::string to_string(const version& v) {
  if (v == version{}) return "unknown";
  return fmt::format("{}.{}.{}", v.major, v.minor, v.micro);
}

std::string_view to_string(errc code) {
  switch (code) {
    case errc::connect_failed:
      return "cannot connect";
    case errc::no_greeting:
      return "no greeting";
    case errc::not_negotiated:
      return "capabilities not negotiated";
    case errc::refused:
      return "refused";
    case errc::timed_out:
      return "timed out";
    case errc::closed:
      return "connection closed";
    case errc::garbage:
      return "not QMP";
    case errc::too_long:
      return "message too long";
    case errc::too_deep:
      return "message nested too deep";
    case errc::event_flood:
      return "event flood";
    case errc::too_many:
      return "too many unanswered commands";
    case errc::no_oob:
      return "no out-of-band";
    case errc::would_block:
      return "peer does not read";
    case errc::cancelled:
      return "cancelled";
  }
  return "unknown error";
}

std::string to_string(const error& e) {
  std::string text{to_string(e.code)};
  if (!e.what.empty()) text += ": " + e.what;
  if (e.server) {
    text += fmt::format(": {}: {}", printable(e.server->error_class), printable(e.server->description));
  }
  return text;
}

}  // namespace unwedge::qmp

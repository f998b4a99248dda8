#include "qmp/message.hpp"

#include "qmp/error.hpp"

#include <fmt/format.h>

namespace unwedge::qmp {
namespace {

/// A hostile QEMU must not write lines of its own into a log, nor steer a terminal.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f)
      out += fmt::format("\\x{:02x}", u);
    else
      out += c;
  }
  return out;
}

}  // namespace

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
    text += fmt::format(": {}: {}", one_line(e.server->error_class), one_line(e.server->description));
  }
  return text;
}

}  // namespace unwedge::qmp

// A conversation with the daemon as the commands want it: answers as JSON, failures as printed errors.
#pragma once

#include "daemon/ctl/options.hpp"
#include "systemd/bus_client.hpp"

#include <boost/json.hpp>

#include <expected>
#include <string>
#include <string_view>

namespace unwedge::ctl {

/// Prints "unwedgectl: ..." to standard error, made printable.
void complain(std::string_view what);

/// Connects to `<runtime-dir>/unwedged.sock`; on failure says what to do about it.
/// `patience` holds for this and for each call.
std::expected<systemd::bus_client, exit_status> connect(
    const options& chosen, std::chrono::milliseconds patience = std::chrono::seconds(10));

/// Calls a method and parses its answer.
std::expected<boost::json::value, exit_status> ask(systemd::bus_client& daemon, std::string method,
                                                   std::string argument);

/// Writes all to standard output, at once.
void put(std::string_view text);

/// The same of an answer made ready for people; "" means that the answer had another shape than the contract
/// says, which is complained about.
exit_status put_rendered(std::string_view method, std::string_view text);

}  // namespace unwedge::ctl

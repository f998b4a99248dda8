// What a scripted QMP peer does, step by step. Used by tests and benchmarks with scripted_peer.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace unwedge::tests {

/// Sends bytes as they are: greetings, events, garbage.
struct say {
  std::string bytes;
};

/// Sends bytes in small writes and lets others run in between.
struct say_in_pieces {
  std::string bytes;
  std::size_t size = 1;
};

/// Sends the same bytes again and again, until the other side hangs up at the latest.
struct flood {
  std::string bytes;
  std::size_t times = 100'000;
};

/// The next command must be this one. Its id is kept for `reply` and `refuse`.
struct expect {
  std::string name;
};

/// Answers a command that was expected before; empty `to`: the last one.
struct reply {
  std::string value = "{}";
  std::string to = {};
};

struct refuse {
  std::string error_class = "GenericError";
  std::string description = "no";
  std::string to = {};
};

/// Answers with an id of one's own choice; `id` is JSON.
struct reply_as {
  std::string id;
  std::string value = "{}";
};

struct delay {
  std::chrono::milliseconds time;
};

struct hang_up {};

/// Reads nothing and says nothing from here on, but keeps the connection: a stopped QEMU.
struct go_silent {};

using step =
    std::variant<say, say_in_pieces, flood, expect, reply, refuse, reply_as, delay, hang_up, go_silent>;
using script = std::vector<step>;

/// QEMU 7.2's greeting as Debian's sends it, CRLF and all.
std::string greeting(bool oob = true);

/// An event as QEMU prints it; `data` is JSON, none if empty.
std::string event(std::string_view name, std::string_view data = {});

/// Greeting, qmp_capabilities, its reply.
script handshake(bool oob = true);

script operator+(script first, const script& then);

/// The first `steps` of a script, then the connection ends.
script cut_off_after(const script& whole, std::size_t steps);

}  // namespace unwedge::tests

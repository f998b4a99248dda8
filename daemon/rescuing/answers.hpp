// What unwedge-rescue prints (docs/rescue.md) -> plain values. It has looked into a hostile process and may
// have fallen to what it saw there: an answer that is not whole, contradicts itself or is not the one to what
// was asked is none. Pure.
#pragma once

#include <boost/json.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::rescuing {

inline constexpr std::size_t most_answer_bytes = 256u << 10;  ///< of all that one run says
inline constexpr std::size_t most_preconditions = 64;

/// Of a lease or a cut; its sentence says what was found. All sentences are printable, 256 bytes at most.
struct precondition {
  std::string name;  ///< a contract: a-z, 0-9 and `-`, 40 bytes at most
  bool ok = false;
  std::string sentence;

  bool operator==(const precondition&) const = default;
};

/// What would happen.
struct plan {
  bool would = false;               ///< every precondition holds, and there are some
  std::string failed;               ///< the first that does not; empty: all hold
  std::string sentence;             ///< why not
  std::optional<bool> walks_graph;  ///< see lease_end; of a lease only, and only if it would be granted
  std::vector<precondition> preconditions;
};

/// A lease has begun: the holder has given its mutexes away.
struct granted {
  bool walks_graph = false;
  std::chrono::nanoseconds stopped{0};  ///< the holder stood still for it
  /// When it is over by itself, on the clock of all processes (CLOCK_MONOTONIC).
  std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max();
};

/// Nothing was done.
struct refused {
  std::string failed;  ///< the precondition that does not hold
  std::string sentence;
  std::vector<precondition> preconditions;
};

enum class ended_by { command, time, exit, itself };

/// How a lease that was granted has ended.
struct lease_end {
  bool returned = false;  ///< the holder has its mutexes back and goes on; else the sentence says where it is
  ended_by by = ended_by::time;
  std::chrono::milliseconds lasted{0};
  bool walks_graph = false;             ///< QEMU may have a damaged heap now: migrate the VM away soon
  std::chrono::nanoseconds stopped{0};  ///< the holder stood still, at the begin and at an early end
  std::string sentence;
  std::vector<precondition> preconditions;
};

/// A connection was shut down.
struct severed {
  std::string did;
  std::vector<precondition> preconditions;
};

std::string_view to_string(ended_by);

/// The object that a line is; nullopt: it is none, or longer than all that may be said.
std::optional<boost::json::object> parse_object(std::string_view line);

/// Errors are sentences without a subject ("says ..."). Keys that are not known are passed over.
std::expected<plan, std::string> read_plan(const boost::json::object&);
std::expected<granted, std::string> read_granted(const boost::json::object&, pid_t holder,
                                                 std::chrono::milliseconds window);
std::expected<refused, std::string> read_refused(const boost::json::object&);
std::expected<lease_end, std::string> read_lease_end(const boost::json::object&, const granted& as_begun,
                                                     pid_t holder, std::chrono::milliseconds window);
std::expected<severed, std::string> read_severed(const boost::json::object&, int fd, std::uint64_t inode);

}  // namespace unwedge::rescuing

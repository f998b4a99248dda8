// What the worker tells the supervisor: one JSON object a line. Pure. The worker may have fallen to what it
// parsed, so a line is believed to be anything.
#pragma once

#include "daemon/inspect/stacks.hpp"

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <variant>

namespace unwedge::inspect {

/// A thread that there is. Nothing was done to it yet.
struct seen_message {
  thread_stack thread;
};
/// It was stopped and runs again, or it was left alone and `unwind` says why; frames to come.
struct captured_message {
  thread_stack thread;
};
struct stack_message {
  thread_stack thread;
};
struct problem_message {
  std::string sentence;
};
/// The target was refused, nothing was touched; or nothing more can be done.
struct failed_message {
  std::string sentence;
};
/// Nothing more will come.
struct done_message {
  std::chrono::nanoseconds capture{0};  ///< from the first stop to the end of the last
};

using message = std::variant<seen_message, captured_message, stack_message, problem_message, failed_message,
                             done_message>;

/// With its newline.
std::string encode(const message& m);

/// nullopt: not such a line.
std::optional<message> decode(std::string_view line);

/// Microseconds, as everywhere in the document.
double in_us(std::chrono::nanoseconds time);

/// A thread as it stands in the document.
boost::json::object to_json(const thread_stack& thread);

}  // namespace unwedge::inspect

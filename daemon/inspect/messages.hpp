// What the worker tells the supervisor: one JSON object a line. Pure. The worker may have fallen to what it
// parsed, so a line is believed to be anything.
#pragma once

#include "daemon/inspect/stacks.hpp"

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <variant>

namespace unwedge::inspect {

struct captured_message {
  thread_stack thread;  ///< it runs again; frames to come
};
struct stack_message {
  thread_stack thread;
};
struct problem_message {
  std::string sentence;
};
/// The target was refused; nothing was touched.
struct failed_message {
  std::string sentence;
};
/// Nothing more will come.
struct done_message {};

using message = std::variant<captured_message, stack_message, problem_message, failed_message, done_message>;

/// With its newline.
std::string encode(const message& m);

/// nullopt: not such a line.
std::optional<message> decode(std::string_view line);

/// A thread as it stands in the document.
boost::json::object to_json(const thread_stack& thread);

}  // namespace unwedge::inspect

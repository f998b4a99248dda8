// Hostile text, fit for one line of a log or a sentence.
#pragma once

#include <string>
#include <string_view>

namespace unwedge::qmp {

/// Control characters become \xNN: a hostile QEMU must not write lines of its own into a log, nor steer a
/// terminal.
std::string printable(std::string_view text);

}  // namespace unwedge::qmp

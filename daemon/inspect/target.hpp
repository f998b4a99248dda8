// Who may be looked at: the very process that was meant, and a QEMU. Touches nothing of it.
#pragma once

#include "daemon/evidence/process.hpp"
#include "daemon/inspect/options.hpp"

#include <expected>
#include <string>

namespace unwedge::inspect {

/// Takes hold of `of.pid` if it started at `of.start_time` and its program is a system emulator (or
/// `any_process`). Error (a sentence): it is another process, this program itself, no QEMU, or cannot be
/// opened. Does not block.
std::expected<evidence::process, std::string> open_target(const options& of);

}  // namespace unwedge::inspect

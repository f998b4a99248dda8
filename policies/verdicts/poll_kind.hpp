// Which poll of QEMU's a thread sleeps in: the main loop's own, in which it would answer, or a nested one.
// Pure.
#pragma once

#include "policies/evidence.hpp"

namespace unwedge::policies {

/// QEMU's main loop polls its signalfd whenever it is idle; a poll without it is a nested one (aio_poll),
/// which waits for one thing and runs nothing else.
enum class poll_kind { nested, main_loops_own, unknown };

poll_kind poll_of(const process_facts&, const thread_facts&);

}  // namespace unwedge::policies

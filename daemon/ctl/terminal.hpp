// What standard output is: a terminal and how wide, or a file or pipe.
#pragma once

#include "daemon/ctl/table.hpp"

namespace unwedge::ctl {

bool stdout_is_terminal();

/// Width and colour only on a terminal; no colour with NO_COLOR set (no-color.org) or TERM=dumb.
view stdout_view();

}  // namespace unwedge::ctl

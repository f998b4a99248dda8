// The subcommands of unwedgectl: their arguments and their help. For options.cpp only.
#pragma once

#include "daemon/ctl/options.hpp"

#include <CLI/CLI.hpp>

namespace unwedge::ctl {

/// Adds them all. `chosen` is written while `app` parses, and must live as long.
void add_subcommands(CLI::App& app, options& chosen);

}  // namespace unwedge::ctl

// Where the log goes: to the journal with its priorities if stderr is the journal, else to stderr.
#pragma once

namespace unwedge {

void set_up_logging(bool verbose);

}  // namespace unwedge

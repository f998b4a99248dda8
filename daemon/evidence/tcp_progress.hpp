// TCP_INFO of a connection (tcp(7)), as far as the evidence needs it.
#pragma once

#include "policies/evidence.hpp"

namespace unwedge::evidence {

/// Fills the TCP fields of `facts` from the socket `fd`. False: refused, errno says why. What an older kernel
/// does not count stays 0.
bool read_tcp_progress(int fd, policies::socket_facts& facts);

}  // namespace unwedge::evidence

#include "policies/verdicts/poll_kind.hpp"

#include <algorithm>

namespace unwedge::policies {

poll_kind poll_of(const process_facts& facts, const thread_facts& t) {
  if (!facts.has_signalfd || t.polled_fds.empty()) return poll_kind::unknown;
  bool all_known = true;
  for (const int fd : t.polled_fds) {
    const auto file = std::ranges::find(facts.files, fd, &file_facts::fd);
    if (file != facts.files.end() && file->what == file_facts::kind::signalfd)
      return poll_kind::main_loops_own;
    const bool socket = std::ranges::find(facts.sockets, fd, &socket_facts::fd) != facts.sockets.end();
    all_known = all_known && (socket || file != facts.files.end());
  }
  return all_known ? poll_kind::nested
                   : poll_kind::unknown;  // one that was not looked at may be the signalfd
}

}  // namespace unwedge::policies

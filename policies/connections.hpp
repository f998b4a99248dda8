// Which connection a thread waits for: sockets judged by what the kernel says of them, named by the VM model.
// Pure.
#pragma once

#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

#include <span>
#include <vector>

namespace unwedge::policies {

/// What ends a wait in poll.
struct polled_roots {
  std::vector<wait_root>
      roots;             ///< the likeliest first; empty: no silent connection that could explain the wait
  bool certain = false;  ///< no other connection could explain it as well
  bool by_job =
      false;  ///< that an answer is owed a job tells, not the connection: a file may explain it, too
};

/// The dead network block nodes that explain why `waiter` polls. `samples` cover the time in which nothing
/// moved; the connections of the last one are judged. A connection is silent if nothing was taken or arrived
/// over all samples; one whose peer owes something outweighs one that may just be idle, and only such a one
/// is ever certain. Of many requests under way the last may have gone out before the last answer came, or in
/// the same tick of the kernel's clock: where no connection tells, a job tells that runs and copies there.
polled_roots find_polled_roots(std::span<const process_facts> samples, const thread_facts& waiter,
                               const vm_model&);

/// The socket with this fd in a sample, or null.
const socket_facts* find_socket(const process_facts&, int fd);

/// The names of NBD nodes whose server has this address.
std::vector<std::string> nodes_with_peer(const vm_model&, const std::string& peer);

/// Written by QEMU, not taken by the peer.
bool has_stuck_bytes(const socket_facts&);

/// Bytes that the peer does not take, or a request sent after it last said anything (the last word on an idle
/// NBD connection is the server's). Where nothing is owed, nothing need be wrong.
bool owes_answer(const socket_facts&);

/// The last request and the last word of the peer are of the same tick of the kernel's clock (4 ms at
/// HZ=250): which came first, and so whether the peer owes an answer, cannot be told from here.
bool may_owe_answer(const socket_facts&);

/// How long nothing was taken or arrived on it; nullopt: something moved between the samples, or it is new.
std::optional<std::chrono::milliseconds> silence(std::span<const process_facts> samples,
                                                 const socket_facts& s);

}  // namespace unwedge::policies

// Who waits for whom, drawn from one sample of the evidence as the daemon gives it: for `unwedgectl inspect`
// and `unwedgectl incident`. Pure; whatever the JSON holds, they throw nothing and let no control character
// through.
#pragma once

#include <boost/json.hpp>

#include <string>
#include <vector>

namespace unwedge::ctl {

/// What a sample alone does not tell. Any may be null.
struct chain_context {
  const boost::json::object* verdict = nullptr;  ///< whose root is pointed at
  const boost::json::array* nodes = nullptr;     ///< the VM's block nodes: whom a peer belongs to
};

/// From the main thread through the holders of locks to what the last of them waits for, a line each, the
/// deeper the further. Empty: the sample has no threads.
std::vector<std::string> chain_lines(const boost::json::object& sample, const chain_context& context);

/// What a thread does: "sleeps in ppoll of 4 descriptors", "waits for the lock at 0x7f.. that CPU 0/KVM
/// (4713) holds".
std::string wait_in_words(const boost::json::object& thread, const boost::json::object& sample);

/// "fd 12: TCP 10.0.0.1:49152 -> 10.0.0.7:10809, 17 bytes not taken: node tgt (nbd)": of a socket of the
/// sample.
std::string socket_in_words(const boost::json::object& socket, const chain_context& context);

}  // namespace unwedge::ctl

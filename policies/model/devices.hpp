// What a VM has open to the outside, as its model has it: block nodes, character devices, what of it can be
// yanked. Plain values.
#pragma once

#include <string>
#include <vector>

namespace unwedge::policies {

struct block_node {
  std::string driver;
  std::string
      server;        ///< of a network node, as QEMU has it: "10.0.0.7:10809", "store7:10809", a socket's path
  std::string peer;  ///< the same, and of a named one its connection's address once that is known
  bool job_target =
      false;              ///< a job copies to it, and no device of the guest uses it: losing it loses a copy
  bool of_guest = false;  ///< a device of the guest uses it, or something below it
  std::vector<std::string> target_of;  ///< the jobs that copy to it, or to a node on top of it
};

/// A character device with a socket behind it, as query-chardev has it.
struct chardev {
  std::string local;  ///< the path that it listens on, or "host:port"; empty: it is a client
  std::string peer;   ///< of a connected TCP one
};

/// What can be yanked (query-yank, QEMU >= 6.0).
struct yank_instances {
  std::vector<std::string> block_nodes;
  bool migration = false;
};

}  // namespace unwedge::policies

// Hard limits on what a monitor may make us hold or do. A QEMU process is hostile input.
#pragma once

#include <chrono>
#include <cstddef>

namespace unwedge::qmp {

struct limits {
  std::size_t message_bytes = 4u << 20;  ///< query-named-block-nodes of 1,000 nodes is about 1.5 MiB
  std::size_t values = 250'000;          ///< commas in a message: 4 MiB of "1,1,1" would parse into 100 MiB
  std::size_t depth = 100;               ///< nesting; block graphs in query-block reach about 30
  double events_per_second = 1000;  ///< sustained, all that nobody asked for; GL#462 floods BLOCK_JOB_ERROR
  double event_burst = 5000;        ///< at once, on top of that
  std::size_t outstanding = 4;      ///< QEMU stops reading, OOB included, at 8 queued commands
};

struct deadlines {
  std::chrono::milliseconds connect{2'000};
  std::chrono::milliseconds greeting{5'000};
  std::chrono::milliseconds capabilities{60'000};  ///< long: a hung VM answers once it is brought back
};

}  // namespace unwedge::qmp

// Block jobs, and how mirrors among them ended, as the model of a VM has them. Plain values.
#pragma once

#include "policies/evidence.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace unwedge::policies {

struct job_state {
  std::string type;    ///< mirror, backup, commit, stream, ...; empty until queried
  std::string status;  ///< QEMU's JobStatus as text; unknown ones are kept
  std::int64_t offset = 0;
  std::int64_t len = 0;
  bool busy = false;  ///< at its last query it waited for I/O or ran: neither paused nor asleep by its speed
  std::optional<bool> auto_dismiss;  ///< it is gone with its end; nullopt until it was asked for
  std::string io_status;             ///< ok, failed, nospace
  std::string error;
  std::optional<std::string> target;  ///< the node it copies to, where the block graph tells
  instant progressed{};               ///< when `offset` or `status` last changed
  instant since{};                    ///< when `status` last changed
  instant appeared{};                 ///< when it was first heard of
};

/// How a mirror ended that is not listed any more, or not for long: its disk is whole, or it is not.
struct ended_copy {
  bool whole = false;
  std::string error;
  instant at{};
};

}  // namespace unwedge::policies

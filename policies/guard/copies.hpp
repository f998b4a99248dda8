// The mirrors beside a migration, and whether what they copied is whole. The data rule rests on it: a
// migration is never continued over a mirror that did not conclude without error. Pure.
#pragma once

#include "policies/vm_model.hpp"

#include <string>
#include <vector>

namespace unwedge::policies {

enum class copy_state {
  copying,     ///< not READY yet, or not any more
  ready,       ///< source and target are kept equal; a soft cancel concludes it
  concluding,  ///< on its way from ready to whole
  whole,       ///< concluded without error
  broken,      ///< failed or was given up: its target is not whole
};

std::string_view to_string(copy_state);

struct copy {
  std::string_view job;  ///< into the model, as all of it
  copy_state state = copy_state::copying;
  std::string_view error;              ///< of a broken one
  instant since{};                     ///< in this state, as far as its job's status tells
  const job_state* details = nullptr;  ///< into the model; null: the job has gone
};

/// What a mirror's status says of its copy.
copy_state state_of(const job_state& mirror);

/// All mirrors that matter to the migration that runs, or would begin now: those listed, and those that ended
/// since it began, or failed up to a minute before. What ended earlier is none of its.
std::vector<copy> copies(const vm_model&, instant now);

/// True while a mirror is listed that still copies.
bool mirrors(const vm_model&);

}  // namespace unwedge::policies

// Whether pages of a process are in swap, by proc_pid_pagemap(5): to write to one may take for ever.
#pragma once

#include "daemon/evidence/process.hpp"

#include <cstdint>

namespace unwedge::rescue {

class swapped_pages {
 public:
  /// Opens the file; later nothing is opened or allocated. `of` is needed for this only.
  explicit swapped_pages(const evidence::process& of);

  /// True also if it cannot be told.
  bool any_swapped(std::uint64_t begin, std::uint64_t end) const;

 private:
  evidence::file_descriptor pagemap_;
};

}  // namespace unwedge::rescue

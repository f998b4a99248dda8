// Programs and libraries of a process, as its memory map shows them. Pure.
#pragma once

#include "daemon/inspect/memory_map.hpp"

namespace unwedge::inspect {

/// One file mapped with code in it (or the vDSO, which has no file): where it begins and ends in memory.
struct module {
  std::uint64_t begin = 0, end = 0;
  const mapping* code = nullptr;  ///< one of its executable mappings; lives in the map
  bool vdso = false;
};

inline constexpr std::size_t most_modules = 512;

struct module_list {
  std::vector<module> modules;  ///< by address
  bool cut = false;
};

/// Neighbouring mappings of one file are one module; the file's offset 0 begins another. Without an
/// executable mapping among them they are data, and none. The result points into `map`.
module_list modules_of(const memory_map& map);

}  // namespace unwedge::inspect

#include "daemon/inspect/modules.hpp"

namespace unwedge::inspect {

namespace {

bool same_file(const mapping& a, const mapping& b) {
  return a.inode != 0 && a.inode == b.inode && a.device == b.device;
}

}  // namespace

module_list modules_of(const memory_map& map) {
  module_list list;
  module current;
  const mapping* before = nullptr;
  const auto close = [&] {
    if (current.code == nullptr) return;
    if (list.modules.size() < most_modules)
      list.modules.push_back(current);
    else
      list.cut = true;
  };
  for (const auto& m : map.mappings) {
    const bool vdso = m.path == "[vdso]";
    if (before == nullptr || !same_file(*before, m) || m.offset == 0) {
      close();
      current = {.begin = m.begin, .end = m.end, .code = nullptr, .vdso = vdso};
    }
    current.end = m.end;
    if (current.code == nullptr && m.executable && (m.inode != 0 || vdso)) current.code = &m;
    before = &m;
  }
  close();
  return list;
}

}  // namespace unwedge::inspect

#include "daemon/coredump/core_filter.hpp"

#include "daemon/evidence/proc_files.hpp"

#include <charconv>

namespace unwedge::coredump {

bool is_flagged(const evidence::process& of) {
  evidence::proc_reader reader;
  const auto text = reader.read(of.proc_dir(), "coredump_filter");
  std::uint32_t filter = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), filter, 16).ec != std::errc{})
    return false;
  return filter == flagged_filter;
}

}  // namespace unwedge::coredump

#include "daemon/inspect/thread_look.hpp"

#include "daemon/evidence/address.hpp"
#include "daemon/evidence/stat_line.hpp"

#include <fmt/format.h>

namespace unwedge::inspect {

std::optional<thread_look> look_at_thread(int proc_dir, pid_t tid, evidence::proc_reader& files) {
  const auto text = files.read(proc_dir, fmt::format("task/{}/stat", tid).c_str());
  const auto line = text ? evidence::parse_stat(*text) : std::nullopt;
  if (!line || line->state == 'Z' || line->state == 'X') return std::nullopt;
  thread_look look{.comm = evidence::printable(line->comm), .state = line->state};
  const auto status = files.read(proc_dir, fmt::format("task/{}/status", tid).c_str());
  if (!status) return std::nullopt;
  look.tracer = static_cast<pid_t>(evidence::number_after(*status, "TracerPid:").value_or(0));
  return look;
}

}  // namespace unwedge::inspect

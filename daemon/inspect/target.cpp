#include "daemon/inspect/target.hpp"

#include "daemon/evidence/address.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace unwedge::inspect {

std::expected<evidence::process, std::string> open_target(const options& of) {
  if (of.pid == ::getpid() || of.pid == ::getppid())
    return std::unexpected(fmt::format("process {}: is this program itself", of.pid));
  auto target = evidence::process::open(of.pid);
  if (!target) return target;
  if (target->start_time() != of.start_time)
    return std::unexpected(fmt::format("process {}: is another one, it started at {}, not at {}", of.pid,
                                       target->start_time(), of.start_time));
  // By its program, never by its name, which anybody can choose.
  if (!of.any_process && !evidence::names_qemu(target->exe()))
    return std::unexpected(
        fmt::format("process {}: its program is no QEMU: {}", of.pid,
                    target->exe().empty() ? "not permitted to see it" : evidence::printable(target->exe())));
  return target;
}

}  // namespace unwedge::inspect

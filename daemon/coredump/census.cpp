#include "daemon/coredump/census.hpp"

#include "daemon/evidence/proc_files.hpp"
#include "daemon/evidence/stat_line.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <charconv>

namespace unwedge::coredump {
namespace {

using std::chrono::microseconds;

std::unexpected<std::string> failed(const evidence::process& of, std::string_view what,
                                    std::string_view why) {
  return std::unexpected(fmt::format("process {}: {}: {}", of.pid(), what, why));
}

std::expected<void, std::string> read_limits(const evidence::process& of, evidence::proc_reader& reader,
                                             census& into) {
  const auto filter = reader.read(of.proc_dir(), "coredump_filter");
  if (!filter) return failed(of, "read coredump_filter", evidence::error_text(filter.error()));
  const auto text = *filter;
  std::from_chars(text.data(), text.data() + text.size(), into.filter, 16);
  if (::prlimit(of.pid(), RLIMIT_CORE, nullptr, &into.limit) != 0)
    return failed(of, "prlimit", evidence::error_text(errno));
  return {};
}

// The kernel gives /proc/PID of a process that must not be dumped to root, whoever it runs as
// (proc_pid(5)); a process of root's own is not told apart.
bool looks_dumpable(const evidence::process& of, std::string_view status) {
  struct stat folder{};
  if (::fstat(of.proc_dir(), &folder) != 0) return true;
  const auto uids = status.find("\nUid:\t");
  if (uids == status.npos) return true;
  const auto effective = status.find('\t', uids + 6);
  if (effective == status.npos) return true;
  unsigned user = 0;
  std::from_chars(status.data() + effective + 1, status.data() + status.size(), user);
  return folder.st_uid == user;
}

}  // namespace

std::expected<census, std::string> look_at(const evidence::process& of) {
  census made;
  evidence::proc_reader reader;
  const auto stat = reader.read(of.proc_dir(), "stat");
  if (!stat) return failed(of, "read stat", evidence::error_text(stat.error()));
  if (const auto line = evidence::parse_stat(*stat)) made.state = line->state;
  const auto status = reader.read(of.proc_dir(), "status");
  if (!status) return failed(of, "read status", evidence::error_text(status.error()));
  made.tracer = evidence::number_after(*status, "TracerPid:").value_or(0);
  made.threads = static_cast<std::size_t>(evidence::number_after(*status, "Threads:").value_or(0));
  made.dumpable = looks_dumpable(of, *status);
  if (auto done = read_limits(of, reader, made); !done) return std::unexpected(done.error());
  auto regions = read_regions(of.proc_dir(), "smaps");
  if (!regions) return failed(of, "its memory map", regions.error());
  made.regions = std::move(*regions);
  for (const auto& r : made.regions) {
    made.copied += bytes_to_copy(r);
    made.told = made.told || (r.not_forked && !r.device);
    if (guest_memory(r)) made.guest_memory += r.size();
    if (in_a_kernel_core(r)) made.in_kernel_core += r.resident + r.swapped;
  }
  made.goes_to = destination_of(of);
  if (!of.alive()) return failed(of, "look at it", "has ended");
  return made;
}

std::chrono::milliseconds census::stop_estimate() const {
  // Bringing a thread to its stop and reading its registers; copying at 1 GB/s, which is slow memory.
  const auto time = microseconds(1'000) + threads * microseconds(100) + microseconds(copied / 1'000);
  return std::chrono::ceil<std::chrono::milliseconds>(time);
}

std::string forbids_core(const census& c) {
  if (c.tracer != 0) return fmt::format("it is traced by process {}", c.tracer);
  if (c.state == 'T' || c.state == 't') return "it is stopped by a signal";
  if (c.state == 'Z' || c.state == 'X') return "it has ended";
  if (!c.told)
    return "none of its memory is marked as guest memory (MADV_DONTFORK, as QEMU does): it cannot be left "
           "out";
  return "";
}

}  // namespace unwedge::coredump

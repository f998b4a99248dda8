#include "daemon/coredump/live_core.hpp"

#include "daemon/coredump/elf_core.hpp"
#include "daemon/coredump/memory_copy.hpp"
#include "daemon/coredump/standstill.hpp"
#include "daemon/evidence/proc_files.hpp"
#include "daemon/inspect/stop_limit.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <thread>

namespace unwedge::coredump {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Address space to be looked through page by page, 8 bytes of page table each.
constexpr std::uint64_t most_spanned = 32ull << 30;
constexpr std::uint64_t slack = 32u << 20;  // it may grow until it stands still
constexpr milliseconds stop_patience{200};

std::uint64_t spanned(const std::vector<region>& regions) {
  std::uint64_t sum = 0;
  for (const auto& r : regions)
    if (const auto what = chosen(r); what == part::present || what == part::changed) sum += r.size();
  return sum;
}

std::uint64_t free_memory() {
  evidence::proc_reader reader;
  const auto text = reader.read(AT_FDCWD, "/proc/meminfo");
  if (!text) return 0;
  return static_cast<std::uint64_t>(evidence::number_after(*text, "MemAvailable:").value_or(0)) << 10;
}

std::string forbids(const census& c, const core_request& asked) {
  if (auto why = forbids_core(c); !why.empty()) return why;
  if (c.stop_estimate() > asked.longest_stop)
    return fmt::format("it would stand still for about {} ms, longer than {} ms ([core] max_stop)",
                       c.stop_estimate().count(), asked.longest_stop.count());
  if (c.copied > asked.most_copied)
    return fmt::format("without guest memory it has {} MiB, more than {} MiB ([core] max_memory)",
                       c.copied >> 20, asked.most_copied >> 20);
  if (free_memory() < 2 * (c.copied + slack))
    return fmt::format("the host is short of memory: {} MiB to be copied, {} MiB available", c.copied >> 20,
                       free_memory() >> 20);
  if (spanned(c.regions) > most_spanned)
    return fmt::format("its own memory spans {} GiB", spanned(c.regions) >> 30);
  return "";
}

std::vector<std::byte> bytes_of(const evidence::process& of, const char* file) {
  evidence::proc_reader reader;
  const auto text = reader.read(of.proc_dir(), file);
  if (!text) return {};
  const auto bytes = std::as_bytes(std::span(*text));
  return {bytes.begin(), bytes.end()};
}

core_facts facts_of(const evidence::process& of) {
  core_facts made{.pid = of.pid(), .auxv = bytes_of(of, "auxv")};
  evidence::proc_reader reader;
  if (const auto comm = reader.read(of.proc_dir(), "comm")) made.comm = comm->substr(0, comm->find('\n'));
  if (const auto line = reader.read(of.proc_dir(), "cmdline")) {
    made.command_line = *line;
    std::ranges::replace(made.command_line, '\0', ' ');
  }
  return made;
}

struct copied {
  core_facts facts;
  std::vector<segment> segments;
  core_result result;
};

/// All that happens while it stands still.
std::expected<void, std::string> copy_at_rest(standstill& all, const evidence::process& of,
                                              const census& before, milliseconds longest, arena& room,
                                              copied& into) {
  inspect::stop_limit standing_still{longest};
  if (auto done = all.attach(); !done) return done;
  standing_still.arm();
  const auto began = steady_clock::now();
  auto done = all.stop_all(stop_patience);
  if (done) {
    into.facts.threads = all.registers();
    auto regions = read_regions(of.proc_dir(), "maps");
    if (regions) {
      carry_over(before.regions, *regions);
      auto segments = copy_memory(of, *regions, room);
      into.facts.regions = std::move(*regions);
      if (segments)
        into.segments = std::move(*segments);
      else
        done = std::unexpected(segments.error());
    } else {
      done = std::unexpected(regions.error());
    }
  }
  into.result.late = all.late().size();
  all.let_go();
  into.result.stopped = std::chrono::ceil<microseconds>(steady_clock::now() - began);
  standing_still.disarm();
  return done;
}

/// On a thread of its own, for what ptrace(2) makes of a tracer's end.
std::expected<void, std::string> copy_it(const evidence::process& of, const census& before,
                                         milliseconds longest, arena& room, copied& into) {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
  std::expected<void, std::string> done;
  std::thread tracer{[&] {
    inspect::go_first();
    standstill all{of};
    done = copy_at_rest(all, of, before, longest, room, into);
  }};
  tracer.join();
  if (done && into.facts.threads.empty()) return std::unexpected("it ended while it was looked at");
  return done;
}

std::expected<core_result, std::string> write_file(const copied& from, const arena& room, core_file file) {
  auto result = from.result;
  result.threads = from.facts.threads.size();
  result.core_bytes = core_size(from.facts, from.segments);
  for (const auto& r : from.facts.regions)
    if (guest_memory(r)) result.guest_memory += r.size();
  const auto done = write_core(from.facts, from.segments, room,
                               [&](std::span<const std::byte> b) { return file.write(b); });
  if (!done) return std::unexpected(done.error());
  const auto bytes = file.keep();
  if (!bytes) return std::unexpected(bytes.error());
  result.file_bytes = *bytes;
  return result;
}

}  // namespace

std::expected<core_result, std::string> take_core(const evidence::process& of, const core_request& asked) {
  const auto began = steady_clock::now();
  const auto before = look_at(of);
  if (!before) return std::unexpected(before.error());
  if (auto why = forbids(*before, asked); !why.empty()) return std::unexpected(std::move(why));
  // First all that can fail without it.
  auto file = core_file::create(asked.folder, asked.name, asked.bounds);
  if (!file) return std::unexpected(file.error());
  auto room = arena::make(before->copied + before->copied / 4 + slack);
  if (!room) return std::unexpected(room.error());
  copied made{.facts = facts_of(of)};
  if (auto done = copy_it(of, *before, asked.longest_stop, *room, made); !done)
    return std::unexpected(done.error());
  auto result = write_file(made, *room, std::move(*file));
  if (result) result->took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
  return result;
}

}  // namespace unwedge::coredump

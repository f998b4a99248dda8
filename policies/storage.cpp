#include "policies/storage.hpp"

#include "policies/wait_chain.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace unwedge::policies {
namespace {

const file_facts* find_file(const process_facts& facts, int fd) {
  const auto found = std::ranges::find(facts.files, fd, &file_facts::fd);
  return found == facts.files.end() ? nullptr : &*found;
}

bool device_at_work(samples_view samples, int fd) {
  const auto* first = find_file(samples.front(), fd);
  const auto* last = find_file(samples.back(), fd);
  return first != nullptr && last != nullptr && first->device_completed && last->device_completed &&
         *first->device_completed != *last->device_completed;
}

std::string below(const file_facts& file) {
  if (file.file_system.empty()) return "";
  return fmt::format(" ({} from {}{})", file.file_system, file.source,
                     file.device_completed ? "" : ", no block device below it");
}

/// In the same call of the same file, never woken, in every sample.
bool stands_still(samples_view samples, const thread_facts& t) {
  return std::ranges::all_of(samples, [&](const process_facts& f) {
    const auto* then = find_thread(f, t.tid);
    return then != nullptr && then->syscall == t.syscall && then->io_fd == t.io_fd &&
           then->context_switches == t.context_switches;
  });
}

bool ring_stands_still(samples_view samples, const file_facts& ring) {
  return ring.in_flight > 0 && std::ranges::all_of(samples, [&](const process_facts& f) {
           const auto* then = find_file(f, ring.fd);
           return then != nullptr && then->what == ring.what && then->in_flight == ring.in_flight;
         });
}

/// An io_uring's requests are for one of the process's files. 0, 1 and 2 may be its log.
std::string only_image(const process_facts& facts) {
  std::string found;
  for (const auto& file : facts.files) {
    if (file.what != file_facts::kind::regular || file.fd <= 2 || file.target == found) continue;
    if (!found.empty()) return "io_uring";
    found = file.target;
  }
  return found.empty() ? "io_uring" : found;
}

}  // namespace

still_file blocked_file(samples_view samples, const thread_facts& waiter) {
  const auto* file = find_file(samples.back(), *waiter.io_fd);
  const auto name = file != nullptr ? file->target : "?";
  return {.root = {.type = wait_root::kind::file, .name = name, .peer = ""},
          .reason = fmt::format("{} waits in a system call for {}{}.", label(waiter), name,
                                file != nullptr ? below(*file) : ""),
          .device_at_work = device_at_work(samples, *waiter.io_fd)};
}

std::optional<still_file> still_file_io(samples_view samples, const thread_facts& waiter) {
  const auto& facts = samples.back();
  for (const auto& t : facts.threads) {
    if (t.tid == waiter.tid || !t.io_fd || !t.syscall || !t.sleeping) continue;
    const auto* file = find_file(facts, *t.io_fd);
    if (file == nullptr || file->what != file_facts::kind::regular || !stands_still(samples, t)) continue;
    return blocked_file(samples, t);
  }
  for (const auto& file : facts.files) {
    if (file.what != file_facts::kind::io_uring || !ring_stands_still(samples, file)) continue;
    return still_file{.root = {.type = wait_root::kind::file, .name = only_image(facts), .peer = ""},
                      .reason = fmt::format("{} requests of its io_uring (descriptor {}) are not completed.",
                                            file.in_flight, file.fd),
                      .device_at_work = false};
  }
  return std::nullopt;
}

}  // namespace unwedge::policies

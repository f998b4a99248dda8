#include "daemon/evidence/waits.hpp"

#include "daemon/evidence/syscalls.hpp"

#include <fmt/format.h>

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace unwedge::evidence {

namespace {

// The head of glibc's struct __pthread_mutex_s, the same on x86-64 and aarch64.
struct mutex_words {
  std::int32_t lock;
  std::uint32_t count;
  std::int32_t owner;
};

std::string name_of(const policies::thread_facts& thread) {
  return fmt::format("thread {}", thread.tid);
}

// Memory that cannot be read is missing evidence only while the thread still waits there: between the two
// looks it may have gone on, and its stack with it.
void note_memory(sampling& s, const policies::thread_facts& thread, std::string_view what, int error) {
  const auto now = s.files.read(s.of.proc_dir(), fmt::format("task/{}/syscall", thread.tid).c_str());
  if (!now || parse_syscall(*now) != thread.syscall) return;
  s.missing.note(what, name_of(thread), error == EAGAIN ? "not in memory" : error_text(error));
}

void follow_lock(sampling& s, policies::thread_facts& thread, std::span<const pid_t> tids) {
  const auto address = waits_for_lock(*thread.syscall);
  if (!address) return;
  auto& wait = thread.waits_for.emplace();
  wait.address = *address;
  mutex_words words{};
  const auto got = s.memory.read(*address, std::as_writable_bytes(std::span{&words, 1}));
  if (!got) return note_memory(s, thread, "lock", got.error());
  if (words.lock == 0 || !std::ranges::binary_search(tids, words.owner)) return;
  wait.owner = words.owner;
  wait.count = words.count;
}

void follow_poll(sampling& s, policies::thread_facts& thread) {
  const auto array = polls(*thread.syscall);
  if (!array || array->count == 0) return;
  std::array<pollfd, most_polled> entries;
  const auto seen = std::span{entries}.first(std::min<std::size_t>(array->count, most_polled));
  if (const auto got = s.memory.read(array->address, std::as_writable_bytes(seen)); !got)
    return note_memory(s, thread, "polled descriptors", got.error());
  if (array->count > most_polled)
    s.missing.note("polled descriptors", name_of(thread), fmt::format("only the first {} read", most_polled));
  for (const auto& entry : seen)
    if (entry.fd >= 0) thread.polled_fds.push_back(entry.fd);
}

}  // namespace

void follow_waits(sampling& s) {
  std::vector<pid_t> tids;
  tids.reserve(s.facts.threads.size());
  for (const auto& thread : s.facts.threads) tids.push_back(thread.tid);
  std::ranges::sort(tids);
  for (auto& thread : s.facts.threads) {
    if (!thread.syscall) continue;
    follow_lock(s, thread, tids);
    follow_poll(s, thread);
    if (const auto set = waits_on_set(*thread.syscall)) thread.polled_fds.push_back(*set);
    thread.io_fd = io_descriptor(*thread.syscall);
  }
}

}  // namespace unwedge::evidence

#include "daemon/evidence/waits.hpp"

#include "daemon/evidence/syscalls.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

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

void follow_lock(sampling& s, policies::thread_facts& thread) {
  const auto address = waits_for_lock(*thread.syscall);
  if (!address) return;
  auto& wait = thread.waits_for.emplace();
  wait.address = *address;
  const bool within = *address >= s.data_begin && *address < s.data_end;
  wait.outside_program = s.data_end != 0 && !within;
  mutex_words words{};
  const auto got = s.memory.read(*address, std::as_writable_bytes(std::span{&words, 1}));
  if (!got) return note_memory(s, thread, "lock", got.error());
  const auto owner = std::ranges::lower_bound(s.tids, words.owner, {}, &std::pair<pid_t, pid_t>::first);
  if (words.lock == 0 || owner == s.tids.end() || owner->first != words.owner) return;
  wait.owner = owner->second;
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

std::uint64_t address_of(const void* there) {
  return reinterpret_cast<std::uint64_t>(there);
}

// The last bytes of what a sendmsg was given, at most `count`; empty: not readable.
std::string last_bytes(sampling& s, std::span<const iovec> parts, std::size_t count) {
  std::string bytes;
  for (auto part = parts.rbegin(); part != parts.rend() && bytes.size() < count; ++part) {
    std::string piece(std::min(part->iov_len, count - bytes.size()), '\0');
    const auto from = address_of(part->iov_base) + part->iov_len - piece.size();
    if (!piece.empty() && !s.memory.read(from, std::as_writable_bytes(std::span{piece}))) return {};
    bytes.insert(0, piece);
  }
  return bytes;
}

// Only what kind of bytes it sends is kept, not the bytes: they are the guest's memory.
void follow_send(sampling& s, policies::thread_facts& thread) {
  constexpr std::size_t most_parts = 64;  // of QEMU's own (MAX_IOV_SIZE in migration/qemu-file.c)
  if (thread.syscall->number != SYS_sendmsg) return;
  msghdr message{};
  if (!s.memory.read(thread.syscall->args[1], std::as_writable_bytes(std::span{&message, 1}))) return;
  if (message.msg_iovlen == 0 || message.msg_iovlen > most_parts) return;
  std::array<iovec, most_parts> room;
  const auto parts = std::span{room}.first(message.msg_iovlen);
  if (!s.memory.read(address_of(message.msg_iov), std::as_writable_bytes(parts))) return;
  std::string head(std::min(parts.front().iov_len, policies::unsent_head_bytes), '\0');
  if (!s.memory.read(address_of(parts.front().iov_base), std::as_writable_bytes(std::span{head}))) return;
  thread.unsent = policies::classify_unsent(head, last_bytes(s, parts, policies::unsent_tail_bytes));
}

}  // namespace

void follow_waits(sampling& s) {
  std::ranges::sort(s.tids);
  for (auto& thread : s.facts.threads) {
    if (!thread.syscall) continue;
    follow_lock(s, thread);
    follow_poll(s, thread);
    follow_send(s, thread);
    if (const auto set = waits_on_set(*thread.syscall)) thread.polled_fds.push_back(*set);
    thread.io_fd = io_descriptor(*thread.syscall);
  }
}

}  // namespace unwedge::evidence

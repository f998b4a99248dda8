#include "daemon/rescue/mutex.hpp"

#include "daemon/rescue/remote_memory.hpp"

#include <fmt/format.h>

namespace unwedge::rescue {

namespace {
constexpr std::int32_t plain = 0, recursive = 1;
}  // namespace

std::string forbids_lease(const mutex_words& m, pid_t owner) {
  if (m.kind != plain && m.kind != recursive)
    return fmt::format("its kind is {}: neither a plain nor a recursive mutex", m.kind);
  if (m.owner != owner) return fmt::format("its owner is thread {}, not {}", m.owner, owner);
  if (m.lock != 2) return fmt::format("its lock word is {}: nobody waits for it", m.lock);
  if (m.users == 0) return "it counts no user: it is no pthread mutex";
  if (m.kind == plain && m.count != 0) return fmt::format("a plain mutex with a count of {}", m.count);
  if (m.kind == recursive && (m.count == 0 || m.count > most_recursion))
    return fmt::format("it is locked {} times", m.count);
  return "";
}

std::uint32_t depth(const mutex_words& m) {
  return m.kind == recursive ? m.count : 1;
}

std::optional<mutex_words> read_mutex(pid_t pid, std::uint64_t address) {
  mutex_words words;
  if (!read_remote(pid, address, std::as_writable_bytes(std::span{&words, 1}))) return std::nullopt;
  return words;
}

}  // namespace unwedge::rescue

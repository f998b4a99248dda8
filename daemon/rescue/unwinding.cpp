#include "daemon/rescue/unwinding.hpp"

#include "daemon/evidence/file_descriptor.hpp"
#include "daemon/inspect/messages.hpp"
#include "daemon/inspect/privileges.hpp"
#include "daemon/inspect/sandbox.hpp"
#include "daemon/inspect/unwinder.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

namespace unwedge::rescue {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t most_bytes = 4 << 20;

void write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::write(to, text.data(), text.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Who breaks into the unwinder by what it parses must not speak on our standard output, nor hear what we are
// told.
void close_all_but(int out, std::span<const inspect::module_file> modules) {
  std::vector<unsigned> kept{static_cast<unsigned>(out)};
  for (const auto& m : modules)
    for (const int fd : {m.elf.get(), m.debug.get()})
      if (fd >= 0) kept.push_back(static_cast<unsigned>(fd));
  std::ranges::sort(kept);
  unsigned first = 0;
  for (const auto fd : kept) {
    if (fd > first && ::close_range(first, fd - 1, 0) != 0) ::_exit(1);
    first = fd + 1;
  }
  if (::close_range(first, ~0u, 0) != 0) ::_exit(1);
}

[[noreturn]] void unwind_and_end(pid_t pid, std::span<const inspect::captured_thread> suppositions,
                                 std::span<inspect::module_file> modules, const stack_test& accepts,
                                 int out) {
  try {
    close_all_but(out, modules);
    inspect::drop_all_rights();
    inspect::enter_sandbox();
    inspect::unwinder by{pid, modules};
    for (const auto& one : suppositions) {
      const auto stack = by.unwind(one);
      write_all(out, inspect::encode(inspect::stack_message{stack}));
      if (accepts(stack)) break;
    }
  } catch (const std::exception& error) {
    write_all(out, inspect::encode(inspect::failed_message{error.what()}));
  }
  ::_exit(0);
}

std::string read_until(int from, steady_clock::time_point end) {
  std::string text;
  std::array<char, 16'384> chunk;
  while (text.size() < most_bytes) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now());
    pollfd ready{.fd = from, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0) break;
    const auto got = ::read(from, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::expected<unwound, std::string> choose(std::string_view text, const stack_test& accepts,
                                           std::string otherwise) {
  std::optional<unwound> best;
  std::size_t which = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto said = inspect::decode(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!said) break;
    if (const auto* failed = std::get_if<inspect::failed_message>(&*said)) otherwise = failed->sentence;
    const auto* const stack = std::get_if<inspect::stack_message>(&*said);
    if (stack == nullptr) break;
    if (const bool good = accepts(stack->thread); !best || good) {
      best = {which, stack->thread};
      if (good) break;
    }
    ++which;
  }
  if (!best) return std::unexpected(std::move(otherwise));
  return std::move(*best);
}

}  // namespace

std::expected<unwound, std::string> unwind_in_sandbox(pid_t pid,
                                                      std::span<const inspect::captured_thread> suppositions,
                                                      std::span<inspect::module_file> modules,
                                                      const stack_test& accepts,
                                                      std::chrono::milliseconds patience) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return std::unexpected(fmt::format("pipe: {}", std::strerror(errno)));
  const evidence::file_descriptor in{ends[0]};
  evidence::file_descriptor out{ends[1]};
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return std::unexpected(fmt::format("fork: {}", std::strerror(errno)));
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    unwind_and_end(pid, suppositions, modules, accepts, out.get());
  }
  out = {};
  const auto text = read_until(in.get(), steady_clock::now() + patience);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return choose(text, accepts, fmt::format("unwinding came to nothing (status {:#x})", status));
}

std::expected<std::vector<stack_word>, std::string> return_addresses(const inspect::thread_stack& frames,
                                                                     std::uint64_t stack_pointer,
                                                                     std::span<const std::byte> copy) {
  std::vector<stack_word> words;
  std::size_t at = 0;
  for (std::size_t i = 1; i < frames.frames.size(); ++i) {
    std::uint64_t value = 0;
    for (; at + sizeof value <= copy.size(); at += sizeof value) {
      std::memcpy(&value, copy.data() + at, sizeof value);
      if (value == frames.frames[i].pc) break;
    }
    if (at + sizeof value > copy.size())
      return std::unexpected(
          fmt::format("the return address {:#x} is not in the stack", frames.frames[i].pc));
    words.push_back({.address = stack_pointer + at, .value = value});
    at += sizeof value;
  }
  return words;
}

}  // namespace unwedge::rescue

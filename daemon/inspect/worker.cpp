#include "daemon/inspect/worker.hpp"

#include "daemon/inspect/capture.hpp"
#include "daemon/inspect/messages.hpp"
#include "daemon/inspect/privileges.hpp"
#include "daemon/inspect/sandbox.hpp"
#include "daemon/inspect/target.hpp"
#include "daemon/inspect/unwinder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <exception>

namespace unwedge::inspect {

namespace {

using std::chrono::steady_clock;

class sender {
 public:
  explicit sender(int out) : out_(out) {}

  void send(const message& m) const {
    const auto line = encode(m);
    for (std::string_view rest = line; !rest.empty();) {
      const auto sent = ::write(out_, rest.data(), rest.size());
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) ::_exit(exit_failed);  // nobody listens
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

 private:
  int out_;
};

// As capture_threads needs it; SIG_IGN may have been inherited.
void hear_of_children() {
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
}

void unwind_all(pid_t pid, std::span<module_file> modules, std::span<const captured_thread> threads,
                const sender& to) {
  unwinder by{pid, modules};
  for (const auto& thread : threads)
    if (thread.what) to.send(stack_message{by.unwind(thread)});
}

void inspect_stacks(const evidence::process& of, const sender& to, steady_clock::time_point until) {
  evidence::missing_list missing;
  auto map = read_memory_map(of.proc_dir());
  if (!map) missing.note("memory map", "", map.error());
  if (!map) map.emplace();
  if (map->cut) missing.note("memory map", "", fmt::format("only the first {} lines", map->mappings.size()));
  const capture_limits limits{.until = steady_clock::now() + (until - steady_clock::now()) / 2};
  const auto captured =
      capture_threads(of, *map, limits, missing, [&](const thread_stack& t) { to.send(seen_message{t}); });
  for (const auto& thread : captured.threads) to.send(captured_message{thread.facts});
  auto files = open_modules(of, modules_of(*map), missing);
  for (auto& sentence : missing.sentences()) to.send(problem_message{std::move(sentence)});
  drop_all_rights();
  enter_sandbox();
  unwind_all(of.pid(), files, captured.threads, to);
  to.send(done_message{captured.took});
}

}  // namespace

void run_worker(const options& chosen, int out, steady_clock::time_point until) {
  const sender to{out};
  try {
    keep_only_rights_to_look();
    hear_of_children();
    if (const auto target = open_target(chosen)) {
      inspect_stacks(*target, to, until);
    } else {
      to.send(failed_message{target.error()});
    }
  } catch (const std::exception& error) {
    to.send(failed_message{error.what()});
  }
  ::_exit(exit_done);
}

}  // namespace unwedge::inspect

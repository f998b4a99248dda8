// unwedge-rescue: surgery on one hung QEMU process, for unwedged. A program of its own, since it stops a
// thread and writes into it: should it crash, hang or be killed, at any instant, the kernel lets go, and what
// it began ends by itself.
#include "daemon/inspect/privileges.hpp"
#include "daemon/rescue/orders.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <exception>

namespace {

bool say(const boost::json::object& o) {
  const auto text = boost::json::serialize(o) + '\n';
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

// SIGCHLD as held_thread needs it; SIG_IGN may have been inherited. Who reads us may go: the lease is kept
// all the same. When the service ends or dies systemd sends SIGTERM to all of it; a lease is then ended by
// the end of standard input, and in order.
void set_signals() {
  std::signal(SIGCHLD, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace unwedge::rescue;
  try {
    const auto parsed = parse_command_line(argc, argv);
    if (const auto* status = std::get_if<int>(&parsed)) return *status;
    const rlimit none{};  // it has seen another's memory
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    set_signals();
    const auto& chosen = std::get<options>(parsed);
    if (chosen.what == order::lease)
      unwedge::inspect::keep_only_rights_to_look();
    else
      unwedge::inspect::keep_only_rights_to_sever();
    const auto done = carry_out(chosen, [](const boost::json::object& o) { say(o); }, STDIN_FILENO);
    return say(done) && done.at("ok").as_bool() ? 0 : 1;
  } catch (const std::exception& error) {
    say({{"ok", false}, {"error", error.what()}});
    return 1;
  }
}

// unwedge-core: cores of one QEMU process, for unwedged. A program of its own, since it stops a process:
// should it crash, hang or be killed, the kernel lets go, and the daemon goes on.
#include "daemon/coredump/orders.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdio>
#include <exception>

namespace {

int answer(const boost::json::object& o) {
  const auto text = boost::json::serialize(o) + '\n';
  const bool said =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return said && o.at("ok").as_bool() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace unwedge::coredump;
  try {
    const auto parsed = parse_command_line(argc, argv);
    if (const auto* status = std::get_if<int>(&parsed)) return *status;
    const rlimit none{};  // it holds another's memory
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return answer(carry_out(std::get<options>(parsed)));
  } catch (const std::exception& error) {
    return answer({{"ok", false}, {"error", error.what()}});
  }
}

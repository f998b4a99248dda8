#include "tests/unit/qmp/real_qemu.hpp"

#include <fmt/format.h>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace unwedge::tests {
namespace {

constexpr const char* program = "/usr/bin/qemu-system-x86_64";

/// Without CLOEXEC: QEMU inherits it.
int listening_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 1) != 0) {
    throw std::runtime_error("cannot listen on " + path);
  }
  return fd;
}

}  // namespace

bool real_qemu::installed() {
  return ::access(program, X_OK) == 0;
}

real_qemu::real_qemu(const std::vector<std::string>& arguments, bool pretty) {
  std::string folder = std::filesystem::temp_directory_path() / "unwedge-qmp-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot create " + folder);
  folder_ = folder;
  path_ = folder_ / "qmp.sock";
  const int fd = listening_socket(path_);
  std::vector<std::string> all{program, "-nodefaults", "-display", "none", "-S"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.insert(all.end(), {"-chardev", fmt::format("socket,id=m,fd={},server=on,wait=off", fd), "-mon",
                         fmt::format("chardev=m,mode=control,pretty={}", pretty ? "on" : "off")});
  std::vector<char*> argv;
  for (auto& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");  // kill(-1) would end everything
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execv(program, argv.data());
    ::_exit(127);
  }
  ::close(fd);
}

real_qemu::~real_qemu() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace unwedge::tests

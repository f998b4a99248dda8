#include "tests/bench/daemon_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>
#include <fstream>
#include <stdexcept>

namespace unwedge::bench {

daemon_process::daemon_process(const std::filesystem::path& program, const std::filesystem::path& folder,
                               bool watch)
    : folder_(folder) {
  const auto config = folder / "unwedged.toml";
  std::ofstream(config) << "[discover]\nsockets = ["
                        << (watch ? "\"" + (folder / "vm*.sock").string() + "\"" : "") << "]\n";
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = ::open((folder / "unwedged.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(log, STDERR_FILENO);
    const auto http = "unix:" + (folder / "http").string();
    ::execl(program.c_str(), "unwedged", "--config", config.c_str(), "--runtime-dir", folder.c_str(),
            "--state-dir", folder.c_str(), "--http", http.c_str(), nullptr);
    ::_exit(127);
  }
}

daemon_process::~daemon_process() {
  if (process_ <= 1) return;  // kill(-1) is everything
  ::kill(process_, SIGTERM);
  ::waitpid(process_, nullptr, 0);
}

double daemon_process::cpu_seconds() const {
  clockid_t clock{};
  timespec t{};
  if (::clock_getcpuclockid(process_, &clock) != 0 || ::clock_gettime(clock, &t) != 0) {
    throw std::runtime_error("unwedged has ended, see " + (folder_ / "unwedged.log").string());
  }
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double daemon_process::resident_kib() const {
  std::ifstream status("/proc/" + std::to_string(process_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6));
  }
  throw std::runtime_error("unwedged has ended");
}

int daemon_process::connected() const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder_ / "http").string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  const std::string_view request = "GET /metrics HTTP/1.0\r\n\r\n";
  (void)!::write(fd, request.data(), request.size());
  std::string text;
  std::array<char, 65'536> buffer;
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  ::close(fd);
  int count = 0;
  for (auto at = text.find("unwedge_vm_monitor_connected{"); at != std::string::npos;
       at = text.find("unwedge_vm_monitor_connected{", at + 1)) {
    const auto end = text.find('\n', at);
    if (text.compare(end - 2, 2, " 1") == 0) ++count;
  }
  return count;
}

}  // namespace unwedge::bench

// A real QEMU with a QMP monitor on a unix socket, for tests of what is true of QEMU. It dies with the test
// program.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace unwedge::tests {

class real_qemu {
 public:
  /// Starts qemu-system-x86_64 with these arguments and a monitor. The socket listens when this returns: QEMU
  /// gets it ready-made, as from libvirt, so nobody has to wait for it to appear.
  explicit real_qemu(const std::vector<std::string>& arguments, bool pretty = false);
  ~real_qemu();
  real_qemu(const real_qemu&) = delete;
  real_qemu& operator=(const real_qemu&) = delete;

  static bool installed();

  const std::string& socket_path() const { return path_; }
  pid_t pid() const { return pid_; }

 private:
  std::filesystem::path folder_;
  std::string path_;
  pid_t pid_ = -1;
};

}  // namespace unwedge::tests

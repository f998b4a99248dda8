// A thousand QMP peers in one forked process: they greet, negotiate and answer what the daemon asks of an
// idle VM, as QEMU does. Their CPU time is not ours. The process ends with this object, or with its parent.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace unwedge::bench {

/// QEMU's greeting, with out-of-band.
extern const std::string_view greeting;

/// The reply of an idle VM to a command line, CRLF included.
std::string answer(std::string_view command);

class peer_farm {
 public:
  /// Listens on FOLDER/vmNNNN.sock, `count` of them.
  peer_farm(const std::filesystem::path& folder, int count);
  ~peer_farm();
  peer_farm(const peer_farm&) = delete;
  peer_farm& operator=(const peer_farm&) = delete;

 private:
  pid_t process_ = -1;
};

}  // namespace unwedge::bench

// The real daemon as a child process, for measuring it from outside.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace unwedge::bench {

class daemon_process {
 public:
  /// Starts PROGRAM in FOLDER, watching FOLDER/*.sock, if `watch`.
  daemon_process(const std::filesystem::path& program, const std::filesystem::path& folder, bool watch);
  ~daemon_process();
  daemon_process(const daemon_process&) = delete;
  daemon_process& operator=(const daemon_process&) = delete;

  double cpu_seconds() const;
  double resident_kib() const;
  /// VMs whose monitor is connected, as /metrics says.
  int connected() const;

 private:
  std::filesystem::path folder_;
  pid_t process_ = -1;
};

}  // namespace unwedge::bench

#include "daemon/unwedged/logging.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace unwedge {
namespace {

/// systemd.exec(5), JOURNAL_STREAM: device and inode of the stream that stdout or stderr is connected to.
bool stderr_is_the_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat s{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &s) != 0) return false;
  return fmt::format("{}:{}", s.st_dev, s.st_ino) == stream;
}

}  // namespace

void set_up_logging(bool verbose) {
  if (stderr_is_the_journal()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "unwedged", std::make_shared<spdlog::sinks::systemd_sink_mt>("unwedged")));
  } else {
    spdlog::set_default_logger(spdlog::stderr_color_mt("unwedged"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  }
  spdlog::set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::flush_on(spdlog::level::debug);
}

}  // namespace unwedge

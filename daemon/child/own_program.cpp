#include "daemon/child/own_program.hpp"

#include <unistd.h>

namespace unwedge::child {

std::filesystem::path own_program(std::string_view name, const std::optional<std::string>& configured) {
  if (configured) return *configured;
  std::error_code ec;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ec);
  const auto beside = self.parent_path() / name;
  if (!ec && ::access(beside.c_str(), X_OK) == 0) return beside;
  return std::filesystem::path(UNWEDGE_LIBEXEC_DIR) / name;
}

}  // namespace unwedge::child

#include "daemon/inspection/helper_program.hpp"

#include <unistd.h>

namespace unwedge::inspection {

std::filesystem::path own_program(std::string_view name) {
  std::error_code ec;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ec);
  const auto beside = self.parent_path() / name;
  if (!ec && ::access(beside.c_str(), X_OK) == 0) return beside;
  return std::filesystem::path(UNWEDGE_LIBEXEC_DIR) / name;
}

std::filesystem::path helper_program(const std::optional<std::string>& configured) {
  return configured ? std::filesystem::path(*configured) : own_program("unwedge-inspect");
}

}  // namespace unwedge::inspection

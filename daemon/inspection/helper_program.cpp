#include "daemon/inspection/helper_program.hpp"

#include <unistd.h>

namespace unwedge::inspection {

std::filesystem::path helper_program(const std::optional<std::string>& configured) {
  constexpr auto name = "unwedge-inspect";
  if (configured) return *configured;
  std::error_code ec;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", ec);
  const auto beside = own.parent_path() / name;
  if (!ec && ::access(beside.c_str(), X_OK) == 0) return beside;
  return std::filesystem::path(UNWEDGE_LIBEXEC_DIR) / name;
}

}  // namespace unwedge::inspection

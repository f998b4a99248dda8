#include "daemon/config/config.hpp"

namespace unwedge::config {

std::expected<policies::settings, std::vector<problem>> load(const std::filesystem::path& file) {
  auto read = read_file(file);
  if (!read) return std::unexpected(std::vector{problem{file.string(), 0, 0, std::move(read.error()), ""}});
  return parse(read->text, file.string());
}

}  // namespace unwedge::config

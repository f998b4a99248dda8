#include "tests/unit/config/layered_folders.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace unwedge::config {

namespace fs = std::filesystem;

std::vector<std::string> texts(const std::vector<problem>& problems) {
  std::vector<std::string> out;
  for (const auto& one : problems) out.push_back(to_string(one));
  return out;
}

layered_folders::layered_folders(std::string_view leaf) : leaf_(leaf) {
  std::string pattern = "/tmp/unwedge-folders-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  fs::create_directories(vendor());
  fs::create_directories(admin());
}

layered_folders::~layered_folders() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

fs::path layered_folders::write(const fs::path& path, std::string_view text) {
  std::ofstream{path} << text;
  return path;
}

fs::path layered_folders::write_configuration(std::string_view section) const {
  return write(folder_ / "unwedged.toml", fmt::format("[{}]\nvendor = \"{}\"\nadmin = \"{}\"\n", section,
                                                      vendor().string(), admin().string()));
}

}  // namespace unwedge::config

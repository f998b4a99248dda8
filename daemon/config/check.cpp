#include "daemon/config/check.hpp"

#include "daemon/config/config.hpp"
#include "daemon/config/document.hpp"
#include "daemon/config/policies.hpp"

#include <algorithm>
#include <system_error>

namespace unwedge::config {

namespace {

namespace fs = std::filesystem;

/// The folder's own name, also for "x.toml" and "./x.toml".
bool lies_in_policies_d(const fs::path& file) {
  std::error_code error;
  const auto full = fs::absolute(file, error);
  return !error && full.lexically_normal().parent_path().filename() == "policies.d";
}

bool has_condition(const fs::path& file) {
  const auto read = read_file(file);
  if (!read) return false;
  const auto root = read_document(read->text, "");
  if (!root) return false;
  const auto& entries = std::get<table>(root->value);
  return std::ranges::find(entries, "condition", &entry::key) != entries.end();
}

}  // namespace

std::vector<problem> check_all(const fs::path& config_file) {
  policies::settings settings;
  if (!config_file.empty()) {
    auto loaded = load(config_file);
    if (!loaded) return std::move(loaded.error());
    settings = std::move(*loaded);
  }
  auto set = load_policies(folders_of(settings));
  if (!set) return std::move(set.error());
  return {};
}

std::vector<problem> check_file(const fs::path& file) {
  if (file.empty()) return {problem{"", 0, 0, "a file without a name", ""}};
  if (!lies_in_policies_d(file) && !has_condition(file)) return check_all(file);
  auto loaded = load_policy(file);
  if (!loaded) return std::move(loaded.error());
  return {};
}

}  // namespace unwedge::config

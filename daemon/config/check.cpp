#include "daemon/config/check.hpp"

#include "daemon/config/config.hpp"
#include "daemon/config/document.hpp"
#include "daemon/config/policies.hpp"
#include "daemon/config/signatures.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>

namespace unwedge::config {

namespace {

namespace fs = std::filesystem;

/// The folder's own name, also for "x.toml" and "./x.toml".
bool lies_in(std::string_view folder, const fs::path& file) {
  std::error_code error;
  const auto full = fs::absolute(file, error);
  return !error && full.lexically_normal().parent_path().filename() == folder;
}

bool has_key(std::string_view key, const fs::path& file) {
  const auto read = read_file(file);
  if (!read) return false;
  const auto root = read_document(read->text, "");
  if (!root) return false;
  const auto& entries = std::get<table>(root->value);
  return std::ranges::find(entries, key, &entry::key) != entries.end();
}

}  // namespace

std::vector<problem> check_all(const fs::path& config_file) {
  policies::settings settings;
  if (!config_file.empty()) {
    auto loaded = load(config_file);
    if (!loaded) return std::move(loaded.error());
    settings = std::move(*loaded);
  }
  std::vector<problem> problems;
  if (auto set = load_policies(folders_of(settings)); !set) problems = std::move(set.error());
  if (auto all = load_signatures(settings.signature_folders); !all) {
    std::ranges::move(all.error(), std::back_inserter(problems));
  }
  return problems;
}

std::vector<problem> check_file(const fs::path& file) {
  if (file.empty()) return {problem{"", 0, 0, "a file without a name", ""}};
  if (lies_in("signatures.d", file) || (!lies_in("policies.d", file) && has_key("thread", file))) {
    auto loaded = load_signature(file);
    return loaded ? std::vector<problem>{} : std::move(loaded.error());
  }
  if (!lies_in("policies.d", file) && !has_key("condition", file)) return check_all(file);
  auto loaded = load_policy(file);
  if (!loaded) return std::move(loaded.error());
  return {};
}

}  // namespace unwedge::config

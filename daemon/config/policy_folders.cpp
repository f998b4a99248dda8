#include "daemon/config/layered_files.hpp"
#include "daemon/config/policies.hpp"

namespace unwedge::config {

using policies::policy;

std::expected<std::optional<policy>, std::vector<problem>> load_policy(const std::filesystem::path& file) {
  return load_layer<policy>(file, parse_policy);
}

policy_folders folders_of(const policies::settings& settings) {
  return {settings.policy_folders.vendor, settings.policy_folders.admin};
}

std::expected<policy_set, std::vector<problem>> load_policies(const policy_folders& folders) {
  const layers of{.vendor = folders.vendor,
                  .admin = folders.admin,
                  .one = "policy",
                  .many = "policies",
                  .built_in = builtin_policies(),
                  .most = max_policy_files};
  auto all = load_layers<policy>(of, parse_policy);
  if (!all) return std::unexpected(std::move(all.error()));
  return policy_set{std::move(*all)};
}

}  // namespace unwedge::config

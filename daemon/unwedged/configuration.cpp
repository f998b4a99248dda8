#include "daemon/unwedged/configuration.hpp"

#include "daemon/config/config.hpp"
#include "daemon/config/policies.hpp"
#include "daemon/config/signatures.hpp"

namespace unwedge {

std::expected<configuration, std::vector<config::problem>> load_configuration(
    const std::filesystem::path& file) {
  configuration out;
  if (!file.empty()) {
    auto settings = config::load(file);
    if (!settings) return std::unexpected(settings.error());
    out.settings = std::move(*settings);
  }
  const auto& folders = out.settings.policy_folders;
  auto policies = config::load_policies({folders.vendor, folders.admin});
  if (!policies) return std::unexpected(policies.error());
  auto signatures = config::load_signatures(out.settings.signature_folders);
  if (!signatures) return std::unexpected(signatures.error());
  out.policies = std::move(policies->all);
  out.signatures = std::move(*signatures);
  return out;
}

}  // namespace unwedge

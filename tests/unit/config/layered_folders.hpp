// Two folders of TOML files in layers, a vendor's and the administrator's, for the tests of this part.
#pragma once

#include "daemon/config/problem.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::config {

std::vector<std::string> texts(const std::vector<problem>&);

class layered_folders : public testing::Test {
 protected:
  /// `leaf` is the name of both, such as policies.d.
  explicit layered_folders(std::string_view leaf);
  ~layered_folders() override;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path vendor() const { return folder_ / "vendor" / leaf_; }
  std::filesystem::path admin() const { return folder_ / "admin" / leaf_; }
  /// Returns the path.
  static std::filesystem::path write(const std::filesystem::path& path, std::string_view text);
  /// A configuration that names both in its table `section`.
  std::filesystem::path write_configuration(std::string_view section) const;

 private:
  std::filesystem::path folder_;
  std::string leaf_;
};

}  // namespace unwedge::config

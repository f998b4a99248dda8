// The program unwedgectl, run to its end against a server with fixed answers.
#pragma once

#include "systemd/bus_server.hpp"
#include "tests/unit/surface/running_server.hpp"
#include "tests/unit/surface/temporary_folder.hpp"
#include "tests/unit/surface/time_zone.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::tests {

class unwedgectl_fixture : public testing::Test {
 protected:
  struct outcome {
    int status;
    std::string out, err;
  };

  static std::filesystem::path program();

  /// A server whose methods always give these answers, or errors.
  void start(const std::map<std::string, systemd::bus_reply>& answers);

  /// What it was asked so far, in order: "Show web01", "List".
  std::vector<std::string> asked();

  /// Runs it with the folder as --runtime-dir; `arguments` are for a shell to read.
  outcome run(const std::string& arguments);

  std::string contents(std::string_view name) const;

  in_cet zone_;
  temporary_folder folder_;
  std::vector<std::string> asked_;  ///< the server's thread writes it
  std::unique_ptr<running_server<systemd::bus_server>> server_;
};

}  // namespace unwedge::tests

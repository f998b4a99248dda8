#include "daemon/config/check.hpp"

#include "daemon/ctl/commands.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/session.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace unwedge::ctl {
namespace {

/// "FILE: ok" to standard output, or a line per problem to standard error, as compilers write them.
bool check_file(const std::filesystem::path& file) {
  auto const problems = config::check_file(file);
  for (auto const& problem : problems) fmt::print(stderr, "{}\n", printable(to_string(problem)));
  if (problems.empty()) put(printable(file.string()) + ": ok\n");
  return problems.empty();
}

}  // namespace

exit_status check(const options& chosen) {
  auto files = chosen.files;
  if (files.empty()) files.emplace_back("/etc/unwedge/unwedged.toml");
  bool good = true;
  for (auto const& file : files) good = check_file(file) && good;
  return good ? exit_done : exit_usage;
}

}  // namespace unwedge::ctl

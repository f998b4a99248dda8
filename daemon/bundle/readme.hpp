// README.txt of a bundle: what each file in it is. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace unwedge::bundle {

/// What stays on the host, and why.
struct left_out_file {
  std::string name, why;
};

/// `names`: of the files in the bundle, without folders.
std::string readme(std::string_view id, const std::vector<std::string>& names,
                   const std::vector<left_out_file>& left_out);

/// What a file of an incident is, in a sentence; of an unknown one, that it was put there by the daemon.
std::string_view purpose_of(std::string_view name);

}  // namespace unwedge::bundle

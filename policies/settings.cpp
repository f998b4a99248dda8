#include "policies/settings.hpp"

#include <fnmatch.h>

namespace unwedge::policies {

std::string_view to_string(authority a) {
  switch (a) {
    case authority::observe:
      return "observe";
    case authority::protect:
      return "protect";
    case authority::rescue:
      return "rescue";
    case authority::destroy:
      return "destroy";
  }
  return "unknown";
}

std::optional<authority> parse_authority(std::string_view text) {
  for (const auto a : {authority::observe, authority::protect, authority::rescue, authority::destroy}) {
    if (text == to_string(a)) return a;
  }
  return std::nullopt;
}

authority settings::authority_of(std::string_view vm_name) const {
  const std::string name(vm_name);
  auto result = authority;
  for (const auto& vm : vms) {
    const bool applies =
        vm.name ? *vm.name == name : vm.match && ::fnmatch(vm.match->c_str(), name.c_str(), 0) == 0;
    if (applies && vm.authority) result = *vm.authority;
  }
  return result;
}

}  // namespace unwedge::policies

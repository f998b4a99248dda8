# cmake -P builtin_policies.cmake OUTPUT.cpp POLICY.toml...: the texts as raw string literals.
math(EXPR last "${CMAKE_ARGC} - 1")
set(entries "")
foreach(i RANGE 4 ${last})
  set(file "${CMAKE_ARGV${i}}")
  get_filename_component(name "${file}" NAME_WLE)
  file(READ "${file}" text)
  string(APPEND entries "    {\"${name}\", R\"unwedge_policy(${text})unwedge_policy\"},\n")
endforeach()
file(WRITE "${CMAKE_ARGV3}" "// Made of policies/shipped/*.toml by builtin_policies.cmake.
#include \"daemon/config/builtin_policies.hpp\"

namespace unwedge::config {
namespace {

constexpr builtin_policy policies[] = {
${entries}};

}  // namespace

std::span<const builtin_policy> builtin_policies() {
  return policies;
}

}  // namespace unwedge::config
")

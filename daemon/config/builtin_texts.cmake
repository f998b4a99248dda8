# cmake -P builtin_texts.cmake OUTPUT.cpp FUNCTION FILE.toml...: the texts as raw string literals.
math(EXPR last "${CMAKE_ARGC} - 1")
set(entries "")
foreach(i RANGE 5 ${last})
  set(file "${CMAKE_ARGV${i}}")
  get_filename_component(name "${file}" NAME_WLE)
  file(READ "${file}" text)
  string(APPEND entries "    {\"${name}\", R\"unwedge_text(${text})unwedge_text\"},\n")
endforeach()
file(WRITE "${CMAKE_ARGV3}" "// Made of *.toml by builtin_texts.cmake.
#include \"daemon/config/builtin_texts.hpp\"

namespace unwedge::config {
namespace {

constexpr builtin_text texts[] = {
${entries}};

}  // namespace

std::span<const builtin_text> ${CMAKE_ARGV4}() {
  return texts;
}

}  // namespace unwedge::config
")

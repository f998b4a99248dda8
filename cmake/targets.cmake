# A folder is a target: unwedge_library(NAME SOURCES a.cpp ... LINKS x y). A wrong include does not link.
function(unwedge_settings name)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_precompile_headers(${name} REUSE_FROM unwedge_boost)
endfunction()

function(unwedge_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC unwedge_boost ${arg_LINKS})
  unwedge_settings(${name})
endfunction()

function(unwedge_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE unwedge_boost ${arg_LINKS})
  unwedge_settings(${name})
endfunction()

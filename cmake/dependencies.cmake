# Debian's libraries, and the two header-only Boost parts compiled once (separate compilation).
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(elfutils REQUIRED IMPORTED_TARGET libdw libelf)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(archive REQUIRED IMPORTED_TARGET libarchive)

add_library(unwedge_boost STATIC ${CMAKE_SOURCE_DIR}/cmake/boost_asio.cpp ${CMAKE_SOURCE_DIR}/cmake/boost_beast.cpp)
target_link_libraries(unwedge_boost PUBLIC Boost::json Threads::Threads)
target_include_directories(unwedge_boost SYSTEM PUBLIC ${Boost_INCLUDE_DIRS})
target_compile_definitions(unwedge_boost PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_compile_options(unwedge_boost PRIVATE -w)
# One precompiled header for all: the parts that nearly every file needs.
set(unwedge_common_headers
  <boost/asio.hpp> <boost/json.hpp> <spdlog/spdlog.h>
  <chrono> <expected> <functional> <map> <memory> <optional> <string> <string_view> <vector>)
target_precompile_headers(unwedge_boost PRIVATE ${unwedge_common_headers})
target_link_libraries(unwedge_boost PUBLIC spdlog::spdlog)

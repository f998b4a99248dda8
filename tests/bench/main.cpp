#include "tests/bench/benches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

int main(int argc, char** argv) {
  try {
    const auto programs = std::filesystem::canonical("/proc/self/exe").parent_path();
    if (argc > 1) {
      fmt::print(stderr, "usage: unwedge_bench\n");
      return 2;
    }
    (void)argv;
    auto figures = unwedge::bench::event_figures();
    std::ranges::copy(unwedge::bench::fleet_figures(programs / "unwedged"), std::back_inserter(figures));
    return unwedge::bench::print(figures) ? 0 : 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench: {}\n", e.what());
    return 1;
  }
}

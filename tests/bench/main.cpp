#include "tests/bench/benches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <iterator>
#include <string_view>

int main(int argc, char** argv) {
  try {
    const auto programs = std::filesystem::canonical("/proc/self/exe").parent_path();
    const std::string_view only = argc > 1 ? argv[1] : "";
    constexpr std::array<std::string_view, 6> names{"", "events", "policies", "sample", "stacks", "fleet"};
    if (argc > 2 || std::ranges::find(names, only) == names.end()) {
      fmt::print(stderr, "usage: unwedge_bench [events | policies | sample | stacks | fleet]\n");
      return 2;
    }
    std::vector<unwedge::bench::figure> figures;
    const auto add = [&](std::string_view name, const auto& measure) {
      if (only.empty() || only == name) std::ranges::move(measure(), std::back_inserter(figures));
    };
    add("events", unwedge::bench::event_figures);
    add("policies", unwedge::bench::policy_figures);
    add("sample", unwedge::bench::sample_figures);
    add("stacks", [&] { return unwedge::bench::stacks_figures(programs / "unwedge-inspect"); });
    add("fleet", [&] { return unwedge::bench::fleet_figures(programs / "unwedged"); });
    return unwedge::bench::print(figures) ? 0 : 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench: {}\n", e.what());
    return 1;
  }
}

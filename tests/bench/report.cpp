#include "tests/bench/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace unwedge::bench {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

bool print(const std::vector<figure>& figures) {
  bool good = true;
  const auto label = [](const figure& f) { return fmt::format("{} [{}]", f.name, f.unit); };
  std::size_t width = 0;
  for (const auto& f : figures) width = std::max(width, label(f).size());
  fmt::print("{:<{}} {:>10} {:>10} {:>7} {:>7}\n", "figure (median)", width, "ours", "floor", "ratio",
             "limit");
  for (const auto& f : figures) {
    const auto floor = f.floor ? fmt::format("{:.2f}", *f.floor) : "-";
    const auto ratio = f.floor ? fmt::format("{:.2f}", f.ours / *f.floor) : "-";
    const auto limit =
        std::isfinite(f.limit) ? fmt::format("{:g}{}", f.limit, f.absolute ? " " + f.unit : "") : "-";
    fmt::print("{:<{}} {:>10.2f} {:>10} {:>7} {:>7}  {}\n", label(f), width, f.ours, floor, ratio, limit,
               f.good() ? "ok" : "ABOVE ITS LIMIT");
    good = good && f.good();
  }
  return good;
}

}  // namespace unwedge::bench

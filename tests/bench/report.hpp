// The table of figures beside their floors. A figure is a median, its limit a ratio to the floor of the same
// run or an absolute bound.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace unwedge::bench {

struct figure {
  std::string name;
  std::string unit;
  double ours = 0;
  std::optional<double> floor;  ///< measured in the same run; nullopt: the limit is absolute
  double limit = 0;             ///< of ours / floor, or of ours; infinite: for information
  bool absolute = false;        ///< the limit is of ours although there is a floor

  double compared() const { return floor && !absolute ? ours / *floor : ours; }
  bool good() const { return compared() <= limit; }
};

double median(std::vector<double> values);

/// Prints the table; false if a figure is above its limit.
bool print(const std::vector<figure>& figures);

}  // namespace unwedge::bench

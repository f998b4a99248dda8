// Preconditions of an operation: each has a name, holds or not, and a sentence of what was found. Pure.
#pragma once

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace unwedge::rescue {

struct finding {
  std::string name;  ///< a contract, such as "holder-polls"
  bool ok = false;
  std::string sentence;
};

class checklist {
 public:
  /// Notes it and gives back `ok`.
  bool add(std::string_view name, bool ok, std::string sentence);

  const std::vector<finding>& all() const { return all_; }
  /// The first that does not hold; nullptr: all hold, and there are some.
  const finding* failed() const;

 private:
  std::vector<finding> all_;
};

/// [{"name", "ok", "sentence"}, ...]
boost::json::array to_json(const checklist&);

}  // namespace unwedge::rescue

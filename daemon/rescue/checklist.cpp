#include "daemon/rescue/checklist.hpp"

#include <algorithm>

namespace unwedge::rescue {

bool checklist::add(std::string_view name, bool ok, std::string sentence) {
  all_.push_back({.name = std::string{name}, .ok = ok, .sentence = std::move(sentence)});
  return ok;
}

const finding* checklist::failed() const {
  static const finding nothing{.name = "nothing-checked", .ok = false, .sentence = "nothing was checked"};
  if (all_.empty()) return &nothing;
  const auto found = std::ranges::find(all_, false, &finding::ok);
  return found == all_.end() ? nullptr : &*found;
}

boost::json::array to_json(const checklist& list) {
  boost::json::array out;
  for (const auto& f : list.all())
    out.push_back(boost::json::object{{"name", f.name}, {"ok", f.ok}, {"sentence", f.sentence}});
  return out;
}

}  // namespace unwedge::rescue

#include "daemon/watch/policy_json.hpp"

#include "daemon/watch/json_values.hpp"
#include "policies/sentence.hpp"

namespace unwedge::watch {

namespace json = boost::json;

json::object to_json(const policies::policy& p) {
  const auto words = [](policies::duration d) { return policies::in_words(d); };
  json::array ladder;
  for (const auto& r : p.ladder)
    ladder.push_back(json::object{{"action", to_string(r.action)},
                                  {"verify_within", words(r.verify_within)},
                                  {"verify_within_ms", ms(r.verify_within)}});
  const auto texts = [](const std::vector<std::string>& list) {
    return json::array(list.begin(), list.end());
  };
  return {
      {"name", p.name},
      {"description", p.description},
      {"condition", to_string(p.condition)},
      {"states", texts(p.states)},
      {"match", {{"names", texts(p.match.names)}, {"uuids", texts(p.match.uuids)}}},
      {"patience", words(p.patience)},
      {"patience_ms", ms(p.patience)},
      {"ladder", std::move(ladder)},
      {"authority", to_string(p.needs)},
      {"enabled", p.enabled},
      {"dry_run", p.dry_run},
      {"budget",
       {{"per_vm", p.budget.per_vm}, {"per_host", p.budget.per_host}, {"window", words(p.budget.window)}}},
      {"cooldown", words(p.cooldown)},
      {"source", p.source}};
}

}  // namespace unwedge::watch

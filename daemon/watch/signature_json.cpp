#include "daemon/watch/signature_json.hpp"

namespace unwedge::watch {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& all) {
  return json::array(all.begin(), all.end());
}

}  // namespace

json::object to_json(const policies::signature_match& m) {
  return {{"name", m.name},
          {"title", m.title},
          {"description", m.description},
          {"references", texts(m.references)},
          {"fixed_in", m.fixed_in ? json::value(to_string(*m.fixed_in)) : json::value(nullptr)},
          {"helps", m.helps.empty() ? json::value(nullptr) : json::value(m.helps)},
          {"certainty", to_string(m.sure)},
          {"doubts", texts(m.doubts)},
          {"threads", json::array(m.threads.begin(), m.threads.end())}};
}

json::array to_json(std::span<const policies::signature_match> all) {
  json::array out;
  for (const auto& m : all) out.push_back(to_json(m));
  return out;
}

}  // namespace unwedge::watch

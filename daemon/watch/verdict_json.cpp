#include "daemon/watch/verdict_json.hpp"

#include "daemon/watch/json_values.hpp"
#include "policies/sentence.hpp"

#include <fmt/format.h>

namespace unwedge::watch {
namespace {

namespace json = boost::json;

json::object root_json(const policies::wait_root& r) {
  json::object o{{"type", to_string(r.type)},
                 {"name", r.name},
                 {"peer", or_null(r.peer)},
                 {"silent_ms", r.silent_for ? json::value(r.silent_for->count()) : json::value(nullptr)}};
  if (r.connection) {
    o["fd"] = r.connection->fd;
    o["inode"] = r.connection->inode;
  }
  return o;
}

json::object holder_json(const policies::lock_holder& h) {
  json::object o{{"tid", h.tid}, {"comm", h.comm}};
  if (h.mutex != 0) o["mutex"] = fmt::format("{:#x}", h.mutex);
  return o;
}

}  // namespace

json::object to_json(const policies::verdict& v, const policies::vm_model& vm) {
  json::object o{
      {"kind", to_string(v.kind)}, {"root", v.root ? json::value(root_json(*v.root)) : json::value(nullptr)},
      {"holder", nullptr},         {"since", date_of(v.since)},
      {"at", date_of(v.at)},       {"sentence", policies::sentence(v, vm)},
      {"certain", v.certain},      {"reasons", json::array(v.reasons.begin(), v.reasons.end())}};
  if (v.spinning) o["spinning"] = true;
  if (v.other_lock) o["lock"] = "other";
  if (v.holder) o["holder"] = holder_json(*v.holder);
  if (!v.further_roots.empty()) {
    json::array more;
    for (const auto& r : v.further_roots) more.push_back(root_json(r));
    o["further_roots"] = std::move(more);
  }
  return o;
}

}  // namespace unwedge::watch

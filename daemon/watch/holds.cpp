#include "daemon/watch/holds.hpp"

#include "daemon/incident/timestamp.hpp"
#include "daemon/watch/state_file.hpp"
#include "qmp/json_fields.hpp"

namespace unwedge::watch {
namespace {

namespace json = boost::json;

bool over(const holds::hold& h, wall_time now) {
  return h.until && *h.until <= now;
}

}  // namespace

std::expected<holds, std::string> holds::load(std::filesystem::path file) {
  holds out;
  out.file_ = std::move(file);
  auto all = read_state_file(out.file_);
  if (!all) return std::unexpected(std::move(all.error()));
  for (const auto& entry : *all) {
    const auto* o = entry.value().if_object();
    if (o == nullptr) continue;
    hold h{.until = incidents::parse_rfc3339(qmp::text(*o, "until")),
           .reason = std::string(qmp::text(*o, "reason"))};
    out.by_vm_.insert_or_assign(std::string(entry.key()), std::move(h));
  }
  return out;
}

std::expected<void, std::string> holds::put(const std::string& vm, hold h) {
  by_vm_.insert_or_assign(vm, std::move(h));
  return save();
}

std::expected<bool, std::string> holds::release(const std::string& vm) {
  if (by_vm_.erase(vm) == 0) return false;
  if (auto saved = save(); !saved) return std::unexpected(saved.error());
  return true;
}

const holds::hold* holds::find(const std::string& vm, wall_time now) const {
  if (by_vm_.empty()) return nullptr;
  for (const std::string_view name : {std::string_view(vm), whole_host}) {
    const auto found = by_vm_.find(name);
    if (found != by_vm_.end() && !over(found->second, now)) return &found->second;
  }
  return nullptr;
}

bool holds::own(const std::string& vm, wall_time now) const {
  const auto found = by_vm_.find(vm);
  return found != by_vm_.end() && !over(found->second, now);
}

std::expected<void, std::string> holds::save() const {
  json::object all;
  const auto now = std::chrono::system_clock::now();
  for (const auto& [vm, h] : by_vm_) {
    if (!over(h, now)) all[vm] = to_json(h);
  }
  return write_state_file(file_, json::serialize(all));
}

boost::json::object to_json(const holds::hold& h) {
  return {{"until", h.until ? json::value(incidents::to_rfc3339(*h.until)) : json::value(nullptr)},
          {"reason", h.reason}};
}

}  // namespace unwedge::watch

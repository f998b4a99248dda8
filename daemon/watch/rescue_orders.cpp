#include "daemon/watch/rescue_orders.hpp"

#include <algorithm>
#include <charconv>

namespace unwedge::watch {
namespace {

namespace json = boost::json;

const json::array* array_at(const json::object& o, std::string_view key) {
  const auto* value = o.if_contains(key);
  return value != nullptr ? value->if_array() : nullptr;
}

std::optional<bool> bool_at(const json::object& o, std::string_view key) {
  const auto* value = o.if_contains(key);
  const auto* flag = value != nullptr ? value->if_bool() : nullptr;
  return flag != nullptr ? std::optional(*flag) : std::nullopt;
}

template <typename Number>
std::optional<Number> number_at(const json::object& o, std::string_view key) {
  const auto* value = o.if_contains(key);
  if (value == nullptr) return std::nullopt;
  json::error_code ec;
  const auto number = value->to_number<Number>(ec);
  return ec ? std::nullopt : std::optional(number);
}

std::optional<connections> connections_in(const json::object& o, std::string_view key) {
  const auto* all = array_at(o, key);
  if (all == nullptr || all->empty()) return std::nullopt;
  connections out;
  for (const auto& each : *all) {
    const auto* c = each.if_object();
    const auto fd = c != nullptr ? number_at<int>(*c, "fd") : std::nullopt;
    const auto inode = fd ? number_at<std::uint64_t>(*c, "inode") : std::nullopt;
    if (!inode) return std::nullopt;
    out.push_back({.of = nullptr, .fd = *fd, .inode = *inode});
  }
  return out;
}

std::optional<std::uint64_t> address(const json::value& v) {
  constexpr std::string_view prefix = "0x";
  const auto* text = v.if_string();
  if (text == nullptr || !text->starts_with(prefix)) return std::nullopt;
  const char* const end = text->data() + text->size();
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text->data() + prefix.size(), end, value, 16);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(value) : std::nullopt;
}

std::optional<std::vector<std::uint64_t>> addresses_in(const json::object& o) {
  const auto* all = array_at(o, "mutexes");
  if (all == nullptr || all->empty()) return std::nullopt;
  std::vector<std::uint64_t> out;
  for (const auto& each : *all) {
    const auto a = address(each);
    if (!a) return std::nullopt;
    out.push_back(*a);
  }
  return out;
}

std::optional<cut> cut_in(const json::object& o) {
  const auto* value = o.if_contains("cut");
  const auto* how = value != nullptr ? value->if_object() : nullptr;
  if (how == nullptr) return std::nullopt;
  cut out;
  if (how->contains("yank")) {
    const auto* instances = array_at(*how, "yank");
    if (instances == nullptr || instances->empty()) return std::nullopt;
    out.yank = *instances;
  }
  if (how->contains("sever")) {
    auto sockets = connections_in(*how, "sever");
    if (!sockets) return std::nullopt;
    out.sever = std::move(*sockets);
  }
  if (out.yank.empty() && out.sever.empty()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<lease_orders> lease_orders_of(const policies::step& s) {
  const auto& o = s.arguments;
  const auto holder = number_at<pid_t>(o, "holder");
  auto mutexes = addresses_in(o);
  auto how = cut_in(o);
  const auto* jobs = array_at(o, "jobs");
  const auto cancels = bool_at(o, "cancel_migration");
  const auto frees = bool_at(o, "frees_graph");
  if (!holder || !mutexes || !how || jobs == nullptr || !cancels || !frees) return std::nullopt;
  lease_orders out{.holder = *holder,
                   .mutexes = std::move(*mutexes),
                   .cancel_migration = *cancels,
                   .frees_graph = *frees,
                   .cut = std::move(*how)};
  for (const auto& id : *jobs) {
    if (!id.is_string()) return std::nullopt;
    out.jobs.emplace_back(id.get_string());
  }
  return out;
}

policies::migration_fence lease_orders::fence() const {
  if (cancel_migration) return policies::migration_fence::cancel;
  const bool yanks = std::ranges::any_of(cut.yank, [](const json::value& instance) {
    const auto* o = instance.if_object();
    const auto* type = o != nullptr ? o->if_contains("type") : nullptr;
    return type != nullptr && *type == "migration";
  });
  return yanks ? policies::migration_fence::yank : policies::migration_fence::none;
}

bool yanks_in_window(const policies::step& s) {
  const auto orders = lease_orders_of(s);
  return orders && !orders->cut.yank.empty();
}

std::optional<connections> connections_of(const policies::step& s) {
  return connections_in(s.arguments, "connections");
}

}  // namespace unwedge::watch

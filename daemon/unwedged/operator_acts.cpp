#include "daemon/unwedged/operator_acts.hpp"

#include "qmp/json_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace unwedge {
namespace {

namespace json = boost::json;

constexpr std::size_t most_kept = 64;

bool flag(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_bool() && v->get_bool();
}

json::value or_null(const std::string& s) {
  return s.empty() ? json::value(nullptr) : json::value(s);
}

/// The act is over however the coroutine ends, also by what it throws.
template <typename Act>
struct ended {
  std::shared_ptr<Act> of;
  ~ended() {
    of->running = false;
    if (!of->ok && of->text.empty()) of->text = "failed: it was interrupted";
  }
};

}  // namespace

/// The oldest that has ended goes; false: all are under way.
bool operator_acts::make_room() {
  if (acts_.size() < most_kept) return true;
  const auto old = std::ranges::find_if(acts_, [](const auto& a) { return !a.second->running; });
  if (old == acts_.end()) return false;
  acts_.erase(old);
  return true;
}

std::expected<std::string, std::string> operator_acts::begin(const std::string& argument) {
  json::error_code ec;
  const auto parsed = json::parse(argument, ec);
  const auto* o = ec ? nullptr : parsed.if_object();
  if (o == nullptr) return std::unexpected("what is to be done, to which VM?");
  const auto vm = std::string(qmp::text(*o, "vm"));
  const auto on = fleet_.to_act_on(vm);
  if (!on) return std::unexpected(fmt::format("no VM \"{}\"; unwedgectl list shows them", vm));
  if (!make_room()) return std::unexpected("too many acts are under way");
  asked what{.action = std::string(qmp::text(*o, "action")),
             .yes = flag(*o, "yes"),
             .with_ram = flag(*o, "with_ram"),
             .plan_only = flag(*o, "plan_only")};
  auto made = std::make_shared<act>(act{.vm = on->name(), .action = what.action, .plan = {}, .text = ""});
  acts_.emplace(++last_, made);
  tasks_.spawn(carry_out(on, std::move(what), made), on->name() + ": operator");
  return json::serialize(json::object{{"ticket", last_}, {"vm", made->vm}, {"action", made->action}});
}

boost::asio::awaitable<void> operator_acts::carry_out(std::shared_ptr<watch::vm_watcher> on, asked what,
                                                      std::shared_ptr<act> into) {
  const ended<act> end{into};
  const auto done = co_await on->act_for_operator(
      std::move(what), [into](watch::act_plan plan) { into->plan = std::move(plan); });
  into->ok = done.has_value();
  into->text = done ? *done : done.error();
}

std::expected<std::string, std::string> operator_acts::result(const std::string& ticket) const {
  std::uint64_t number = 0;
  const auto* end = ticket.data() + ticket.size();
  const auto read = std::from_chars(ticket.data(), end, number);
  const auto found = read.ec == std::errc{} && read.ptr == end ? acts_.find(number) : acts_.end();
  if (found == acts_.end()) return std::unexpected("no such ticket; unwedgectl incidents has what was done");
  const auto& a = *found->second;
  return json::serialize(json::object{{"vm", a.vm},
                                      {"action", a.action},
                                      {"running", a.running},
                                      {"plan", or_null(a.plan.sentence)},
                                      {"preconditions", a.plan.preconditions},
                                      {"ok", a.ok},
                                      {"text", or_null(a.text)}});
}

}  // namespace unwedge

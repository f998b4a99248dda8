#include "daemon/rescue/orders.hpp"

#include "daemon/inspect/target.hpp"
#include "daemon/rescue/checklist.hpp"
#include "daemon/rescue/operation.hpp"
#include "daemon/rescue/window.hpp"

#include <fmt/format.h>

#include <poll.h>

namespace unwedge::rescue {

namespace {

namespace json = boost::json;

/// For the holder to get its locks back after the window: the main loop may be busy.
constexpr std::chrono::seconds return_patience{10};

json::object refused(const checklist& list) {
  const auto* const why = list.failed();
  return {{"ok", false},
          {"failed", why == nullptr ? "" : why->name},
          {"error", why == nullptr ? "" : fmt::format("{}: {}", why->name, why->sentence)},
          {"preconditions", to_json(list)}};
}

json::object planned(const checklist& list) {
  json::object made{{"ok", true}, {"plan", true}, {"would", list.failed() == nullptr}};
  if (const auto* const why = list.failed(); why != nullptr) {
    made["failed"] = why->name;
    made["forbids"] = fmt::format("{}: {}", why->name, why->sentence);
  }
  made["preconditions"] = to_json(list);
  return made;
}

#ifdef __x86_64__

/// To look takes its time, and who asked may have been killed, or have thought better of it, meanwhile.
bool still_asked_for(int orders, checklist& list) {
  pollfd other_end{.fd = orders, .events = 0, .revents = 0};
  const bool gone = ::poll(&other_end, 1, 0) == 1;  // POLLHUP, POLLERR, POLLNVAL: whether asked for or not
  return list.add(
      "asked-for", !gone,
      gone ? "standard input was closed: nobody waits for it any more" : "who asked for it waits");
}

json::object lease(const evidence::process& of, const options& chosen, checklist& list, const teller& tell,
                   int orders) {
  const auto found = survey(of, chosen.lease, list);
  if (chosen.plan) {
    auto made = planned(list);
    if (found) made["walks_graph"] = found->stack.walks_graph;
    return made;
  }
  if (!found || !still_asked_for(orders, list)) return refused(list);
  const auto begun = begin_lease(of, chosen.lease, *found);
  if (!begun) {
    list.add(begun.error().name, false, begun.error().sentence);
    return refused(list);
  }
  json::object made{{"event", "granted"},
                    {"holder", begun->holder},
                    {"window_ms", chosen.lease.window.count()},
                    {"until_ns", (begun->began + chosen.lease.window).time_since_epoch().count()},
                    {"walks_graph", found->stack.walks_graph},
                    {"stopped_ns", begun->times.stopped.count()},
                    {"operated_ns", begun->times.operated.count()}};
  tell(made);
  made.erase("event");
  auto end = keep_window(of, chosen.lease, *begun, orders, return_patience);
  const bool returned = end.at("returned").as_bool();
  made["ok"] = returned;
  if (!returned) made["error"] = end.at("sentence");
  for (auto& [key, value] : end) made[key] = value;
  made["preconditions"] = to_json(list);
  return made;
}

#else

json::object lease(const evidence::process&, const options&, checklist& list, const teller&, int) {
  list.add("architecture", false, "a lease has been tried on x86-64 only; here nothing is done");
  return refused(list);
}

#endif

json::object cut(const evidence::process& of, const options& chosen, checklist& list) {
  const auto did = sever(of, chosen.sever, chosen.plan, list);
  if (chosen.plan) return planned(list);
  if (did.empty()) return refused(list);
  return {{"ok", true},
          {"did", did},
          {"fd", chosen.sever.fd},
          {"inode", chosen.sever.inode},
          {"preconditions", to_json(list)}};
}

}  // namespace

json::object carry_out(const options& chosen, const teller& tell, int orders) {
  checklist list;
  const auto of = inspect::open_target(
      {.pid = chosen.pid, .start_time = chosen.start_time, .any_process = chosen.any_process});
  if (!list.add("process", of.has_value(),
                of ? fmt::format("process {}, started at {}", of->pid(), of->start_time()) : of.error()))
    return chosen.plan ? planned(list) : refused(list);
  return chosen.what == order::sever ? cut(*of, chosen, list) : lease(*of, chosen, list, tell, orders);
}

}  // namespace unwedge::rescue

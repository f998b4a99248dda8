#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/options.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

/// For a command line that people paste: a VM's name may hold what a shell would run.
std::string shell_word(std::string_view text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:@%+=/-";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) return std::string(text);
  std::string out = "'";
  for (char const c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + '\'';
}

std::string release_command(std::string_view vm) {
  return "unwedgectl release " + (vm == whole_host ? "--all" : shell_word(printable(vm)));
}

std::string name_of(std::string_view vm) {
  return vm == whole_host ? "the whole host" : printable(vm);
}

std::string until(std::string_view time, const view& to) {
  return time.empty() ? "until released" : "until " + local_time(time, to.now);
}

const json::object* named(const json::array& vms, std::string_view name) {
  for (auto const& each : vms) {
    auto const* vm = each.if_object();
    if (vm != nullptr && text_at(*vm, "name") == name) return vm;
  }
  return nullptr;
}

/// The VMs that have a hold of their own, once the host's is released: the first of them by name.
std::string still_held(const json::array& vms) {
  constexpr std::size_t most = 10;
  std::vector<std::string> names;
  for (auto const& each : vms) {
    auto const* vm = each.if_object();
    if (vm != nullptr && object_at(*vm, "hold") != nullptr) names.push_back(printable(text_at(*vm, "name")));
  }
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most) out += fmt::format(" and {} more", names.size() - most);
  return out;
}

}  // namespace

std::string hold_in_words(const json::object& hold, const view& to) {
  auto const reason = printable(text_at(hold, "reason"));
  auto const time = until(text_at(hold, "until"), to);
  return fmt::format("{} by the operator{}", time, reason.empty() ? "" : ": " + reason);
}

std::string render_hold(const json::value& answer, std::optional<std::chrono::seconds> asked,
                        const view& to) {
  auto const* hold = answer.if_object();
  auto const vm = hold != nullptr ? text_at(*hold, "vm") : std::string_view();
  if (vm.empty()) return {};
  auto const time = text_at(*hold, "held_until");
  auto const how_long = asked ? fmt::format("for {}, ", exactly_in_words(*asked)) : std::string();
  return fmt::format("{} is held {}{}{}: {}\n", name_of(vm), how_long, until(time, to),
                     time.empty() ? "" : "; to release it before", release_command(vm));
}

std::string render_release(const json::value& answer, const json::value& list, const view& to) {
  auto const* done = answer.if_object();
  auto const vm = done != nullptr ? text_at(*done, "vm") : std::string_view();
  if (vm.empty()) return {};
  bool const released = flag_at(*done, "released");
  auto const* vms = list.if_array();
  auto out = name_of(vm) + (released ? " is released" : " was not held");
  if (vm == whole_host) {
    auto const others = vms != nullptr ? still_held(*vms) : std::string();
    return out + (others.empty() ? "\n" : "; VMs with a hold of their own: " + others + '\n');
  }
  if (vms == nullptr) return out + '\n';
  auto const* known = named(*vms, vm);
  if (known == nullptr) return out + (released ? "\n" : "; no VM of that name is known\n");
  // Its own hold is gone: one that is still there is the host's.
  if (auto const* host = object_at(*known, "hold"))
    out += fmt::format(", but the whole host is held {}: {}", until(text_at(*host, "until"), to),
                       release_command(whole_host));
  return out + '\n';
}

}  // namespace unwedge::ctl

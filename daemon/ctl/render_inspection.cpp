#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/render_chain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t most_sockets = 32;

std::string section(std::string_view heading, const std::vector<std::string>& lines, const view& to) {
  if (lines.empty()) return {};
  auto out = '\n' + styled(std::string(heading), style::heading, to) + '\n';
  for (auto const& line : lines) out += "  " + line + '\n';
  return out;
}

/// "#0 ppoll+0xa6 in libc.so.6"; a function without a name is told by its place in the file, for
/// addr2line(1).
std::string frame_in_words(std::size_t number, const json::object& frame) {
  auto const path = printable(text_at(frame, "module"));
  auto const module = path.substr(path.rfind('/') + 1);
  auto const function = printable(text_at(frame, "function"));
  auto const in = module.empty() ? std::string(" in no file") : " in " + module;
  if (function.empty())
    return fmt::format("#{} ?{}{}", number, in,
                       module.empty() ? "" : " at " + printable(text_at(frame, "module_offset")));
  auto const offset = number_at(frame, "offset").value_or(0);
  auto const at = offset > 0 && offset < 9e15 ? static_cast<unsigned long long>(offset) : 0;
  return fmt::format("#{} {}+{:#x}{}", number, function, at, in);
}

const json::object* stack_of(const json::object* stacks, double tid) {
  auto const* threads = stacks == nullptr ? nullptr : array_at(*stacks, "threads");
  if (threads == nullptr) return nullptr;
  for (auto const& each : *threads) {
    auto const* thread = each.if_object();
    if (thread != nullptr && number_at(*thread, "tid") == tid) return thread;
  }
  return nullptr;
}

std::vector<std::string> frames_in_words(const json::object* stack) {
  std::vector<std::string> out;
  if (stack == nullptr) return out;
  if (auto const* frames = array_at(*stack, "frames")) {
    for (auto const& each : *frames) {
      if (auto const* frame = each.if_object()) out.push_back(frame_in_words(out.size(), *frame));
    }
  }
  auto const unwind = printable(text_at(*stack, "unwind"));
  if (!unwind.empty() && unwind != "complete") out.push_back("(" + unwind + ")");
  return out;
}

std::string threads_table(const json::object& sample, const json::object* stacks, const view& to) {
  std::vector<row> rows;
  if (auto const* threads = array_at(sample, "threads")) {
    for (auto const& each : *threads) {
      auto const* thread = each.if_object();
      if (thread == nullptr) continue;
      auto const tid = number_at(*thread, "tid").value_or(0);
      auto const cpu = number_at(*thread, "cpu_percent");
      rows.push_back({{{fmt::format("{:.0f}", tid)},
                       {or_dash(printable(text_at(*thread, "comm")))},
                       {cpu ? fmt::format("{:.0f} %", *cpu) : "-"},
                       {wait_in_words(*thread, sample)}},
                      frames_in_words(stack_of(stacks, tid))});
    }
  }
  if (rows.empty()) return {};
  return '\n' + styled("Threads", style::heading, to) + '\n' +
         table({{"TID"}, {"NAME"}, {"CPU"}, {"DOES", 20}}, rows, to);
}

std::vector<std::string> sockets(const json::object& sample, const chain_context& context) {
  std::vector<std::string> out;
  auto const* all = array_at(sample, "sockets");
  if (all == nullptr) return out;
  for (auto const& each : *all) {
    auto const* socket = each.if_object();
    if (socket == nullptr) continue;
    if (out.size() == most_sockets) {
      out.push_back(fmt::format("and {} more", all->size() - most_sockets));
      break;
    }
    out.push_back(socket_in_words(*socket, context));
  }
  return out;
}

std::vector<std::string> texts(const json::object& in, std::string_view key) {
  std::vector<std::string> out;
  if (auto const* all = array_at(in, key)) {
    for (auto const& each : *all) out.push_back(brief(each));
  }
  return out;
}

std::string stops(const json::object& stacks, const view& to) {
  auto const* threads = array_at(stacks, "threads");
  auto const ms = [&](std::string_view key) { return number_at(stacks, key).value_or(0) / 1e3; };
  auto out = fmt::format("\n{} threads, taken within {:.1f} ms; all their stops added up: {:.1f} ms\n",
                         threads == nullptr ? 0 : threads->size(), ms("took_us"), ms("stopped_us"));
  return out + section("Missing in the stacks", texts(stacks, "problems"), to);
}

std::string who(const json::object& vm, const view& to) {
  auto const state = printable(text_at(vm, "state"));
  auto const pid = number_at(vm, "pid");
  auto const run_state = printable(text_at(vm, "run_state"));
  return fmt::format(
      "{}  {} for {}\n  process {}{}\n", styled(printable(text_at(vm, "name")), style::heading, to),
      styled(state, style_of_state(state), to), since(text_at(vm, "since"), to.now),
      pid ? fmt::format("{:.0f}", *pid) : "-", run_state.empty() ? "" : ", run state " + run_state);
}

}  // namespace

std::string render_inspection(const json::object& vm, const view& to) {
  auto const* sample = object_at(vm, "sample");
  if (sample == nullptr) return {};
  auto const* verdict = object_at(vm, "verdict");
  auto const* stacks = object_at(vm, "stacks");
  const chain_context context{verdict, array_at(vm, "nodes")};
  auto out = who(vm, to);
  if (verdict != nullptr) out += '\n' + verdict_block(*verdict, to);
  out += section("Wait chain", chain_lines(*sample, context), to);
  out += threads_table(*sample, stacks, to);
  out += section("Sockets", sockets(*sample, context), to);
  out += section("Not known", texts(*sample, "missing"), to);
  return stacks == nullptr ? out : out + stops(*stacks, to);
}

}  // namespace unwedge::ctl

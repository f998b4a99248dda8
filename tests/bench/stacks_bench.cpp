// All stacks of one and the same QEMU with 64 threads, taken in turn by unwedge-inspect, eu-stack and gdb.
// gdb stops all threads at once for as long as it unwinds. eu-stack unwinds one thread at a time while that
// one stands still, and looks up names in between, so it comes back to the process for as long as it runs;
// unwedge-inspect copies one thread at a time and does everything else when the last runs again. Hence two
// figures: how long the process is disturbed, from the first stop to the end of the last, and what the stops
// of all threads add up to.
//
// Theirs is watched from outside (standstill.hpp). Our stops are too short for that: ours is what
// unwedge-inspect says itself, from before each interrupt to after each detach, and so with the time that a
// thread takes to come to its stop. Scheduler events (perf record -e sched:sched_switch -e
// sched:sched_waking, time spent in state t) show about two thirds of it: 0.9-1.6 ms in all, 12-25 us a
// thread, against 2.0-5.0 ms, 23-75 us a thread of eu-stack on an idle host.
#include "daemon/evidence/process.hpp"
#include "tests/bench/benches.hpp"
#include "tests/bench/qemu_with_threads.hpp"
#include "tests/bench/standstill.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <utility>

namespace unwedge::bench {
namespace {

constexpr std::size_t thread_count = 64;
constexpr int rounds = 9;
constexpr int gdb_rounds = 3;  // a second and more each

std::string output_of(const std::string& command) {
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("stacks: " + command);
  std::string text;
  std::array<char, 65'536> chunk;
  while (const auto got = std::fread(chunk.data(), 1, chunk.size(), pipe)) text.append(chunk.data(), got);
  if (::pclose(pipe) != 0) throw std::runtime_error("stacks: failed: " + command);
  return text;
}

std::vector<std::string> our_command(const std::filesystem::path& program, pid_t pid) {
  const auto held = evidence::process::open(pid);
  if (!held) throw std::runtime_error(held.error());
  return {program.string(),
          "--pid",
          fmt::format("{}", pid),
          "--start-time",
          fmt::format("{}", held->start_time()),
          "stacks"};
}

std::chrono::nanoseconds nanoseconds_in(const boost::json::value& us) {
  return std::chrono::nanoseconds{static_cast<std::int64_t>(us.as_double() * 1e3)};
}

/// As it says itself. Stacks that are not all there would be taken quickly, and for nothing.
standstill measured_by_itself(const std::vector<std::string>& command) {
  const auto text = output_of(fmt::format("{}", fmt::join(command, " ")));
  const auto document = boost::json::parse(text);
  const auto& threads = document.at("threads").as_array();
  if (threads.size() != thread_count) throw std::runtime_error("stacks: not all threads: " + text);
  standstill measured{.span = nanoseconds_in(document.at("capture_us"))};
  for (const auto& t : threads) {
    if (t.at("unwind").as_string() != "complete") throw std::runtime_error("stacks: not complete: " + text);
    const auto stop = nanoseconds_in(t.at("stopped_us"));
    measured.sum += stop;
    measured.longest = std::max(measured.longest, stop);
  }
  return measured;
}

using figure_of = std::chrono::nanoseconds standstill::*;

double median_ms(const std::vector<standstill>& all, figure_of what) {
  std::vector<double> values;
  for (const auto& s : all) values.push_back(static_cast<double>((s.*what).count()) * 1e-6);
  return median(values);
}

}  // namespace

std::vector<figure> stacks_figures(const std::filesystem::path& unwedge_inspect) {
  const qemu_with_threads target{thread_count};
  const auto pid = std::to_string(target.pid());
  const auto our = our_command(unwedge_inspect, target.pid());
  std::vector<standstill> ours, eu_stack, gdb;
  for (int i = 0; i < rounds; ++i) {
    ours.push_back(measured_by_itself(our));
    eu_stack.push_back(watch_while(target.pid(), {"eu-stack", "-p", pid}));
    if (i < gdb_rounds)
      gdb.push_back(
          watch_while(target.pid(), {"gdb", "-nx", "-batch", "-ex", "thread apply all bt", "-p", pid}));
  }
  constexpr double a_twentieth = 0.05, for_information = std::numeric_limits<double>::infinity();
  const auto against = [&](std::string name, const std::vector<standstill>& theirs, figure_of what,
                           double limit) {
    return figure{std::move(name), "ms", median_ms(ours, what), median_ms(theirs, what), limit};
  };
  return {against("stacks of 64 threads, first stop to end of last; floor: eu-stack", eu_stack,
                  &standstill::span, a_twentieth),
          against("the same; floor: gdb", gdb, &standstill::span, a_twentieth),
          against("the same, all stops added up; floor: gdb", gdb, &standstill::sum, a_twentieth),
          against("the same, added up; floor: eu-stack", eu_stack, &standstill::sum, for_information),
          against("the same, the longest stop of a thread; floor: eu-stack", eu_stack, &standstill::longest,
                  for_information)};
}

}  // namespace unwedge::bench

#include "daemon/watch/host_paper.hpp"

#include "daemon/incident/utf8.hpp"

#include <sys/utsname.h>

#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace unwedge::watch {
namespace {

namespace json = boost::json;

std::string beginning_of(const char* path) {
  std::string text(16u << 10, '\0');
  std::ifstream in(path);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

/// Takes what comes before `separator` off the front.
std::string_view take(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return part;
}

std::optional<double> figure(std::string_view text) {
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc() ? std::optional(value) : std::nullopt;
}

json::object kernel_json() {
  utsname name{};
  if (::uname(&name) != 0) return {};
  return {{"release", incidents::repaired_utf8(name.release)},
          {"version", incidents::repaired_utf8(name.version)},
          {"machine", incidents::repaired_utf8(name.machine)}};
}

}  // namespace

json::object pressure_json(std::string_view text) {
  json::object out;
  while (!text.empty() && out.size() < 4) {
    auto line = take(text, '\n');
    const auto who = take(line, ' ');
    json::object figures;
    while (!line.empty() && figures.size() < 8) {
      auto value = take(line, ' ');
      const auto key = take(value, '=');
      if (const auto number = figure(value)) figures[key] = *number;
    }
    if (!who.empty() && !figures.empty()) out[who] = std::move(figures);
  }
  return out;
}

json::object memory_json(std::string_view text) {
  constexpr std::array wanted{"MemTotal",  "MemFree", "MemAvailable",    "Cached",        "Dirty",
                              "Writeback", "Slab",    "SwapTotal",       "SwapFree",      "Committed_AS",
                              "AnonPages", "Shmem",   "HugePages_Total", "HugePages_Free"};
  json::object out;
  while (!text.empty()) {
    auto line = take(text, '\n');
    const auto key = take(line, ':');
    const auto digits = line.find_first_not_of(' ');
    if (digits == line.npos) continue;
    const auto number = figure(line.substr(digits));
    for (const std::string_view name : wanted) {
      if (name == key && number) out[name] = static_cast<std::int64_t>(*number);
    }
  }
  return out;
}

json::object host_facts_json() {
  json::object out{{"kernel", kernel_json()}, {"cpus", std::thread::hardware_concurrency()}};
  const auto uptime = beginning_of("/proc/uptime");
  if (const auto seconds = figure(uptime)) out["uptime_s"] = static_cast<std::int64_t>(*seconds);
  const auto load = beginning_of("/proc/loadavg");
  if (!load.empty()) out["load"] = incidents::repaired_utf8(load.substr(0, load.find('\n')));
  json::object pressure;
  for (const auto* what : {"cpu", "memory", "io"}) {
    auto figures = pressure_json(beginning_of((std::string("/proc/pressure/") + what).c_str()));
    if (!figures.empty()) pressure[what] = std::move(figures);
  }
  out["pressure"] = std::move(pressure);
  out["memory_kb"] = memory_json(beginning_of("/proc/meminfo"));
  return out;
}

}  // namespace unwedge::watch

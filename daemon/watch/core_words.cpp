// What unwedge-core answers, in sentences.
#include "daemon/watch/cores.hpp"
#include "qmp/json_fields.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

namespace unwedge::watch {
namespace {

namespace json = boost::json;

std::int64_t count(const json::object& o, std::string_view key) {
  return qmp::number(o, key).value_or(0);
}

std::string in_mib(std::int64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

std::string text(const json::object& o, std::string_view key) {
  return qmp::printable(qmp::text(o, key));
}

std::string forbidden(const json::object& o) {
  std::string out;
  for (const auto& [key, order] :
       {std::pair{"forbids_flag", "flag-core"}, {"forbids_core", "core"}, {"forbids_abort", "abort"}}) {
    if (const auto why = text(o, key); !why.empty()) out += fmt::format(" Not possible: {}: {}.", order, why);
  }
  return out;
}

std::string of_plan(const json::object& o) {
  return fmt::format(
      "{} threads. A core holds {} of QEMU's own memory, leaves out {} of guest memory, and stops the VM for "
      "about {} ms. The kernel's core: {}.{}",
      count(o, "threads"), in_mib(count(o, "bytes_copied")), in_mib(count(o, "guest_memory")),
      count(o, "stop_estimate_ms"), text(o, "goes_to"), forbidden(o));
}

std::string of_flag(const json::object& o) {
  const auto limit = qmp::number(o, "limit");
  return fmt::format("{}: coredump_filter {:#x}{}, RLIMIT_CORE {}. Should it end by a signal: {}.",
                     o.contains("was_flagged") && o.at("was_flagged") == json::value(true)
                         ? "it was flagged already"
                         : "flagged",
                     count(o, "filter"),
                     count(o, "filter_before") == count(o, "filter")
                         ? ""
                         : fmt::format(" (was {:#x})", count(o, "filter_before")),
                     limit ? fmt::format("{} bytes", *limit) : "unlimited", text(o, "goes_to"));
}

std::string of_core(const json::object& o) {
  const auto late = count(o, "threads_in_uninterruptible_wait");
  return fmt::format(
      "core in {}: {} compressed, {} of memory, {} of guest memory left out, {} threads{}. The VM stood "
      "still "
      "for {:.1f} ms.",
      text(o, "file"), in_mib(count(o, "file_bytes")), in_mib(count(o, "core_bytes")),
      in_mib(count(o, "guest_memory_left_out")), count(o, "threads"),
      late == 0 ? "" : fmt::format(" ({} of them in an uninterruptible wait)", late),
      static_cast<double>(count(o, "stopped_us")) / 1000);
}

}  // namespace

std::string in_words(std::string_view order, const json::object& answer) {
  if (order == "plan") return of_plan(answer);
  if (order == "flag-core") return of_flag(answer);
  if (order == "core") return of_core(answer);
  return fmt::format("ended by SIGABRT. Its core: {}.", text(answer, "goes_to"));
}

}  // namespace unwedge::watch

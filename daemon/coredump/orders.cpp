#include "daemon/coredump/orders.hpp"

#include "daemon/coredump/abort.hpp"
#include "daemon/coredump/flag.hpp"
#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

#include <thread>

namespace unwedge::coredump {
namespace {

namespace json = boost::json;
using evidence::process;

constexpr std::chrono::seconds abort_patience{30};

json::object failed(std::string why) {
  return {{"ok", false}, {"error", std::move(why)}};
}

json::value limit_json(rlim_t limit) {
  return limit == RLIM_INFINITY ? json::value(nullptr) : json::value(limit);
}

json::value or_null(std::string text) {
  return text.empty() ? json::value(nullptr) : json::value(std::move(text));
}

json::object to_json(const core_result& r, const core_request& asked) {
  return {{"ok", true},
          {"file", asked.folder + "/" + asked.name},
          {"file_bytes", r.file_bytes},
          {"core_bytes", r.core_bytes},
          {"guest_memory_left_out", r.guest_memory},
          {"threads", r.threads},
          {"threads_in_uninterruptible_wait", r.late},
          {"stopped_us", r.stopped.count()},
          {"took_ms", r.took.count()}};
}

json::object to_json(const census& c) {
  return {{"ok", true},
          {"threads", c.threads},
          {"state", std::string(1, c.state)},
          {"bytes_copied", c.copied},
          {"guest_memory", c.guest_memory},
          {"guest_memory_in_kernel_core", c.in_kernel_core},
          {"stop_estimate_ms", c.stop_estimate().count()},
          {"filter", c.filter},
          {"limit", limit_json(c.limit.rlim_cur)},
          {"limit_hard", limit_json(c.limit.rlim_max)},
          {"flagged", c.filter == flagged_filter && c.limit.rlim_cur == RLIM_INFINITY},
          {"goes_to", c.goes_to.sentence},
          {"forbids_flag", or_null(forbids_flag(c, false))},
          {"forbids_core", or_null(forbids_core(c))},
          {"forbids_abort", or_null(forbids_abort(c))}};
}

json::object set_flag(const process& of, const census& c, bool with_ram) {
  const auto done = flag(of, c, with_ram);
  if (!done) return failed(done.error());
  return {{"ok", true},
          {"filter", flagged_filter},
          {"filter_before", done->filter_before},
          {"limit", limit_json(done->limit_now)},
          {"limit_before", limit_json(done->limit_before.rlim_cur)},
          {"was_flagged", done->was_flagged},
          {"goes_to", c.goes_to.sentence}};
}

/// Where the kernel can leave guest memory out, it writes the core; else we take one first, and it writes
/// none. The VM is not ended if there would be no core.
json::object end_with_core(const process& of, const census& c, const options& chosen) {
  if (auto why = forbids_abort(c); !why.empty()) return failed(std::move(why));
  json::object told;
  if (forbids_flag(c, chosen.with_ram).empty()) {
    told = set_flag(of, c, chosen.with_ram);
  } else {
    const auto core = take_core(of, chosen.core);
    if (!core) return failed(fmt::format("not ended, since no core could be taken: {}", core.error()));
    told = to_json(*core, chosen.core);
    told["goes_to"] = fmt::format("{}/{}", chosen.core.folder, chosen.core.name);
    if (auto done = forbid_kernel_core(of); !done) return failed(done.error());
  }
  if (!told.at("ok").as_bool()) return told;
  if (auto done = abort_process(of, abort_patience); !done) {
    told["ok"] = false;
    told["error"] = done.error();
  }
  return told;
}

/// A tracer that only looks, as unwedge-inspect does, is gone in a moment.
void wait_for_a_tracer_to_leave(const process& of) {
  evidence::proc_reader reader;
  for (int i = 0; i < 40; ++i) {
    const auto status = reader.read(of.proc_dir(), "status");
    if (!status || evidence::number_after(*status, "TracerPid:").value_or(0) == 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

json::object carry_out(const process& of, const options& chosen) {
  if (chosen.what == order::core || chosen.what == order::abort) wait_for_a_tracer_to_leave(of);
  if (chosen.what == order::core) {
    const auto done = take_core(of, chosen.core);
    return done ? to_json(*done, chosen.core) : failed(done.error());
  }
  const auto c = look_at(of);
  if (!c) return failed(c.error());
  if (chosen.what == order::plan) return to_json(*c);
  if (chosen.what == order::flag) return set_flag(of, *c, chosen.with_ram);
  return end_with_core(of, *c, chosen);
}

}  // namespace

json::object carry_out(const options& chosen) {
  auto of = process::open(chosen.pid);
  if (!of) return failed(of.error());
  if (of->start_time() != chosen.start_time)
    return failed(fmt::format("process {}: is another one, it started at {}, not at {}", chosen.pid,
                              of->start_time(), chosen.start_time));
  // By its program, never by its name, which anybody can choose.
  if (!chosen.any_process && !evidence::names_qemu(of->exe()))
    return failed(fmt::format("process {}: its program is no QEMU", chosen.pid));
  return carry_out(*of, chosen);
}

}  // namespace unwedge::coredump

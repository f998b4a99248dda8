#include "daemon/evidence/sample.hpp"

#include "daemon/evidence/cgroup.hpp"
#include "daemon/evidence/descriptors.hpp"
#include "daemon/evidence/stat_line.hpp"
#include "daemon/evidence/thread_status.hpp"
#include "daemon/evidence/threads.hpp"
#include "daemon/evidence/waits.hpp"

#include <algorithm>
#include <cerrno>
#include <tuple>

namespace unwedge::evidence {

namespace {

std::uint64_t counter(std::string_view text, std::string_view key) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(number_after(text, key).value_or(0), 0));
}

void read_whole(sampling& s) {
  if (const auto status = s.files.read(s.of.proc_dir(), "status")) {
    s.facts.tracer = static_cast<pid_t>(counter(*status, "TracerPid:"));
    s.in_inner_namespace = parse_thread_status(*status).in_inner_namespace;
  } else
    s.missing.note("status", "", status.error());
  if (const auto stat = s.files.read(s.of.proc_dir(), "stat")) {
    if (const auto data = parse_program_data(*stat)) std::tie(s.data_begin, s.data_end) = *data;
  }
  if (const auto io = s.files.read(s.of.proc_dir(), "io")) {
    s.facts.written = counter(*io, "wchar:");
    s.facts.read = counter(*io, "rchar:");
  } else {
    s.missing.note("io counters", "", io.error());
  }
}

}  // namespace

policies::process_facts sample(const process& of, std::chrono::steady_clock::time_point now) {
  policies::process_facts facts;
  facts.at = now;
  facts.pid = of.pid();
  missing_list missing;
  proc_reader files;
  target_memory memory{of};
  sampling s{.of = of, .facts = facts, .missing = missing, .files = files, .memory = memory};
  if (of.alive()) {
    read_whole(s);
    read_threads(s);
    if (!facts.threads.empty() && may_be_frozen(facts.threads.front().state, facts.threads.front().wchan))
      facts.frozen_in = frozen_cgroup(of);
    follow_waits(s);
    read_descriptors(s);
  }
  // Looked at last: what was read by number (process_vm_readv) is this process's only if it lived until now.
  if (!of.alive()) {
    policies::process_facts gone;
    gone.at = now;
    gone.pid = of.pid();
    return gone;
  }
  facts.alive = true;
  facts.missing = missing.sentences();
  return facts;
}

std::optional<policies::thread_facts> sample_main_thread(const process& of) {
  policies::process_facts facts;
  missing_list missing;
  proc_reader files;
  target_memory memory{of};
  sampling s{.of = of, .facts = facts, .missing = missing, .files = files, .memory = memory};
  read_main_thread(s);
  if (facts.threads.empty() || !of.alive()) return std::nullopt;
  return std::move(facts.threads.front());
}

}  // namespace unwedge::evidence

#include "policies/sentence.hpp"

#include "qmp/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace unwedge::policies {
namespace {

std::string silent_part(const wait_root& root) {
  return root.silent_for ? fmt::format(", silent for {}", in_words(*root.silent_for)) : "";
}

std::string peer_part(const wait_root& root) {
  return root.peer.empty() ? "" : fmt::format(" ({})", root.peer);
}

std::string root_part(const wait_root& root) {
  switch (root.type) {
    case wait_root::kind::block_node:
      return fmt::format("NBD node \"{}\"{}{}", qmp::printable(root.name), peer_part(root),
                         silent_part(root));
    case wait_root::kind::migration:
      return fmt::format("the migration stream{}{}", peer_part(root), silent_part(root));
    case wait_root::kind::socket:
      return fmt::format("a connection{}{}", peer_part(root), silent_part(root));
    case wait_root::kind::chardev:
      return fmt::format("chardev \"{}\"{}, whose peer does not read", qmp::printable(root.name),
                         peer_part(root));
    case wait_root::kind::vcpu:
      return "nothing that is known";
    case wait_root::kind::file:
      return fmt::format("the file {}", qmp::printable(root.name));
    case wait_root::kind::thread:
      return "something unknown";
  }
  return "";
}

std::string all_roots(const verdict& v) {
  auto out = root_part(*v.root);
  for (const auto& r : v.further_roots) out += " and " + root_part(r);
  return out;
}

std::string waits_for_roots(const verdict& v) {
  if (!v.root) return "does not let go of it";
  if (v.spinning && v.root->type != wait_root::kind::chardev) return "runs without letting go of it";
  const auto how = v.root->type == wait_root::kind::block_node ? "polls for"
                   : v.sending                                 ? "sends on"
                                                               : "waits for";
  return fmt::format("{} {}", how, all_roots(v));
}

std::string job_part(const verdict& v, const vm_model& vm) {
  if (!v.root || v.root->type != wait_root::kind::block_node) return "";
  std::string out;
  for (const auto& [id, job] : vm.jobs) {
    if (!job.target || job.len <= 0) continue;
    const auto percent =
        std::clamp(100.0 * static_cast<double>(job.offset) / static_cast<double>(job.len), 0.0, 100.0);
    out += fmt::format(" {} {}, {} % done.", job.type == "mirror" ? "Mirror" : "Job", qmp::printable(id),
                       static_cast<int>(percent));
  }
  return out;
}

std::string body(const verdict& v) {
  const auto holder =
      v.holder ? fmt::format("{} (tid {})", v.holder->comm, v.holder->tid) : std::string("another thread");
  switch (v.kind) {
    case verdict_kind::bql_held:
      return fmt::format("The main loop waits for {}, held by {}, which {}.",
                         v.other_lock ? "a lock that is not the BQL" : "the BQL", holder, waits_for_roots(v));
    case verdict_kind::main_loop_waits:
      return fmt::format("The main loop itself {}.", waits_for_roots(v));
    case verdict_kind::lock_cycle:
      return "Threads wait for each other's locks in a cycle; nothing can free them.";
    case verdict_kind::storage_wait:
      return fmt::format("{} for {}.",
                         v.holder ? fmt::format("The BQL is held by {}, which waits", holder) : "It waits",
                         v.root ? all_roots(v) : "a file");
    case verdict_kind::main_loop_busy:
      return "The main loop is at work, not hung.";
    case verdict_kind::stopped:
      return "The process is stopped by a signal (SIGSTOP); SIGCONT lets it go on.";
    case verdict_kind::traced:
      return "A debugger holds the process.";
    case verdict_kind::frozen:
      return "Its cgroup is frozen; thawed, it goes on.";
    case verdict_kind::host_starved:
      return "The host gives it no CPU; it is not hung.";
    case verdict_kind::monitor_only:
      return "The main loop is alive, only this monitor does not answer.";
    case verdict_kind::gone:
      return "";
  }
  return "";
}

}  // namespace

std::string in_words(std::chrono::nanoseconds ns) {
  const auto s = std::chrono::duration<double>(ns).count();
  if (s < 9.95) return fmt::format("{:.1f} s", std::max(s, 0.0));
  const auto whole = std::llround(s);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3'600)
    return whole % 60 == 0 ? fmt::format("{} min", whole / 60)
                           : fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86'400) return fmt::format("{} h {} min", whole / 3'600, whole % 3'600 / 60);
  return fmt::format("{} d {} h", whole / 86'400, whole % 86'400 / 3'600);
}

std::string sentence(const verdict& v, const vm_model& vm) {
  if (v.kind == verdict_kind::gone && vm.no_monitor) return "the process has ended.";
  if (v.kind == verdict_kind::gone)
    return vm.shut_down ? "shut down." : "the process has ended without a shutdown.";
  return fmt::format("{} stalled {}. {}{}", vm.no_monitor ? "main loop" : "monitor", in_words(v.at - v.since),
                     body(v), job_part(v, vm));
}

}  // namespace unwedge::policies

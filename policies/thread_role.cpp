#include "policies/thread_role.hpp"

#include "policies/symbol_name.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace unwedge::policies {
namespace {

using enum thread_role;
using namespace std::string_view_literals;

constexpr std::array names{
    std::pair{unknown, "unknown"sv},
    std::pair{main, "main"sv},
    std::pair{vcpu, "vcpu"sv},
    std::pair{iothread, "iothread"sv},
    std::pair{monitor, "monitor"sv},
    std::pair{migration, "migration"sv},
    std::pair{multifd, "multifd"sv},
    std::pair{return_path, "return_path"sv},
    std::pair{incoming, "incoming"sv},
    std::pair{snapshot, "snapshot"sv},
    std::pair{worker, "worker"sv},
    std::pair{call_rcu, "call_rcu"sv},
    std::pair{nbd_connect, "nbd_connect"sv},
    std::pair{vnc, "vnc"sv},
    std::pair{dump, "dump"sv},
};

/// Names as QEMU up to 9.0, 9.1 and since 9.2 gives them, cut to 15 characters by the kernel.
constexpr std::array whole{
    std::pair{"IO mon_iothread"sv, monitor},
    std::pair{"live_migration"sv, migration},
    std::pair{"mig/src/main"sv, migration},
    std::pair{"return path"sv, return_path},
    std::pair{"mig/src/rp-thr"sv, return_path},
    std::pair{"mig/src/return"sv, return_path},
    std::pair{"bg_snapshot"sv, snapshot},
    std::pair{"mig/snapshot"sv, snapshot},
    std::pair{"worker"sv, worker},
    std::pair{"call_rcu"sv, call_rcu},
    std::pair{"nbd-connect"sv, nbd_connect},
    std::pair{"vnc_worker"sv, vnc},
    std::pair{"dump_thread"sv, dump},
    std::pair{"ALL CPUs/TCG"sv, vcpu},
};

constexpr std::array prefixes{
    std::pair{"CPU "sv, vcpu},
    std::pair{"IO "sv, iothread},
    std::pair{"multifdsend_"sv, multifd},
    std::pair{"multifdrecv_"sv, multifd},
    std::pair{"mig/src/send_"sv, multifd},
    std::pair{"mig/dst/recv_"sv, multifd},
    std::pair{"mig/src/tls"sv, multifd},
    std::pair{"postcopy/"sv, incoming},
    std::pair{"mig/dst/"sv, incoming},
};

struct telling {
  std::string_view function;
  thread_role role;
};

/// Asked for in this order, over the whole stack. Static functions are among them for builds with debug
/// symbols. None is entered by a thread of another role.
constexpr std::array told_by{
    telling{"qemu_main_loop", main},
    telling{"qemu_default_main", main},
    telling{"call_rcu_thread", call_rcu},
    telling{"iothread_run", iothread},
    telling{"migration_thread", migration},
    telling{"bg_migration_thread", snapshot},
    telling{"source_return_path_thread", return_path},
    telling{"multifd_send_thread", multifd},
    telling{"multifd_recv_thread", multifd},
    telling{"postcopy_ram_fault_thread", incoming},
    telling{"postcopy_listen_thread", incoming},
    telling{"worker_thread", worker},
    telling{"nbd_connect_thread", nbd_connect},
    telling{"connect_thread_func", nbd_connect},
    telling{"vnc_worker_thread", vnc},
    telling{"dump_thread", dump},
    telling{"kvm_vcpu_thread_fn", vcpu},
    telling{"mttcg_cpu_thread_fn", vcpu},
    telling{"rr_cpu_thread_fn", vcpu},
    telling{"kvm_cpu_exec", vcpu},
    telling{"tcg_cpu_exec", vcpu},
    telling{"tcg_cpus_exec", vcpu},
    telling{"cpu_exec", vcpu},
    telling{"qemu_wait_io_event", vcpu},
    telling{"qemu_process_cpu_events", vcpu},
    telling{"main_loop_wait", main},
};

using names_of_functions = std::vector<std::string_view>;

names_of_functions named_functions(const thread_stack& stack) {
  constexpr std::size_t most = 256;  // the process may have made up any number
  names_of_functions out;
  out.reserve(std::min(stack.frames.size(), most));
  for (const auto& frame : std::span{stack.frames}.first(std::min(stack.frames.size(), most))) {
    if (!frame.function.empty()) out.push_back(plain_name(frame.function));
  }
  return out;
}

bool has_any(const names_of_functions& functions, std::initializer_list<std::string_view> of) {
  return std::ranges::find_first_of(functions, of) != functions.end();
}

/// Of a thread whose own functions have no names: it polls, and it is no main thread. Seen of a stack that
/// was unwound to its begin only, for the main thread polls likewise.
thread_role by_begin(const names_of_functions& functions) {
  if (!has_any(functions, {"start_thread", "clone", "clone3"})) return unknown;
  // A migration thread polls, too, in drains; an iothread runs its loops, and drains nothing.
  if (has_any(functions, {"bdrv_drain_all_begin", "vm_stop", "vm_state_notify", "blk_drain"})) return unknown;
  return has_any(functions, {"aio_poll", "g_main_loop_run"}) ? iothread : unknown;
}

}  // namespace

std::string_view to_string(thread_role role) {
  const auto found = std::ranges::find(names, role, &decltype(names)::value_type::first);
  return found == names.end() ? "unknown"sv : found->second;
}

std::optional<thread_role> parse_thread_role(std::string_view name) {
  const auto found = std::ranges::find(names, name, &decltype(names)::value_type::second);
  if (found == names.end()) return std::nullopt;
  return found->first;
}

thread_role role_by_name(std::string_view comm, std::string_view main_comm) {
  if (comm.empty() || comm == main_comm) return unknown;
  const auto same = std::ranges::find(whole, comm, &decltype(whole)::value_type::first);
  if (same != whole.end()) return same->second;
  for (const auto& [prefix, role] : prefixes) {
    if (comm.starts_with(prefix)) return role;
  }
  return unknown;
}

thread_role role_by_stack(const thread_stack& stack) {
  const auto functions = named_functions(stack);
  const auto telling_one =
      std::ranges::find_if(told_by, [&](const telling& t) { return has_any(functions, {t.function}); });
  return telling_one == told_by.end() ? by_begin(functions) : telling_one->role;
}

thread_role role_of(const thread_stack& thread, const thread_stack& main) {
  if (thread.tid == main.tid) return thread_role::main;
  const auto named = role_by_name(thread.comm, main.comm);
  if (named != unknown) return named;
  const auto seen = role_by_stack(thread);
  return seen == thread_role::main ? unknown : seen;  // a second one there is not
}

}  // namespace unwedge::policies

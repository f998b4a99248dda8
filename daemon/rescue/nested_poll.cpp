#include "daemon/rescue/nested_poll.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace unwedge::rescue {

namespace {

using inspect::frame;

// Within libc, around the system call (glibc 2.41 has three more there).
constexpr std::size_t most_libc_frames = 4;
// Between libc's ppoll and aio_poll: qemu_poll_ns and fdmon_poll_wait, static or not, inlined or not.
constexpr std::size_t most_poll_frames = 4;

constexpr auto poll_names =
    std::to_array<std::string_view>({"ppoll", "__ppoll", "__GI_ppoll", "__GI___ppoll"});
// Every way by which QEMU stops a VM's devices, from the innermost exported function on.
constexpr auto stopping = std::to_array<std::string_view>(
    {"vm_stop", "vm_stop_force_state", "vm_state_notify", "bdrv_drain_all_begin", "bdrv_drain_all",
     "blk_drain", "virtio_blk_data_plane_stop", "virtio_bus_stop_ioeventfd"});
// A process on its way out; a loop that is not a nested one; QEMU before 7.2 as it moves a disk out of its
// iothread: 5.2 crashes there, whatever is done to it. A VM that is being started: its vCPUs come next. A
// command of the monitor's. What it runs for another from a poll further out: the end of a job, perhaps.
constexpr auto never = std::to_array<std::string_view>(
    {"bdrv_close_all", "qemu_cleanup", "job_cancel_sync_all", "qemu_main_loop", "main_loop_wait", "exit",
     "_exit", "bdrv_set_aio_context_ignore", "vm_start", "vm_prepare_start", "qmp_dispatch", "aio_bh_poll",
     "aio_dispatch"});
// A vCPU in a device: the others have not been paused, and would find that device half reset.
constexpr auto in_a_vcpu = std::to_array<std::string_view>(
    {"cpu_exec", "kvm_cpu_exec", "memory_region_dispatch_write", "memory_region_dispatch_read",
     "address_space_write", "address_space_rw", "virtio_reset", "virtio_set_status"});

std::string name_of(const frame& f) {
  return f.function.value_or("?");
}

/// Compilers append to the name of what they have specialised or split: "vm_stop.part.0".
bool among(const frame& f, const auto& names) {
  return f.function && std::ranges::find(names, f.function->substr(0, f.function->find('.'))) != names.end();
}

constexpr auto walking = std::to_array<std::string_view>(
    {"bdrv_try_change_aio_context", "bdrv_try_change_aio_context_tran", "bdrv_child_try_change_aio_context"});

}  // namespace

bool walks_graph(const inspect::thread_stack& stack) {
  return std::ranges::any_of(stack.frames, [](const frame& f) { return among(f, walking); });
}

std::expected<std::string, std::string> judge_nested_poll(const inspect::thread_stack& stack,
                                                          const modules_in_stack& files) {
  const auto& frames = stack.frames;
  if (stack.unwind != "complete")
    return std::unexpected(fmt::format("the stack is not whole: {}", stack.unwind));
  const auto in = [&](std::size_t i, std::string_view file) {
    return i < frames.size() && frames[i].module == file;
  };

  std::size_t at = 0;
  while (at < most_libc_frames && in(at, files.libc) && !among(frames[at], poll_names)) ++at;
  if (!in(at, files.libc) || !among(frames[at], poll_names))
    return std::unexpected("it does not begin in libc's ppoll");
  const auto first = ++at;
  while (at - first < most_poll_frames && in(at, files.program) && frames[at].function != "aio_poll") ++at;
  if (!in(at, files.program) || frames[at].function != "aio_poll")
    return std::unexpected(fmt::format("ppoll was not called from aio_poll, but from {}",
                                       first < frames.size() ? name_of(frames[first]) : "nowhere"));
  const auto rest = std::span{frames}.subspan(at + 1);
  if (const auto bad =
          std::ranges::find_if(rest, [](const frame& f) { return among(f, never) || among(f, in_a_vcpu); });
      bad != rest.end())
    return std::unexpected(fmt::format("{} is in it", name_of(*bad)));
  const auto known = std::ranges::find_if(rest, [](const frame& f) { return among(f, stopping); });
  if (known == rest.end())
    return std::unexpected("nothing in it says that the VM is being stopped or drained");
  // Without a register that it needs, libdwfl takes a stack for shorter than it is. A thread's ends where it
  // began.
  if (rest.back().module != files.libc) return std::unexpected("its end is not where libc starts a thread");
  std::string chain = "ppoll < aio_poll";
  for (const auto& f : rest)
    if (f.function && f.module == files.program) chain += fmt::format(" < {}", *f.function);
  return chain;
}

}  // namespace unwedge::rescue

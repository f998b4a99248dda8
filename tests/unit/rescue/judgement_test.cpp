// What is judged without a process: mutexes, stacks, filters, room, and how the texts of /proc are read.
#include "daemon/inspect/module_files.hpp"
#include "daemon/inspect/modules.hpp"
#include "daemon/rescue/c_library.hpp"
#include "daemon/rescue/confinement.hpp"
#include "daemon/rescue/frame_pointers.hpp"
#include "daemon/rescue/library_file.hpp"
#include "daemon/rescue/mutex.hpp"
#include "daemon/rescue/nested_poll.hpp"
#include "daemon/rescue/room_check.hpp"
#include "daemon/rescue/thread_place.hpp"
#include "daemon/rescue/unwinding.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace unwedge::rescue {
namespace {

using testing::HasSubstr;

constexpr mutex_words held{.lock = 2, .count = 0, .owner = 7, .users = 2, .kind = 0};

TEST(mutex, that_is_plain_held_and_wanted_can_be_lent) {
  EXPECT_EQ(forbids_lease(held, 7), "");
  EXPECT_EQ(depth(held), 1u);
}

TEST(mutex, that_is_recursive_is_lent_as_often_as_it_is_held) {
  auto m = held;
  m.kind = 1;
  m.count = 3;
  EXPECT_EQ(forbids_lease(m, 7), "");
  EXPECT_EQ(depth(m), 3u);
  m.count = 7;
  EXPECT_THAT(forbids_lease(m, 7), HasSubstr("7 times"));
  m.count = 0;
  EXPECT_NE(forbids_lease(m, 7), "");
}

TEST(mutex, of_any_other_kind_cannot_be_lent) {
  for (const std::int32_t kind : {2, 3, 16, 17, 32, 64, 128, 256, 257, 512, -1}) {
    auto m = held;
    m.kind = kind;
    EXPECT_THAT(forbids_lease(m, 7), HasSubstr("kind")) << kind;
  }
}

TEST(mutex, must_be_this_threads_and_wanted) {
  EXPECT_THAT(forbids_lease(held, 8), HasSubstr("its owner is thread 7, not 8"));
  for (const int lock : {0, 1, 3}) {
    auto m = held;
    m.lock = lock;
    EXPECT_THAT(forbids_lease(m, 7), HasSubstr("nobody waits")) << lock;
  }
  auto m = held;
  m.count = 1;
  EXPECT_NE(forbids_lease(m, 7), "");
  m = held;
  m.users = 0;
  EXPECT_NE(forbids_lease(m, 7), "");
}

constexpr modules_in_stack files{.program = "/usr/bin/qemu-system-x86_64", .libc = "/lib/libc.so.6"};

inspect::frame frame_in(std::string_view file, const char* name) {
  inspect::frame f{.pc = 1, .module = std::string{file}};
  if (name != nullptr) f.function = name;
  return f;
}
inspect::frame in_libc(const char* name) {
  return frame_in(files.libc, name);
}
inspect::frame in_qemu(const char* name = nullptr) {
  return frame_in(files.program, name);
}

/// QEMU 7.2 with an iothread, as qemu-facts has it.
inspect::thread_stack good_stack() {
  return {.frames = {in_libc("ppoll"), in_qemu(), in_qemu("aio_poll"), in_qemu(), in_qemu(),
                     in_qemu("bdrv_try_change_aio_context"), in_qemu("blk_set_aio_context"),
                     in_qemu("virtio_blk_data_plane_stop"), in_qemu(), in_qemu("vm_state_notify"),
                     in_qemu("vm_stop"), in_qemu(), in_libc("start_thread"), in_libc(nullptr)},
          .unwind = "complete"};
}

std::string why_not(const inspect::thread_stack& stack) {
  const auto judged = judge_nested_poll(stack, files);
  return judged ? "" : judged.error();
}

TEST(stack, of_a_vm_that_is_being_stopped_is_a_nested_poll) {
  const auto judged = judge_nested_poll(good_stack(), files);
  ASSERT_TRUE(judged) << judged.error();
  EXPECT_THAT(*judged, HasSubstr("ppoll < aio_poll < bdrv_try_change_aio_context"));
}

TEST(stack, of_a_walk_over_the_graph_is_told) {
  EXPECT_TRUE(walks_graph(good_stack()));
  auto s = good_stack();
  std::erase_if(s.frames, [](const auto& f) { return f.function == "bdrv_try_change_aio_context"; });
  EXPECT_FALSE(walks_graph(s));
}

TEST(stack, may_have_glibcs_cancellation_within_its_poll) {
  auto s = good_stack();
  s.frames.insert(s.frames.begin(), {in_libc("__syscall_cancel_arch"), in_libc("__internal_syscall_cancel"),
                                     in_libc("__syscall_cancel")});
  EXPECT_EQ(why_not(s), "");
}

/// What a compiler has specialised or split keeps its name, with something behind it.
TEST(stack, is_known_by_names_with_a_suffix) {
  auto s = good_stack();
  for (auto& f : s.frames) {
    if (f.function == "bdrv_try_change_aio_context") f.function = "bdrv_try_change_aio_context.constprop.0";
  }
  EXPECT_TRUE(walks_graph(s));
  s.frames.insert(s.frames.end() - 2, in_qemu("qemu_cleanup.cold"));
  EXPECT_THAT(why_not(s), HasSubstr("qemu_cleanup.cold is in it"));
}

/// The end of a job, perhaps, that an outer poll of the holder's has run: it must not be interrupted.
TEST(stack, that_runs_something_for_another_is_none) {
  for (const auto* const name : {"aio_bh_poll", "aio_dispatch"}) {
    auto s = good_stack();
    s.frames.insert(s.frames.begin() + 3, in_qemu(name));
    EXPECT_THAT(why_not(s), HasSubstr(fmt::format("{} is in it", name)));
  }
}

TEST(stack, that_is_anything_else_is_none) {
  auto s = good_stack();
  s.unwind = "truncated";
  EXPECT_THAT(why_not(s), HasSubstr("not whole"));
  s = good_stack();
  s.frames.front() = in_libc("poll");
  EXPECT_THAT(why_not(s), HasSubstr("does not begin in libc's ppoll"));
  s = good_stack();
  s.frames.front() = in_qemu("ppoll");
  EXPECT_NE(why_not(s), "");
  s = good_stack();
  s.frames[2] = in_qemu("main_loop_wait");
  EXPECT_THAT(why_not(s), HasSubstr("not called from aio_poll"));
  s = good_stack();
  s.frames[1] = frame_in("/usr/lib/libglib-2.0.so.0", nullptr);
  EXPECT_NE(why_not(s), "");
  s = good_stack();
  std::erase_if(s.frames, [](const auto& f) { return f.function && f.function->starts_with("v"); });
  EXPECT_THAT(why_not(s), HasSubstr("nothing in it says"));
  s = good_stack();
  s.frames.insert(s.frames.end() - 2, in_qemu("qemu_cleanup"));
  EXPECT_THAT(why_not(s), HasSubstr("qemu_cleanup is in it"));
  s = good_stack();
  s.frames.resize(s.frames.size() - 2);
  EXPECT_THAT(why_not(s), HasSubstr("where libc starts a thread"));
  EXPECT_NE(why_not({.frames = {}, .unwind = "complete"}), "");
}

/// A vCPU whose guest resets a disk, policies/signatures/vcpu-drains-nbd-reconnect.toml.
inspect::thread_stack vcpu_stack() {
  return {.frames = {in_libc("ppoll"), in_qemu(), in_qemu("aio_poll"), in_qemu("bdrv_drain_all_begin"),
                     in_qemu("blk_drain"), in_qemu(), in_qemu("virtio_reset"), in_qemu("virtio_set_status"),
                     in_qemu(), in_qemu("memory_region_dispatch_write"), in_qemu(),
                     in_qemu("address_space_write"), in_qemu("address_space_rw"), in_qemu("kvm_cpu_exec"),
                     in_qemu(), in_libc("start_thread"), in_libc(nullptr)},
          .unwind = "complete"};
}

TEST(stack, of_a_vcpu_that_drains_is_none) {
  EXPECT_THAT(why_not(vcpu_stack()), HasSubstr("virtio_reset is in it"));
  for (const auto* const name :
       {"cpu_exec", "kvm_cpu_exec", "memory_region_dispatch_write", "memory_region_dispatch_read",
        "address_space_write", "address_space_rw", "virtio_reset", "virtio_set_status"}) {
    auto s = vcpu_stack();
    std::erase_if(s.frames, [&](const auto& f) {
      return f.function && f.module == files.program && *f.function != name && *f.function != "aio_poll" &&
             *f.function != "blk_drain";
    });
    if (std::ranges::find(s.frames, std::optional<std::string>{name}, &inspect::frame::function) ==
        s.frames.end())
      s.frames.insert(s.frames.end() - 2, in_qemu(name));
    EXPECT_THAT(why_not(s), HasSubstr(fmt::format("{} is in it", name)));
  }
}

TEST(stack, of_a_vm_that_is_being_started_or_of_a_command_is_none) {
  for (const auto* const name : {"vm_start", "vm_prepare_start", "qmp_dispatch"}) {
    auto s = good_stack();
    std::ranges::find(s.frames, std::optional<std::string>{"vm_stop"}, &inspect::frame::function)->function =
        name;
    EXPECT_THAT(why_not(s), HasSubstr(fmt::format("{} is in it", name)));
  }
}

TEST(return_addresses, are_found_in_order) {
  const std::array<std::uint64_t, 6> words{9, 0x20, 5, 0x30, 0x20, 0x40};
  inspect::thread_stack s{.frames = {{.pc = 0x10}, {.pc = 0x20}, {.pc = 0x30}, {.pc = 0x40}},
                          .unwind = "complete"};
  const auto found = return_addresses(s, 0x1000, std::as_bytes(std::span{words}));
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 3u);
  EXPECT_EQ((*found)[0].address, 0x1008u);
  EXPECT_EQ((*found)[1].address, 0x1018u);
  EXPECT_EQ((*found)[2].address, 0x1028u);
  s.frames.push_back({.pc = 0x50});
  EXPECT_FALSE(return_addresses(s, 0x1000, std::as_bytes(std::span{words})));
}

// The test of a stack runs in the sandbox as the unwinder does, and here once more.
TEST(sandboxed_unwinder, has_no_descriptor_of_ours) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const auto of = evidence::process::open(::getpid());
  ASSERT_TRUE(of);
  const auto map = inspect::read_memory_map(of->proc_dir());
  ASSERT_TRUE(map);
  evidence::missing_list missing;
  auto modules = inspect::open_modules(*of, inspect::modules_of(*map), missing);
  ssize_t said_here = 0;
  const auto accepts = [&](const inspect::thread_stack&) {
    if (::write(ends[1], "x", 1) == 1) ++said_here;
    return false;
  };
  inspect::captured_thread thread{.facts = {.tid = 7, .comm = "x", .state = 'S'}, .what = {}};
  thread.what.emplace(user_regs_struct{}, std::vector<std::byte>(64));
  const auto done =
      unwind_in_sandbox(::getpid(), std::span{&thread, 1}, modules, accepts, std::chrono::seconds{20});
  ASSERT_TRUE(done) << done.error();
  EXPECT_GT(said_here, 0);
  std::array<char, 64> heard{};
  EXPECT_EQ(::read(ends[0], heard.data(), heard.size()), said_here) << "the sandboxed process spoke as well";
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(frame_pointers, are_where_a_word_leads_up_the_stack_and_code_follows) {
  inspect::memory_map map;
  map.mappings.push_back({.begin = 0x400000, .end = 0x500000, .executable = true});
  map.mappings.push_back({.begin = 0x600000, .end = 0x700000, .writable = true});
  // At 0x1008 a saved frame pointer; at 0x1018 one that leads down; at 0x1028 one without code behind it.
  const std::array<std::uint64_t, 8> words{1, 0x1038, 0x400010, 0x1000, 0x400010, 0x1038, 0x600010, 0};
  EXPECT_THAT(possible_frame_pointers(0x1000, std::as_bytes(std::span{words}), map),
              testing::ElementsAre(0x1008));
  EXPECT_THAT(possible_frame_pointers(0x1000, {}, map), testing::IsEmpty());
}

TEST(shadow_stack, forbids) {
  EXPECT_TRUE(judge_shadow_stack("Name:\tx\nx86_Thread_features:\t\nx86_Thread_features_locked:\t\n").ok);
  EXPECT_TRUE(judge_shadow_stack("Name:\tx\n").ok);
  EXPECT_FALSE(judge_shadow_stack("x86_Thread_features:\tshstk wrss\n").ok);
  EXPECT_TRUE(judge_shadow_stack("x86_Thread_features:\t\nx86_Thread_features_locked:\tshstk\n").ok);
}

TEST(seccomp, allows_qemus_own_filter_alone) {
  const std::vector<std::string> with{"qemu", "-sandbox", "on,obsolete=deny,spawn=deny"},
      without{"qemu", "-S"};
  const auto ok = [](const char* status, const auto& line) { return judge_seccomp(status, line).ok; };
  EXPECT_TRUE(ok("Seccomp:\t0\nSeccomp_filters:\t0\n", without));
  EXPECT_TRUE(ok("Seccomp:\t2\nSeccomp_filters:\t1\n", with));
  EXPECT_FALSE(ok("Seccomp:\t2\nSeccomp_filters:\t1\n", without));
  EXPECT_FALSE(ok("Seccomp:\t2\nSeccomp_filters:\t2\n", with));
  EXPECT_FALSE(ok("Seccomp:\t1\nSeccomp_filters:\t0\n", with));
  EXPECT_FALSE(ok("Seccomp:\t2\n", with));
  EXPECT_FALSE(ok("", with));
  EXPECT_FALSE(ok("Seccomp:\t2\nSeccomp_filters:\t1\n", std::vector<std::string>{"qemu", "-sandbox", "off"}));
  EXPECT_FALSE(ok("Seccomp:\t2\nSeccomp_filters:\t1\n", std::vector<std::string>{"qemu", "-sandbox"}));
}

TEST(room, must_be_in_one_private_writable_mapping_with_a_margin) {
  inspect::memory_map map;
  map.mappings.push_back({.begin = 0x100000, .end = 0x200000, .writable = true});
  EXPECT_TRUE(judge_room(map, 0x180000, 0x17c000).ok);
  EXPECT_FALSE(judge_room(map, 0x110000, 0x10c000).ok);
  EXPECT_FALSE(judge_room(map, 0x210000, 0x20c000).ok);
  EXPECT_FALSE(judge_room(map, 0x180000, 0x190000).ok);
  map.mappings[0].inode = 7;
  EXPECT_FALSE(judge_room(map, 0x180000, 0x17c000).ok);
  map.mappings[0] = {.begin = 0x100000, .end = 0x200000, .writable = true, .shared = true};
  EXPECT_FALSE(judge_room(map, 0x180000, 0x17c000).ok);
  map.mappings[0] = {.begin = 0x100000, .end = 0x200000, .writable = false};
  EXPECT_FALSE(judge_room(map, 0x180000, 0x17c000).ok);
}

TEST(place, is_read_with_stack_pointer_and_instruction) {
  const auto at = parse_place("271 0x7ff0 0x1 0x0 0x0 0x8 0x0 0x7ffc0 0x7f123\n");
  ASSERT_TRUE(at);
  EXPECT_EQ(at->number, 271);
  EXPECT_EQ(at->args[1], 1u);
  EXPECT_EQ(at->sp, 0x7ffc0u);
  EXPECT_EQ(at->pc, 0x7f123u);
  EXPECT_FALSE(parse_place("running\n"));
  EXPECT_FALSE(parse_place("-1 0x7ffc0 0x7f123\n"));
  EXPECT_FALSE(parse_place(""));
}

TEST(own_number, is_the_last_of_the_namespaces) {
  EXPECT_EQ(own_number("Tgid:\t5\nNSpid:\t4711\t12\nNSpgid:\t1\n"), 12);
  EXPECT_EQ(own_number("Tgid:\t5\nNSpid:\t4711\n"), 4711);
  EXPECT_FALSE(own_number("Tgid:\t5\n"));
  EXPECT_FALSE(own_number("Tgid:\t5\nNSpid:\n"));
}

TEST(library, is_told_by_its_name) {
  EXPECT_TRUE(names_libc("/lib/x86_64-linux-gnu/libc.so.6"));
  EXPECT_TRUE(names_libc("/lib/x86_64-linux-gnu/libc-2.31.so (deleted)"));
  EXPECT_FALSE(names_libc("/lib/libcap.so.2"));
  EXPECT_TRUE(names_libpthread("/lib/x86_64-linux-gnu/libpthread-2.31.so"));
  EXPECT_FALSE(names_libpthread("/lib/x86_64-linux-gnu/libc.so.6"));
}

// Our own libc, where the dynamic linker tells the same.
struct loaded_libc {
  std::string path;
  std::uint64_t begin = 0;

  loaded_libc() {
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* into) {
          auto& self = *static_cast<loaded_libc*>(into);
          if (names_libc(info->dlpi_name)) self = {info->dlpi_name, info->dlpi_addr};
          return 0;
        },
        this);
  }
  loaded_libc(std::string p, std::uint64_t b) : path(std::move(p)), begin(b) {}
};

TEST(functions, of_a_library_are_where_the_linker_finds_them) {
  const loaded_libc libc;
  const int fd = ::open(libc.path.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const file_bytes bytes = [fd](std::size_t offset, std::span<std::byte> into) {
    return ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset)) == std::ssize(into);
  };
  const auto found =
      find_functions(bytes, std::to_array<std::string_view>({"pthread_mutex_unlock", "syscall"}));
  ASSERT_TRUE(found) << found.error();
  std::array<std::byte, 8> code{};
  ASSERT_TRUE(bytes((*found)[1].offset, code));
  EXPECT_EQ(std::memcmp(code.data(), reinterpret_cast<const void*>(&::syscall), code.size()), 0);
  const auto stub = std::to_array<unsigned char>({0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05});
  EXPECT_TRUE(find_in_code(bytes, std::as_bytes(std::span{stub})));
  EXPECT_THAT(find_functions(bytes, std::to_array<std::string_view>({"no_such_function"})).error(),
              HasSubstr("it has no no_such_function"));
  EXPECT_THAT(find_functions(bytes, std::to_array<std::string_view>({"memcpy"})).error(),
              testing::AnyOf(HasSubstr("no plain function"), HasSubstr("several places")));
  ::close(fd);
}

TEST(functions, of_garbage_are_an_error) {
  std::vector<std::byte> junk(4'096, std::byte{0xff});
  const file_bytes bytes = [&](std::size_t offset, std::span<std::byte> into) {
    if (offset > junk.size() || into.size() > junk.size() - offset) return false;
    std::memcpy(into.data(), junk.data() + offset, into.size());
    return true;
  };
  EXPECT_FALSE(find_functions(bytes, std::to_array<std::string_view>({"syscall"})));
  std::memcpy(junk.data(), ELFMAG, SELFMAG);
  junk[EI_CLASS] = std::byte{ELFCLASS64};
  junk[EI_DATA] = std::byte{ELFDATA2LSB};
  EXPECT_FALSE(find_functions(bytes, std::to_array<std::string_view>({"syscall"})));
  EXPECT_FALSE(find_in_code(bytes, junk));
}

}  // namespace
}  // namespace unwedge::rescue

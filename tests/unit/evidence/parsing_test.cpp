// The pure parts: proc lines, system call arguments, addresses, the list of what is missing.
#include "daemon/evidence/address.hpp"
#include "daemon/evidence/missing_list.hpp"
#include "daemon/evidence/mounts.hpp"
#include "daemon/evidence/proc_files.hpp"
#include "daemon/evidence/schedstat_line.hpp"
#include "daemon/evidence/stat_line.hpp"
#include "daemon/evidence/syscalls.hpp"
#include "daemon/evidence/thread_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cstring>

namespace unwedge::evidence {
namespace {

TEST(stat_line, counts_fields_from_the_last_parenthesis) {
  const auto line = parse_stat("7 (a) R 1 (\nb) S 1 7 7 0 -1 64 10 0 0 0 30 12 5 5 20 0 1 0 4711 1 1\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->comm, "a) R 1 (\nb");
  EXPECT_EQ(line->state, 'S');
  EXPECT_EQ(line->cpu_ticks, 42u);
  EXPECT_EQ(line->start_time, 4711u);
}

TEST(thread_status, has_the_number_of_the_innermost_namespace) {
  const auto status = parse_thread_status(
      "Name:\tIO\\nNSpid:\t9\\n\nState:\tD (disk sleep)\nNSpid:\t4711\t12\t3\nThreads:\t1\n"
      "voluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n");
  EXPECT_EQ(status.own_tid, 3);
  EXPECT_TRUE(status.in_inner_namespace);
  EXPECT_EQ(status.context_switches, 42u);
  const auto ours = parse_thread_status("Name:\ta\nNSpid:\t4711\n");
  EXPECT_EQ(ours.own_tid, 4711);
  EXPECT_FALSE(ours.in_inner_namespace);
}

TEST(thread_status, may_be_cut_off_or_be_none) {
  for (const auto* text : {"", "NSpid:\t7", "Name:\ta\nNSpid:", "Name:\ta\nNSpid:\t", "Name:\ta\nNSpid:\tx\n",
                           "Name:\ta\nNSpid:\t-1\nGroups:\t1 2 3 4"}) {
    const auto status = parse_thread_status(text);
    EXPECT_FALSE(status.own_tid) << text;
    EXPECT_FALSE(status.in_inner_namespace) << text;
    EXPECT_FALSE(status.context_switches) << text;
  }
}

TEST(schedstat_line, has_three_numbers) {
  const auto line = parse_schedstat("123456789012 42 7\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->on_cpu_ns, 123'456'789'012u);
  EXPECT_EQ(line->waited_ns, 42u);
  EXPECT_EQ(line->runs, 7u);
  for (const auto* none : {"", "1", "1 2", "1 2 ", "1  2 3", "x 2 3", "1 2 x", "-1 2 3", "0 0 0\n"})
    EXPECT_FALSE(parse_schedstat(none)) << none;
}

TEST(mounts, are_found_by_their_id_whatever_optional_fields_they_have) {
  const std::string_view table =
      "21 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw\n"
      "121 21 0:44 / /mnt/a\\040b rw - fuse.glusterfs host:/vol rw,user_id=0\n"
      "1 0 0:1 / /x rw - tmpfs";
  const auto root = mount_with_id(table, 21);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->device, "8:1");
  EXPECT_EQ(root->point, "/");
  EXPECT_EQ(root->type, "ext4");
  EXPECT_EQ(root->source, "/dev/sda1");
  const auto network = mount_with_id(table, 121);
  ASSERT_TRUE(network);
  EXPECT_EQ(network->source, "host:/vol");
  EXPECT_EQ(network->super_options, "rw,user_id=0");
  const auto cut = mount_with_id(table, 1);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->type, "tmpfs");
  EXPECT_EQ(cut->source, "");
  EXPECT_FALSE(mount_with_id(table, 2));
  for (const auto* none : {"", "21", "x y z - ext4 a b", "21 1 8:1 / / rw shared:1"})
    EXPECT_FALSE(parse_mount(none)) << none;
}

TEST(stat_line, refuses_what_is_none) {
  for (const char* text :
       {"", "7", "7 (a", "7 a)", "7 (a)", "7 (a) ", "7 (a) S 1 2", ")(", "7 (a) S x x x x x x x x x x x"})
    EXPECT_FALSE(parse_stat(text)) << text;
}

TEST(status_text, finds_a_key_only_at_the_start_of_a_line) {
  EXPECT_EQ(number_after("Name:\tTracerPid:9\nTracerPid:\t0\n", "TracerPid:"), 0);
  EXPECT_EQ(number_after("TracerPid:\t12\n", "TracerPid:"), 12);
  EXPECT_EQ(number_after("TracerPid:", "TracerPid:"), std::nullopt);
  EXPECT_EQ(number_after("x", "TracerPid:"), std::nullopt);
}

TEST(syscall_text, is_taken_apart) {
  const auto call = parse_syscall("202 0x560f77f62b40 0x80 0x2 0x0 0x0 0x7f 0x7ffe 0x7f24\n");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->number, 202);
  EXPECT_EQ(call->args[0], 0x560f77f62b40u);
  EXPECT_EQ(call->args[5], 0x7fu);
  EXPECT_EQ(parse_syscall("running\n")->number, -1);
  EXPECT_EQ(parse_syscall("-1 0x7ffe 0x7f24\n")->number, -1);
  for (const char* text : {"", "x", "202", "202 0x1 0x2", "202 1 2 3 4 5 6"})
    EXPECT_FALSE(parse_syscall(text)) << text;
}

TEST(syscall_tables, know_a_lock_from_other_futexes) {
  const auto futex = [](std::uint64_t op, std::uint64_t value) {
    return waits_for_lock({.number = SYS_futex, .args = {0x1000, op, value}});
  };
  EXPECT_EQ(futex(128, 2), 0x1000u);
  EXPECT_EQ(futex(0, 2), 0x1000u);
  EXPECT_EQ(futex(137, 2), std::nullopt);           // FUTEX_WAIT_BITSET: a condition variable
  EXPECT_EQ(futex(128, 0xffffffff), std::nullopt);  // a QemuEvent
  EXPECT_EQ(futex(128, 0), std::nullopt);
  EXPECT_EQ(waits_for_lock({.number = SYS_read, .args = {0x1000, 128, 2}}), std::nullopt);
}

TEST(syscall_tables, name_the_descriptor_of_a_blocking_call) {
  for (const long number : {SYS_read, SYS_sendmsg, SYS_recvmsg, SYS_connect, SYS_pwrite64, SYS_fdatasync})
    EXPECT_EQ(io_descriptor({.number = number, .args = {9}}), 9);
  EXPECT_EQ(io_descriptor({.number = SYS_ppoll, .args = {9}}), std::nullopt);
  EXPECT_EQ(io_descriptor({.number = SYS_read, .args = {~0ull}}), std::nullopt);
  EXPECT_EQ(waits_on_set({.number = SYS_epoll_pwait, .args = {4}}), 4);
  EXPECT_EQ(polls({.number = SYS_ppoll, .args = {0x2000, 3}})->count, 3u);
}

TEST(address, of_every_family_has_a_text) {
  sockaddr_storage storage{};
  sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(10809), .sin_addr = {}, .sin_zero = {}};
  ::inet_pton(AF_INET, "10.0.0.7", &v4.sin_addr);
  std::memcpy(&storage, &v4, sizeof v4);
  EXPECT_EQ(address_text(storage, sizeof v4), "10.0.0.7:10809");
  const auto v6 = [&](const char* text, std::uint32_t scope) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(10809);
    address.sin6_scope_id = scope;
    ::inet_pton(AF_INET6, text, &address.sin6_addr);
    std::memcpy(&storage, &address, sizeof address);
    return address_text(storage, sizeof address);
  };
  EXPECT_EQ(v6("::1", 0), "[::1]:10809");
  EXPECT_EQ(v6("fe80::1", 2), "[fe80::1%2]:10809");
  EXPECT_EQ(v6("::ffff:10.0.0.7", 0), "10.0.0.7:10809");
  EXPECT_EQ(address_text(storage, 0), "");
}

TEST(address, of_a_unix_socket_is_safe_to_print) {
  const auto text = [](std::string_view name) {
    sockaddr_storage storage{};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    std::memcpy(&storage, &address, sizeof address);
    return address_text(storage, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
  };
  EXPECT_EQ(text(""), "");
  EXPECT_EQ(text(std::string_view{"/run/x.sock\0", 12}), "/run/x.sock");
  EXPECT_EQ(text(std::string_view{"\0name\0\x1b[2J\xff", 11}), "@name\\x00\\x1b[2J\\xff");
  EXPECT_EQ(text(std::string(108, 'p')), std::string(108, 'p'));  // a path that fills it has no zero byte
  EXPECT_EQ(printable(std::string(300, 'p')), std::string(256, 'p') + "...");
}

TEST(missing, of_many_threads_is_one_sentence) {
  missing_list list;
  for (int tid = 123; tid < 143; ++tid) list.note("syscall", "thread " + std::to_string(tid), EPERM);
  list.note("io counters", "", EACCES);
  EXPECT_THAT(list.sentences(), testing::ElementsAre("syscall of thread 123 and 19 more: not permitted",
                                                     "io counters: not permitted"));
}

TEST(missing, stays_short_whatever_is_refused) {
  missing_list list;
  for (int i = 0; i < 1000; ++i) list.note("thing " + std::to_string(i), "", "no reason");
  ASSERT_EQ(list.sentences().size(), missing_list::most);
  EXPECT_EQ(list.sentences().back(), "985 more pieces of evidence could not be read");
}

}  // namespace
}  // namespace unwedge::evidence

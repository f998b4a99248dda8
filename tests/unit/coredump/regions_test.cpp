#include "daemon/coredump/regions.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace unwedge::coredump {
namespace {

std::vector<region> read(const std::string& text) {
  region_reader r;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) r.take(line);
  return r.regions;
}

region one(const std::string& head, const std::string& flags, const std::string& more = "") {
  const auto all = read(head + "\nRss: 8 kB\n" + more + "VmFlags: " + flags + " \n");
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? region{} : all.front();
}

constexpr auto anonymous = "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 ";

TEST(regions, are_read_as_smaps_has_them) {
  const auto r = one("7f0000000000-7f0000010000 r-xp 00002000 fe:01 77  /usr/lib/a b.so", "rd ex mr");
  EXPECT_EQ(r.begin, 0x7f0000000000u);
  EXPECT_EQ(r.size(), 0x10000u);
  EXPECT_EQ(r.offset, 0x2000u);
  EXPECT_EQ(r.inode, 77u);
  EXPECT_EQ(r.path, "/usr/lib/a b.so");
  EXPECT_EQ(r.resident, 8u << 10);
  EXPECT_TRUE(r.readable && r.executable && !r.writable && !r.shared);
}

TEST(regions, of_lines_that_make_no_sense_are_left_out) {
  EXPECT_TRUE(read("Rss: 8 kB\nfoo\n7f-zz rw-p\nf\n\n-\n").empty());
}

TEST(regions, marked_not_to_be_forked_are_guest_memory) {
  const auto ram = one(anonymous, "rd wr mr mw me dc ac sd hg");
  EXPECT_TRUE(guest_memory(ram));
  EXPECT_TRUE(in_a_kernel_core(ram));
  EXPECT_EQ(chosen(ram), part::nothing);
}

TEST(regions, that_qemu_keeps_out_of_cores_are_in_no_kernels_core) {
  EXPECT_FALSE(in_a_kernel_core(one(anonymous, "rd wr dc dd")));
}

TEST(regions, of_the_heap_are_kept) {
  const auto heap = one("55d000000000-55d000100000 rw-p 00000000 00:00 0  [heap]", "rd wr mr mw me ac");
  EXPECT_FALSE(guest_memory(heap));
  EXPECT_EQ(chosen(heap), part::present);
  EXPECT_EQ(bytes_to_copy(heap), 8u << 10);
}

TEST(regions, shared_with_others_may_be_the_guests) {
  EXPECT_TRUE(guest_memory(one("7f0000000000-7f0004000000 rw-s 00000000 00:01 5 /memfd:memory", "rd wr sh")));
}

TEST(regions, of_generated_code_and_devices_are_not_kept) {
  EXPECT_EQ(chosen(one("7f0000000000-7f0004000000 rwxp 00000000 00:00 0 ", "rd wr ex")), part::nothing);
  EXPECT_EQ(chosen(one(anonymous, "rd wr io pf")), part::nothing);
}

TEST(regions, of_a_programs_code_give_their_first_page) {
  EXPECT_EQ(chosen(one("55d0-65d0 r--p 00000000 fe:01 9 /usr/bin/qemu", "rd mr")), part::header);
  EXPECT_EQ(chosen(one("55d0-65d0 r-xp 00001000 fe:01 9 /usr/bin/qemu", "rd ex")), part::nothing);
  EXPECT_EQ(chosen(one("55d0-65d0 rw-p 00001000 fe:01 9 /usr/bin/qemu", "rd wr")), part::changed);
}

/// Whatever appeared since smaps was read is left out if it is large: it may be a hot-plugged DIMM.
TEST(regions, that_are_new_and_large_are_taken_for_the_guests) {
  const auto known = read("7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \nVmFlags: rd wr \n");
  auto now = read(
      "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \n"
      "7f1000000000-7f1000004000 rw-p 00000000 00:00 0 \n"
      "7f2000000000-7f2040000000 rw-p 00000000 00:00 0 \n");
  carry_over(known, now);
  ASSERT_EQ(now.size(), 3u);
  EXPECT_FALSE(guest_memory(now[0]));
  EXPECT_FALSE(guest_memory(now[1]));
  EXPECT_TRUE(guest_memory(now[2]));
}

TEST(regions, keep_their_flags_when_they_are_split) {
  const auto known = read("7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \nVmFlags: rd wr dc \n");
  auto now = read(
      "7f0000000000-7f0002000000 rw-p 00000000 00:00 0 \n"
      "7f0002000000-7f0004000000 r--p 00000000 00:00 0 \n");
  carry_over(known, now);
  EXPECT_TRUE(guest_memory(now[0]) && guest_memory(now[1]));
}

}  // namespace
}  // namespace unwedge::coredump

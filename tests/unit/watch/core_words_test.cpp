#include "daemon/watch/cores.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::watch {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(core_words, say_what_a_core_would_cost_and_what_is_not_possible) {
  const auto text = in_words("plan", {{"threads", 64},
                                      {"bytes_copied", 12u << 20},
                                      {"guest_memory", std::uint64_t{4} << 30},
                                      {"stop_estimate_ms", 14},
                                      {"goes_to", "the kernel writes it to /core"},
                                      {"forbids_flag", "it has changed its user"},
                                      {"forbids_core", nullptr}});
  EXPECT_EQ(
      text,
      "64 threads. A core holds 12.0 MiB of QEMU's own memory, leaves out 4096.0 MiB of guest memory, and "
      "stops the VM for about 14 ms. The kernel's core: the kernel writes it to /core. Not possible: "
      "flag-core: it has changed its user.");
}

TEST(core_words, say_how_long_a_vm_stood_still) {
  EXPECT_THAT(in_words("core", {{"file", "/f.zst"}, {"stopped_us", 8'412}, {"threads", 64}}),
              testing::AllOf(HasSubstr("core in /f.zst"), HasSubstr("stood still for 8.4 ms")));
}

TEST(core_words, say_what_was_flagged_before) {
  EXPECT_THAT(in_words("flag-core", {{"filter", 0x11}, {"filter_before", 0x33}, {"limit", nullptr}}),
              HasSubstr("flagged: coredump_filter 0x11 (was 0x33), RLIMIT_CORE unlimited"));
  EXPECT_THAT(in_words("flag-core", {{"filter", 0x11}, {"filter_before", 0x11}, {"was_flagged", true}}),
              HasSubstr("it was flagged already: coredump_filter 0x11, RLIMIT_CORE"));
}

TEST(core_words, of_an_answer_without_sense_throw_nothing_and_steer_no_terminal) {
  const boost::json::object hostile{
      {"threads", "many"}, {"goes_to", "\x1b[2J\n"}, {"file", "a\nb"}, {"was_flagged", 3}, {"limit", -1}};
  for (const auto* order : {"plan", "flag-core", "core", "abort", "?"}) {
    EXPECT_THAT(in_words(order, hostile), testing::AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n"))));
    EXPECT_FALSE(in_words(order, {}).empty());
  }
}

}  // namespace
}  // namespace unwedge::watch

#include "daemon/coredump/destination.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::coredump {
namespace {

using testing::HasSubstr;

destination of(std::string_view pattern, bool uses_pid = false) {
  return explain(pattern, uses_pid, 4711, "/srv/vm");
}

TEST(destination, of_a_plain_name_is_the_working_directory) {
  EXPECT_THAT(of("core").sentence, HasSubstr("/srv/vm/core, the process's working directory"));
  EXPECT_FALSE(of("core").piped);
}

TEST(destination, has_the_pid_in_its_name_where_the_kernel_is_told_so) {
  EXPECT_THAT(of("core", true).sentence, HasSubstr("/srv/vm/core.4711,"));
  EXPECT_THAT(of("core.%p", true).sentence, HasSubstr("/srv/vm/core.%p "));
}

TEST(destination, of_an_absolute_name_is_that) {
  EXPECT_EQ(of("/var/crash/core").sentence, "the kernel writes it to /var/crash/core");
}

TEST(destination, of_systemd_says_how_to_find_it) {
  const auto d = of("|/usr/lib/systemd/systemd-coredump %P %u");
  EXPECT_TRUE(d.piped);
  EXPECT_THAT(d.sentence, HasSubstr("coredumpctl info 4711"));
}

TEST(destination, of_another_program_names_it) {
  EXPECT_THAT(of("|/usr/share/apport/apport -p%p").sentence, HasSubstr("/usr/share/apport/apport"));
  EXPECT_THAT(of("|/bin/true").sentence, HasSubstr("/bin/true"));
}

TEST(destination, of_a_socket_names_it) {
  EXPECT_TRUE(of("@/run/crash.sock").piped);
  EXPECT_THAT(of("@/run/crash.sock").sentence, HasSubstr("/run/crash.sock"));
}

TEST(destination, of_an_empty_pattern_is_nowhere_unless_the_pid_is_its_name) {
  EXPECT_FALSE(of("").somewhere);
  EXPECT_TRUE(of("", true).somewhere);
  EXPECT_THAT(of("", true).sentence, HasSubstr("/srv/vm/.4711"));
}

}  // namespace
}  // namespace unwedge::coredump

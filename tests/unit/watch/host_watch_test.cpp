// The host's own figures, as the kernel writes them (Documentation/accounting/psi.rst).
#include "daemon/watch/host_watch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <vector>

namespace unwedge::watch {
namespace {

TEST(pressure, is_read_from_the_line_of_all_tasks) {
  EXPECT_EQ(full_avg10("some avg10=71.20 avg60=3.00 avg300=0.50 total=123\n"
                       "full avg10=12.34 avg60=1.00 avg300=0.10 total=99\n"),
            12.34);
  EXPECT_EQ(full_avg10("some avg10=71.20 avg60=3.00 avg300=0.50 total=123\n"), std::nullopt);
  EXPECT_EQ(full_avg10(""), std::nullopt);
  EXPECT_EQ(full_avg10("full avg10="), std::nullopt);
  EXPECT_EQ(full_avg10("full avg10=x"), std::nullopt);
}

TEST(host_watch, tells_when_the_host_begins_to_starve_and_when_it_is_well_again) {
  asio::io_context io;
  host_watch::counts now{.vms = 8, .late = 8};
  std::vector<std::string> told;
  host_watch host(
      io.get_executor(), [&] { return now; },
      [&](const std::string& why) {
        told.push_back(why);
        now.late = 0;
      });
  bool ended = false;
  asio::co_spawn(io, host.run(), [&](const std::exception_ptr& thrown) { ended = thrown == nullptr; });
  while (told.size() < 2) io.run_one_for(std::chrono::seconds(10));
  host.stop();
  io.run();
  EXPECT_TRUE(ended);
  EXPECT_EQ(told, (std::vector<std::string>{"8 of 8 VMs are late at once, and no evidence says why", ""}));
}

}  // namespace
}  // namespace unwedge::watch

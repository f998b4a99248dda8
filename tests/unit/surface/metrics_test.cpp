// What Prometheus scrapes; judged by promtool where it is installed.
#include "daemon/surface/daemon_metrics.hpp"
#include "daemon/surface/vm_metrics.hpp"
#include "tests/unit/surface/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace unwedge::surface {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string text_of(std::vector<vm_metrics_row> rows) {
  auto const collector = std::make_shared<vm_collector>([rows] { return rows; });
  return metrics_text(std::vector<std::weak_ptr<prometheus::Collectable>>{collector});
}

std::vector<vm_metrics_row> hostile_rows() {
  return {{.vm = "web01",
           .state = "stalled",
           .last_reply_age = 4200ms,
           .monitor_connected = true,
           .oob = true,
           .jobs = 2,
           .migration_active = true,
           .events_total = 17},
          {.vm = "web01", .state = "healthy"},
          {.vm = "web01#2", .state = "healthy"},
          {.vm = "x\"} 1\nunwedge_vm_oob{vm=\"y\\", .state = "healthy"},
          {.vm = "bad\xff\xc0\xaf", .state = "gone"},
          {.vm = std::string("nul\0", 4), .state = "held"},
          {.vm = "漢字", .state = "suspect"}};
}

TEST(vm_metrics, tell_each_vm) {
  auto const text = text_of({hostile_rows().front()});
  EXPECT_THAT(
      text, HasSubstr("# TYPE unwedge_vm_state gauge\nunwedge_vm_state{vm=\"web01\",state=\"healthy\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_vm_state{vm=\"web01\",state=\"stalled\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_vm_monitor_last_reply_seconds{vm=\"web01\"} 4.2"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_vm_monitor_connected{vm=\"web01\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_vm_oob{vm=\"web01\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_vm_jobs{vm=\"web01\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_vm_migration_active{vm=\"web01\"} 1\n"));
  EXPECT_THAT(
      text, HasSubstr("# TYPE unwedge_vm_events_total counter\nunwedge_vm_events_total{vm=\"web01\"} 17\n"));
}

TEST(vm_metrics, make_hostile_and_double_names_harmless) {
  auto const text = text_of(hostile_rows());
  EXPECT_THAT(text, HasSubstr("unwedge_vm_jobs{vm=\"web01#2\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("unwedge_vm_jobs{vm=\"web01#2#2\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("unwedge_vm_jobs{vm=\"x\\\"} 1\\nunwedge_vm_oob{vm=\\\"y\\\\\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("unwedge_vm_jobs{vm=\"bad\uFFFD\uFFFD\uFFFD\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("unwedge_vm_jobs{vm=\"nul\uFFFD\"} 0\n"));
}

std::string busy_daemon_text(const daemon_metrics& metrics, std::shared_ptr<vm_collector> vms) {
  return metrics_text(std::vector<std::weak_ptr<prometheus::Collectable>>{metrics.collectable(), vms});
}

void use_all(daemon_metrics& metrics) {
  metrics.probe_answered(250us);
  metrics.probe_unanswered();
  metrics.event();
  metrics.verdict("bql-held");
  metrics.step("yank", "failed: no such instance \x1b[31m");
  metrics.incident("monitor-stalled", "recovered");
  metrics.protocol_error("too-long");
  metrics.evidence_collected(3ms);
  metrics.host_starved(true);
}

TEST(daemon_metrics, count_what_the_daemon_did) {
  daemon_metrics metrics("0.1.0");
  use_all(metrics);
  auto const text = busy_daemon_text(metrics, nullptr);
  EXPECT_THAT(text, HasSubstr("\nunwedge_probes_total 2\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_probe_latency_seconds_count 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_probe_latency_seconds_bucket{le=\"0.00025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_events_total 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_verdicts_total{kind=\"bql-held\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_steps_total{action=\"yank\",result=\"failed\"} 1\n"));
  EXPECT_THAT(
      text, HasSubstr("\nunwedge_incidents_total{condition=\"monitor-stalled\",outcome=\"recovered\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_protocol_errors_total{reason=\"too-long\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_evidence_seconds_count 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_host_starved 1\n"));
  EXPECT_THAT(text, HasSubstr("\nunwedge_build_info{version=\"0.1.0\"} 1\n"));
}

TEST(metrics, satisfy_promtool) {
  if (std::system("promtool --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "promtool is in package prometheus";
  daemon_metrics metrics("0.1.0");
  use_all(metrics);
  tests::temporary_folder const folder;
  auto const file = folder / "metrics";
  std::ofstream(file) << busy_daemon_text(metrics, std::make_shared<vm_collector>(&hostile_rows));
  auto const command = "promtool check metrics <" + file.string() + " >&2";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace unwedge::surface

#include "policies/block_graph.hpp"

#include "documents.hpp"
#include "world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unwedge::policies {
namespace {

using namespace fake;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> targets(const vm_model& vm) {
  std::vector<std::string> names;
  for (const auto& [name, node] : vm.nodes) {
    if (node.job_target) names.push_back(name);
  }
  return names;
}

vm_model resynchronised(std::string_view jobs, std::string_view nodes, std::string_view graph) {
  vm_model vm;
  apply_reply(vm, query::jobs, qmp::json::parse(jobs), at(0));
  apply_reply(vm, query::block_nodes, qmp::json::parse(nodes), at(0));
  apply_reply(vm, query::block_graph, qmp::json::parse(graph), at(0));
  return vm;
}

vm_model of_the_mirror() {
  return resynchronised(documents::mirror_jobs, documents::mirror_nodes, documents::mirror_graph);
}

void job_is(vm_model& vm, std::string_view id, std::string_view status) {
  const qmp::json::object data{{"id", id}, {"status", status}};
  apply_event(vm, {.name = "JOB_STATUS_CHANGE", .data = data, .raw = ""}, at(1));
}

TEST(block_graph, knows_the_target_of_a_mirror) {
  const auto vm = of_the_mirror();
  EXPECT_THAT(targets(vm), ElementsAre("tgt"));
  EXPECT_EQ(vm.jobs.at("m0").target, "tgt");
  EXPECT_THAT(vm.nodes.at("tgt").target_of, ElementsAre("m0"));
}

TEST(block_graph, knows_the_nbd_node_below_a_raw_target) {
  const auto vm = resynchronised(documents::mirror_to_raw_jobs, documents::mirror_to_raw_nodes,
                                 documents::mirror_to_raw_graph);
  EXPECT_THAT(targets(vm), ElementsAre("tgt2", "tgt2-nbd"));
  EXPECT_EQ(vm.jobs.at("m1").target, "tgt2");
}

// Losing it would be losing the disk's base: the guest reads from it.
TEST(block_graph, takes_the_base_of_an_active_commit_for_a_disk_of_the_guest) {
  const auto vm = resynchronised(documents::commit_jobs, documents::commit_nodes, documents::commit_graph);
  EXPECT_EQ(vm.jobs.at("c0").target, "tgt");
  EXPECT_THAT(targets(vm), IsEmpty());
}

// The guest's writes go through copy-before-write: they fail with the target
// (on-cbw-error=break-guest-write).
TEST(block_graph, takes_the_target_of_a_backup_for_one_that_the_guest_needs) {
  const auto vm = resynchronised(documents::backup_jobs, documents::backup_nodes, documents::backup_graph);
  EXPECT_EQ(vm.jobs.at("b0").target, "tgt");
  EXPECT_THAT(targets(vm), IsEmpty());
}

TEST(block_graph, has_no_targets_after_a_pivot) {
  auto vm = of_the_mirror();
  apply_reply(vm, query::jobs, qmp::json::parse(documents::after_pivot_jobs), at(1));
  EXPECT_THAT(targets(vm), IsEmpty()) << "at once, before the new graph";
  apply_reply(vm, query::block_nodes, qmp::json::parse(documents::after_pivot_nodes), at(1));
  apply_reply(vm, query::block_graph, qmp::json::parse(documents::after_pivot_graph), at(1));
  EXPECT_THAT(targets(vm), IsEmpty());
}

TEST(block_graph, keeps_a_target_only_while_its_job_just_copies) {
  const std::pair<const char*, bool> cases[] = {
      {"created", true},    {"running", true},    {"paused", true},   {"ready", true},      {"standby", true},
      {"aborting", true},   {"waiting", false},   {"pending", false}, {"concluded", false}, {"null", false},
      {"undefined", false}, {"brand-new", false}, {"", false}};
  for (const auto& [status, still] : cases) {
    auto by_event = of_the_mirror();
    job_is(by_event, "m0", status);
    EXPECT_EQ(by_event.nodes.at("tgt").job_target, still) << status;
    auto by_reply = of_the_mirror();
    apply_reply(by_reply, query::jobs,
                qmp::json::array{{{"id", "m0"}, {"type", "mirror"}, {"status", status}}}, at(1));
    EXPECT_EQ(by_reply.nodes.at("tgt").job_target, still) << status;
    apply_reply(by_reply, query::block_graph, qmp::json::parse(documents::mirror_graph), at(1));
    EXPECT_EQ(by_reply.nodes.at("tgt").job_target, still)
        << "and the graph does not bring it back: " << status;
  }
}

TEST(block_graph, keeps_a_target_while_any_of_its_jobs_copies) {
  auto vm = of_the_mirror();
  vm.nodes.at("tgt").target_of.emplace_back("m1");
  job_is(vm, "m0", "null");
  EXPECT_TRUE(vm.nodes.at("tgt").job_target);
  job_is(vm, "m1", "pending");
  EXPECT_FALSE(vm.nodes.at("tgt").job_target);
}

TEST(block_graph, survives_a_new_list_of_nodes) {
  auto vm = of_the_mirror();
  apply_reply(vm, query::block_nodes, qmp::json::parse(documents::mirror_nodes), at(1));
  EXPECT_THAT(targets(vm), ElementsAre("tgt"));
  job_is(vm, "m0", "null");
  EXPECT_THAT(targets(vm), IsEmpty());
}

TEST(block_graph, needs_jobs_and_nodes_that_are_known) {
  auto vm = resynchronised("[]", documents::mirror_nodes, documents::mirror_graph);
  EXPECT_THAT(targets(vm), IsEmpty());
  vm = resynchronised(documents::mirror_jobs, "[]", documents::mirror_graph);
  EXPECT_TRUE(vm.nodes.empty());
}

TEST(block_graph, does_not_follow_backing_files_of_a_target) {
  const auto vm = resynchronised(
      R"([{"id":"m0","type":"mirror","status":"running"}])",
      R"([{"node-name":"overlay","drv":"qcow2"},{"node-name":"nbd","drv":"nbd"},{"node-name":"base","drv":"nbd"}])",
      R"({"nodes":[{"id":1,"type":"block-job","name":"m0"},{"id":2,"type":"block-driver","name":"overlay"},
                   {"id":3,"type":"block-driver","name":"nbd"},{"id":4,"type":"block-driver","name":"base"}],
          "edges":[{"parent":1,"child":2,"name":"target"},{"parent":2,"child":3,"name":"file"},
                   {"parent":2,"child":4,"name":"backing"}]})");
  EXPECT_THAT(targets(vm), ElementsAre("nbd", "overlay"));
}

TEST(block_graph, ends_on_a_graph_with_a_cycle) {
  const auto vm = resynchronised(
      R"([{"id":"m0","type":"mirror","status":"running"}])", R"([{"node-name":"a","drv":"nbd"}])",
      R"({"nodes":[{"id":1,"type":"block-job","name":"m0"},{"id":2,"type":"block-driver","name":"a"}],
                                     "edges":[{"parent":1,"child":2,"name":"target"},{"parent":2,"child":2,"name":"file"},
                                              {"parent":2,"child":1,"name":"file"}]})");
  EXPECT_THAT(targets(vm), ElementsAre("a"));
}

// Of a part of a graph it could not be said what the guest uses.
TEST(block_graph, believes_nothing_of_one_that_is_too_large) {
  auto graph = qmp::json::parse(documents::mirror_graph);
  auto& edges = graph.at("edges").as_array();
  for (int i = 0; i < 20'000; ++i)
    edges.push_back({{"parent", 1'000 + i}, {"child", 5'000 + i}, {"name", "file"}});
  const auto vm =
      resynchronised(documents::mirror_jobs, documents::mirror_nodes, boost::json::serialize(graph));
  EXPECT_THAT(targets(vm), IsEmpty());
}

TEST(block_graph, does_not_labour_over_a_hostile_one) {
  qmp::json::array jobs, nodes, edges;
  for (int i = 0; i < 256; ++i) {
    const auto id = fmt::format("j{}", i);
    jobs.push_back({{"id", id}, {"type", "mirror"}, {"status", "running"}});
    nodes.push_back({{"id", i}, {"type", "block-job"}, {"name", id}});
    edges.push_back({{"parent", i}, {"child", 1'000}, {"name", "target"}});
  }
  for (int i = 1'000; i < 16'000; ++i) edges.push_back({{"parent", i}, {"child", i + 1}, {"name", "file"}});
  nodes.push_back({{"id", 15'000}, {"type", "block-driver"}, {"name", "tgt"}});
  const qmp::json::object graph{{"nodes", nodes}, {"edges", edges}};
  auto vm = resynchronised(boost::json::serialize(jobs), documents::mirror_nodes, "{}");
  const auto began = std::chrono::steady_clock::now();
  apply_block_graph(vm, graph);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  EXPECT_THAT(targets(vm), IsEmpty());
}

}  // namespace
}  // namespace unwedge::policies

// What the model takes from a real QEMU's replies, and what it leaves of hostile ones.
#include "documents.hpp"
#include "policies/vm_model.hpp"
#include "world.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace unwedge::policies {
namespace {

using namespace fake;

void reply(vm_model& vm, query q, std::string_view document, double second = 1) {
  apply_reply(vm, q, qmp::json::parse(document), at(second));
}

constexpr query all_queries[] = {
    query::status,     query::name, query::uuid,        query::jobs,        query::migrate,
    query::block_jobs, query::yank, query::block_nodes, query::block_graph, query::migrate_capabilities};

TEST(apply_reply, reads_what_qemu_says_of_itself) {
  vm_model vm;
  reply(vm, query::status, documents::status);
  reply(vm, query::name, documents::name);
  reply(vm, query::uuid, documents::uuid);
  EXPECT_EQ(vm.run_state, "running");
  EXPECT_EQ(vm.guest_name, "web01");
  EXPECT_EQ(vm.uuid, "6d2f3bb8-6c0b-4a58-9e0f-0f1a54a7e001");
}

TEST(apply_reply, reads_jobs_and_their_progress) {
  vm_model vm;
  reply(vm, query::jobs, documents::mirror_jobs, 1);
  ASSERT_TRUE(vm.jobs.contains("m0"));
  const auto& job = vm.jobs.at("m0");
  EXPECT_EQ(job.type, "mirror");
  EXPECT_EQ(job.status, "running");
  EXPECT_EQ(job.offset, 33'554'432);
  EXPECT_EQ(job.len, 67'108'864);
  EXPECT_EQ(job.progressed, at(1));
  reply(vm, query::block_jobs, documents::mirror_block_jobs, 2);
  EXPECT_EQ(job.io_status, "ok");
  EXPECT_EQ(job.progressed, at(1)) << "the same offset is no progress";
  reply(vm, query::jobs, R"([{"id":"m0","type":"mirror","status":"running","current-progress":33554433}])",
        3);
  EXPECT_EQ(job.progressed, at(3));
  EXPECT_EQ(job.len, 67'108'864) << "not said again, not forgotten";
  reply(vm, query::jobs, R"([{"id":"m0","type":"mirror","status":"ready","current-progress":33554433}])", 4);
  EXPECT_EQ(job.progressed, at(4)) << "a new status is progress";
  reply(vm, query::jobs, documents::after_pivot_jobs, 5);
  EXPECT_TRUE(vm.jobs.empty());
}

TEST(apply_reply, takes_no_job_from_query_block_jobs_alone) {
  vm_model vm;
  reply(vm, query::block_jobs, documents::mirror_block_jobs);
  EXPECT_TRUE(vm.jobs.empty());
}

TEST(apply_reply, reads_a_migration) {
  vm_model vm;
  reply(vm, query::migrate, documents::no_migration);
  EXPECT_FALSE(vm.migration);
  reply(vm, query::migrate, documents::active_migration, 1);
  EXPECT_EQ(vm.migration->status, "active");
  EXPECT_EQ(vm.migration->transferred, 75'943);
  EXPECT_EQ(vm.migration->remaining, 66'650'112);
  EXPECT_EQ(vm.migration->total, 67'641'344);
  EXPECT_EQ(vm.migration->postcopy_enabled, std::nullopt);
  reply(vm, query::migrate_capabilities, documents::capabilities);
  EXPECT_EQ(vm.migration->postcopy_enabled, false);
  reply(vm, query::migrate, documents::active_migration, 2);
  EXPECT_EQ(vm.migration->since, at(1));
  EXPECT_EQ(vm.migration->postcopy_enabled, false) << "the same migration still";
  reply(vm, query::migrate, documents::completed_migration, 3);
  EXPECT_EQ(vm.migration->since, at(3));
  EXPECT_FALSE(is_running(*vm.migration));
  reply(vm, query::migrate, documents::active_migration, 4);
  EXPECT_EQ(vm.migration->postcopy_enabled, std::nullopt) << "another migration";
}

TEST(apply_reply, reads_postcopy_only_where_it_is_a_truth_value) {
  for (const auto& [document, expected] :
       {std::pair<const char*, std::optional<bool>>{R"([{"capability":"postcopy-ram","state":true}])", true},
        {R"([{"capability":"postcopy-ram","state":1}])", std::nullopt},
        {R"([{"capability":"postcopy-ram"}])", std::nullopt},
        {R"([{"capability":"events","state":true}])", std::nullopt}}) {
    vm_model vm;
    reply(vm, query::migrate, documents::active_migration);
    reply(vm, query::migrate_capabilities, document);
    EXPECT_EQ(vm.migration->postcopy_enabled, expected) << document;
  }
}

TEST(apply_reply, reads_nodes_and_their_peers) {
  vm_model vm;
  reply(vm, query::block_nodes, documents::mirror_nodes);
  const std::pair<const char*, const char*> peers[] = {{"tgt", "127.0.0.1:18809"},
                                                       {"tgt2-nbd", "127.0.0.1:18809"},
                                                       {"tgt2", ""},
                                                       {"v6", "[::1]:18810"},
                                                       {"v6long", "[::1]:18810"},
                                                       {"host", "localhost:18809"},
                                                       {"disk0", ""},
                                                       {"u", "/tmp/pol/run/nbd.sock"}};
  for (const auto& [name, peer] : peers) {
    ASSERT_TRUE(vm.nodes.contains(name)) << name;
    EXPECT_EQ(vm.nodes.at(name).peer, peer) << name;
    EXPECT_FALSE(vm.nodes.at(name).job_target) << name;
  }
  EXPECT_EQ(vm.nodes.at("tgt").driver, "nbd");
  EXPECT_EQ(vm.nodes.at("file0").driver, "file");
}

TEST(apply_reply, reads_what_can_be_yanked) {
  vm_model vm;
  reply(vm, query::yank, documents::yank);
  EXPECT_EQ(vm.yankable.block_nodes,
            (std::vector<std::string>{"tgt", "tgt2-nbd", "u", "v6", "v6long", "host"}));
  EXPECT_FALSE(vm.yankable.migration);
  reply(vm, query::yank, R"([{"type":"chardev","id":"mon"},{"type":"migration"}])");
  EXPECT_TRUE(vm.yankable.block_nodes.empty());
  EXPECT_TRUE(vm.yankable.migration);
}

TEST(apply_reply, leaves_out_what_is_of_an_unexpected_type) {
  for (const auto q : all_queries) {
    for (const auto* document :
         {"null", "1", "\"x\"", "[]", "{}", "[null,1,\"x\",[],{}]", R"({"status":1,"name":[],"UUID":null})",
          R"([{"id":1,"type":2,"status":3,"node-name":4,"drv":5,"file":6,"device":7,"capability":8}])",
          R"({"nodes":1,"edges":{}})", R"({"nodes":[1],"edges":[null]})"}) {
      auto vm = mirroring();
      reply(vm, q, document);
      EXPECT_EQ(vm.run_state, "running");
      EXPECT_LE(vm.jobs.size(), 1u);
      EXPECT_FALSE(vm.jobs.contains(""));
    }
  }
}

TEST(apply_reply, bounds_what_it_keeps) {
  qmp::json::array jobs, nodes, yank;
  for (int i = 0; i < 10'000; ++i) {
    const auto name = fmt::format("n{}", i) + std::string(i == 0 ? 10'000 : 0, 'x');
    jobs.push_back({{"id", name}, {"type", name}, {"status", name}});
    nodes.push_back({{"node-name", name}, {"drv", "nbd"}, {"file", name}});
    yank.push_back({{"type", "block-node"}, {"node-name", name}});
  }
  vm_model vm;
  for (int i = 0; i < 2; ++i) {
    apply_reply(vm, query::jobs, jobs, at(0));
    apply_reply(vm, query::block_nodes, nodes, at(0));
    apply_reply(vm, query::yank, yank, at(0));
  }
  EXPECT_EQ(vm.jobs.size(), 256u);
  EXPECT_EQ(vm.nodes.size(), 4'096u);
  EXPECT_EQ(vm.yankable.block_nodes.size(), 4'096u);
  for (const auto& [id, job] : vm.jobs) EXPECT_LE(id.size() + job.type.size() + job.status.size(), 3 * 256u);
}

TEST(apply_reply, survives_numbers_at_the_edge) {
  vm_model vm;
  reply(vm, query::jobs,
        R"([{"id":"m0","type":"mirror","status":"running","current-progress":9223372036854775807,
                             "total-progress":18446744073709551615},{"id":"m1","current-progress":-1,"total-progress":1.5}])");
  EXPECT_EQ(vm.jobs.at("m0").offset, INT64_MAX);
  EXPECT_EQ(vm.jobs.at("m0").len, 0) << "does not fit, is left out";
  EXPECT_EQ(vm.jobs.at("m1").offset, -1);
}

// Any part of a real document, in any order, with any one value replaced.
TEST(apply_reply, survives_every_mutation_of_real_documents) {
  std::mt19937 random(7);
  const std::string_view real[] = {documents::mirror_graph, documents::mirror_nodes,
                                   documents::mirror_jobs,  documents::mirror_block_jobs,
                                   documents::yank,         documents::active_migration,
                                   documents::capabilities, documents::status};
  constexpr std::string_view odd[] = {"null", "-1", "[]", "{}", "\"\"", "1e300", "true"};
  vm_model vm;
  for (int i = 0; i < 20'000; ++i) {
    std::string text(real[random() % std::size(real)]);
    const auto colon = text.find(": ", random() % text.size());
    if (colon == std::string::npos) continue;
    const auto end = text.find_first_of(",}]", colon);
    text.replace(colon + 2, end - colon - 2, odd[random() % std::size(odd)]);
    boost::json::error_code ec;
    const auto value = boost::json::parse(text, ec);
    if (ec) continue;
    apply_reply(vm, all_queries[random() % std::size(all_queries)], value, at(i));
    ASSERT_LE(vm.jobs.size(), 256u);
  }
}

}  // namespace
}  // namespace unwedge::policies

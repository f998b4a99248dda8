// The scripted peer itself: a test that cannot fail is a defect, and so is a peer that hides what it got.
#include "tests/unit/qmp/session_fixture.hpp"

namespace unwedge::tests {
namespace {

class scripted : public session_fixture {};

TEST_F(scripted, peer_complains_of_a_command_that_it_does_not_expect) {
  scripted_peer strict(io, handshake() + script{expect{"query-status"}});
  start_on(strict.connected());
  ASSERT_TRUE(until_ready());
  ASSERT_TRUE(session->post(qmp::query_jobs()));
  EXPECT_EQ(until_ended(), qmp::errc::closed);
  EXPECT_EQ(strict.complaints(), std::vector<std::string>{"got query-jobs while waiting for query-status"});
  EXPECT_EQ(strict.steps_played(), 3u);
}

TEST_F(scripted, peer_complains_of_a_command_after_its_script) {
  scripted_peer strict(io, handshake());
  start_on(strict.connected());
  ASSERT_TRUE(until_ready());
  ASSERT_TRUE(session->post(qmp::query_jobs()));
  EXPECT_EQ(until_ended(), qmp::errc::closed);
  EXPECT_EQ(strict.complaints(), std::vector<std::string>{"got query-jobs while the script was over"});
}

TEST_F(scripted, peer_gives_its_standing_answers_within_and_after_its_script) {
  peer.emplace(io, handshake() + script{expect{"query-status"}, reply{"1"}},
               std::map<std::string, std::string>{{"query-jobs", "[2]"}});
  start_on(peer->connected());
  ASSERT_TRUE(until_ready());
  ASSERT_TRUE(session->post(qmp::query_jobs()));
  ASSERT_TRUE(session->post(qmp::query_status()));
  ASSERT_TRUE(session->post(qmp::query_jobs()));
  ASSERT_TRUE(until([this] { return seen.replies.size() == 3; }));
  EXPECT_TRUE(seen.replies[0].ends_with(" [2]") && seen.replies[1].ends_with(" 1") &&
              seen.replies[2].ends_with(" [2]"));
}

}  // namespace
}  // namespace unwedge::tests

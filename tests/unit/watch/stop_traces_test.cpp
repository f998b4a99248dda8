// What our own stops leave in the evidence, and no more, is taken out of it.
#include "daemon/watch/stop_traces.hpp"

#include <gtest/gtest.h>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;

policies::process_facts sample(int second, std::uint64_t switches, std::uint64_t queued = 0,
                               std::uint64_t acked = 9) {
  policies::process_facts f;
  f.at = policies::instant(std::chrono::seconds(second));
  f.alive = true;
  f.threads.push_back({.tid = 7, .state = 'S', .context_switches = switches, .io_fd = 5, .sleeping = true});
  f.sockets.push_back({.fd = 5, .inode = 77, .send_queue = queued, .bytes_acked = acked});
  return f;
}

policies::process_facts seen(stop_traces& t, policies::process_facts f,
                             const policies::process_facts& before) {
  t.take_out_of(f, &before);
  return f;
}

TEST(stop_traces, are_two_switches_an_inspection_and_stay_taken_out) {
  stop_traces t;
  const auto before = sample(1, 100);
  t.begin();
  const auto half = seen(t, sample(2, 101), before);
  EXPECT_EQ(half.threads[0].context_switches, 100u);
  t.end(policies::instant(2s));
  const auto after = seen(t, sample(3, 102), half);
  EXPECT_EQ(after.threads[0].context_switches, 100u);
  EXPECT_EQ(seen(t, sample(4, 102), after).threads[0].context_switches, 100u);
  EXPECT_EQ(seen(t, sample(5, 103), after).threads[0].context_switches, 101u);  // that was not us
}

TEST(stop_traces, hide_no_life) {
  stop_traces t;
  const auto before = sample(1, 100);
  t.begin();
  t.end(policies::instant(2s));
  EXPECT_EQ(seen(t, sample(3, 105), before).threads[0].context_switches, 103u);
  stop_traces never_showed;
  never_showed.begin();
  never_showed.end(policies::instant(2s));
  EXPECT_EQ(seen(never_showed, sample(3, 100), before).threads[0].context_switches, 100u);
  EXPECT_EQ(seen(never_showed, sample(4, 101), before).threads[0].context_switches, 101u);
}

TEST(stop_traces, in_a_queue_are_taken_out_while_the_peer_takes_nothing) {
  stop_traces t;
  const auto before = sample(1, 100, 3'000);
  t.begin();
  const auto after = seen(t, sample(2, 102, 4'500), before);
  EXPECT_EQ(after.sockets[0].send_queue, 3'000u);
  t.end(policies::instant(2s));
  const auto later = seen(t, sample(3, 102, 4'500), after);
  EXPECT_EQ(later.sockets[0].send_queue, 3'000u);
  EXPECT_EQ(seen(t, sample(4, 102, 4'600), later).sockets[0].send_queue, 3'100u);  // not us
  EXPECT_EQ(seen(t, sample(5, 102, 4'000, 600), later).sockets[0].send_queue, 4'000u);
}

TEST(stop_traces, are_a_tracer_only_while_one_may_be_ours) {
  stop_traces t;
  const auto before = sample(1, 100);
  auto traced = sample(2, 100);
  traced.tracer = 4711;
  traced.threads[0].state = 't';
  traced.threads[0].sleeping = false;
  EXPECT_EQ(seen(t, traced, before).tracer, 4711);
  t.begin();
  const auto hidden = seen(t, traced, before);
  EXPECT_EQ(hidden.tracer, 0);
  EXPECT_EQ(hidden.threads[0].state, 'S');
  EXPECT_TRUE(hidden.threads[0].sleeping);
  EXPECT_EQ(seen(t, traced, traced).tracer, 4711);  // somebody else's, from before
  t.end(policies::instant(2s));
  EXPECT_EQ(seen(t, traced, before).tracer, 4711);
}

}  // namespace
}  // namespace unwedge::watch

#include "daemon/watch/connection_cuts.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace unwedge::watch {

asio::awaitable<act_outcome> sever(services& shared, connections all, std::chrono::milliseconds within) {
  act_outcome out{"done"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto done = co_await shared.rescuer->sever(shared.rescue_program(), all[i], within);
    if (!done) {
      auto why = failed(done.error());
      if (i > 0)
        why.result = fmt::format("failed: {} of {} were cut, then: {}", i, all.size(), done.error().sentence);
      why.touched = why.touched || i > 0;
      why.notes = std::move(out.notes);
      co_return why;
    }
    out.touched = true;
    out.notes.push_back(fmt::format("Descriptor {}: {}.", all[i].fd, done->did));
  }
  co_return out;
}

asio::awaitable<std::string> against_severing(services& shared, connections all) {
  for (const auto& each : all) {
    const auto plan = co_await shared.rescuer->plan_sever(shared.rescue_program(), each);
    if (!plan) co_return plan.error();
    if (!plan->would) co_return plan->failed + ": " + plan->sentence;
  }
  co_return "";
}

}  // namespace unwedge::watch

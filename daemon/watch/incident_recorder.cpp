#include "daemon/watch/incident_recorder.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

namespace unwedge::watch {
namespace {

incidents::wall_time wall_now() {
  return std::chrono::system_clock::now();
}

incidents::incident_log::rung rung_of(const policies::step& s) {
  return {s.action, s.arguments, std::string(to_string(s.needs)), s.undo};
}

std::expected<std::size_t, std::string> put_intent(incidents::incident_log& log, const policies::step& s) {
  return log.intent(rung_of(s), wall_now());
}

}  // namespace

incident_recorder::incident_recorder(asio::any_io_executor executor, store_worker& worker)
    : executor_(std::move(executor)), worker_(worker) {}

void incident_recorder::begin(
    std::function<std::expected<incidents::incident_log, std::string>(incidents::store&)> start) {
  journal_ = std::make_shared<journal>();
  id_ = std::make_shared<std::string>();
  worker_.post(
      [to = journal_, id = id_, executor = executor_, start = std::move(start)](incidents::store& s) {
        auto log = start(s);
        if (!log) return spdlog::error("incident not recorded: {}", log.error());
        to->log.emplace(std::move(*log));
        asio::post(executor, [id, name = to->log->id()] { *id = name; });
      });
}

void incident_recorder::open(incidents::onset onset) {
  begin([onset = std::move(onset)](incidents::store& s) { return s.create(onset, wall_now()); });
}

void incident_recorder::take_up(std::string id) {
  begin([id = std::move(id)](incidents::store& s) { return s.reopen(id); });
}

void incident_recorder::write(
    std::function<std::expected<void, std::string>(incidents::incident_log&)> work) {
  if (!journal_) return;
  worker_.post([to = journal_, work = std::move(work)](incidents::store&) {
    if (!to->log) return;  // its begin has said why
    if (const auto done = work(*to->log); !done)
      spdlog::error("incident {}: {}", to->log->id(), done.error());
  });
}

void incident_recorder::verdict(boost::json::value v) {
  write([v = std::move(v)](incidents::incident_log& log) { return log.verdict(v, wall_now()); });
}

void incident_recorder::note(std::string text) {
  write([text = std::move(text)](incidents::incident_log& log) { return log.note(text, wall_now()); });
}

void incident_recorder::attach(std::string name, std::string bytes) {
  write([name = std::move(name), bytes = std::move(bytes)](incidents::incident_log& log) {
    return log.attach(name, bytes);
  });
}

void incident_recorder::step_not_taken(policies::step s, std::string result) {
  write([s = std::move(s),
         result = std::move(result)](incidents::incident_log& log) -> std::expected<void, std::string> {
    const auto number = put_intent(log, s);
    if (!number) return std::unexpected(number.error());
    return log.outcome(*number, result, {}, wall_now());
  });
}

asio::awaitable<bool> incident_recorder::intent(policies::step s, std::chrono::milliseconds patience) {
  if (!journal_) co_return false;
  struct progress {
    asio::steady_timer done;
    bool durable = false;
  };
  const auto shared = std::make_shared<progress>(asio::steady_timer(executor_, patience));
  worker_.post([to = journal_, s, shared, executor = executor_](incidents::store&) {
    if (!to->log) return asio::post(executor, [shared] { shared->done.cancel(); });
    const auto number = put_intent(*to->log, s);
    if (number)
      to->step = *number;
    else
      spdlog::error("incident {}: {}", to->log->id(), number.error());
    asio::post(executor, [shared, durable = number.has_value()] {
      shared->durable = durable;
      shared->done.cancel();
    });
  });
  co_await shared->done.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!shared->durable)
    spdlog::error("the intent of a step is not on disk; going on, since the VM is dead without it");
  co_return shared->durable;
}

void incident_recorder::intent_in_passing(policies::step s) {
  if (!journal_) return;
  worker_.post([to = journal_, s = std::move(s)](incidents::store&) {
    if (!to->log) return;
    const auto number = put_intent(*to->log, s);
    if (number)
      to->step = *number;
    else
      spdlog::error("incident {}: {}", to->log->id(), number.error());
  });
}

void incident_recorder::outcome(std::string result, std::chrono::milliseconds took) {
  if (!journal_) return;
  worker_.post([to = journal_, result = std::move(result), took](incidents::store&) {
    if (!to->log || to->step == 0) return;
    if (const auto done = to->log->outcome(to->step, result, took, wall_now()); !done) {
      spdlog::error("incident {}: {}", to->log->id(), done.error());
    }
  });
}

asio::awaitable<std::size_t> incident_recorder::intent_beside(policies::step s,
                                                              std::chrono::milliseconds patience) {
  if (!journal_) co_return 0;
  struct progress {
    asio::steady_timer done;
    std::size_t number = 0;
  };
  const auto shared = std::make_shared<progress>(asio::steady_timer(executor_, patience));
  worker_.post([to = journal_, s, shared, executor = executor_](incidents::store&) {
    const auto number = to->log ? put_intent(*to->log, s) : std::unexpected(std::string("not recorded"));
    if (!number) spdlog::error("incident: the intent of {}: {}", s.action, number.error());
    asio::post(executor, [shared, n = number.value_or(0)] {
      shared->number = n;
      shared->done.cancel();
    });
  });
  co_await shared->done.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return shared->number;
}

void incident_recorder::outcome_beside(std::size_t number, std::string result,
                                       std::chrono::milliseconds took) {
  if (number == 0) return;
  write([number, result = std::move(result), took](incidents::incident_log& log) {
    return log.outcome(number, result, took, wall_now());
  });
}

void incident_recorder::close(std::string outcome) {
  write([outcome = std::move(outcome)](incidents::incident_log& log) {
    return log.close(outcome, wall_now());
  });
  worker_.post([](incidents::store& s) {
    if (const auto pruned = s.prune(); !pruned) spdlog::warn("incidents: {}", pruned.error());
  });
  journal_.reset();
  id_ = std::make_shared<std::string>();
}

}  // namespace unwedge::watch

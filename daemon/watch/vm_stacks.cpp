// The part of a watcher that looks deeper than a sample: stacks of a VM that hangs, and what an operator asks
// for.
#include "daemon/inspection/helper_program.hpp"
#include "daemon/inspection/stacks_json.hpp"
#include "daemon/watch/signature_json.hpp"
#include "daemon/watch/views.hpp"
#include "daemon/watch/vm_watcher.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace unwedge::watch {
namespace {

using namespace std::chrono_literals;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// The helper starts and stops all threads within it: a sample meanwhile would show our stops.
constexpr auto undisturbed = 300ms;

policies::instant now() {
  return std::chrono::steady_clock::now();
}

/// One whose stacks say something: it waits, and not for us or the host.
bool hangs(const policies::verdict& v) {
  return is_hang(v.kind) || v.kind == policies::verdict_kind::storage_wait;
}

std::string in_words(const policies::process_stacks& s) {
  const auto ms = [](std::chrono::microseconds t) { return static_cast<double>(t.count()) / 1e3; };
  const auto known = std::ranges::count_if(s.threads, [](const auto& t) { return !t.frames.empty(); });
  return fmt::format("Stacks of {} threads taken within {:.1f} ms; all stops added up: {:.1f} ms.", known,
                     ms(s.took), ms(s.stopped));
}

}  // namespace

/// Once an incident, where no step is under way or has just been taken: a remedy comes first. Its last look
/// would see our stops (a send that they break off is begun anew), and be refused; seen once in 40 runs of
/// frozen-destination. A VM that it brings back leaves evidence and wait chain, but no stacks.
void vm_watcher::begin_stacks() {
  const bool may = shared_.inspector != nullptr && shared_.settings->inspect.stacks_on_verdict;
  if (!may || !process_ || gone_ || inspecting_ || !verdict_ || !hangs(*verdict_)) return;
  if (engine_.acting() || now() < stacks_after_) return;
  for (auto& [run, record] : records_) {
    if (record.condition != "monitor-stalled" || record.stacks_asked) continue;
    record.stacks_asked = true;
    inspecting_ = true;
    shared_.tasks.spawn(record_stacks(run, record.recorder), name_ + ": stacks");
    return;
  }
}

asio::awaitable<void> vm_watcher::record_stacks(std::string run, incident_recorder record) {
  const auto self = shared_from_this();
  const auto of = process_;
  const auto stacks = co_await take_stacks();
  const auto* open = recorder_of(run);
  const bool still_open = of == process_ && open != nullptr && open->id() == record.id();
  stacks_arrived(std::move(record), stacks, still_open);
}

/// Precondition: inspecting_ was false and is true now.
asio::awaitable<vm_watcher::stacks_result> vm_watcher::take_stacks() {
  const auto self = shared_from_this();
  const auto of = process_;
  asio::steady_timer pause(shared_.executor);
  for (int i = 0; i < 100 && sampling_; ++i) {  // one that is under way would show our stops
    pause.expires_after(3ms);
    co_await pause.async_wait(as_result);
  }
  traces_.begin();
  undisturbed_until_ = now() + undisturbed;
  const auto& s = shared_.settings->inspect;
  auto stacks =
      co_await shared_.inspector->take_stacks(of, inspection::helper_program(s.program), s.deadline);
  inspecting_ = false;
  if (of == process_) traces_.end(now());
  co_return stacks;
}

/// For the last look before a step, which must not fail for our own stop in the middle of it: those take a
/// few milliseconds, and so long it waits at most.
asio::awaitable<policies::process_facts> vm_watcher::sample_undisturbed() {
  const auto of = process_;
  asio::steady_timer pause(shared_.executor);
  auto facts = co_await sample_process();
  for (int i = 0; i < 10 && of == process_ && !suspicion_.samples().empty(); ++i) {
    if (!traces_.disturbed(facts, &suspicion_.samples().back())) break;
    pause.expires_after(4ms);
    co_await pause.async_wait(as_result);
    if (of == process_) facts = co_await sample_process();
  }
  co_return facts;
}

void vm_watcher::stacks_arrived(incident_recorder record, const stacks_result& stacks, bool still_open) {
  const auto text = stacks ? in_words(*stacks) : "No stacks: " + stacks.error() + '.';
  if (stacks) record.attach("stacks.json", boost::json::serialize(inspection::to_json(*stacks)));
  if (still_open) record.note(text);
  spdlog::info("{}: {}", name_, text);
  if (stacks && still_open) match_signatures(record, *stacks);
}

/// As surfaces show it, with the known hangs that its stacks fit.
boost::json::object vm_watcher::verdict_json() const {
  auto o = to_json(*verdict_, vm_);
  if (!signatures_.empty()) o["signatures"] = to_json(std::span(signatures_));
  return o;
}

void vm_watcher::match_signatures(incident_recorder& record, const policies::process_stacks& stacks) {
  if (!verdict_) return;
  signatures_ = policies::matches(*shared_.signatures, stacks, policies::context_of(vm_, &*verdict_));
  record.verdict(verdict_json());
  for (const auto& m : signatures_) {
    const auto text = fmt::format("A known hang: {} ({}). What helps: {}", m.title, m.name, m.helps);
    record.note(text);
    shared_.hub.publish("note", name_, text);
    spdlog::warn("{}: {}", name_, text);
  }
}

/// A caller that goes away takes nothing with it: the work is a task of its own.
struct vm_watcher::awaited_stacks {
  asio::steady_timer arrived;
  stacks_result stacks;
};

asio::awaitable<vm_watcher::stacks_result> vm_watcher::stacks_now() {
  const auto self = shared_from_this();
  if (shared_.inspector == nullptr) co_return std::unexpected("this daemon takes no stacks");
  if (!process_ || gone_) co_return std::unexpected("there is no process");
  if (inspecting_) co_return std::unexpected("it is being inspected already; ask again in a moment");
  inspecting_ = true;
  const auto whom = std::make_shared<awaited_stacks>(
      asio::steady_timer(shared_.executor, asio::steady_timer::time_point::max()),
      std::unexpected(std::string("the inspection was broken off")));
  shared_.tasks.spawn(stacks_for(whom), name_ + ": stacks on request");
  co_await whom->arrived.async_wait(as_result);
  co_return std::move(whom->stacks);
}

asio::awaitable<void> vm_watcher::stacks_for(std::shared_ptr<awaited_stacks> whom) {
  const auto self = shared_from_this();
  whom->stacks = co_await take_stacks();
  whom->arrived.cancel();
}

struct vm_watcher::awaited_sample {
  asio::steady_timer arrived;
  std::optional<policies::process_facts> facts;
};

asio::awaitable<void> vm_watcher::sample_for(std::shared_ptr<awaited_sample> whom) {
  const auto self = shared_from_this();
  auto facts = co_await sample_process();
  sampling_ = false;
  whom->facts = std::move(facts);
  whom->arrived.cancel();
  wake_soon();
}

/// One sample a process at a time: the kernel may keep one waiting, and then the next would wait as well.
asio::awaitable<vm_watcher::sample_result> vm_watcher::fresh_sample(std::chrono::milliseconds patience) {
  const auto self = shared_from_this();
  const auto until = now() + patience;
  asio::steady_timer pause(shared_.executor);
  while ((sampling_ || now() < undisturbed_until_) && now() < until && !stopping_) {
    pause.expires_after(5ms);
    co_await pause.async_wait(as_result);
  }
  if (!process_ || gone_ || stopping_) co_return std::unexpected("there is no process to look at");
  if (sampling_) co_return std::unexpected("the kernel does not let us look at the process");
  sampling_ = true;
  const auto whom =
      std::make_shared<awaited_sample>(asio::steady_timer(shared_.executor, until), std::nullopt);
  shared_.tasks.spawn(sample_for(whom), name_ + ": evidence on request");
  if (!whom->facts) co_await whom->arrived.async_wait(as_result);
  if (!whom->facts) co_return std::unexpected("the kernel does not let us look at the process");
  if (!whom->facts->alive) co_return std::unexpected("the process has ended");
  co_return std::move(*whom->facts);
}

}  // namespace unwedge::watch

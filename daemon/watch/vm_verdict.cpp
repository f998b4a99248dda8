// The part of a watcher that turns what is seen into evidence, and evidence into a decision.
#include "daemon/evidence/sample.hpp"
#include "daemon/watch/vm_watcher.hpp"
#include "policies/peer_names.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace unwedge::watch {
namespace {

policies::instant now() {
  return std::chrono::steady_clock::now();
}

asio::awaitable<policies::process_facts> sample_here(std::shared_ptr<const evidence::process> process) {
  co_return evidence::sample(*process, now());
}

asio::awaitable<std::optional<policies::thread_facts>> pulse_of(
    std::shared_ptr<const evidence::process> process) {
  co_return evidence::sample_main_thread(*process);
}

}  // namespace

/// On a thread of the pool: the kernel may make a reader of /proc wait for the target's memory lock.
asio::awaitable<policies::process_facts> vm_watcher::sample_process() {
  const auto began = now();
  auto facts = co_await asio::co_spawn(shared_.evidence_pool, sample_here(process_), uncancelled());
  if (shared_.meter.evidence_taken) {
    shared_.meter.evidence_taken(std::chrono::duration_cast<std::chrono::microseconds>(now() - began));
  }
  co_return facts;
}

bool vm_watcher::migrates() const {
  return vm_.migration && is_running(*vm_.migration);
}

/// A well VM is looked at once a minute, so that a disk that stands still is seen while QMP answers; one
/// whose fate a migration decides beside a mirror, four times a second.
policies::duration vm_watcher::between_samples() const {
  using namespace std::chrono_literals;
  if (migrates() && !vm_.jobs.empty()) return 250ms;
  if (!vm_.jobs.empty()) return 1s;
  return io_.waits() ? 5s : 60s;
}

void vm_watcher::use(policies::process_facts facts) {
  traces_.take_out_of(facts, suspicion_.samples().empty() ? nullptr : &suspicion_.samples().back());
  policies::tell_named_peers(vm_, facts);
  io_.add(facts, vm_);
  if (!suspicion_.active()) return;
  if (!session_ && policies::main_loop_idles(facts)) {
    pulse_.found_idle();
    vm_.quiet_since.reset();
    return review(now());
  }
  suspicion_.add(std::move(facts), shared_.settings->probe);
  if (auto v = suspicion_.judge(vm_, shared_.settings->probe, shared_.host_starved)) {
    verdict_ = std::move(v);
  } else if (verdict_ && now() - verdict_->at > shared_.settings->probe.patience) {
    verdict_.reset();  // what was seen last does not bear it out any more
  }
}

/// A thread that was not seen to run for as long as a probe may be late opens a suspicion, as a late probe
/// does.
asio::awaitable<void> vm_watcher::take_pulse() {
  const auto self = shared_from_this();
  const auto of = process_;
  const auto main = co_await asio::co_spawn(shared_.evidence_pool, pulse_of(of), uncancelled());
  pulsing_ = false;
  if (stopping_ || of != process_ || gone_ || session_ || !main) co_return;
  pulse_.add(*main, now());
  vm_.quiet_since = pulse_.quiet_since();
  if (vm_.quiet_since || suspicion_.active()) wake_soon();
}

asio::awaitable<void> vm_watcher::take_sample() {
  const auto self = shared_from_this();
  const auto of = process_;
  auto facts = co_await sample_process();
  sampling_ = false;
  if (stopping_ || of != process_ || gone_) co_return;
  if (facts.alive)
    use(std::move(facts));
  else
    process_gone(facts.at);
  next_sample_ = now() + between_samples();  // in view of what this one shows
  wake_soon();
}

/// What the model says is true: there is a session, and nothing is overdue.
bool vm_watcher::talking() const {
  return session_ && session_->is_ready() && synced_ && !suspicion_.active();
}

/// And nothing that the last events call for is unanswered: that something is over may be believed.
bool vm_watcher::settled() const {
  if (where_.no_monitor) return !suspicion_.active();
  return talking() && wanted_.empty() && (!session_->in_band_outstanding() || !engine_.incident_open());
}

policies::vm_view vm_watcher::view(policies::instant at) const {
  const bool stalled = verdict_ && (gone_ || suspicion_.active());
  return {.vm = vm_,
          .io = io_,
          .now = at,
          .alive = !gone_,
          .talking = talking(),
          .settled = settled(),
          .stall = stalled ? &*verdict_ : nullptr};
}

policies::action_frame vm_watcher::frame() const {
  policies::action_frame f{.allowed = allowed(), .dry_run = shared_.settings->dry_run};
  if (const auto* h = held()) f.held = h->reason.empty() ? "by the operator" : h->reason;
  f.host_starved = shared_.host_starved;
  return f;
}

policies::look vm_watcher::look(const policies::vm_view& v, const policies::action_frame& f) const {
  return {
      .view = v, .vm_name = name_, .policies = *shared_.policies, .frame = f, .of_host = shared_.host_budget};
}

/// A thousand idle VMs: a look at each costs nothing.
bool vm_watcher::nothing_to_decide() const {
  return !verdict_ && !gone_ && vm_.jobs.empty() && !migrates() && !io_.waits() && !engine_.on_watch() &&
         vm_.migrates_with.max_bandwidth != policies::guard::held_bandwidth;
}

void vm_watcher::decide(policies::instant at) {
  if (nothing_to_decide()) return;
  const auto seen = view(at);
  const auto set_by = frame();
  for (auto& d : engine_.step(look(seen, set_by))) {
    std::visit([&](auto& what) { carry_out(d.run, std::move(what)); }, d.what);
  }
  begin_stacks();
}

const holds::hold* vm_watcher::held() const {
  return shared_.holds.find(name_, std::chrono::system_clock::now());
}

bool vm_watcher::held_itself() const {
  return shared_.holds.own(name_, std::chrono::system_clock::now());
}

policies::conditions vm_watcher::conditions() const {
  auto out = engine_.holding();
  const auto seen = view(now());
  for (auto& c : out) c.why = policies::why(c, seen);
  return out;
}

std::string vm_watcher::guard_standing() const {
  const auto seen = view(now());
  const auto set_by = frame();
  return engine_.guard_standing(look(seen, set_by));
}

}  // namespace unwedge::watch

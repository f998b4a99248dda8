#include "policies/progress.hpp"
#include "policies/verdicts/verdicts.hpp"

#include <fmt/format.h>

#include <utility>

namespace unwedge::policies {

verdict judge_at_work(std::string at_work, const wait_chain& chain, samples_view samples,
                      const judge_settings& settings, verdict v) {
  v.kind = verdict_kind::main_loop_busy;
  v.holder = holder_of(samples.back(), chain);
  v.reasons.push_back(std::move(at_work));
  const auto starved = starved_share(samples, chain.end().tid);
  constexpr double much = 0.2;
  if (starved < much) return v;
  v.reasons.push_back(
      fmt::format("For {:.0f} % of the time it could have run and got no CPU.", starved * 100));
  if (settings.host_starved.empty()) return v;
  v.kind = verdict_kind::host_starved;
  v.reasons.push_back(std::string(settings.host_starved) + ".");
  return v;
}

verdict judge_spinning(samples_view all, const vm_model& vm, const wait_chain& chain, verdict v) {
  tell_chain(all.back(), chain, v);
  v.kind = verdict_kind::bql_held;
  v.reasons.push_back(
      fmt::format("{} used {:.0f} % of a CPU, read and wrote nothing and did not let go once.",
                  label(chain.end()), cpu_share(all, chain.end().tid) * 100));
  find_spinning_root(all, chain.end(), vm, v);
  return v;
}

}  // namespace unwedge::policies

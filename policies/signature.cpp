#include "policies/signature.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace unwedge::policies {
namespace {

struct candidate {
  std::size_t thread = 0;
  doubt_list why;
};

/// For each pattern the threads that fit it, those without a doubt first. Empty: one has none.
std::vector<std::vector<candidate>> candidates(const signature& s, std::span<const plain_stack> threads) {
  std::vector<std::vector<candidate>> out;
  for (const auto& pattern : s.threads) {
    auto& fitting = out.emplace_back();
    for (std::size_t i = 0; i < threads.size(); ++i) {
      if (auto why = fits(pattern, threads[i])) fitting.push_back({i, std::move(*why)});
    }
    if (fitting.empty()) return {};
    std::ranges::sort(fitting, {}, [](const candidate& c) { return std::pair{c.why.size(), c.thread}; });
  }
  return out;
}

/// Gives each pattern a thread of its own, along augmenting paths: several threads often stand in the same
/// functions, and the first that fits one pattern may be the only one that fits another.
class assignment {
 public:
  explicit assignment(const std::vector<std::vector<candidate>>& from, std::size_t threads)
      : from_(from), taken_(threads, nobody), chosen_(from.size(), nullptr) {}

  bool complete() {
    for (std::size_t pattern = 0; pattern < from_.size(); ++pattern) {
      std::vector<bool> seen(taken_.size(), false);
      if (!place(pattern, seen)) return false;
    }
    return !from_.empty();
  }

  const std::vector<const candidate*>& chosen() const { return chosen_; }

 private:
  static constexpr auto nobody = static_cast<std::size_t>(-1);

  bool place(std::size_t pattern, std::vector<bool>& seen) {  // as deep as there are patterns
    for (const auto& c : from_[pattern]) {
      if (seen[c.thread]) continue;
      seen[c.thread] = true;
      if (taken_[c.thread] != nobody && !place(taken_[c.thread], seen)) continue;
      taken_[c.thread] = pattern;
      chosen_[pattern] = &c;
      return true;
    }
    return false;
  }

  const std::vector<std::vector<candidate>>& from_;
  std::vector<std::size_t> taken_;  ///< by thread
  std::vector<const candidate*> chosen_;
};

release release_of(const qmp::version& v) {
  return {v.major, v.minor, v.micro};
}

std::optional<std::string> doubt_of_version(const signature& s, const std::optional<qmp::version>& v) {
  if (!s.from && !s.fixed_in) return std::nullopt;
  if (!v) return "Which QEMU this is, is not known.";
  const auto is = release_of(*v);
  if (s.from && is < *s.from) {
    return "This is QEMU " + to_string(is) + "; known from " + to_string(*s.from) + " on.";
  }
  if (s.fixed_in && is >= *s.fixed_in) {
    return "This is QEMU " + to_string(is) + "; fixed in " + to_string(*s.fixed_in) + ".";
  }
  return std::nullopt;
}

/// nullopt: what is known of the VM speaks against it.
std::optional<doubt_list> doubts_of(const signature& s, const signature_context& c) {
  doubt_list out;
  if (auto why = doubt_of_version(s, c.version)) {
    if (s.only_in_range && c.version) return std::nullopt;
    out.push_back(std::move(*why));
  }
  if (!s.roots.empty() && !c.root) {
    out.emplace_back("What the wait ends at is not known.");
  } else if (!s.roots.empty() && std::ranges::find(s.roots, *c.root) == s.roots.end()) {
    return std::nullopt;
  }
  if (!s.jobs.empty() && !c.jobs) {
    out.emplace_back("Which jobs run is not known.");
  } else if (!s.jobs.empty() && std::ranges::find_first_of(s.jobs, *c.jobs) == s.jobs.end()) {
    return std::nullopt;
  }
  return out;
}

std::optional<signature_match> match(const signature& s, std::span<const plain_stack> threads,
                                     const signature_context& context) {
  auto why = doubts_of(s, context);
  if (!why) return std::nullopt;
  const auto fitting = candidates(s, threads);
  assignment found{fitting, threads.size()};
  if (!found.complete()) return std::nullopt;
  signature_match out{.name = s.name,
                      .title = s.title,
                      .description = s.description,
                      .references = s.references,
                      .fixed_in = s.fixed_in,
                      .helps = s.helps};
  for (const auto* c : found.chosen()) {
    out.threads.push_back(threads[c->thread].tid);
    why->insert(why->end(), c->why.begin(), c->why.end());
  }
  out.sure = why->empty() ? certainty::exact : certainty::likely;
  out.doubts = std::move(*why);
  return out;
}

}  // namespace

std::string to_string(const release& r) {
  auto text = std::to_string(r.major) + "." + std::to_string(r.minor);
  if (r.micro != 0) text += "." + std::to_string(r.micro);
  return text;
}

std::optional<release> parse_release(std::string_view text) {
  std::int64_t parts[3] = {0, 0, 0};
  std::size_t count = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (; count < 3; ++count) {
    if (at == end || *at < '0' || *at > '9') return std::nullopt;
    const auto [after, error] = std::from_chars(at, end, parts[count]);
    if (error != std::errc{} || parts[count] > 999) return std::nullopt;
    at = after;
    if (at == end) break;
    if (*at++ != '.') return std::nullopt;
  }
  if (at != end || count < 1 || count > 2) return std::nullopt;
  return release{parts[0], parts[1], parts[2]};
}

std::string_view to_string(certainty c) {
  return c == certainty::exact ? "exact" : "likely";
}

signature_context context_of(const vm_model& vm, const verdict* v) {
  signature_context out;
  if (vm.monitor.version != qmp::version{}) out.version = vm.monitor.version;
  if (v != nullptr && v->root && v->certain) out.root = v->root->type;
  const auto is_known = [](const auto& job) { return !job.second.type.empty(); };
  if (std::ranges::all_of(vm.jobs, is_known)) {
    out.jobs.emplace();
    for (const auto& [name, job] : vm.jobs) out.jobs->push_back(job.type);
  }
  return out;
}

std::vector<signature_match> matches(std::span<const signature> known, const process_stacks& stacks,
                                     const signature_context& context) {
  const auto threads = plain_stacks(stacks);
  std::vector<signature_match> exact, likely;
  for (const auto& s : known) {
    auto found = match(s, threads, context);
    if (found) (found->sure == certainty::exact ? exact : likely).push_back(std::move(*found));
  }
  std::ranges::move(likely, std::back_inserter(exact));
  return exact;
}

}  // namespace unwedge::policies

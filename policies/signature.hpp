// Known bugs of QEMU by the stacks that they leave: "these threads, in these functions". The watcher looks
// for them in the stacks of a hung process and names what it finds; nothing acts on it. Pure.
#pragma once

#include "policies/stack_pattern.hpp"
#include "policies/verdict.hpp"
#include "policies/vm_model.hpp"

namespace unwedge::policies {

/// A release of QEMU, as bugs are dated by: "7.2", "8.2.1".
struct release {
  std::int64_t major = 0, minor = 0, micro = 0;
  auto operator<=>(const release&) const = default;
};

std::string to_string(const release&);  ///< "7.2", and with a micro that is not 0 "8.2.1"
std::optional<release> parse_release(std::string_view);

struct signature {
  std::string name;         ///< of its file, without ".toml"
  std::string source;       ///< the file, or "built in"
  std::string title;        ///< half a sentence
  std::string description;  ///< who waits for whom, and why
  std::vector<std::string> references;
  std::string helps;            ///< empty: nothing known
  std::optional<release> from;  ///< the first that has it
  std::optional<release> fixed_in;
  bool only_in_range = false;          ///< in any other release these stacks are something else
  std::vector<wait_root::kind> roots;  ///< what the wait ends at; empty: does not matter
  std::vector<std::string> jobs;       ///< one of these types runs; empty: does not matter
  std::vector<stack_pattern> threads;  ///< each fits another thread
};

/// What is known of the VM besides its stacks. nullopt: not known, which is a doubt where it matters.
struct signature_context {
  std::optional<qmp::version> version;
  std::optional<wait_root::kind> root;
  std::optional<std::vector<std::string>> jobs;  ///< types
};

/// `v`: null if there is none.
signature_context context_of(const vm_model&, const verdict* v);

enum class certainty { exact, likely };

std::string_view to_string(certainty);

struct signature_match {
  std::string name, title, description;
  std::vector<std::string> references;
  std::optional<release> fixed_in;
  std::string helps;
  certainty sure = certainty::exact;
  std::vector<std::string> doubts;  ///< why it is not exact: one sentence each
  std::vector<pid_t> threads;       ///< in the order of the signature's
};

/// Those of `known` that fit, exact ones first, else in their order.
std::vector<signature_match> matches(std::span<const signature> known, const process_stacks&,
                                     const signature_context& = {});

}  // namespace unwedge::policies

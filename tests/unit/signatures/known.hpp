// The shipped signatures, and stacks to try them on: their own least ones, and those that real QEMUs left.
#pragma once

#include "policies/signature.hpp"

#include <string>
#include <vector>

namespace unwedge::policies::fake {

const std::vector<signature>& shipped();
const signature& shipped(std::string_view name);

/// Innermost first; "?" has no name.
thread_stack thread(pid_t tid, std::string comm, const std::vector<std::string>& functions);

/// Nothing but what the signature asks for, each in a thread that is named for its role. The main thread (tid
/// 1) is idle if it asks for none.
process_stacks least(const signature&);

/// All that the signature wants to be known of the VM.
signature_context right_context(const signature&);

struct captured {
  std::string name;  ///< of the file, without its version
  signature_context context;
  process_stacks stacks;
};
captured read_stacks(const std::string& file);
std::vector<std::string> files_of_stacks();

thread_stack idle_main();
thread_stack idle_vcpu(pid_t tid);
thread_stack idle_call_rcu(pid_t tid);

}  // namespace unwedge::policies::fake

// The open incidents of one VM: puts on record, and tells, what the engine decides about them. Decides
// nothing itself. One thread.
#pragma once

#include "daemon/watch/incident_papers.hpp"
#include "daemon/watch/stall_watch.hpp"
#include "policies/engine.hpp"
#include "policies/signature.hpp"

#include <map>
#include <string>
#include <vector>

namespace unwedge::watch {

class vm_incidents {
 public:
  /// All outlive it.
  vm_incidents(watched_vm& vm, vm_process& process, vm_monitor& monitor, stall_watch& stall)
      : vm_(vm), process_(process), stall_(stall), papers_(vm, process, monitor) {}

  void carry_out(const std::string& run, policies::open_incident d);
  void carry_out(const std::string& run, policies::amend_verdict d);
  void carry_out(const std::string& run, policies::record_step d);
  void carry_out(const std::string& run, policies::add_note d);
  void carry_out(const std::string& run, policies::close_incident d);
  /// Of an operator's own, without a policy.
  void open_for_operator(const std::string& run, std::string why);
  /// One of an earlier run of the daemon that is about this very process.
  void take_up(const policies::incident& open, policies::engine& by_engine);
  void note_in_all(const std::string& text);
  void close_all(const std::string& outcome);

  bool none() const { return records_.empty(); }
  /// Null: the run has none open. Valid until something is opened or closed.
  incident_recorder* of(const std::string& run);
  /// The run whose incident was opened first; empty: none is open.
  std::string first_run() const;
  /// That one's id.
  std::string first_id() const;

  /// The run of an open stall whose stacks were not asked for yet; they are now. Empty: there is none.
  std::string ask_for_stacks();
  /// The known hangs that the stacks of this stall fit.
  void set_signatures(std::vector<policies::signature_match> found) { signatures_ = std::move(found); }
  /// As surfaces show it, with those.
  boost::json::object verdict_json(const policies::verdict& v) const;
  void forget_signatures() { signatures_.clear(); }

 private:
  struct open_record {
    incident_recorder recorder;
    std::string condition;
    policies::instant since;
    bool stacks_asked = false;
    std::optional<std::uint64_t> history_left_out = {};  ///< when this run of the daemon opened it
  };
  open_record& begin(const std::string& run, std::string condition);

  watched_vm& vm_;
  vm_process& process_;
  stall_watch& stall_;
  incident_papers papers_;
  std::map<std::string, open_record> records_;  ///< by the engine's run
  std::vector<policies::signature_match> signatures_;
};

}  // namespace unwedge::watch

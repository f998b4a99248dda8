// The monitor of one VM: the session while there is one, which queries are unanswered and which are wanted,
// and the last messages. Keeps the model's monitor and what queries answer true; what follows from it is the
// listener's affair. Decides nothing. One thread.
#pragma once

#include "daemon/watch/watched_vm.hpp"
#include "qmp/message_history.hpp"

#include <memory>
#include <vector>

namespace unwedge::watch {

class vm_monitor final : private qmp::session_observer {
 public:
  /// Told from within talk(). The watcher.
  class listener {
   public:
    virtual void greeted() = 0;
    /// Negotiated. No command may be sent from within.
    virtual void ready() = 0;
    virtual void happened(const qmp::event&) = 0;
    /// The model knows the answer (`told`: it was not an error); nothing more is asked yet.
    virtual void answered(policies::query, bool told) = 0;
    /// And the next question is under way.
    virtual void went_on(policies::instant at, bool out_of_band) = 0;

   protected:
    ~listener() = default;
  };

  /// Both outlive it, and it outlives talk(): whoever awaits that keeps all three.
  vm_monitor(watched_vm& vm, listener& to) : vm_(vm), to_(to) {}

  struct end {
    qmp::error why;
    bool was_ready;  ///< it had been negotiated
  };
  /// Serves one connection until it ends; close() ends it.
  asio::awaitable<end> talk(qmp::socket connection);
  void close();

  /// The next probe, unless a query is unanswered. While the main loop is silent (`in_doubt`) the monitor's
  /// own thread is asked: it says whether QEMU as a whole stands still, and what could be yanked.
  void probe(bool in_doubt);
  /// Asks for what is not known any more, one query after the other.
  void want(policies::refresh r);
  /// What was said is of no use any more: the VM is another one, or gone.
  void forget_messages() { history_ = {}; }

  /// Null: there is none. Whoever waits for a reply compares it afterwards.
  const std::shared_ptr<qmp::session>& session() const { return session_; }
  bool is_ready() const { return session_ && session_->is_ready(); }
  /// All that a new session asks is answered, and the model true.
  bool is_synced() const { return synced_; }
  /// Nothing that the last events call for is still to be asked.
  bool wants_nothing() const { return wanted_.empty(); }
  qmp::message_history& history() { return history_; }
  const qmp::message_history& history() const { return history_; }

 private:
  struct pending_query {
    qmp::command_id id;
    policies::query what;
    policies::instant sent;
    bool out_of_band;
  };

  void on_sent(qmp::command_id id, const qmp::command& c) override;
  void on_received(std::string_view raw, std::optional<qmp::command_id> answers) override;
  void on_greeting() override;
  void on_ready(const qmp::greeting& hello, bool oob) override;
  void on_event(const qmp::event& e) override;
  void on_reply(qmp::command_id id, const qmp::reply& r) override;
  void note_reply(const pending_query& query, policies::instant at);
  void ended(const qmp::error& why, bool was_ready);
  void ask(policies::query q);
  void ask_next();
  bool may_ask(policies::query q) const;

  watched_vm& vm_;
  listener& to_;
  std::shared_ptr<qmp::session> session_;
  std::vector<pending_query> pending_;
  std::vector<policies::query> wanted_;
  bool synced_ = false;
  std::uint64_t probes_ = 0;
  qmp::message_history history_;
};

/// The command that asks it.
qmp::command command_of(policies::query);

}  // namespace unwedge::watch

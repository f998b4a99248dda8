// One QMP connection as a state machine: greeting -> capabilities -> ready. Sans-I/O: bytes go in, bytes to
// send come out, the handler is told what happened. The session (session.hpp) does the I/O; it holds the only
// instance. Source: QEMU docs/interop/qmp-spec.rst.
#pragma once

#include "qmp/framer.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace unwedge::qmp {

using steady_time = std::chrono::steady_clock::time_point;

/// Unique within a connection, so that a reply to someone else's command is recognised (qemu-facts section
/// 1).
using command_id = std::uint64_t;

/// What a command came to: QEMU's return value, or its error as errc::refused. The value lives during the
/// call only.
using reply = std::expected<const json::value*, error>;

/// Whoever wants to know. All calls come from within protocol::receive, or send() for on_sent.
class protocol_handler {
 public:
  /// Every message in either direction, for a record of the conversation: a command before its bytes leave,
  /// what came (also what is dropped) before it is acted on. `answers`: the command of ours that it answers.
  virtual void on_sent(command_id, const command&) {}
  virtual void on_received(std::string_view, std::optional<command_id> /*answers*/) {}
  virtual void on_ready(const greeting& hello, bool oob) = 0;
  virtual void on_event(const event& e) = 0;
  virtual void on_reply(command_id id, const reply& r) = 0;

 protected:
  ~protocol_handler() = default;
};

/// What was received and could not be used; for metrics.
struct protocol_counters {
  std::uint64_t events = 0;
  std::uint64_t replies = 0;
  std::uint64_t foreign_replies = 0;   ///< with an id that is not ours, or none: dropped
  std::uint64_t unknown_messages = 0;  ///< neither greeting, reply nor event: dropped
};

class protocol final : private message_sink {
 public:
  enum class phase { awaiting_greeting, negotiating, ready };

  /// `first_id`: where this connection's ids begin. A reply to a command of the connection before can reach
  /// this one (qemu-facts section 1, stale replies), so no two connections to a QEMU may share ids.
  protocol(parse_scratch& scratch, limits l, protocol_handler& handler, command_id first_id = 0);

  /// Takes bytes from the peer. Errors end the connection: garbage, too_long, too_deep, event_flood, refused
  /// (capabilities).
  std::expected<void, error> receive(std::string_view bytes, steady_time now);

  /// What must be sent next on our own account (qmp_capabilities); empty if nothing. Cleared by the call.
  std::string take_output() { return std::exchange(output_, {}); }

  /// Registers a command and appends its bytes to `out`. Errors: no_oob, too_many. Before `ready` nothing may
  /// be sent: not_negotiated.
  std::expected<command_id, error> send(const command& c, std::string& out);

  phase at() const { return phase_; }
  bool oob() const { return oob_; }
  std::size_t outstanding() const { return outstanding_.size(); }
  /// True while an in-band command of ours is unanswered; one more would say nothing new of the main loop.
  bool in_band_outstanding() const;
  const protocol_counters& counters() const { return counters_; }

 private:
  struct sent {
    command_id id;
    bool out_of_band;
  };

  std::expected<void, error> on_message(const json::object& message, std::string_view raw) override;
  std::expected<void, error> on_greeting(const json::object& qmp);
  std::expected<void, error> on_reply_message(const json::object& message, std::string_view raw);
  std::expected<void, error> dispatch_event(const json::object& message, std::string_view raw);
  std::expected<void, error> capabilities_answered(const json::object& message);
  std::expected<void, error> unasked();

  framer framer_;
  limits limits_;
  protocol_handler& handler_;
  phase phase_ = phase::awaiting_greeting;
  bool oob_ = false;
  greeting greeting_;
  std::string output_;
  std::vector<sent> outstanding_;
  command_id capabilities_id_;
  command_id next_id_;
  protocol_counters counters_;
  steady_time now_{};
  steady_time tokens_at_{};
  double tokens_;
};

}  // namespace unwedge::qmp

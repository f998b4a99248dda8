// Puts one VM's incident on record, in order, without ever blocking the daemon's I/O thread. A disk that
// fails costs the record, which is logged, and not the VM.
#pragma once

#include "daemon/watch/store_worker.hpp"
#include "policies/remedy.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace unwedge::watch {

namespace asio = boost::asio;

class incident_recorder {
 public:
  incident_recorder(asio::any_io_executor executor, store_worker& worker);

  void open(incidents::onset onset);
  /// Goes on with an incident of an earlier run of the daemon.
  void take_up(std::string id);
  void verdict(boost::json::value v);
  void note(std::string text);
  void attach(std::string name, std::string bytes);
  /// Intent and outcome at once, of a step that is not taken.
  void step_not_taken(policies::step s, std::string result);
  void close(std::string outcome);

  /// Puts the intent on record and comes back when it is durable, or after `patience`: a VM is not left dead
  /// because a disk is. False: it is not durable, and the log says why.
  asio::awaitable<bool> intent(policies::step s, std::chrono::milliseconds patience);
  /// The same without waiting: in order, and on disk a moment later.
  void intent_in_passing(policies::step s);
  void outcome(std::string result, std::chrono::milliseconds took);

  /// Of a step beside one that may be under way, as an operator's is: puts the intent on record, gives its
  /// number for outcome_beside; 0: it is not durable within `patience`, and the log says why.
  asio::awaitable<std::size_t> intent_beside(policies::step s, std::chrono::milliseconds patience);
  void outcome_beside(std::size_t number, std::string result, std::chrono::milliseconds took);

  /// The incident's id once it exists; empty while none is open.
  const std::string& id() const { return *id_; }

 private:
  /// What only the worker thread touches.
  struct journal {
    std::optional<incidents::incident_log> log;
    std::size_t step = 0;
  };

  void write(std::function<std::expected<void, std::string>(incidents::incident_log&)> work);
  void begin(std::function<std::expected<incidents::incident_log, std::string>(incidents::store&)> start);

  asio::any_io_executor executor_;
  store_worker& worker_;
  std::shared_ptr<journal> journal_;
  std::shared_ptr<std::string> id_ = std::make_shared<std::string>();
};

}  // namespace unwedge::watch

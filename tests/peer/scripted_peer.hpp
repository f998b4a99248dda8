// A QMP server for tests that plays a script (script.hpp), on the io_context of the code under test or on one
// of its own. It serves one client at a time, as QEMU does, and plays the script anew for each. When the
// script is over it gives standing answers until the client leaves. A command that neither expects is a
// complaint, never ignored.
#pragma once

#include "tests/peer/script.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/json/object.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace unwedge::tests {

namespace asio = boost::asio;

/// A command that reached the peer.
struct heard {
  std::string name;
  bool out_of_band;
  std::string id;  ///< as JSON; empty if it had none
  boost::json::object arguments;
};

class scripted_peer {
 public:
  /// `standing`: command name -> JSON of its return value, given whenever it is asked and not expected by the
  /// script.
  scripted_peer(asio::io_context& io, script steps, std::map<std::string, std::string> standing = {});
  ~scripted_peer();
  scripted_peer(const scripted_peer&) = delete;
  scripted_peer& operator=(const scripted_peer&) = delete;

  /// Plays to one end of a socket pair and returns the other.
  asio::local::stream_protocol::socket connected();

  /// Plays to whoever connects, one after the other; the others wait in the backlog: a busy monitor.
  void listen(const std::string& path, int backlog = 1);

  /// Sends bytes to the present client beside the script. False if there is none or it does not read.
  bool inject(std::string_view bytes);

  void hang_up_now();
  /// Ends everything; whatever it still awaited is cancelled.
  void stop();

  const std::vector<heard>& received() const;
  /// Commands that nobody expected, expectations that a command broke. Empty in a test that went well.
  const std::vector<std::string>& complaints() const;
  /// Steps of the script that were completed for the present or last client.
  std::size_t steps_played() const;
  std::size_t clients() const;

 private:
  struct stage;
  std::shared_ptr<stage> stage_;  ///< its coroutines hold it, too
};

}  // namespace unwedge::tests

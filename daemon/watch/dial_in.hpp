// The socket that QEMU connects to (-chardev socket,path=...,reconnect=N -mon ...): no discovery is needed,
// and a VM comes back by itself after a restart of ours. One thread.
#pragma once

#include "qmp/session.hpp"
#include "systemd/unix_listener.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace unwedge::watch {

namespace asio = boost::asio;

class dial_in {
 public:
  using adopt = std::function<void(qmp::socket)>;

  struct where {
    std::string path;
    std::optional<std::string> group;  ///< may connect, too; empty: root and our own user only

    bool operator==(const where&) const = default;
  };

  /// Listens, mode 0660. Errors in a sentence, for example that there is no such group.
  static std::expected<std::unique_ptr<dial_in>, std::string> listen(const asio::any_io_executor& executor,
                                                                     where at, adopt to);

  /// Accepts until stop(). Spawn once.
  asio::awaitable<void> run();
  void stop();
  const where& at() const { return at_; }

 private:
  dial_in(const asio::any_io_executor& executor, systemd::unix_listener listener, where at, adopt to);

  where at_;
  std::optional<systemd::unix_listener> listener_;  ///< owns the path until stop()
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  adopt adopt_;
  bool stopping_ = false;
};

}  // namespace unwedge::watch

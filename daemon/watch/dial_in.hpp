// The socket that QEMU connects to (-chardev socket,path=...,reconnect=N -mon ...): no discovery is needed, and a VM
// comes back by itself after a restart of ours. One thread.
#pragma once

#include "qmp/session.hpp"
#include "systemd/unix_listener.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <string>

namespace unwedge::watch {

namespace asio = boost::asio;

class dial_in {
 public:
  using adopt = std::function<void(qmp::socket)>;

  /// Listens on `path`, mode 0660. Errors in a sentence.
  static std::expected<std::unique_ptr<dial_in>, std::string> listen(asio::any_io_executor executor,
                                                                     const std::string& path, adopt to);

  /// Accepts until stop(). Spawn once.
  asio::awaitable<void> run();
  void stop();
  const std::string& path() const { return path_; }

 private:
  dial_in(asio::any_io_executor executor, systemd::unix_listener listener, std::string path, adopt to);

  std::string path_;
  systemd::unix_listener listener_;
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  adopt adopt_;
  bool stopping_ = false;
};

}  // namespace unwedge::watch

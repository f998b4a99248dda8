// Watches the host itself: our own lateness, the kernel's pressure figures. One thread; what it means is
// decided in policies/host_state.
#pragma once

#include "policies/host_state.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <string>

namespace unwedge::watch {

namespace asio = boost::asio;

class host_watch {
 public:
  struct counts {
    std::size_t vms = 0, late = 0;
  };

  /// `count` is asked once a second; `changed` is told whenever the reason to hold everything begins, changes
  /// or ends (empty).
  host_watch(const asio::any_io_executor& executor, std::function<counts()> count,
             std::function<void(const std::string& why)> changed);

  /// Until stop(). Spawn once.
  asio::awaitable<void> run();
  void stop();

  /// Why nothing may be concluded from lateness now; empty: the host is well.
  const std::string& starved() const { return starved_; }
  /// The worst of the last seconds.
  policies::duration own_lateness() const { return worst_; }

 private:
  void look(policies::duration late);

  asio::steady_timer timer_;
  std::function<counts()> count_;
  std::function<void(const std::string&)> changed_;
  policies::duration worst_{};
  policies::instant worst_at_{};
  std::string starved_;
  bool stopping_ = false;
};

/// The "full avg10" figure of a /proc/pressure file's text; nullopt: there is none.
std::optional<double> full_avg10(const std::string& text);

}  // namespace unwedge::watch

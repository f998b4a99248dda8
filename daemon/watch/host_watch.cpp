#include "daemon/watch/host_watch.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace unwedge::watch {
namespace {

constexpr std::chrono::seconds between_looks{1};
/// A stall of ours makes every VM look late for a while after.
constexpr std::chrono::seconds remembered{5};

std::optional<double> pressure(const char* path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return full_avg10(text.str());
}

}  // namespace

std::optional<double> full_avg10(const std::string& text) {
  const auto line = text.find("full avg10=");
  if (line == std::string::npos) return std::nullopt;
  const char* begin = text.c_str() + line + 11;
  double value = 0;
  const auto [end, ec] = std::from_chars(begin, text.c_str() + text.size(), value);
  return ec == std::errc() ? std::optional(value) : std::nullopt;
}

host_watch::host_watch(const asio::any_io_executor& executor, std::function<counts()> count,
                       std::function<void(const std::string& why)> changed)
    : timer_(executor), count_(std::move(count)), changed_(std::move(changed)) {}

asio::awaitable<void> host_watch::run() {
  while (!stopping_) {
    const auto due = std::chrono::steady_clock::now() + between_looks;
    timer_.expires_at(due);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!stopping_) look(std::chrono::steady_clock::now() - due);
  }
}

void host_watch::stop() {
  stopping_ = true;
  timer_.cancel();
}

void host_watch::look(policies::duration late) {
  const auto now = std::chrono::steady_clock::now();
  if (late >= worst_ || now - worst_at_ > remembered) {
    worst_ = late;
    worst_at_ = now;
  }
  const auto [vms, late_vms] = count_();
  auto why = policies::host_starved({.own_lateness = worst_,
                                     .vms = vms,
                                     .late = late_vms,
                                     .memory_stall = pressure("/proc/pressure/memory"),
                                     .io_stall = pressure("/proc/pressure/io")});
  const bool news = why.empty() != starved_.empty();
  starved_ = std::move(why);
  if (news) changed_(starved_);
}

}  // namespace unwedge::watch

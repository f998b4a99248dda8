#include "daemon/inspect/stop_limit.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

namespace unwedge::inspect {

stop_limit::stop_limit(std::chrono::milliseconds limit) : limit_(limit) {
  sigevent kill{};
  kill.sigev_notify = SIGEV_SIGNAL;
  kill.sigev_signo = SIGKILL;
  if (::timer_create(CLOCK_MONOTONIC, &kill, &timer_) != 0)
    throw std::system_error(errno, std::generic_category(), "timer_create");
}

stop_limit::~stop_limit() {
  ::timer_delete(timer_);
}

void stop_limit::arm() {
  set(limit_);
}

void stop_limit::disarm() {
  set(std::chrono::milliseconds{0});
}

void stop_limit::set(std::chrono::milliseconds to) {
  itimerspec spec{};
  spec.it_value.tv_sec = to.count() / 1'000;
  spec.it_value.tv_nsec = to.count() % 1'000 * 1'000'000;
  ::timer_settime(timer_, 0, &spec, nullptr);
}

}  // namespace unwedge::inspect

// A time zone for tests that print local times, one that needs no data of the system's: an hour before UTC.
#pragma once

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace unwedge::tests {

/// This process, and those that it starts, are in CET while this lives.
class in_cet {
 public:
  in_cet() {
    if (const char* before = std::getenv("TZ")) before_ = before;
    ::setenv("TZ", "CET-1", 1);
    ::tzset();
  }
  ~in_cet() {
    before_ ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
  }
  in_cet(const in_cet&) = delete;
  in_cet& operator=(const in_cet&) = delete;

 private:
  std::optional<std::string> before_;
};

}  // namespace unwedge::tests

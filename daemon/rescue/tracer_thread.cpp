#include "daemon/rescue/tracer_thread.hpp"

#include <exception>
#include <thread>

namespace unwedge::rescue {

void on_tracer_thread(const std::function<void()>& body) {
  std::exception_ptr failure;
  std::thread tracer{[&] {
    try {
      body();
    } catch (...) {
      failure = std::current_exception();
    }
  }};
  tracer.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace unwedge::rescue

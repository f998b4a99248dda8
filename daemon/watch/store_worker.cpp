#include "daemon/watch/store_worker.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

namespace unwedge::watch {

void store_worker::post(std::function<void(incidents::store&)> work) {
  boost::asio::post(thread_, [this, work = std::move(work)] {
    try {
      work(store_);
    } catch (const std::exception& e) {
      spdlog::error("incident store: unexpected error, please report it: {}", e.what());
    }
  });
}

}  // namespace unwedge::watch

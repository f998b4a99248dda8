// A protocol without I/O and a record of what it told its handler, for the tests of this folder.
#pragma once

#include "qmp/protocol.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace unwedge::tests {

struct protocol_record final : qmp::protocol_handler {
  std::vector<std::string>
      told;  ///< "ready oob", "event NAME DATA", "reply ID VALUE", "reply ID refused CLASS"
  std::vector<std::chrono::microseconds> stamps;
  qmp::greeting hello;

  void on_ready(const qmp::greeting& g, bool oob) override {
    hello = g;
    told.emplace_back(oob ? "ready oob" : "ready");
  }
  void on_event(const qmp::event& e) override {
    told.push_back(fmt::format("event {} {}", e.name, qmp::json::serialize(e.data)));
    stamps.push_back(e.timestamp);
  }
  void on_reply(qmp::command_id id, const qmp::reply& r) override {
    told.push_back(r ? fmt::format("reply {} {}", id, qmp::json::serialize(**r))
                     : fmt::format("reply {} {}", id, to_string(r.error())));
  }
};

class protocol_fixture : public testing::Test {
 protected:
  qmp::parse_scratch scratch;
  protocol_record seen;
  qmp::steady_time now{};

  qmp::protocol fresh(qmp::limits limits = {}, qmp::command_id first_id = 0) {
    return {scratch, limits, seen, first_id};
  }
  /// The code that ends the connection, or nothing.
  std::optional<qmp::error> give(qmp::protocol& p, std::string_view bytes) {
    const auto taken = p.receive(bytes, now);
    return taken ? std::nullopt : std::optional(taken.error());
  }
  std::optional<qmp::errc> code(qmp::protocol& p, std::string_view bytes) {
    const auto failed = give(p, bytes);
    return failed ? std::optional(failed->code) : std::nullopt;
  }
};

}  // namespace unwedge::tests

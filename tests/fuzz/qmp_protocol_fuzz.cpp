// libFuzzer target: whatever a peer sends, in whatever pieces, the protocol never throws, crashes or reads
// beyond it.
#include "qmp/protocol.hpp"

#include <cstdint>

using namespace unwedge;

namespace {

struct deaf final : qmp::protocol_handler {
  void on_ready(const qmp::greeting&, bool) override {}
  void on_event(const qmp::event&) override {}
  void on_reply(qmp::command_id, const qmp::reply& r) override {
    if (!r) static_cast<void>(to_string(r.error()));
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static qmp::parse_scratch scratch;
  deaf handler;
  qmp::protocol protocol(scratch, {.message_bytes = 4096, .values = 64, .event_burst = 16}, handler);
  const std::size_t piece = 1 + data[0];
  for (std::size_t at = 1; at < size; at += piece) {
    const std::string bytes(data + at,
                            data + std::min(size, at + piece));  // exact: asan sees a read beyond it
    if (const auto taken = protocol.receive(bytes, {}); !taken)
      return to_string(taken.error()).empty() ? 1 : 0;
    std::string out;
    static_cast<void>(protocol.send({"query-status"}, out));
  }
  return 0;
}

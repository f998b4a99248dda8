#include "tests/unit/qmp/transcript.hpp"

#include "tests/peer/script.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace unwedge::tests {
namespace {

struct keeper final : qmp::message_sink {
  framed* into = nullptr;
  std::expected<void, qmp::error> on_message(const qmp::json::object& message,
                                             std::string_view raw) override {
    into->raw.emplace_back(raw);
    into->parsed.push_back(qmp::json::serialize(message));
    return {};
  }
};

void indent(const qmp::json::value& v, const std::string& margin, std::string& out) {
  const auto inner = margin + "    ";
  const auto* o = v.if_object();
  const auto* a = v.if_array();
  if (o != nullptr && !o->empty()) {
    out += "{";
    for (const char* between = "\n"; const auto& [key, value] : *o) {
      out += between + inner + qmp::json::serialize(key) + ": ";
      indent(value, inner, out);
      between = ",\n";
    }
    out += "\n" + margin + "}";
  } else if (a != nullptr && !a->empty()) {
    out += "[";
    for (const char* between = "\n"; const auto& value : *a) {
      out += between + inner;
      indent(value, inner, out);
      between = ",\n";
    }
    out += "\n" + margin + "]";
  } else {
    out += qmp::json::serialize(v);
  }
}

}  // namespace

std::string transcript() {
  return greeting() + R"({"return": {}, "id": "u0"})" + "\r\n" +
         R"({"return": {"status": "running", "singlestep": false, "running": true}, "id": "u1"})" + "\r\n" +
         event("JOB_STATUS_CHANGE", R"({"status": "created", "id": "m0"})") +
         event("BLOCK_JOB_READY", R"({"device": "m0", "len": 268435456, "offset": 268435456, "speed": 0})") +
         R"({"return": [{"type": "block-node", "node-name": "tgt"}, {"type": "migration"}], "id": "u2"})" +
         "\r\n" +
         R"({"id": "u3", "error": {"class": "DeviceNotFound", "desc": "Device 'a\"}{\\' not found \u00e4\ud83d\ude00"}})" +
         "\r\n" + R"({"return": [], "id": "u4"})" + "\r\n" + event("STOP") +
         R"({"return": {"n": [-1, 0, 18446744073709551615, 1.5e-3, true, null], "e": {}, "s": ""}, "id": "u5"})" +
         "\r\n" + event("MIGRATION", R"({"status": "pre-switchover"})");
}

std::string pretty(std::string_view stream) {
  std::string out;
  for (const auto& message : frame(stream).parsed) {
    indent(qmp::json::parse(message), "", out);
    out += "\r\n";
  }
  return out;
}

framed frame(std::string_view stream, const std::vector<std::size_t>& cuts, qmp::limits limits) {
  framed got;
  keeper sink;
  sink.into = &got;
  qmp::parse_scratch scratch(limits.depth);
  qmp::framer framer(scratch, limits);
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size() && got.failure.empty(); ++i) {
    const auto to = i < cuts.size() ? cuts[i] : stream.size();
    // A copy of exactly this piece, so that asan sees a read beyond it.
    const std::vector<char> piece(stream.begin() + static_cast<std::ptrdiff_t>(from),
                                  stream.begin() + static_cast<std::ptrdiff_t>(to));
    const auto fed = framer.feed({piece.data(), piece.size()}, sink);
    if (!fed) got.failure = to_string(fed.error().code);
    from = to;
  }
  got.pending = framer.pending_bytes();
  return got;
}

framed frame_in_pieces(std::string_view stream, std::size_t size, qmp::limits limits) {
  std::vector<std::size_t> cuts;
  for (std::size_t at = size; at < stream.size(); at += size) cuts.push_back(at);
  return frame(stream, cuts, limits);
}

}  // namespace unwedge::tests

// Bytes in, whole JSON messages out, under hard limits. Sans-I/O; used by the protocol only. It knows nothing
// of what a message means.
#pragma once

#include "qmp/error.hpp"
#include "qmp/limits.hpp"

#include <boost/json/stream_parser.hpp>

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace unwedge::qmp {

/// Whoever gets the messages of a framer.
class message_sink {
 public:
  /// `message` and `raw` are valid only during the call. An error ends the feeding; the framer is then of no
  /// use.
  virtual std::expected<void, error> on_message(const json::object& message, std::string_view raw) = 0;

 protected:
  ~message_sink() = default;
};

/// The parser and its memory that all sessions of a thread share, so that an idle session keeps none of its
/// own. Not thread-safe. Must outlive the framers that use it.
class parse_scratch {
 public:
  /// `depth`: the nesting that it and the framers on it accept; the one place where limits::depth takes
  /// effect.
  explicit parse_scratch(std::size_t depth = limits{}.depth);
  ~parse_scratch();
  parse_scratch(const parse_scratch&) = delete;
  parse_scratch& operator=(const parse_scratch&) = delete;

 private:
  friend class framer;
  static constexpr std::size_t pool_bytes = 64u << 10;
  std::size_t depth_;
  std::unique_ptr<unsigned char[]> pool_;
  json::stream_parser parser_;
};

/// Splits a byte stream into JSON objects. QEMU ends each with CRLF and `pretty=on` spreads one over many
/// lines, so the frames are found by parsing and not by line ends (qmp-spec.rst promises no more than JSON).
class framer {
 public:
  framer(parse_scratch& scratch, limits l) : scratch_(scratch), limits_(l) {}

  /// Takes the next bytes of the stream and hands every message completed by them to `sink`, in order.
  /// Errors: garbage (not JSON, or not an object), too_long, too_deep, or what the sink returned. The sink
  /// feeds no framer on the same scratch from within its call.
  std::expected<void, error> feed(std::string_view bytes, message_sink& sink);

  /// Bytes held of a message that is not complete yet; 0 while idle.
  std::size_t pending_bytes() const { return pending_ ? pending_->raw.size() : 0; }

 private:
  struct pending {
    pending(std::string_view begun, std::size_t depth);
    std::string raw;
    std::size_t commas = 0;
    json::stream_parser parser;
  };

  std::expected<std::size_t, error> feed_whole(std::string_view bytes, message_sink& sink);
  std::expected<std::size_t, error> feed_pending(std::string_view bytes, message_sink& sink);
  std::expected<void, error> start_pending(std::string_view tail);

  parse_scratch& scratch_;
  limits limits_;
  std::unique_ptr<pending> pending_;
};

}  // namespace unwedge::qmp

// The last messages of one VM's monitor in both directions, shortened, for the record of an incident. A
// daemon keeps one for each of a thousand idle VMs: hence one buffer that grows with what is in it, and
// repeated probes that take a line once. Sans-I/O, no clock; used by the watcher of a VM, decides nothing.
#pragma once

#include "qmp/message.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace unwedge::qmp {

/// What is kept is hostile text, cut, otherwise as it came. A query and its answer that are those of a query
/// before (as far as they are kept) are one pair of lines with a count and the time of the last, unless
/// anything but queries happened in between, or one of them was answered out of turn.
class message_history {
 public:
  using wall_time = std::chrono::system_clock::time_point;

  static constexpr std::size_t lines_kept = 256;       ///< at least, if they fit
  static constexpr std::size_t max_bytes = 32u << 10;  ///< 256 lines of 100 bytes and what belongs to them
  static constexpr std::size_t text_bytes = 400;       ///< of a message
  static constexpr std::size_t query_bytes = 200;      ///< of a query or its answer: they are many, and alike

  enum class direction : std::uint8_t { sent, sent_out_of_band, received, note };

  struct line {
    wall_time first, last;  ///< to the millisecond
    std::uint32_t count;    ///< how often it came
    direction went;
    /// Of our command, or of the one that this answers, the last one's: what is its own within a connection.
    std::optional<std::uint32_t> id;
    std::string_view text;  ///< a command: its name, and its arguments if it has any; lives until a change
    std::size_t length;     ///< of the whole message, or of the whole text
  };

  /// A command of ours; its name must not be empty.
  void sent(wall_time at, std::uint64_t id, const command& c);
  /// A message as it came. `answers`: the command of ours that it answers.
  void received(wall_time at, std::string_view raw, std::optional<std::uint64_t> answers);
  /// What happened to the connection.
  void note(wall_time at, std::string_view text);

  /// Oldest first.
  std::vector<line> lines();
  bool empty() const { return lines_ == 0; }
  /// Lines that had to go, in all: the oldest, of queries first while those are the half of all.
  std::uint64_t left_out() const { return left_out_; }
  /// Of the buffer.
  std::size_t memory() const { return bytes_.capacity(); }

 private:
  /// In front of each text in the buffer; there are some thirty even for an idle VM.
  struct head {
    std::uint32_t seconds, span_ms;  ///< the first's; to the last, 49 days at most
    std::uint32_t count;
    std::uint32_t id, length;
    std::uint16_t milliseconds;
    std::uint16_t kept : 9, went : 2, has_id : 1, routine : 1;
  };
  static_assert(sizeof(head) == 24 && text_bytes < 1u << 9);

  /// A pair of lines that came again. The buffers of a thousand idle VMs that are probed each second are in
  /// no cache: what repeats is counted here, told by its hashes, and gets into its lines before anything else
  /// does.
  struct repeated {
    std::size_t query = 0, answer = 0;           ///< hashes; 0: none
    std::int64_t asked_ms = 0, answered_ms = 0;  ///< the last time
    std::uint32_t at = 0;                        ///< where the pair begins
    std::uint32_t id = 0, more = 0;              ///< the last one's; times not in its lines yet
  };
  /// A query that such a pair begins with, not answered and not in the lines yet.
  struct asked_again {
    std::int64_t at_ms;
    std::uint32_t id, which;
  };

  static std::int64_t ms(wall_time);
  static wall_time time_of(std::int64_t ms);
  static std::uint32_t saturated(std::int64_t);
  static head begin(wall_time at, direction went, std::size_t length);
  head head_at(std::size_t at) const;
  std::string_view text_at(std::size_t at) const;
  std::size_t after(std::size_t at) const;
  void append(head h, std::string_view text);
  void bar(std::size_t end);
  std::optional<std::size_t> query_of(std::uint32_t id) const;
  bool alike(std::size_t pair, std::size_t query, std::string_view answer) const;
  std::optional<std::size_t> alike_before(std::size_t query, std::string_view answer) const;
  void merge(std::size_t query, std::size_t into, wall_time answered);
  void count_again(std::size_t at, std::uint32_t more, std::int64_t when_ms, std::uint32_t id);
  bool ask_again(wall_time at, std::uint32_t id, const command& c);
  bool answer_again(wall_time at, std::uint32_t id, std::string_view answer);
  void settle();
  void trim();
  template <typename Drop>
  void drop_if(Drop drop);

  std::vector<char> bytes_;
  std::uint64_t left_out_ = 0;
  std::uint32_t last_ = 0;              ///< where the last line begins
  std::uint32_t since_ = 0;             ///< where the last line that is of no query ends
  std::array<repeated, 2> again_ = {};  ///< an idle VM's probes take turns
  std::optional<asked_again> asked_;
  std::uint16_t lines_ = 0, routine_lines_ = 0;
};

}  // namespace unwedge::qmp

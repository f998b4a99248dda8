#include "qmp/message_history.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <string>

namespace unwedge::qmp {
namespace {

constexpr std::size_t first_bytes = 1536;  ///< enough for an idle VM: growing leaves holes that are as large
constexpr std::size_t growth = 512;
constexpr std::size_t lines_at_once = 32;  ///< lines go in batches: moving the rest costs a microsecond
constexpr std::size_t bytes_at_once = 4u << 10;

/// Asks for a state, and is asked again and again.
bool is_query(const command& c) {
  return c.name.starts_with("query-") || c.name.starts_with("x-debug-query-");
}

std::string_view without_line_end(std::string_view raw) {
  const auto last = raw.find_last_not_of("\r\n \t");
  return raw.substr(0, last == raw.npos ? 0 : last + 1);
}

/// QEMU prints the id as its last member or its first. Without it the answers to two probes are the same.
/// What has another form stays as it is. Works in place: this is done for every probe of every VM.
std::size_t cut_id_out(char* text, std::size_t size, std::uint64_t id) {
  char buffer[40] = ", \"id\": \"u";
  constexpr std::size_t begun = 10;
  auto* end = std::to_chars(buffer + begun, buffer + begun + 20, id).ptr;
  *end++ = '"';
  const auto cut = [&](std::size_t at, std::size_t count) {
    std::memmove(text + at, text + at + count, size - at - count);
    return size - count;
  };
  const std::string_view whole(text, size), last(buffer, static_cast<std::size_t>(end - buffer));
  if (whole.ends_with('}') && whole.substr(0, size - 1).ends_with(last))
    return cut(size - 1 - last.size(), last.size());
  const auto member = last.substr(2);
  const auto first = whole.substr(0, 64).find(member);
  if (first == whole.npos || !whole.substr(first + member.size()).starts_with(", ")) return size;
  return cut(first, member.size() + 2);
}

}  // namespace

std::int64_t message_history::ms(wall_time t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

message_history::wall_time message_history::time_of(std::int64_t milliseconds) {
  return wall_time(std::chrono::duration_cast<wall_time::duration>(std::chrono::milliseconds(milliseconds)));
}

std::uint32_t message_history::saturated(std::int64_t value) {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(value, 0, std::numeric_limits<std::uint32_t>::max()));
}

message_history::head message_history::begin(wall_time at, direction went, std::size_t length) {
  head h{};
  const auto milliseconds = std::max<std::int64_t>(ms(at), 0);
  h.seconds = saturated(milliseconds / 1000);
  h.milliseconds = static_cast<std::uint16_t>(milliseconds % 1000);
  h.length = saturated(static_cast<std::int64_t>(length));
  h.count = 1;
  h.went = static_cast<std::uint16_t>(static_cast<unsigned>(went) & 3u);
  return h;
}

message_history::head message_history::head_at(std::size_t at) const {
  head h;
  std::memcpy(&h, bytes_.data() + at, sizeof h);
  return h;
}

std::string_view message_history::text_at(std::size_t at) const {
  return {bytes_.data() + at + sizeof(head), head_at(at).kept};
}

std::size_t message_history::after(std::size_t at) const {
  return at + sizeof(head) + head_at(at).kept;
}

void message_history::append(head h, std::string_view text) {
  text = text.substr(0, h.routine ? query_bytes : text_bytes);
  h.kept = static_cast<std::uint16_t>(text.size() & 0x1FFu);
  const auto end = bytes_.size() + sizeof h + text.size();
  if (bytes_.capacity() < end) bytes_.reserve(std::max(first_bytes, (end + growth - 1) / growth * growth));
  last_ = static_cast<std::uint32_t>(bytes_.size());
  const auto* raw = reinterpret_cast<const char*>(&h);
  bytes_.insert(bytes_.end(), raw, raw + sizeof h);
  bytes_.insert(bytes_.end(), text.begin(), text.end());
  ++lines_;
  if (h.routine)
    ++routine_lines_;
  else
    bar(end);
  trim();
}

/// Nothing is merged into what stands before.
void message_history::bar(std::size_t end) {
  since_ = static_cast<std::uint32_t>(end);
  again_ = {};
}

void message_history::sent(wall_time at, std::uint64_t id, const command& c) {
  if (c.arguments.empty() && ask_again(at, static_cast<std::uint32_t>(id), c)) return;
  settle();
  std::string text(c.name);
  if (!c.arguments.empty()) text += ' ' + json::serialize(c.arguments);
  auto h = begin(at, c.out_of_band ? direction::sent_out_of_band : direction::sent, text.size());
  h.id = static_cast<std::uint32_t>(id);
  h.has_id = true;
  h.routine = is_query(c);
  append(h, text);
}

void message_history::note(wall_time at, std::string_view text) {
  settle();
  append(begin(at, direction::note, text.size()), text);
}

void message_history::received(wall_time at, std::string_view raw, std::optional<std::uint64_t> answers) {
  auto h = begin(at, direction::received, raw.size());
  std::array<char, text_bytes + 64> buffer;  // the id, too, may stand in front
  auto size = without_line_end(raw.substr(0, buffer.size())).copy(buffer.data(), buffer.size());
  if (!answers) {
    settle();
    return append(h, {buffer.data(), size});
  }
  size = cut_id_out(buffer.data(), size, *answers);
  const std::string_view text(buffer.data(), size);
  h.id = static_cast<std::uint32_t>(*answers);
  h.has_id = true;
  if (answer_again(at, h.id, text)) return;
  settle();
  const auto query = query_of(h.id);
  h.routine = query && head_at(*query).routine;
  const auto same =
      h.routine && query == last_ ? alike_before(*query, text.substr(0, query_bytes)) : std::nullopt;
  if (same) return merge(*query, *same, at);
  const bool late = query != last_;  // what is the same afterwards is not as before
  append(h, text);
  if (late) bar(bytes_.size());
}

template <typename Drop>
void message_history::drop_if(Drop drop) {
  std::size_t to = 0;
  bar(0);
  for (std::size_t at = 0, next = 0; at < bytes_.size(); at = next) {
    next = after(at);
    const bool routine = head_at(at).routine;
    if (drop(routine, bytes_.size() - (at - to))) {
      --lines_;
      if (routine) --routine_lines_;
      ++left_out_;
      continue;
    }
    std::memmove(bytes_.data() + to, bytes_.data() + at, next - at);
    last_ = static_cast<std::uint32_t>(to);
    to += next - at;
    if (!routine) bar(to);
  }
  bytes_.resize(to);
}

void message_history::trim() {
  if (lines_ <= lines_kept + lines_at_once && bytes_.size() <= max_bytes) return;
  const auto too_much = [this](std::size_t bytes) {
    return lines_ > lines_kept || bytes > max_bytes - bytes_at_once;
  };
  drop_if([&](bool routine, std::size_t bytes) {
    return routine && routine_lines_ * 2 >= lines_ && too_much(bytes);
  });
  drop_if([&](bool, std::size_t bytes) { return too_much(bytes); });
}

std::vector<message_history::line> message_history::lines() {
  settle();
  std::vector<line> out;
  out.reserve(lines_);
  for (std::size_t at = 0; at < bytes_.size(); at = after(at)) {
    const auto h = head_at(at);
    const auto first = std::int64_t{h.seconds} * 1000 + h.milliseconds;
    out.push_back({.first = time_of(first),
                   .last = time_of(first + h.span_ms),
                   .count = h.count,
                   .went = static_cast<direction>(h.went),
                   .id = h.has_id ? std::optional<std::uint32_t>(h.id) : std::nullopt,
                   .text = text_at(at),
                   .length = h.length});
  }
  return out;
}

}  // namespace unwedge::qmp

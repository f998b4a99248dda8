// The part of a message history that tells a query and an answer that were there before.
#include "qmp/message_history.hpp"

#include <cstring>
#include <functional>
#include <string>

namespace unwedge::qmp {
namespace {

/// Of what is kept. A QEMU that makes up two texts of one hash has its own answer told as the one before.
std::size_t hash_of(std::string_view text) {
  return std::hash<std::string_view>{}(text.substr(0, message_history::query_bytes)) | 1u;
}

std::size_t hash_of(std::string_view query, unsigned went) {
  return hash_of(query) ^ went << 1u;
}

std::size_t hash_of(const command& c) {
  const auto went =
      c.out_of_band ? message_history::direction::sent_out_of_band : message_history::direction::sent;
  return hash_of(c.name, static_cast<unsigned>(went));
}

}  // namespace

/// Where the query is that has this id, the last one first: it is nearly always that.
std::optional<std::size_t> message_history::query_of(std::uint32_t id) const {
  const auto is = [&](std::size_t at) {
    const auto h = head_at(at);
    return h.has_id && h.id == id && h.went != static_cast<unsigned>(direction::received);
  };
  if (last_ < bytes_.size() && is(last_)) return last_;
  std::optional<std::size_t> found;
  for (std::size_t at = 0; at < bytes_.size(); at = after(at)) {
    if (is(at)) found = at;
  }
  return found;
}

/// Whether at `pair` begin a query and its answer that are the same as these.
bool message_history::alike(std::size_t pair, std::size_t query, std::string_view answer) const {
  const auto asked = head_at(pair), asks = head_at(query);
  const auto next = pair + sizeof(head) + asked.kept;
  if (next >= query || asked.went != asks.went || asked.kept != asks.kept) return false;
  const auto answered = head_at(next);
  return answered.went == static_cast<unsigned>(direction::received) && answered.id == asked.id &&
         answered.kept == answer.size() && text_at(pair) == text_at(query) && text_at(next) == answer;
}

/// Such a pair, after the last line that is of no query.
std::optional<std::size_t> message_history::alike_before(std::size_t query, std::string_view answer) const {
  for (std::size_t at = since_; at < query; at = after(at)) {
    if (alike(at, query, answer)) return at;
  }
  return std::nullopt;
}

/// The query is the last line; it goes, and the pair has come once more.
void message_history::merge(std::size_t query, std::size_t into, wall_time answered) {
  const auto asks = head_at(query);
  bytes_.resize(query);
  last_ = static_cast<std::uint32_t>(query);  // none
  --lines_;
  --routine_lines_;
  count_again(into, 1, std::int64_t{asks.seconds} * 1000 + asks.milliseconds, asks.id);
  count_again(after(into), 1, ms(answered), asks.id);
  again_[1] = again_[0];
  again_[0] = {.query = hash_of(text_at(into), asks.went),
               .answer = hash_of(text_at(after(into))),
               .at = static_cast<std::uint32_t>(into)};
}

void message_history::count_again(std::size_t at, std::uint32_t more, std::int64_t when_ms,
                                  std::uint32_t id) {
  auto h = head_at(at);
  h.count = saturated(std::int64_t{h.count} + more);
  h.span_ms = saturated(when_ms - std::int64_t{h.seconds} * 1000 - h.milliseconds);
  h.id = id;
  std::memcpy(bytes_.data() + at, &h, sizeof h);
}

bool message_history::ask_again(wall_time at, std::uint32_t id, const command& c) {
  const auto query = hash_of(c);
  for (std::uint32_t i = 0; i < again_.size() && !asked_; ++i) {
    if (again_[i].query == query) asked_ = {ms(at), id, i};
  }
  return asked_ && asked_->id == id;
}

bool message_history::answer_again(wall_time at, std::uint32_t id, std::string_view answer) {
  if (!asked_ || asked_->id != id) return false;
  auto& r = again_[asked_->which];
  if (r.answer != hash_of(answer)) return false;
  ++r.more;
  r.asked_ms = asked_->at_ms;
  r.answered_ms = ms(at);
  r.id = id;
  asked_.reset();
  return true;
}

void message_history::settle() {
  for (auto& r : again_) {
    if (r.more == 0) continue;
    count_again(r.at, r.more, r.asked_ms, r.id);
    count_again(after(r.at), r.more, r.answered_ms, r.id);
    r.more = 0;
  }
  if (!asked_) return;
  const auto at = again_[asked_->which].at;
  auto h = begin(time_of(asked_->at_ms), static_cast<direction>(head_at(at).went), text_at(at).size());
  h.id = asked_->id;
  h.has_id = h.routine = true;
  asked_.reset();
  append(h, std::string(text_at(at)));
}

}  // namespace unwedge::qmp

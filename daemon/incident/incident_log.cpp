#include "daemon/incident/incident_log.hpp"

#include "daemon/incident/incident_id.hpp"

#include <fmt/core.h>

#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace unwedge::incidents {

namespace {

namespace json = boost::json;

/// Kept free at the journal's end, so that outcomes and the close always fit.
constexpr std::size_t reserve = 64u << 10;
constexpr std::array<std::string_view, 5> outcomes = {"recovered", "resolved-itself", "failed", "observed",
                                                      "dry-run"};

}  // namespace

incident_log::incident_log(file_descriptor folder, file_descriptor journal, replayed state)
    : folder_(std::move(folder)),
      journal_(std::move(journal)),
      state_(std::move(state.incident)),
      size_(state.whole_bytes),
      tail_(::lseek(journal_.get(), 0, SEEK_END) != static_cast<off_t>(size_)) {}

incident_log::result incident_log::lock(int journal) {
  if (::flock(journal, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return std::unexpected("its journal is being written already");
  return std::unexpected(errno_text("lock of the journal"));
}

incident_log::result incident_log::cut_tail() {
  if (!tail_) return {};
  if (::ftruncate(journal_.get(), static_cast<off_t>(size_)) != 0 || ::fdatasync(journal_.get()) != 0) {
    return std::unexpected(errno_text("cutting off a torn line"));
  }
  tail_ = false;
  return {};
}

incident_log::result incident_log::append(const json::object& record) {
  const auto line = to_line(record);
  if (!line) return std::unexpected(line.error());
  const auto kind = std::string_view{record.at("record").as_string()};
  const auto room = max_journal_bytes - (kind == "outcome" || kind == "closed" ? 0 : reserve);
  if (size_ + line->size() > room)
    return std::unexpected(fmt::format("{}: the journal is full (4 MiB)", kind));
  // The state is made from the line as it will be read again, so that both always agree.
  auto next = state_;
  if (auto ok = apply(next, parse_line(*line).value()); !ok) return std::unexpected(ok.error());
  if (auto ok = cut_tail(); !ok) return ok;
  tail_ = true;
  auto written = write_all(journal_.get(), *line);
  if (written && ::fdatasync(journal_.get()) != 0) written = std::unexpected(errno_text("fdatasync"));
  if (!written) {
    (void)cut_tail();  // else before the next append
    return std::unexpected(fmt::format("{} into the journal of {}: {}", kind, state_.id, written.error()));
  }
  tail_ = false;
  size_ += line->size();
  state_ = std::move(next);
  return {};
}

std::expected<std::size_t, std::string> incident_log::intent(rung next, wall_time at) {
  if (state_.closed) return std::unexpected(state_.id + " is closed");
  json::object record{
      {"record", "intent"},    {"step", state_.steps.size() + 1},        {"at", to_rfc3339(at)},
      {"action", next.action}, {"arguments", std::move(next.arguments)}, {"authority", next.authority}};
  if (!next.undo.empty()) record["undo"] = std::move(next.undo);
  auto done = append(record);
  if (!done) return std::unexpected(std::move(done.error()));
  return state_.steps.size();
}

incident_log::result incident_log::outcome(std::size_t step, std::string_view what,
                                           std::chrono::milliseconds took, wall_time at) {
  if (state_.closed) return std::unexpected(state_.id + " is closed");
  return append({{"record", "outcome"},
                 {"step", step},
                 {"at", to_rfc3339(at)},
                 {"result", what},
                 {"took_ms", std::clamp<std::int64_t>(took.count(), 0, UINT32_MAX)}});
}

incident_log::result incident_log::verdict(json::value verdict, wall_time at) {
  if (state_.closed) return std::unexpected(state_.id + " is closed");
  return append({{"record", "verdict"}, {"at", to_rfc3339(at)}, {"verdict", std::move(verdict)}});
}

incident_log::result incident_log::note(std::string_view text, wall_time at) {
  if (state_.closed) return std::unexpected(state_.id + " is closed");
  return append({{"record", "note"}, {"at", to_rfc3339(at)}, {"text", text}});
}

incident_log::result incident_log::close(std::string_view outcome, wall_time at) {
  if (state_.closed) return std::unexpected(state_.id + " is closed");
  if (std::ranges::find(outcomes, outcome) == outcomes.end()) {
    return std::unexpected(fmt::format("\"{}\" is no outcome", outcome));
  }
  return append({{"record", "closed"}, {"at", to_rfc3339(at)}, {"outcome", outcome}});
}

incident_log::result incident_log::attach(std::string_view name, std::string_view bytes) {
  if (!valid_attachment_name(name))
    return std::unexpected(fmt::format("\"{}\" is no attachment's name", name));
  if (bytes.size() > max_attachment_bytes) return std::unexpected(fmt::format("{}: above 16 MiB", name));
  return replace_file_at(folder_.get(), std::string{name}, bytes);
}

}  // namespace unwedge::incidents

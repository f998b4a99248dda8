#include "daemon/inspect/document.hpp"

#include <algorithm>

namespace unwedge::inspect {

namespace json = boost::json;

void document::take(std::string_view line) {
  auto m = decode(line);
  if (!m) return add_problem("a part of the result cannot be read");
  std::visit([this](auto& what) { add(std::move(what)); }, *m);
}

void document::add_problem(std::string sentence) {
  constexpr std::size_t most = 32;
  if (problems_.size() < most && std::ranges::find(problems_, sentence) == problems_.end())
    problems_.push_back(std::move(sentence));
}

void document::add(seen_message m) {
  if (threads_.size() == most_threads) return add_problem("more threads than there can be");
  m.thread.unwind = "not captured";
  threads_.push_back({std::move(m.thread)});
}

document::entry* document::awaited(pid_t tid) {
  const auto known = std::ranges::find(threads_, tid, [](const entry& e) { return e.thread.tid; });
  if (known != threads_.end() && !known->complete) return &*known;
  add_problem("a result for no thread");
  return nullptr;
}

void document::add(captured_message m) {
  auto* const known = awaited(m.thread.tid);
  if (known == nullptr) return;
  known->complete = !m.thread.unwind.empty();
  known->thread.stopped = m.thread.stopped;
  known->thread.unwind = known->complete ? std::move(m.thread.unwind) : "not unwound";
}

// What was measured when it was captured stands: it was said before anything hostile was parsed.
void document::add(stack_message m) {
  auto* const known = awaited(m.thread.tid);
  if (known == nullptr) return;
  known->complete = true;
  known->thread.frames = std::move(m.thread.frames);
  known->thread.unwind = std::move(m.thread.unwind);
}

void document::add(done_message m) {
  finished_ = true;
  capture_ = m.capture;
}

void document::add(failed_message m) {
  add_problem(std::move(m.sentence));
  finished_ = true;
}

std::size_t document::waiting() const {
  return static_cast<std::size_t>(std::ranges::count(threads_, false, &entry::complete));
}

std::string document::text() const {
  json::array threads, problems;
  std::chrono::nanoseconds total{0};
  for (const auto& [thread, complete] : threads_) {
    total += thread.stopped;
    threads.push_back(to_json(thread));
  }
  for (const auto& sentence : problems_) problems.emplace_back(sentence);
  return json::serialize(
             json::object{{"pid", pid_},
                          {"threads", std::move(threads)},
                          {"total_stopped_us", in_us(total)},
                          {"capture_us", capture_ ? json::value(in_us(*capture_)) : json::value(nullptr)},
                          {"problems", std::move(problems)}}) +
         '\n';
}

}  // namespace unwedge::inspect

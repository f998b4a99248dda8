#include "daemon/inspection/stacks_json.hpp"

#include <fmt/format.h>

namespace unwedge::inspection {
namespace {

namespace json = boost::json;

json::value or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace

json::object to_json(const policies::process_stacks& stacks) {
  json::array threads;
  for (const auto& t : stacks.threads) {
    json::array frames;
    for (const auto& f : t.frames)
      frames.push_back(json::object{{"function", or_null(f.function)},
                                    {"offset", f.offset},
                                    {"module", or_null(f.module)},
                                    {"module_offset", fmt::format("{:#x}", f.module_offset)}});
    threads.push_back(
        json::object{{"tid", t.tid}, {"comm", t.comm}, {"frames", std::move(frames)}, {"unwind", t.unwind}});
  }
  return {{"threads", std::move(threads)},
          {"stopped_us", stacks.stopped.count()},
          {"took_us", stacks.took.count()},
          {"problems", json::array(stacks.problems.begin(), stacks.problems.end())}};
}

}  // namespace unwedge::inspection

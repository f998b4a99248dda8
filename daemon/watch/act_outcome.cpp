#include "daemon/watch/act_outcome.hpp"

#include <algorithm>
#include <array>

namespace unwedge::watch {
namespace {

/// Nothing was done, since it was another situation than a moment before.
bool may_pass(const rescuing::failure& f) {
  constexpr std::array names{"undisturbed", "holder-polls", "wanted", "asked-for", "still-there"};
  return f.vm == rescuing::touched::no && std::ranges::find(names, f.precondition) != names.end();
}

}  // namespace

bool was_tried(const act_outcome& o) {
  return o.result == "done" || (o.touched && !o.result.starts_with("refused"));
}

std::string in_words(const rescuing::failure& f) {
  const auto what = f.precondition.empty() ? f.sentence : f.precondition + ": " + f.sentence;
  switch (f.vm) {
    case rescuing::touched::no:
      return what + "; nothing was done";
    case rescuing::touched::maybe:
      return what + "; whether anything was done is not known";
    case rescuing::touched::yes:
      break;
  }
  return what;
}

act_outcome failed(const rescuing::failure& f) {
  return {.result = (may_pass(f) ? "refused: " : "failed: ") + in_words(f),
          .touched = f.vm != rescuing::touched::no};
}

act_outcome refused(std::string why) {
  return {.result = "refused: " + std::move(why)};
}

}  // namespace unwedge::watch

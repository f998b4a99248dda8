#include "daemon/rescuing/dialogue.hpp"

namespace unwedge::rescuing {
namespace {

constexpr int done_status = 0, not_done_status = 1, usage_status = 2;

}  // namespace

void dialogue::break_off(std::string why) {
  phase_ = phase::broken;
  if (trouble_.empty()) trouble_ = std::move(why);
  // Who refuses and then says more has refused nothing.
  if (vm_ == touched::no) vm_ = touched::maybe;
}

void dialogue::never_ran(std::string why) {
  break_off(std::move(why));
  if (vm_ != touched::yes) vm_ = touched::no;
}

void dialogue::break_by(std::string what) {
  break_off("unwedge-rescue " + std::move(what));
}

void dialogue::hear(std::string_view line) {
  if (phase_ == phase::broken) return;
  const auto said = parse_object(line);
  if (!said) return break_by("says what cannot be read");
  if (phase_ == phase::asked) return hear_first(*said);
  if (phase_ == phase::granted) return hear_last(*said);
  break_by("says more after its answer");
}

void dialogue::hear_first(const boost::json::object& said) {
  if (said.contains("event")) {
    auto begun = read_granted(said, holder_, window_);
    if (!begun) return break_by(std::move(begun.error()));
    phase_ = phase::granted;
    vm_ = touched::yes;
    begun_ = *begun;
    return;
  }
  auto no = read_refused(said);
  if (!no) return break_by(std::move(no.error()) + ", and granted no lease");
  phase_ = phase::refused;
  vm_ = touched::no;
  refused_ = std::move(*no);
}

void dialogue::hear_last(const boost::json::object& said) {
  auto end = read_lease_end(said, begun_, holder_, window_);
  if (!end) return break_by(std::move(end.error()));
  phase_ = phase::answered;
  end_ = std::move(*end);
}

void dialogue::close(const child::finished& how) {
  if (!how.output.empty()) break_by(child::how_it_ended(how) + ", in the middle of a line");
  if (phase_ == phase::broken) return;
  if (phase_ == phase::asked || phase_ == phase::granted) {
    // Its command line was wrong: that is all that it has looked at.
    const bool usage = phase_ == phase::asked && how.status == usage_status && !how.too_late;
    break_by(child::how_it_ended(how) + ", without an answer");
    if (usage) vm_ = touched::no;
    return;
  }
  const bool done = phase_ == phase::answered && end_.returned;
  if (how.status != (done ? done_status : not_done_status))
    break_by(child::how_it_ended(how) + ", which is not what it answers");
}

failure dialogue::why() const {
  if (phase_ != phase::refused) return {.vm = vm_, .sentence = trouble_};
  return {.vm = vm_,
          .precondition = refused_.failed,
          .sentence = refused_.sentence,
          .preconditions = refused_.preconditions};
}

}  // namespace unwedge::rescuing

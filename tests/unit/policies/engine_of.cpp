#include "engine_of.hpp"

#include <fmt/format.h>

#include <variant>

namespace unwedge::policies::fake {

std::string as_line(const decision& d) {
  struct {
    std::string operator()(const open_incident& o) {
      return fmt::format("open {}{}", to_string(o.condition.kind),
                         o.verdict ? fmt::format(" {}", to_string(o.verdict->kind)) : "");
    }
    std::string operator()(const amend_verdict& a) {
      return fmt::format("amend {}{}", to_string(a.verdict.kind),
                         a.verdict.root ? " " + a.verdict.root->name : "");
    }
    std::string operator()(const take_step& t) { return fmt::format("take {} {}", t.index, t.step.action); }
    std::string operator()(const record_step& r) {
      return fmt::format("record {} {} {}", r.index, r.step.action, r.result);
    }
    std::string operator()(const add_note& n) { return "note " + n.text; }
    std::string operator()(const close_incident& c) { return "close " + c.outcome; }
    std::string operator()(const set_precaution& p) { return "set " + p.step.action; }
  } line;
  return std::visit(line, d.what);
}

}  // namespace unwedge::policies::fake

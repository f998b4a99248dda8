// What `unwedgectl incident` shows of an incident's evidence.
#include "daemon/ctl/render_evidence.hpp"

#include "daemon/ctl/render.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace unwedge::ctl {
namespace {

using boost::json::parse;
using testing::HasSubstr;
using testing::Not;

constexpr auto* known = R"({"id":"web01-1","verdict":{"kind":"bql-held","sentence":"Held.","signatures":[
  {"name":"mirror-drain","title":"A drain waits for a dead target","references":["GL#1","RHEL-2"],
   "fixed_in":"9.2","helps":"yank of the node","certainty":"stacks match"},
  {"name":"bare"}, 7, {"name":"evil\u001b[2J\u202e"}]},
  "sample":{"threads":[{"tid":10,"comm":"main\u001b","state":"T"}]},
  "files":[{"name":"stacks.json","bytes":9},{"name":"host.json","bytes":2},{"name":"core.zst","bytes":2}, 3],
  "evidence":{"samples":8,"qmp_messages":214}})";

TEST(evidence_of_an_incident, is_told_in_a_line_with_how_to_get_it) {
  EXPECT_EQ(
      evidence_line(parse(known).as_object(), {}),
      "\nEvidence: 8 samples, stacks, 214 QMP messages, host, core; all of it: unwedgectl incident web01-1 "
      "--bundle FILE.tar.zst\n");
  EXPECT_THAT(render_incident(parse(known).as_object(), {.width = 40}),
              HasSubstr("; all of it: unwedgectl incident web01-1 --bundle FILE.tar.zst\n"))
      << "there to be copied, so never wrapped";
}

TEST(evidence_of_an_incident, may_be_little) {
  EXPECT_EQ(evidence_line(parse(R"({"id":"a","evidence":{"samples":1,"qmp_messages":1}})").as_object(), {}),
            "\nEvidence: 1 sample, 1 QMP message; all of it: unwedgectl incident a --bundle FILE.tar.zst\n");
  EXPECT_THAT(evidence_line(parse(R"({"id":"a","evidence":{}})").as_object(), {}),
              HasSubstr(": the journal only; all"));
  EXPECT_EQ(evidence_line(parse(R"({"id":"a"})").as_object(), {}), "") << "of an older daemon";
}

TEST(evidence_of_an_incident, names_the_signatures_that_match) {
  const auto text = signatures_section(parse(known).as_object(), {});
  EXPECT_THAT(text,
              HasSubstr("\nKnown as\n  - mirror-drain (stacks match): A drain waits for a dead target."));
  EXPECT_THAT(text, HasSubstr("Fixed in 9.2"));
  EXPECT_THAT(text, HasSubstr("Helps: yank of the\n  node. See"));
  EXPECT_THAT(text, HasSubstr("GL#1, RHEL-2"));
  EXPECT_THAT(text, HasSubstr("  - bare\n"));
}

TEST(evidence_of_an_incident, has_the_chain_before_the_steps) {
  const auto text = render_incident(parse(known).as_object(), {});
  const auto chain = text.find("\nWait chain\n  "), verdict = text.find("\nVerdict"),
             steps = text.find("\nSteps");
  ASSERT_NE(chain, text.npos);
  EXPECT_LT(verdict, chain);
  EXPECT_LT(chain, steps);
  EXPECT_THAT(text, HasSubstr("main thread) is stopped"));
}

TEST(evidence_of_an_incident, lets_no_control_character_through) {
  const auto text = render_incident(parse(known).as_object(), {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\u202e")));
}

TEST(evidence_of_an_incident, of_any_shape_throws_nothing) {
  for (const auto* text :
       {R"({"sample":7,"files":{},"evidence":[],"verdict":{"signatures":{}}})",
        R"({"sample":{},"evidence":{"samples":"x","qmp_messages":-1},"files":[[]],"nodes":7})",
        R"({"sample":{"threads":[7,{}]},"verdict":{"signatures":[[],null]},"evidence":{"samples":1e300}})"})
    EXPECT_FALSE(render_incident(parse(text).as_object(), {}).empty());
}

}  // namespace
}  // namespace unwedge::ctl

// What `hold` and `release` say, and a hold elsewhere; in local time.
#include "daemon/ctl/render.hpp"
#include "tests/unit/surface/time_zone.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace unwedge::ctl {
namespace {

using namespace std::chrono_literals;
using boost::json::parse;
using testing::HasSubstr;
using testing::Not;

class local : public testing::Test {
 protected:
  tests::in_cet zone_;
  view noon_{.now = parse_time("2026-11-22T11:00:00Z").value()};  // 12:00 CET
};

TEST_F(local, times_name_their_zone_and_another_day) {
  EXPECT_EQ(local_time("2026-11-22T13:00:59.999Z", noon_.now), "14:00 CET");
  EXPECT_EQ(local_time("2026-11-22T22:59:59Z", noon_.now), "23:59 CET");
  EXPECT_EQ(local_time("2026-11-22T23:00:00Z", noon_.now), "2026-11-23 00:00 CET");
  EXPECT_EQ(local_time("2027-11-22T13:00:00Z", noon_.now), "2027-11-22 14:00 CET");
}

TEST_F(local, times_that_are_near_have_seconds) {
  EXPECT_EQ(local_time("2026-11-22T11:00:30Z", noon_.now), "12:00:30 CET");
  EXPECT_EQ(local_time("2026-11-22T11:10:00Z", noon_.now), "12:10 CET");
}

TEST_F(local, times_that_are_none_are_shown_as_they_are) {
  EXPECT_EQ(local_time("soon\x1b", noon_.now), "soon\uFFFD");
}

TEST_F(local, hold_tells_until_when_by_whom_and_why) {
  auto const words = [&](const char* hold) { return hold_in_words(parse(hold).as_object(), noon_); };
  EXPECT_EQ(words(R"({"until":"2026-11-22T13:00:00.000Z","reason":"its storage moves"})"),
            "until 14:00 CET by the operator: its storage moves");
  EXPECT_EQ(words(R"({"until":null,"reason":""})"), "until released by the operator");
  EXPECT_EQ(words(R"({"until":7,"reason":[]})"), "until released by the operator");
}

TEST_F(local, hold_of_a_strange_name_can_be_pasted_into_a_shell) {
  auto const told = [&](const char* vm) {
    return render_hold(boost::json::object{{"vm", vm}, {"held_until", nullptr}}, {}, noon_);
  };
  EXPECT_THAT(told("web-01.a_b"), HasSubstr("unwedgectl release web-01.a_b\n"));
  EXPECT_THAT(told("a b; $(reboot)"), HasSubstr("unwedgectl release 'a b; $(reboot)'\n"));
  EXPECT_THAT(told("a';reboot'"), HasSubstr("unwedgectl release 'a'\\'';reboot'\\'''\n"));
  EXPECT_THAT(told("a\x1b[31m\n"),
              HasSubstr("a\uFFFD[31m  is held until released: unwedgectl release 'a\uFFFD[31m '\n"));
}

TEST_F(local, hold_that_is_answered_otherwise_is_told_by_nothing) {
  for (auto const* odd : {"null", "[]", "{}", R"({"vm":7})", R"({"vm":"","held_until":null})"}) {
    EXPECT_EQ(render_hold(parse(odd), 2h, noon_), "") << odd;
    EXPECT_EQ(render_release(parse(odd), parse("[]"), noon_), "") << odd;
  }
}

TEST_F(local, release_of_all_names_some_of_many_that_are_held) {
  boost::json::array vms{nullptr, {{"name", "free"}, {"hold", nullptr}}};
  for (int i = 1; i <= 12; ++i)
    vms.push_back({{"name", "vm" + std::to_string(i)}, {"hold", {{"until", nullptr}}}});
  EXPECT_EQ(render_release({{"vm", "*"}, {"released", true}}, vms, noon_),
            "the whole host is released; VMs with a hold of their own: vm1, vm2, vm3, vm4, vm5, vm6, vm7, "
            "vm8, vm9, "
            "vm10 and 2 more\n");
}

TEST_F(local, release_lets_no_control_character_through) {
  boost::json::string const evil = "\x1b[31m\xc2\x9b\n";
  boost::json::array const vms{{{"name", evil}, {"hold", {{"until", evil}, {"reason", evil}}}}};
  auto const text = render_release({{"vm", evil}, {"released", true}}, vms, noon_) +
                    render_release({{"vm", "*"}, {"released", true}}, vms, noon_) +
                    hold_in_words(vms[0].as_object().at("hold").as_object(), noon_);
  EXPECT_THAT(text, HasSubstr("the whole host is held until \uFFFD[31m\uFFFD "));
  for (std::string_view const bad : {"\x1b", "\xc2\x9b"}) EXPECT_THAT(text, Not(HasSubstr(bad)));
}

TEST(words, say_all_of_a_duration) {
  EXPECT_EQ(exactly_in_words(2h), "2 h");
  EXPECT_EQ(exactly_in_words(90s), "1 min 30 s");
  EXPECT_EQ(exactly_in_words(36h + 5s), "1 d 12 h 5 s");
  EXPECT_EQ(exactly_in_words(0s), "0 s");
}

}  // namespace
}  // namespace unwedge::ctl

#include "policies/redaction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace unwedge::policies {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(redaction, takes_the_values_of_secret_keys) {
  const std::pair<const char*, const char*> cases[] = {
      {"password=hunter2", "password=[redacted]"},
      {"id=s0,password=hunter2,format=raw", "id=s0,password=[redacted],format=raw"},
      {"password=a,,b,x=y", "password=[redacted],x=y"},
      {"proxy-password=hunter2", "proxy-password=[redacted]"},
      {"iscsi.password=hunter2", "iscsi.password=[redacted]"},
      {"KEY=abc", "KEY=[redacted]"},
      {R"({"password": "hunter2", "id": 1})", R"({"password": "[redacted]", "id": 1})"},
      {R"({"password":"hun\"ter2","id":1})", R"({"password":"[redacted]","id":1})"},
      {R"({"file":"json:{\"password\":\"hunter2\",\"a\":1}"})",
       R"({"file":"json:{\"password\":\"[redacted]\",\"a\":1}"})"},
      {R"({"password":"hunter2 cut o)", R"({"password":"[redacted])"},
      {"http://user:hunter2@host/x", "http://user:[redacted]@host/x"},
      {"iscsi://user%hunter2@host/x", "iscsi://user%[redacted]@host/x"},
      {R"(secret,id=s0,data=hunter2)", "secret,id=s0,data=[redacted]"},
      {R"({"qom-type":"secret","id":"s","data":"hunter2"})",
       R"({"qom-type":"secret","id":"s","data":"[redacted]"})"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(redacted(std::string_view(text)), expected);
}

TEST(redaction, leaves_what_is_of_use) {
  for (const auto* text : {"password-secret=s0", "key-secret=s0", "password=on", "keyboard=de", "monkey=1",
                           "id=key,format=raw", R"({"execute":"query-block"})", "tcp:10.0.0.1:10809",
                           "nbd://host:10809/x", "data=x", "user@host", ""})
    EXPECT_EQ(redacted(std::string_view(text)), text);
}

TEST(redaction, reads_a_command_line_by_its_options) {
  EXPECT_THAT(redacted(std::vector<std::string>{"qemu", "-object", "secret,id=s,data=abc", "-fw_cfg",
                                                "name=opt/x,string=hunter2", "-smbios",
                                                "type=11,value=io.systemd.credential:a=b", "-append",
                                                "console=ttyS0 token=a,b quiet", "--object", "rng,id=r"}),
              ElementsAre("qemu", "-object", "secret,id=s,data=[redacted]", "-fw_cfg",
                          "name=opt/x,string=[redacted]", "-smbios", "type=11,value=[redacted]", "-append",
                          "console=ttyS0 token=[redacted] quiet", "--object", "rng,id=r"));
}

/// Whatever the text, it ends; and what is redacted once is not changed again.
TEST(redaction, survives_any_text) {
  std::mt19937 random(11);
  const std::string_view pieces[] = {"password", "=",    ":",      "\"",   "\\", ",",  "key",
                                     " ",        "://",  "@",      "%",    "{",  "}",  "\n",
                                     "a",        "\xff", "secret", "data", ",,", "on", "]"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto n = random() % 24; n > 0; --n) text += pieces[random() % std::size(pieces)];
    const auto once = redacted(std::string_view(text));
    EXPECT_LE(once.size(), text.size() + redacted_mark.size() * 24) << text;
  }
}

TEST(redaction, finds_the_secret_wherever_it_is_cut_off) {
  const std::string text = R"({"execute":"object-add","arguments":{"id":"a","password":"hunter2hunter2"}})";
  for (std::size_t n = 0; n <= text.size(); ++n)
    EXPECT_THAT(redacted(std::string_view(text).substr(0, n)), Not(HasSubstr("hunter2"))) << n;
}

}  // namespace
}  // namespace unwedge::policies

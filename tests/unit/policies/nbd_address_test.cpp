#include "policies/nbd_address.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace unwedge::policies {
namespace {

TEST(nbd_peer, is_written_as_the_kernel_says_it) {
  const std::pair<const char*, const char*> cases[] = {
      {"nbd://127.0.0.1:10809/tgt", "127.0.0.1:10809"},
      {"nbd://127.0.0.1:10809", "127.0.0.1:10809"},
      {"nbd://127.0.0.1/tgt", "127.0.0.1:10809"},
      {"nbds://10.0.0.7:1234/tgt", "10.0.0.7:1234"},
      {"nbd://storage.example:10809/tgt", "storage.example:10809"},
      {"nbd://127.0.0.1:10809/a/b:c", "127.0.0.1:10809"},
      // IPv6: as QEMU writes it, and as the URI specification would have it.
      {"nbd://::1:18810/tgt3", "[::1]:18810"},
      {"nbd://[::1]:18810/tgt3", "[::1]:18810"},
      {"nbd://[::1]/tgt3", "[::1]:10809"},
      {"nbd://0:0:0:0:0:0:0:1:18810/x", "[::1]:18810"},
      {"nbd://2001:DB8::0:7:10809/x", "[2001:db8::7]:10809"},
      {"nbd://::ffff:10.0.0.7:10809/x", "10.0.0.7:10809"},
      {"nbd://fe80::1%eth0:10809/x", "[fe80::1%eth0]:10809"},
      // unix sockets
      {"nbd+unix:///tgt?socket=/run/x.sock", "/run/x.sock"},
      {"nbd+unix://?socket=/run/x.sock", "/run/x.sock"},
      {"nbd+unix:///tgt?socket=/run/x.sock&tls=1", "/run/x.sock"},
      {"nbd+unix:///tgt?socket=%2Frun%2Fa%20b.sock", "/run/a b.sock"},
      {"nbd+unix:///tgt?socket=/run/100%", "/run/100%"},
      {"nbd+unix:///tgt?socket=/run/%zz%4", "/run/%zz%4"},
      {"nbd+unix:///tgt", ""},
      {"nbd+unix:///tgt?sock=/run/x", ""},
      {"nbd:unix:/run/x.sock:exportname=tgt", "/run/x.sock"},
      {"nbd:unix:/run/x.sock", "/run/x.sock"},
      // json:, flat as QEMU 7.2 writes it, and nested
      {R"(json:{"server.port": "18810", "server.host": "0:0:0:0:0:0:0:1", "server.ipv6": true, "driver": "nbd"})",
       "[::1]:18810"},
      {R"(json:{"server.host":"10.0.0.7","server.port":"10809"})", "10.0.0.7:10809"},
      {R"(json:{"server.path":"/run/x.sock"})", "/run/x.sock"},
      {R"(json:{"driver":"nbd","server":{"type":"inet","host":"10.0.0.7","port":"10809"}})",
       "10.0.0.7:10809"},
      {R"(json:{"server":{"type":"inet","host":"::1","port":"10809"}})", "[::1]:10809"},
      {R"(json:{"server":{"type":"unix","path":"/run/x.sock"}})", "/run/x.sock"},
      {R"(json:{"server":{}})", ""},
      {R"(json:{"server":{"host":7,"port":[]}})", ""},
      {R"(json:{"server":"10.0.0.7"})", ""},
      {"json:[]", ""},
      {"json:{", ""},
      {"json:", ""},
      // of other drivers, or nothing
      {"/srv/disk.raw", ""},
      {"nbd://", ""},
      {"nbd:///tgt", ""},
      {"nbd", ""},
      {"", ""}};
  for (const auto& [name, peer] : cases) EXPECT_EQ(nbd_peer(name), peer) << name;
}

TEST(nbd_peer, of_hostile_text_is_harmless) {
  EXPECT_EQ(nbd_peer(std::string(5'000, 'x')), "");
  EXPECT_EQ(nbd_peer("nbd://" + std::string(5'000, ':')), "");
  EXPECT_EQ(nbd_peer("json:" + std::string(4'000, '[')), "");
  std::mt19937 random(7);
  constexpr std::string_view starts[] = {"nbd://",    "nbds://", "nbd+unix://",
                                         "nbd:unix:", "json:",   "json:{\"server\":{\"host\":\""};
  constexpr std::string_view letters = "nbd:/[]%?&=socket{}\"0123456789abcdef.\\\0\xff";
  for (int i = 0; i < 50'000; ++i) {
    std::string name(starts[random() % std::size(starts)]);
    for (auto n = random() % 40; n > 0; --n) name += letters[random() % letters.size()];
    EXPECT_LE(nbd_peer(name).size(), name.size() + 16);
  }
}

}  // namespace
}  // namespace unwedge::policies

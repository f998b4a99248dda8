#include "tests/unit/qmp/protocol_fixture.hpp"
#include "tests/unit/qmp/transcript.hpp"

#include <map>
#include <random>

namespace unwedge::tests {
namespace {

class mutation : public protocol_fixture {
 protected:
  std::mt19937 random{20'000};

  std::size_t below(std::size_t n) {
    return n == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  }

  void mutate(std::string& s) {
    static constexpr std::string_view pieces[] = {"\"",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  ":",
                                                  "\\",
                                                  "\\u",
                                                  "null",
                                                  "-",
                                                  "1e9",
                                                  "\xff",
                                                  "\r\n",
                                                  "{\"event\":",
                                                  "{\"return\":",
                                                  "\"id\":\"u1\"",
                                                  "{\"QMP\":",
                                                  "99999999999999999999",
                                                  "[[[[[[[["};
    const auto at = below(s.size());
    const auto length = std::min(s.size() - at, below(20));
    switch (below(5)) {
      case 0:
        if (!s.empty()) s[at] = static_cast<char>(below(256));
        break;
      case 1:
        s.erase(at, length);
        break;
      case 2:
        s.insert(at, std::string(pieces[below(std::size(pieces))]));
        break;
      case 3:
        s.insert(below(s.size()), s.substr(at, below(s.size())));
        break;
      default:
        s.resize(at);
        break;
    }
  }
};

/// The contract with a hostile peer: whatever it sends, a value comes back.
TEST_F(mutation, of_a_transcript_never_throws) {
  const auto original = transcript();
  std::map<std::string, int> endings;
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = original;
    for (auto n = 1 + below(4); n > 0; --n) mutate(bytes);
    auto p = fresh({.message_bytes = 200, .events_per_second = 1, .event_burst = 6});
    seen.told.clear();
    const auto piece = 1 + below(bytes.size() + 1);
    std::string ending = "alive";
    for (std::size_t at = 0; at < bytes.size() && ending == "alive"; at += piece) {
      const std::vector<char> exact(
          bytes.begin() + static_cast<std::ptrdiff_t>(at),
          bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), at + piece)));
      std::string out;
      ASSERT_NO_THROW({
        if (const auto why = give(p, {exact.data(), exact.size()})) ending = to_string(why->code);
        static_cast<void>(p.send({"query-status"}, out));
      }) << bytes;
    }
    ++endings[ending];
  }
  for (const std::string some : {"alive", "not QMP", "message too long", "event flood"}) {
    EXPECT_GT(endings[some], 20) << some << ": the mutations no longer reach this";
  }
}

}  // namespace
}  // namespace unwedge::tests

// What a sample could not read, kept short however many threads it concerns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::evidence {

/// Collects refusals; the same evidence refused for the same reason is one sentence, with the first of whom
/// it concerns and how many more: "syscall of thread 123 and 19 more: not permitted".
class missing_list {
 public:
  static constexpr std::size_t most = 16;  ///< sentences

  /// `whom` may be empty: note("fds", "", "not permitted") -> "fds: not permitted".
  void note(std::string_view what, std::string_view whom, std::string_view why);
  /// The same for an errno.
  void note(std::string_view what, std::string_view whom, int error);
  std::vector<std::string> sentences() const;

 private:
  struct entry {
    std::string what, whom, why;
    std::size_t more = 0;
  };
  std::vector<entry> entries_;
  std::size_t beyond_ = 0;
};

}  // namespace unwedge::evidence

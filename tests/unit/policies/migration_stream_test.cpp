#include "policies/migration_stream.hpp"

#include <gtest/gtest.h>

#include <string>

namespace unwedge::policies {
namespace {

using namespace std::string_literals;

const std::string description =
    R"({"page_size": 4096, "devices": [{"name": "timer", "instance_id": 0, "vmsd_name": "timer", "version": 2, )";
const std::string state(100, '\xA5');

std::string ending_in(const std::string& end) {
  return (state + end).substr(100 + end.size() - unsent_tail_bytes);
}

TEST(unsent, is_a_part_of_the_vm_while_its_state_has_not_ended) {
  EXPECT_EQ(classify_unsent("\x81\0\0"s, ending_in("")), unsent::vm_state);
  EXPECT_EQ(classify_unsent("\x81\0\0"s, std::string(64, '\0')), unsent::vm_state) << "a page of zeroes";
  EXPECT_EQ(classify_unsent("\x81\0\0"s, ending_in("text of the guest's")), unsent::vm_state);
  EXPECT_EQ(classify_unsent("\x81\0\0"s, ending_in("\0"s)), unsent::vm_state)
      << "the end itself is the last byte of a send that blocks, and so has not been sent";
}

TEST(unsent, may_be_no_state_once_the_description_has_begun) {
  const std::string header = "\0\x06\0\x01\x81\xd3"s;  // as QEMU 7.2 sent it
  for (std::size_t n = 2; n <= header.size(); ++n) {
    EXPECT_EQ(classify_unsent("\x81\0\0"s, ending_in(header.substr(0, n))), unsent::maybe_no_state) << n;
  }
  for (std::size_t n = 0; n <= description.size(); ++n) {
    EXPECT_EQ(classify_unsent("\x81\0\0"s, ending_in(header + description.substr(0, n))),
              unsent::maybe_no_state)
        << n;
  }
  EXPECT_EQ(classify_unsent("\x81\0\0"s, description.substr(20, 64)), unsent::maybe_no_state);
  EXPECT_EQ(classify_unsent("dev", description.substr(0, 64)), unsent::maybe_no_state);
}

TEST(unsent, is_unknown_where_it_was_not_read_or_is_encrypted) {
  EXPECT_EQ(classify_unsent("", ""), unsent::unknown);
  EXPECT_EQ(classify_unsent("\x81\0\0"s, std::string(63, '\xA5')), unsent::unknown);
  EXPECT_EQ(classify_unsent("\x17\x03\x03", ending_in("")), unsent::unknown);
}

}  // namespace
}  // namespace unwedge::policies

// Maps, build ids and the worker's messages, from literals.
#include "daemon/inspect/build_id.hpp"
#include "daemon/inspect/document.hpp"
#include "daemon/inspect/modules.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <elf.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace unwedge::inspect {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(mapping, is_a_line_of_maps) {
  const auto m =
      parse_mapping("7f0a1c000000-7f0a1c021000 r-xp 00001000 fe:00 4711     /usr/lib/lib c.so (deleted)");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->begin, 0x7f0a1c000000u);
  EXPECT_EQ(m->end, 0x7f0a1c021000u);
  EXPECT_TRUE(m->executable);
  EXPECT_EQ(m->offset, 0x1000u);
  EXPECT_EQ(m->device, makedev(0xfe, 0));
  EXPECT_EQ(m->inode, 4711u);
  EXPECT_EQ(m->path, "/usr/lib/lib c.so (deleted)");
  for (const char* anonymous : {"1000-2000 rw-p 00000000 00:00 0", "1000-2000 rw-p 00000000 00:00 0 "}) {
    const auto a = parse_mapping(anonymous);
    ASSERT_TRUE(a) << anonymous;
    EXPECT_EQ(a->path, "");
    EXPECT_FALSE(a->executable);
  }
}

TEST(mapping, is_no_other_line) {
  for (const char* line : {"", "1000", "2000-1000 rw-p 00000000 00:00 0", "1000-2000 rw-", "1000-2000 rw-p",
                           "1000-2000 rw-p x 00:00 0", "1000-2000 rw-p 0 00:00 z", "x-2000 rw-p 0 00:00 0",
                           "1000-2000 rw-p 0 00:00 0x /a"})
    EXPECT_FALSE(parse_mapping(line)) << line;
}

memory_map map_of(std::initializer_list<const char*> lines) {
  memory_map map;
  for (const char* line : lines) map.mappings.push_back(*parse_mapping(line));
  return map;
}

TEST(map, finds_what_an_address_lies_in) {
  const auto map = map_of({"1000-2000 rw-p 0 00:00 0", "3000-4000 rw-p 0 00:00 0"});
  EXPECT_EQ(map.at(0xfff), nullptr);
  EXPECT_EQ(map.at(0x1000), &map.mappings[0]);
  EXPECT_EQ(map.at(0x1fff), &map.mappings[0]);
  EXPECT_EQ(map.at(0x2000), nullptr);
  EXPECT_EQ(map.at(0x3abc), &map.mappings[1]);
  EXPECT_EQ(map.at(0x4000), nullptr);
  EXPECT_EQ(memory_map{}.at(1), nullptr);
}

TEST(modules, are_files_with_code_from_their_first_mapping_to_their_last) {
  const auto map = map_of({"1000-2000 r--p 00000000 fe:00 7 /bin/q", "2000-5000 r-xp 00001000 fe:00 7 /bin/q",
                           "5000-6000 rw-p 00004000 fe:00 7 /bin/q", "6000-7000 rw-p 00000000 00:00 0",
                           "8000-9000 r--p 00000000 fe:00 8 /usr/lib/locale",
                           "9000-a000 r--p 00000000 fe:00 9 /lib/a", "a000-b000 r-xp 00001000 fe:00 9 /lib/a",
                           "b000-c000 r--p 00000000 fe:00 9 /lib/a", "c000-d000 r-xp 00001000 fe:00 9 /lib/a",
                           "e000-f000 rwxp 00000000 00:00 0", "f000-10000 r-xp 00000000 00:00 0 [vdso]"});
  const auto found = modules_of(map).modules;
  ASSERT_THAT(found, SizeIs(4));
  EXPECT_EQ(found[0].begin, 0x1000u);
  EXPECT_EQ(found[0].end, 0x6000u);
  EXPECT_EQ(found[0].code, &map.mappings[1]);
  EXPECT_EQ(found[1].begin, 0x9000u);  // the same library twice
  EXPECT_EQ(found[1].end, 0xb000u);
  EXPECT_EQ(found[2].begin, 0xb000u);
  EXPECT_TRUE(found[3].vdso);
}

TEST(modules, have_a_limit) {
  memory_map map;
  for (std::uint64_t i = 0; i < 2 * most_modules; ++i)
    map.mappings.push_back({.begin = i << 12, .end = (i + 1) << 12, .executable = true, .inode = i + 1});
  const auto list = modules_of(map);
  EXPECT_THAT(list.modules, SizeIs(most_modules));
  EXPECT_TRUE(list.cut);
}

std::string elf_with_id(std::string_view id) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  const Elf64_Nhdr note{
      .n_namesz = 4, .n_descsz = static_cast<Elf64_Word>(id.size()), .n_type = NT_GNU_BUILD_ID};
  Elf64_Phdr segment{};
  segment.p_type = PT_NOTE;
  segment.p_offset = sizeof header + sizeof segment;
  segment.p_filesz = sizeof note + 4 + id.size();
  const auto bytes = [](const auto& plain) {
    return std::string(reinterpret_cast<const char*>(&plain), sizeof plain);
  };
  return bytes(header) + bytes(segment) + bytes(note) + std::string("GNU\0", 4) + std::string(id);
}

std::string id_of(const std::string& bytes) {
  return build_id([&](std::size_t offset, std::span<std::byte> into) {
    if (offset > bytes.size() || into.size() > bytes.size() - offset) return false;
    std::ranges::copy(std::as_bytes(std::span{bytes}).subspan(offset, into.size()), into.begin());
    return true;
  });
}

TEST(build_id, is_read_in_hexadecimal) {
  EXPECT_EQ(id_of(elf_with_id("\x12\xab\xff\x01")), "12abff01");
}

TEST(build_id, of_anything_else_is_none) {
  EXPECT_EQ(id_of(""), "");
  EXPECT_EQ(id_of("#!/bin/sh"), "");
  EXPECT_EQ(id_of(elf_with_id(std::string(200, 'x'))), "");
  const auto whole = elf_with_id("\x12\xab\xff\x01");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) EXPECT_EQ(id_of(whole.substr(0, cut)), "") << cut;
}

TEST(build_id, survives_any_bytes) {
  std::mt19937 random{1};
  const auto whole = elf_with_id("\x12\xab\xff\x01");
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = whole;
    for (int n = 0; n < 4; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    for (const char digit : id_of(bytes)) EXPECT_TRUE(std::isxdigit(static_cast<unsigned char>(digit)));
  }
}

thread_stack example() {
  return {
      .tid = 7,
      .comm = "CPU 0/KVM",
      .state = 'S',
      .stopped = std::chrono::nanoseconds{21'500},
      .frames =
          {{.pc = 0x7fffffffffff, .function = "ppoll", .offset = 3, .module = "/lib/c", .module_offset = 9},
           {.pc = 1, .function = std::nullopt, .module = std::nullopt}},
      .unwind = "complete"};
}

TEST(message, is_read_as_it_was_written) {
  const auto back = decode(encode(stack_message{example()}));
  ASSERT_TRUE(back);
  const auto* const stack = std::get_if<stack_message>(&*back);
  ASSERT_NE(stack, nullptr);
  EXPECT_EQ(boost::json::serialize(to_json(stack->thread)), boost::json::serialize(to_json(example())));
  EXPECT_TRUE(std::holds_alternative<captured_message>(*decode(encode(captured_message{example()}))));
  EXPECT_TRUE(std::holds_alternative<done_message>(*decode(encode(done_message{}))));
  EXPECT_EQ(std::get<problem_message>(*decode(encode(problem_message{"x"}))).sentence, "x");
  EXPECT_EQ(std::get<failed_message>(*decode(encode(failed_message{"y"}))).sentence, "y");
}

TEST(document, believes_nothing_of_a_worker_that_has_fallen) {
  document made{1};
  made.take(encode(seen_message{{.tid = 7, .comm = "a"}}));
  made.take(encode(captured_message{{.tid = 7, .comm = "b", .stopped = std::chrono::microseconds{5}}}));
  for (const char* line :
       {"", "{", "[]", "{}", R"({"done":true,"x":1})", R"({"stack":7})", R"({"stack":{"tid":7}})",
        R"({"captured":{"frames":[7]}})", R"({"other":{"frames":[]}})", R"({"problem":7})"})
    made.take(line);
  EXPECT_FALSE(made.finished());
  made.take(encode(stack_message{{.tid = 8}}));  // of no thread
  EXPECT_EQ(made.waiting(), 1u);
  auto lie = example();
  lie.comm = "another name";
  lie.frames[0].function = "\x1b[2J";
  made.take(encode(stack_message{lie}));
  made.take(encode(stack_message{example()}));  // a second one
  EXPECT_EQ(made.waiting(), 0u);
  const auto text = made.text();
  EXPECT_THAT(text, HasSubstr(R"("comm":"a")"));
  EXPECT_THAT(text, HasSubstr(R"("stopped_us":5E0)"));
  EXPECT_THAT(text, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("a part of the result cannot be read"));
  EXPECT_THAT(text, HasSubstr("a result for no thread"));
}

TEST(document, has_limits) {
  document made{1};
  for (int i = 0; i < 600; ++i) made.take(encode(seen_message{{.tid = i + 1}}));
  for (int i = 0; i < 600; ++i) made.add_problem(fmt::format("{}", i));
  const auto parsed = boost::json::parse(made.text());
  EXPECT_THAT(parsed.at("threads").as_array(), SizeIs(most_threads));
  EXPECT_THAT(parsed.at("problems").as_array(), SizeIs(32));
  auto deep = example();
  deep.frames.resize(most_frames + 1);
  EXPECT_FALSE(decode(encode(stack_message{deep})));
}

}  // namespace
}  // namespace unwedge::inspect

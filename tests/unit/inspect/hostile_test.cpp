// A target that has been taken over: its maps, its files, its ELF, its registers, its names.
#include "daemon/inspect/unwinder.hpp"
#include "tests/unit/inspect/inspection.hpp"
#include "tests/unit/inspect/situations.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sched.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace unwedge::inspect {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

namespace fs = std::filesystem;

class folder {
 public:
  folder() {
    std::string name = fs::temp_directory_path() / "unwedge-inspect-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

TEST(thread, whose_stack_pointer_leads_nowhere_shows_where_it_runs) {
  auto& memory = shared::create();
  child c{[&] { start_threads(std::array{sits_without_a_stack, sits_in_poll}, memory); }};
  ASSERT_TRUE(settled(c, memory, 2, 1));
  const auto r = inspect_process(c.pid());
  EXPECT_EQ(r.status, 0);
  const auto thread = thread_of(r, memory.tids[0]);
  EXPECT_THAT(functions_of(thread), ElementsAre("sits_without_a_stack"));
  EXPECT_EQ(text_of(thread, "unwind"), "its stack pointer 0x10 leads to no memory");
  EXPECT_THAT(functions_of(thread_of(r, memory.tids[1])), Contains("sits_in_poll"));
}

TEST(thread, that_runs_generated_code_says_so) {
  auto& memory = shared::create();
  child c{[&] {
    auto* const code = static_cast<unsigned char*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    code[0] = 0xeb, code[1] = 0xfe;  // jmp to itself
    start_threads(std::array{reinterpret_cast<void (*)()>(code)}, memory);
  }};
  ASSERT_TRUE(settled(c, memory, 1, 1));
  const auto thread = thread_of(inspect_process(c.pid()), memory.tids[0]);
  EXPECT_THAT(functions_of(thread), ElementsAre("?"));
  EXPECT_TRUE(thread.at("frames").at(0).at("module").is_null());
  EXPECT_THAT(text_of(thread, "unwind"), HasSubstr("lies in no program or library"));
}

TEST(names, of_threads_are_printable) {
  auto& memory = shared::create();
  child c{[&] {
    ::prctl(PR_SET_NAME, ") R 1 (\n\x1b\xff\"");
    ++memory.ready;
  }};
  ASSERT_TRUE(eventually([&] { return memory.ready == 1; }));
  const auto r = inspect_process(c.pid());
  EXPECT_EQ(text_of(thread_of(r, c.pid()), "comm"), ") R 1 (\\x0a\\x1b\\xff\"");
  for (const char byte : r.printed) EXPECT_TRUE(byte == '\n' || (byte >= ' ' && byte <= '~'));
}

// sleep(1) has come to where it sleeps.
bool sleeps(const boost::json::object& thread) {
  const auto functions = functions_of(thread);
  return !functions.empty() && functions.front().find("nanosleep") != std::string::npos &&
         text_of(thread, "unwind") == "complete";
}

// A QEMU whose package was upgraded: its file is gone, another has the name.
TEST(program, that_was_deleted_or_replaced_is_read_as_it_is_mapped) {
  const folder in;
  const auto program = in / "qemu-system-x86_64";
  fs::copy_file("/bin/sleep", program);
  child vm{[&] { ::execl(program.c_str(), "vm", "600", nullptr); }};
  ASSERT_TRUE(eventually([&] { return inspect_process(vm.pid(), {}).status == 0; }));  // no --any-process
  const auto stack = [&] { return thread_of(inspect_process(vm.pid(), {}), vm.pid()); };
  ASSERT_TRUE(eventually([&] { return sleeps(stack()); }));
  const auto before = functions_of(stack());
  fs::remove(program);
  EXPECT_EQ(functions_of(stack()), before);
  std::ofstream(program) << "something else entirely";
  const auto after = stack();
  EXPECT_EQ(functions_of(after), before);
  EXPECT_EQ(text_of(after, "unwind"), "complete");
  EXPECT_THAT(text_of(after.at("frames").as_array().back().as_object(), "module"), HasSubstr("(deleted)"));
}

// A QEMU in a container: its path leads elsewhere, or nowhere, here.
TEST(program, in_a_mount_namespace_of_its_own_is_read_as_it_is_mapped) {
  const folder in;
  child vm{[&] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", (in / ".").c_str(), "tmpfs", 0, nullptr) != 0)
      ::_exit(3);
    const auto program = in / "qemu-system-x86_64";
    fs::copy_file("/bin/sleep", program);
    ::execl(program.c_str(), "vm", "600", nullptr);
  }};
  result r;
  const bool complete = eventually([&] {
    int status = 0;
    if (::waitpid(vm.pid(), &status, WNOHANG) != 0) return true;
    r = inspect_process(vm.pid(), {});
    return r.status == 0 && problems_of(r).empty() && sleeps(thread_of(r, vm.pid()));
  });
  if (r.status == -1) GTEST_SKIP() << "no right to a mount namespace";
  ASSERT_TRUE(complete) << r.printed;
  EXPECT_FALSE(fs::exists(in / "qemu-system-x86_64"));
  const auto thread = thread_of(r, vm.pid());
  EXPECT_EQ(text_of(thread, "unwind"), "complete");
  EXPECT_EQ(text_of(thread.at("frames").as_array().back().as_object(), "module"),
            (in / "qemu-system-x86_64").string());
}

TEST(maps, of_a_huge_number_of_lines_cost_some_time_and_nothing_else) {
  auto& memory = shared::create();
  child c{[&] {
    constexpr std::size_t pages = 60'000;
    auto* const at = static_cast<char*>(
        ::mmap(nullptr, pages * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    for (std::size_t i = 0; i < pages; i += 2) ::mprotect(at + i * 4096, 4096, PROT_READ | PROT_WRITE);
    start_threads(std::array{sits_in_poll}, memory);
  }};
  ASSERT_TRUE(settled(c, memory, 1));
  const auto r = inspect_process(c.pid());
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(problems_of(r), "");
  EXPECT_EQ(text_of(thread_of(r, memory.tids[0]), "unwind"), "complete");
}

// Code in a file that is, or was, an ELF file: a thread spins in it at `spin`.
void run_in(const fs::path& file, std::size_t spin) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const auto size = fs::file_size(file);
  void* const at = ::mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED) ::_exit(1);
  reinterpret_cast<void (*)()>(static_cast<char*>(at) + spin)();
}

constexpr std::size_t spin_at = 0x5000;  // within the code of libz
std::string library() {
  std::ifstream file("/usr/lib/x86_64-linux-gnu/libz.so.1", std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  bytes.at(spin_at) = '\xeb';
  bytes.at(spin_at + 1) = '\xfe';  // jmp to itself
  return bytes;
}

void put(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

result inspect_running_in(const fs::path& file) {
  child c{[&] { run_in(file, spin_at); }};
  EXPECT_TRUE(eventually([&] { return spins(c.pid(), c.pid()); }));
  auto r = inspect_process(c.pid(), {"--any-process", "--deadline", "3s"});
  EXPECT_EQ(::kill(c.pid(), 0), 0);
  return r;
}

TEST(library, that_is_whole_is_named_in_the_stack) {
  const folder in;
  put(in / "libz.so", library());
  const auto r = inspect_running_in(in / "libz.so");
  const auto& threads = r.document.at("threads").as_array();
  ASSERT_THAT(threads, SizeIs(1));
  EXPECT_EQ(threads[0].at("frames").at(0).at("module").as_string(), (in / "libz.so").string());
}

TEST(elf, that_is_broken_anywhere_costs_names_and_never_the_document) {
  const folder in;
  const auto whole = library();
  std::mt19937 random{7};
  int named = 0;
  for (int i = 0; i < 40; ++i) {
    auto bytes = whole;
    // The headers, or anywhere.
    const std::size_t reach = i % 2 == 0 ? 1'024 : bytes.size();
    const int changes = i % 2 == 0 ? 16 : 2'000;
    for (int n = 0; n < changes; ++n) {
      const auto at = random() % reach;
      if (at != spin_at && at != spin_at + 1) bytes[at] = static_cast<char>(random());
    }
    put(in / "libz.so", bytes);
    const auto r = inspect_running_in(in / "libz.so");
    ASSERT_TRUE(r.status == 0) << i << ": " << r.printed;
    ASSERT_THAT(r.document.at("threads").as_array(), SizeIs(1)) << i;
    if (!r.document.at("threads").at(0).at("frames").as_array().empty()) ++named;
  }
  EXPECT_GT(named, 20);  // it is the parser that is tested, not the sandbox
}

// A file that its owner shortens kills who reads it by mapping it (SIGBUS).
TEST(unwinder, does_not_map_the_files_that_it_reads) {
  const folder in;
  put(in / "libz.so", library());
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::vector<module_file> modules(1);
    modules[0] = {.begin = 0x10000000, .end = 0x10020000, .path = "libz"};
    modules[0].elf = evidence::file_descriptor{::open((in / "libz.so").c_str(), O_RDONLY | O_CLOEXEC)};
    captured_thread thread{.facts = {.tid = 7}, .what = snapshot{.stack = std::vector<std::byte>(4096)}};
    thread.what->registers.rip = 0x10000000 + spin_at;
    thread.what->registers.rsp = 0x7fff0000;
    unwinder by{7, modules};
    fs::resize_file(in / "libz.so", 64);
    ::_exit(by.unwind(thread).frames.empty() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST(library, that_is_cut_short_after_it_was_mapped_costs_names_only) {
  const folder in;
  put(in / "libz.so", library());
  auto& memory = shared::create();
  child c{[&] {
    start_threads(std::array{sits_in_poll}, memory);
    run_in(in / "libz.so", spin_at);
  }};
  ASSERT_TRUE(eventually([&] { return memory.ready == 1 && spins(c.pid(), c.pid()); }));
  for (const std::uintmax_t size : {std::uintmax_t{90'000}, std::uintmax_t{spin_at + 4'096}}) {
    fs::resize_file(in / "libz.so", size);
    const auto r = inspect_process(c.pid());
    EXPECT_EQ(r.status, 0);
    EXPECT_THAT(functions_of(thread_of(r, memory.tids[0])), Contains("sits_in_poll"));
    EXPECT_EQ(thread_of(r, memory.tids[0]).at("unwind").as_string(), "complete");
  }
}

}  // namespace
}  // namespace unwedge::inspect

// Real QEMU, stripped as distributions ship it: exported names tell the roles.
#include "tests/unit/inspect/inspection.hpp"
#include "tests/unit/inspect/situations.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace unwedge::inspect {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr const char* program = "/usr/bin/qemu-system-x86_64";

/// Dies with the test; its monitor is on a pipe that the test holds.
class vm {
 public:
  explicit vm(std::vector<std::string> arguments) {
    std::vector<std::string> all{program, "-nodefaults", "-display",
                                 "none",  "-S",          "-monitor",
                                 "none",  "-name",       "guest=vm,debug-threads=on"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& a : all) argv.push_back(a.data());
    argv.push_back(nullptr);
    process_.emplace([&] { ::execv(program, argv.data()); });
  }
  pid_t pid() const { return process_->pid(); }

 private:
  std::optional<child> process_;
};

result inspect_when_in_its_loop(const vm& of) {
  result r;
  eventually([&] {
    r = inspect_process(of.pid(), {});
    if (r.status != 0) return false;
    const auto functions = functions_of(thread_of(r, of.pid()));
    return std::ranges::find(functions, "qemu_main_loop") != functions.end() && functions.front() == "ppoll";
  });
  return r;
}

boost::json::object named(const result& r, std::string_view comm) {
  for (const auto& t : r.document.at("threads").as_array())
    if (t.at("comm").as_string() == comm) return t.as_object();
  ADD_FAILURE() << "no " << comm << " in " << r.printed;
  return {{"frames", boost::json::array{}}, {"unwind", ""}};
}

TEST(qemu, shows_its_main_loop_by_exported_names) {
  if (::access(program, X_OK) != 0) GTEST_SKIP() << "no QEMU";
  const vm q{{"-machine", "none"}};
  const auto r = inspect_when_in_its_loop(q);
  EXPECT_EQ(problems_of(r), "");
  const auto main_thread = thread_of(r, q.pid());
  const auto functions = functions_of(main_thread);
  EXPECT_THAT(functions, Contains("main_loop_wait"));
  EXPECT_THAT(functions, Contains("qemu_main_loop"));
  EXPECT_EQ(functions.back(), "_start");
  EXPECT_EQ(text_of(main_thread, "unwind"), "complete");
}

TEST(qemu, with_a_disk_in_an_iothread_shows_every_thread_complete) {
  if (::access(program, X_OK) != 0) GTEST_SKIP() << "no QEMU";
  const auto disk =
      std::filesystem::temp_directory_path() / fmt::format("unwedge-inspect-{}.img", ::getpid());
  std::ofstream(disk).close();
  std::filesystem::resize_file(disk, 1 << 20);
  const vm q{{"-machine", "pc", "-accel", "tcg", "-m", "64", "-object", "iothread,id=io0", "-blockdev",
              fmt::format("driver=file,node-name=d,filename={}", disk.string()), "-device",
              "virtio-blk-pci,drive=d,iothread=io0"}};
  const auto r = inspect_when_in_its_loop(q);
  std::filesystem::remove(disk);
  EXPECT_EQ(problems_of(r), "");
  EXPECT_THAT(functions_of(named(r, "IO io0")), Contains("aio_poll"));
  EXPECT_THAT(functions_of(named(r, "CPU 0/TCG")), Contains(HasSubstr("pthread_cond_wait")));
  for (const auto& t : r.document.at("threads").as_array()) {
    EXPECT_EQ(t.at("unwind").as_string(), "complete") << t;
    EXPECT_FALSE(t.at("frames").as_array().empty()) << t;
  }
}

// A process that answers is one that was not harmed.
TEST(qemu, runs_on_when_its_stacks_were_taken_many_times) {
  if (::access(program, X_OK) != 0) GTEST_SKIP() << "no QEMU";
  const vm q{{"-machine", "none", "-object", "iothread,id=io0"}};
  inspect_when_in_its_loop(q);
  for (int i = 0; i < 20; ++i) {
    const auto r = inspect_process(q.pid(), {});
    ASSERT_EQ(r.status, 0) << r.printed;
    EXPECT_THAT(functions_of(thread_of(r, q.pid())), Contains("qemu_main_loop"));
  }
  for (const auto& [tid, state] : states_of(q.pid())) EXPECT_EQ(state, 'S') << tid;
}

}  // namespace
}  // namespace unwedge::inspect

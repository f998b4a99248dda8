// Who is refused, and what is not touched.
#include "tests/unit/inspect/inspection.hpp"
#include "tests/unit/inspect/situations.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/ptrace.h>

#include <filesystem>
#include <fstream>

namespace unwedge::inspect {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string status_line(pid_t pid, std::string_view key) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return line;
  return "";
}

char state_of(pid_t pid) {
  const auto states = states_of(pid);
  return states.empty() ? '-' : states.front().second;
}

TEST(process_stopped_by_a_signal, is_left_alone_and_said_so) {
  auto& memory = shared::create();
  child c{[&] { start_threads(std::array{sits_in_poll}, memory); }};
  ASSERT_TRUE(settled(c, memory, 1));
  c.kill(SIGSTOP);
  ASSERT_TRUE(eventually(
      [&] { return std::ranges::all_of(states_of(c.pid()), [](auto& s) { return s.second == 'T'; }); }));
  const auto r = inspect_process(c.pid());
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(problems_of(r), HasSubstr("stopped by a signal: left alone"));
  const auto thread = thread_of(r, memory.tids[0]);
  EXPECT_EQ(text_of(thread, "state"), "T");
  EXPECT_EQ(thread.at("stopped_us").as_double(), 0);
  EXPECT_THAT(thread.at("frames").as_array(), IsEmpty());
  for (const auto& [tid, state] : states_of(c.pid())) EXPECT_EQ(state, 'T') << tid;
  c.kill(SIGCONT);
  EXPECT_TRUE(eventually([&] { return state_of(c.pid()) == 'S'; }));
}

// Whichever comes first, the stop signal wins in the end.
TEST(process, that_is_stopped_by_a_signal_meanwhile_stays_stopped) {
  auto& memory = shared::create();
  child c{[&] { start_threads(std::vector<void (*)()>(30, sits_in_poll), memory); }};
  ASSERT_TRUE(settled(c, memory, 30));
  const auto all_are = [&](char state) {
    return std::ranges::all_of(states_of(c.pid()), [&](auto& s) { return s.second == state; });
  };
  for (int i = 0; i < 30; ++i) {
    inspection run{c.pid()};
    ASSERT_TRUE(eventually([&] { return run.worker() != 0; }));
    ::usleep(static_cast<useconds_t>(i * 200));
    c.kill(SIGSTOP);
    const auto r = run.finish();
    EXPECT_EQ(r.status, 0) << r.printed;
    ASSERT_TRUE(eventually([&] { return all_are('T'); })) << i;
    ::usleep(5'000);
    ASSERT_TRUE(all_are('T')) << i;
    c.kill(SIGCONT);
    ASSERT_TRUE(eventually([&] { return all_are('S'); })) << i;
  }
}

TEST(process_that_is_traced, is_left_to_its_tracer) {
  auto& memory = shared::create();
  child c{[&] { start_threads(std::array{sits_in_poll}, memory); }};
  ASSERT_TRUE(settled(c, memory, 1));
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, c.pid(), nullptr, nullptr), 0);
  const auto r = inspect_process(c.pid());
  EXPECT_EQ(r.status, 0);
  const auto main_thread = thread_of(r, c.pid());
  EXPECT_EQ(text_of(main_thread, "unwind"), fmt::format("traced by process {}: left alone", ::getpid()));
  EXPECT_THAT(main_thread.at("frames").as_array(), IsEmpty());
  EXPECT_THAT(functions_of(thread_of(r, memory.tids[0])),
              Contains("sits_in_poll"));  // only the main thread is
  EXPECT_EQ(status_line(c.pid(), "TracerPid:"), fmt::format("TracerPid:\t{}", ::getpid()));
}

TEST(process, that_started_at_another_time_is_refused) {
  child c{[] {}};
  const auto r = inspect_process(c.pid(), {"--any-process", "--start-time", "12345"});
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(problems_of(r), HasSubstr("is another one"));
  EXPECT_THAT(r.document.at("threads").as_array(), IsEmpty());
}

TEST(process, that_is_no_qemu_is_refused_whatever_it_calls_itself) {
  child c{[] { ::prctl(PR_SET_NAME, "qemu-system-x86"); }};
  const auto r = inspect_process(c.pid(), {});
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(problems_of(r), HasSubstr("its program is no QEMU: "));
  EXPECT_THAT(r.document.at("threads").as_array(), IsEmpty());
}

TEST(process, that_does_not_exist_is_refused) {
  const auto r = inspect_process(4'194'304);
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(problems_of(r), HasSubstr("pidfd_open"));
}

// The program's own pid is only known once it runs: a shell that becomes it.
TEST(program, refuses_itself) {
  const auto program = std::filesystem::canonical("/proc/self/exe").parent_path() / "unwedge-inspect";
  const auto script = fmt::format(
      "exec {} --any-process --pid $$ --start-time $(cut -d' ' -f22 /proc/$$/stat) stacks", program.string());
  FILE* const out = ::popen(script.c_str(), "r");
  ASSERT_NE(out, nullptr);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), out));
  EXPECT_EQ(WEXITSTATUS(::pclose(out)), 1);
  EXPECT_THAT(text, HasSubstr("is this program itself"));
}

TEST(usage, is_status_2_and_nothing_on_stdout) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"stacks"},
                                             {"--pid", "1", "stacks"},
                                             {"--pid", "x", "--start-time", "1", "stacks"},
                                             {"--pid", "1", "--start-time", "1"},
                                             {"--pid", "1", "--start-time", "1", "--deadline", "5", "stacks"},
                                             {"--pid", "1", "--start-time", "1", "cores"}}) {
    const auto r = inspection{arguments, nullptr}.finish();
    EXPECT_EQ(r.status, 2);
    EXPECT_EQ(r.printed, "");
  }
}

}  // namespace
}  // namespace unwedge::inspect

#include "tests/unit/inspect/inspection.hpp"

#include "daemon/evidence/proc_files.hpp"
#include "daemon/evidence/process.hpp"
#include "daemon/evidence/stat_line.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace unwedge::inspect {

namespace json = boost::json;

std::uint64_t start_time_of(pid_t pid) {
  const auto held = evidence::process::open(pid);
  return held ? held->start_time() : 0;
}

inspection::inspection(pid_t of, std::vector<std::string> more) {
  more.insert(more.end(), {"--pid", fmt::format("{}", of), "stacks"});
  if (std::ranges::find(more, "--start-time") == more.end())
    more.insert(more.begin(), {"--start-time", fmt::format("{}", start_time_of(of))});
  start(more);
}

inspection::inspection(const std::vector<std::string>& arguments, std::nullptr_t) {
  start(arguments);
}

void inspection::start(const std::vector<std::string>& arguments) {
  const auto program = std::filesystem::canonical("/proc/self/exe").parent_path() / "unwedge-inspect";
  std::vector<std::string> all{"unwedge-inspect"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  out_ = ends[0];
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], STDOUT_FILENO);
    // Looking for leaks is ptrace(2) as well, takes seconds on a busy host, and adds a child that is no
    // worker.
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
}

inspection::~inspection() {
  if (out_ >= 0) ::close(out_);
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

pid_t inspection::worker() const {
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid_));
  pid_t child = 0;
  return children >> child ? child : 0;
}

result inspection::finish() {
  result r;
  std::array<char, 65'536> chunk;
  for (ssize_t got = 0; (got = ::read(out_, chunk.data(), chunk.size())) > 0;)
    r.printed.append(chunk.data(), static_cast<std::size_t>(got));
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  if (WIFEXITED(status)) r.status = WEXITSTATUS(status);
  boost::system::error_code error;
  const auto parsed = json::parse(r.printed, error);
  if (!error && parsed.is_object()) r.document = parsed.get_object();
  return r;
}

json::object thread_of(const result& r, pid_t tid) {
  if (const auto* threads = r.document.if_contains("threads"); threads != nullptr)
    for (const auto& t : threads->as_array())
      if (t.at("tid").to_number<pid_t>() == tid) return t.as_object();
  ADD_FAILURE() << "no thread " << tid << " in: " << r.printed;
  return {{"tid", tid},  {"comm", ""}, {"state", ""}, {"stopped_us", 0.0}, {"frames", json::array{}},
          {"unwind", ""}};
}

std::string text_of(const json::object& in, std::string_view key) {
  return std::string{in.at(key).as_string()};
}

std::vector<std::string> functions_of(const json::object& thread) {
  std::vector<std::string> names;
  for (const auto& f : thread.at("frames").as_array())
    names.push_back(f.at("function").is_null() ? "?" : std::string{f.at("function").as_string()});
  return names;
}

std::string problems_of(const result& r) {
  std::string all;
  if (const auto* problems = r.document.if_contains("problems"); problems != nullptr)
    for (const auto& p : problems->as_array()) all += std::string{p.as_string()} + '\n';
  return all;
}

std::vector<std::pair<pid_t, char>> states_of(pid_t pid) {
  std::vector<std::pair<pid_t, char>> states;
  const auto folder = fmt::format("/proc/{}/task", pid);
  std::error_code ended;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ended)) {
    std::ifstream file(entry.path() / "stat");
    std::string line;
    if (!std::getline(file, line)) continue;
    if (const auto stat = evidence::parse_stat(line))
      states.emplace_back(std::stoi(entry.path().filename()), stat->state);
  }
  std::ranges::sort(states);
  return states;
}

bool eventually(const std::function<bool()>& holds, std::chrono::microseconds between) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(between);
  }
  return true;
}

}  // namespace unwedge::inspect

#include "tests/unit/rescue/rescue_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

namespace unwedge::rescue {

std::string documents::failed() const {
  const auto* const name = last.if_contains("failed");
  return name == nullptr ? "" : std::string{name->as_string()};
}

rescue_run::rescue_run(std::vector<std::string> arguments) {
  const auto program = std::filesystem::canonical("/proc/self/exe").parent_path() / "unwedge-rescue";
  arguments.insert(arguments.begin(), "unwedge-rescue");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::array<int, 2> out{}, in{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(in.data(), O_CLOEXEC) != 0) throw std::bad_alloc{};
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // looking for leaks is ptrace(2) as well
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(in[0]);
  out_ = out[0];
  in_ = in[1];
}

rescue_run::~rescue_run() {
  close_input();
  if (out_ >= 0) ::close(out_);
  if (pid_ <= 1) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void rescue_run::say(std::string_view line) const {
  EXPECT_EQ(::write(in_, line.data(), line.size()), std::ssize(line));
}

void rescue_run::close_input() {
  if (in_ >= 0) ::close(in_);
  in_ = -1;
}

bool rescue_run::read_more() {
  std::array<char, 16'384> chunk;
  const auto got = ::read(out_, chunk.data(), chunk.size());
  if (got > 0) printed_.append(chunk.data(), static_cast<std::size_t>(got));
  return got > 0;
}

bool rescue_run::granted() {
  while (printed_.find('\n') == printed_.npos)
    if (!read_more()) return false;
  return printed_.starts_with(R"({"event":"granted")");
}

documents rescue_run::finish() {
  while (read_more()) {
  }
  documents made{.printed = printed_};
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  if (WIFEXITED(status)) made.status = WEXITSTATUS(status);
  for (std::string_view rest = printed_; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    boost::system::error_code error;
    const auto parsed = boost::json::parse(rest.substr(0, end), error);
    if (!error && parsed.is_object())
      (parsed.get_object().contains("event") ? made.granted : made.last) = parsed.get_object();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return made;
}

std::vector<std::string> identity_of(pid_t pid) {
  const auto held = evidence::process::open(pid);
  return {"--pid", fmt::format("{}", pid), "--start-time", fmt::format("{}", held ? held->start_time() : 0),
          "--any-process"};
}

std::vector<std::string> lease_of(const hung_child& of, std::vector<std::string> more) {
  std::vector<std::string> all{"lease"};
  std::ranges::copy(identity_of(of.pid()), std::back_inserter(all));
  std::ranges::copy(more, std::back_inserter(all));
  const auto missing = [&](std::string_view name) { return std::ranges::find(all, name) == all.end(); };
  if (missing("--holder")) all.insert(all.end(), {"--holder", fmt::format("{}", of.holder())});
  if (missing("--mutex")) all.insert(all.end(), {"--mutex", fmt::format("{:#x}", of.mutex())});
  if (missing("--window")) all.insert(all.end(), {"--window", "200"});
  return all;
}

documents run(std::vector<std::string> arguments) {
  return rescue_run{std::move(arguments)}.finish();
}

}  // namespace unwedge::rescue

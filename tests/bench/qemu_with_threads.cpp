#include "tests/bench/qemu_with_threads.hpp"

#include <fmt/format.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace unwedge::bench {

using namespace std::chrono_literals;

qemu_with_threads::qemu_with_threads(std::size_t count) {
  std::vector<std::string> all{"qemu-system-x86_64",
                               "-nodefaults",
                               "-display",
                               "none",
                               "-S",
                               "-monitor",
                               "none",
                               "-machine",
                               "none",
                               "-name",
                               "guest=bench,debug-threads=on"};
  constexpr std::size_t of_its_own = 2;  // main and call_rcu
  for (std::size_t i = 0; i + of_its_own < count; ++i)
    all.insert(all.end(), {"-object", fmt::format("iothread,id=io{}", i)});
  std::vector<char*> argv;
  for (auto& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  for (int i = 0; i < 2'000 && threads() < count; ++i) std::this_thread::sleep_for(5ms);
  if (threads() != count)
    throw std::runtime_error(fmt::format("QEMU has {} threads, not {}", threads(), count));
  std::this_thread::sleep_for(200ms);
}

qemu_with_threads::~qemu_with_threads() {
  if (pid_ <= 1) return;  // kill(-1) is everything
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::size_t qemu_with_threads::threads() const {
  const auto folder = fmt::format("/proc/{}/task", pid_);
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace unwedge::bench

// One sample of a QEMU with twenty threads (evidence/sample.hpp), beside a floor of the same run: what the
// kernel takes to tell of each thread no more than the system call it is in and its state.
#include "daemon/evidence/process.hpp"
#include "daemon/evidence/sample.hpp"
#include "tests/bench/benches.hpp"
#include "tests/bench/qemu_with_threads.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>

namespace unwedge::bench {
namespace {

constexpr std::size_t thread_count = 20;
constexpr int rounds = 501;

template <typename Work>
double milliseconds_of(Work work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

void read_file(const std::string& path) {
  std::array<char, 4'096> text;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::read(fd, text.data(), text.size()) <= 0) throw std::runtime_error("sample: " + path);
  ::close(fd);
}

std::vector<std::string> least_files(const policies::process_facts& of) {
  std::vector<std::string> paths;
  for (const auto& thread : of.threads)
    for (const auto* name : {"syscall", "stat"})
      paths.push_back(fmt::format("/proc/{}/task/{}/{}", of.pid, thread.tid, name));
  return paths;
}

}  // namespace

std::vector<figure> sample_figures() {
  const qemu_with_threads target{thread_count};
  const auto held = evidence::process::open(target.pid());
  if (!held) throw std::runtime_error("sample: " + held.error());
  const auto now = std::chrono::steady_clock::now();
  const auto once = evidence::sample(*held, now);
  if (once.threads.size() != thread_count || !once.missing.empty())
    throw std::runtime_error("sample: not all of it could be seen");
  const auto paths = least_files(once);
  std::vector<double> ours, floor;
  for (int i = 0; i < rounds; ++i) {
    ours.push_back(milliseconds_of([&] { evidence::sample(*held, now); }));
    floor.push_back(milliseconds_of([&] {
      for (const auto& path : paths) read_file(path);
    }));
  }
  constexpr double limit_ms = 1;
  return {{.name = "evidence sample of 20 threads; floor: their system calls and states",
           .unit = "ms",
           .ours = median(ours),
           .floor = median(floor),
           .limit = limit_ms,
           .absolute = true}};
}

}  // namespace unwedge::bench

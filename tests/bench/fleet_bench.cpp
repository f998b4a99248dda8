#include "tests/bench/benches.hpp"
#include "tests/bench/daemon_process.hpp"
#include "tests/bench/peer_farm.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace unwedge::bench {
namespace {

constexpr int vms = 1'000;
constexpr int rounds = 3;
constexpr int seconds = 5;

/// Both sides in a folder and with peers of their own.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = "/tmp/unwedge-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void wait_for_vms(const daemon_process& daemon, int count) {
  for (int tries = 0; tries < 300; ++tries) {
    if (daemon.connected() == count) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  throw std::runtime_error(fmt::format("unwedged did not connect to {} peers in 30 s", count));
}

double base_kib(const std::filesystem::path& unwedged) {
  const temporary_folder folder;
  const daemon_process daemon(unwedged, folder.path(), false);
  wait_for_vms(daemon, 0);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  return daemon.resident_kib();
}

}  // namespace

std::vector<figure> fleet_figures(const std::filesystem::path& unwedged) {
  const auto base = base_kib(unwedged);
  const temporary_folder ours, other;
  const peer_farm our_peers(ours.path(), vms), floor_peers(other.path(), vms);
  const daemon_process daemon(unwedged, ours.path(), true);
  wait_for_vms(daemon, vms);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  std::vector<double> cpu, floor;
  for (int i = 0; i < rounds; ++i) {
    const auto before = daemon.cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
    cpu.push_back((daemon.cpu_seconds() - before) / passed.count());
    floor.push_back(probe_floor(other.path(), vms, seconds));
  }
  const auto full = daemon.resident_kib();
  return {{.name = "CPU a second, probing 1,000 VMs; floor: bare epoll loop",
           .unit = "ms",
           .ours = median(cpu) * 1e3,
           .floor = median(floor) * 1e3,
           .limit = 2},
          {.name = "resident memory per connected idle VM",
           .unit = "KiB",
           .ours = (full - base) / vms,
           .limit = 12},
          {.name = "resident memory without VMs", .unit = "MiB", .ours = base / 1024, .limit = 16}};
}

}  // namespace unwedge::bench

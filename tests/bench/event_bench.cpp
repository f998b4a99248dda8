// Both sides read the same bytes from a socket that another process fills; only our own thread's CPU time
// counts.
#include "policies/vm_model.hpp"
#include "qmp/session.hpp"
#include "tests/bench/benches.hpp"
#include "tests/bench/peer_farm.hpp"

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <map>
#include <stdexcept>

namespace unwedge::bench {
namespace {

constexpr int events_a_run = 100'000;

std::string transcript() {
  static constexpr std::array states{"created", "running", "ready",   "standby",
                                     "ready",   "waiting", "pending", "concluded"};
  std::string out;
  for (int i = 0; i < events_a_run; ++i) {
    out += fmt::format(
        "{{\"timestamp\": {{\"seconds\": {}, \"microseconds\": {}}}, \"event\": \"JOB_STATUS_CHANGE\", "
        "\"data\": "
        "{{\"status\": \"{}\", \"id\": \"mirror-{}\"}}}}\r\n",
        1'795'387'774 + i / 1000, i % 1000 * 1000, states[static_cast<std::size_t>(i) % states.size()],
        i / 8 % 4);
  }
  return out;
}

double cpu_now() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// A process that writes `bytes` to a socket, then hangs up. With `handshake` it plays QEMU's negotiation
/// first.
class writer {
 public:
  writer(const std::string& bytes, bool handshake) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
      throw std::runtime_error("socketpair");
    socket_ = pair[0];
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(pair[0]);
      if (handshake) negotiate(pair[1]);
      write_all(pair[1], bytes);
      ::_exit(0);
    }
    ::close(pair[1]);
  }
  ~writer() { ::waitpid(process_, nullptr, 0); }
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  int socket() const { return socket_; }

 private:
  static void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::write(fd, bytes.data(), std::min<std::size_t>(bytes.size(), 32'768));
      if (n <= 0) ::_exit(1);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  static void negotiate(int fd) {
    write_all(fd, greeting);
    std::array<char, 512> command;
    const auto n = ::read(fd, command.data(), command.size());
    if (n <= 0) ::_exit(1);
    write_all(fd, answer({command.data(), static_cast<std::size_t>(n)}));
  }
  int socket_ = -1;
  pid_t process_ = -1;
};

void floor_run(benchmark::State& state, const std::string& bytes) {
  for (auto _ : state) {
    const writer w(bytes, false);
    std::string pending;
    std::vector<char> buffer(65'536);
    const auto began = cpu_now();
    int seen = 0;
    for (ssize_t n = 0; (n = ::read(w.socket(), buffer.data(), buffer.size())) > 0;) {
      pending.append(buffer.data(), static_cast<std::size_t>(n));
      std::size_t at = 0;
      for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', at)) {
        const auto value = boost::json::parse(boost::json::string_view(pending.data() + at, end - at));
        benchmark::DoNotOptimize(value);
        at = end + 1;
        ++seen;
      }
      pending.erase(0, at);
    }
    state.SetIterationTime((cpu_now() - began) / seen);
    ::close(w.socket());
    if (seen != events_a_run) state.SkipWithError("floor: events are missing");
  }
}

struct model_feeder final : qmp::session_observer {
  policies::vm_model vm;
  double began = 0;
  void on_ready(const qmp::greeting&, bool) override { began = cpu_now(); }
  void on_event(const qmp::event& e) override { apply_event(vm, e, std::chrono::steady_clock::now()); }
  void on_reply(qmp::command_id, const qmp::reply&) override {}
};

void our_run(benchmark::State& state, const std::string& bytes) {
  for (auto _ : state) {
    const writer w(bytes, true);
    boost::asio::io_context io(1);
    qmp::io_scratch scratch;
    model_feeder feeder;
    qmp::limits no_flood_limit;
    no_flood_limit.events_per_second = no_flood_limit.event_burst = 1e12;
    auto session =
        std::make_shared<qmp::session>(qmp::socket(io, boost::asio::local::stream_protocol(), w.socket()),
                                       scratch, static_cast<qmp::session_observer&>(feeder), no_flood_limit);
    boost::asio::co_spawn(io, qmp::run(session), [](std::exception_ptr e, const qmp::error&) {
      if (e) std::rethrow_exception(e);
    });
    io.run();
    state.SetIterationTime((cpu_now() - feeder.began) / events_a_run);
    if (feeder.vm.event_count != events_a_run) state.SkipWithError("ours: events are missing");
  }
}

/// Keeps what it is told, prints nothing.
struct collector final : benchmark::BenchmarkReporter {
  std::map<std::string, std::vector<double>> seconds;
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const auto& r : runs) {
      if (r.error_occurred) throw std::runtime_error(r.error_message);
      if (r.run_type == Run::RT_Iteration) {
        seconds[r.run_name.function_name].push_back(r.real_accumulated_time /
                                                    static_cast<double>(r.iterations));
      }
    }
  }
};

}  // namespace

std::vector<figure> event_figures() {
  const auto bytes = transcript();
  benchmark::RegisterBenchmark("ours", [&](benchmark::State& s) { our_run(s, bytes); })
      ->UseManualTime()
      ->Iterations(1)
      ->Repetitions(11);
  benchmark::RegisterBenchmark("floor", [&](benchmark::State& s) { floor_run(s, bytes); })
      ->UseManualTime()
      ->Iterations(1)
      ->Repetitions(11);
  int argc = 2;
  char name[] = "bench", interleave[] = "--benchmark_enable_random_interleaving=true";
  char* argv[] = {name, interleave, nullptr};
  benchmark::Initialize(&argc, argv);
  collector results;
  benchmark::RunSpecifiedBenchmarks(&results);
  return {{.name = "CPU per JOB_STATUS_CHANGE event, socket to model; floor: read + json::parse",
           .unit = "us",
           .ours = median(results.seconds["ours"]) * 1e6,
           .floor = median(results.seconds["floor"]) * 1e6,
           .limit = 1.5}};
}

}  // namespace unwedge::bench

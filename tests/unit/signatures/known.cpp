#include "known.hpp"

#include "daemon/config/signatures.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

namespace unwedge::policies::fake {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

const std::string comm_of(thread_role role) {
  static const std::map<thread_role, std::string> names{
      {thread_role::main, "qemu-system-x86"},    {thread_role::vcpu, "CPU 0/KVM"},
      {thread_role::iothread, "IO io0"},         {thread_role::migration, "live_migration"},
      {thread_role::return_path, "return path"}, {thread_role::incoming, "postcopy/listen"}};
  return names.at(role);
}

qmp::version version_of(const release& r) {
  return {static_cast<int>(r.major), static_cast<int>(r.minor), static_cast<int>(r.micro), ""};
}

std::string text_of(const fs::path& file) {
  std::ifstream in{file};
  if (!in) throw std::runtime_error(file.string() + ": cannot be read");
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::optional<wait_root::kind> root_of(const json::value& name) {
  if (name.is_null()) return std::nullopt;
  return name.as_string() == "migration" ? wait_root::kind::migration : wait_root::kind::block_node;
}

}  // namespace

const std::vector<signature>& shipped() {
  static const auto all = [] {
    auto loaded =
        config::load_signatures({.vendor = UNWEDGE_SOURCE_DIR "/policies/signatures", .admin = "/none"});
    if (!loaded) throw std::runtime_error(config::to_string(loaded.error().front()));
    return std::move(*loaded);
  }();
  return all;
}

const signature& shipped(std::string_view name) {
  return *std::ranges::find(shipped(), name, &signature::name);
}

thread_stack thread(pid_t tid, std::string comm, const std::vector<std::string>& functions) {
  thread_stack out{.tid = tid, .comm = std::move(comm), .frames = {}, .unwind = "complete"};
  for (const auto& f : functions) out.frames.push_back({.function = f == "?" ? "" : f});
  return out;
}

process_stacks least(const signature& s) {
  process_stacks out;
  out.threads.push_back(idle_main());
  pid_t tid = 2;
  for (const auto& pattern : s.threads) {
    std::vector<std::string> functions;
    for (const auto& element : pattern.functions)
      functions.push_back(element.if_named ? "?" : element.any_of[0]);
    const bool main = pattern.role == thread_role::main;
    auto stack = thread(main ? 1 : tid++, comm_of(pattern.role), functions);
    if (main) {
      out.threads.front() = std::move(stack);
    } else {
      out.threads.push_back(std::move(stack));
    }
  }
  return out;
}

signature_context right_context(const signature& s) {
  signature_context out;
  if (s.from) {
    out.version = version_of(*s.from);
  } else if (s.fixed_in) {
    auto before = *s.fixed_in;
    before.micro = before.minor == 0 ? 99 : 0;
    if (before.minor == 0)
      before.minor = 99, --before.major;
    else
      --before.minor;
    out.version = version_of(before);
  }
  if (!s.roots.empty()) out.root = s.roots.front();
  if (!s.jobs.empty()) out.jobs = std::vector{s.jobs.front()};
  return out;
}

captured read_stacks(const std::string& file) {
  const auto document =
      json::parse(text_of(fs::path{UNWEDGE_SOURCE_DIR "/tests/unit/signatures/stacks"} / file));
  captured out{.name = file.substr(0, file.rfind('-')), .context = {}, .stacks = {}};
  const auto release = parse_release(document.at("qemu").as_string());
  out.context = {version_of(*release), root_of(document.at("root")),
                 json::value_to<std::vector<std::string>>(document.at("jobs"))};
  for (const auto& t : document.at("threads").as_array()) {
    out.stacks.threads.push_back(thread(static_cast<pid_t>(t.at("tid").as_int64()),
                                        std::string{t.at("comm").as_string()},
                                        json::value_to<std::vector<std::string>>(t.at("functions"))));
  }
  return out;
}

std::vector<std::string> files_of_stacks() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator{UNWEDGE_SOURCE_DIR "/tests/unit/signatures/stacks"}) {
    out.push_back(entry.path().filename().string());
  }
  std::ranges::sort(out);
  return out;
}

thread_stack idle_main() {
  return thread(1, "qemu-system-x86", {"ppoll", "qemu_poll_ns", "main_loop_wait", "qemu_main_loop", "main"});
}

thread_stack idle_vcpu(pid_t tid) {
  return thread(tid, "CPU 0/KVM",
                {"pthread_cond_wait@@GLIBC_2.3.2", "qemu_cond_wait_impl", "qemu_wait_io_event", "?", "?",
                 "start_thread", "__clone3"});
}

thread_stack idle_call_rcu(pid_t tid) {
  return thread(tid, "call_rcu", {"syscall", "qemu_event_wait", "?", "?", "start_thread", "__clone3"});
}

}  // namespace unwedge::policies::fake

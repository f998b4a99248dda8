#include "daemon/ctl/render_chain.hpp"

#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/syscall_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t most_links = 32;
constexpr std::size_t most_descriptors = 16;

/// A whole number that fits; what is none is nothing.
std::optional<long long> whole(const json::object& in, std::string_view key) {
  auto const n = number_at(in, key);
  if (!n || !std::isfinite(*n) || std::abs(*n) > 9e18) return std::nullopt;
  return static_cast<long long>(*n);
}

const json::object* find_by(const json::object& sample, std::string_view list, std::string_view key,
                            long long number) {
  auto const* items = array_at(sample, list);
  if (items == nullptr) return nullptr;
  for (auto const& item : *items) {
    auto const* o = item.if_object();
    if (o != nullptr && whole(*o, key) == number) return o;
  }
  return nullptr;
}

std::string name_of(const json::object& thread) {
  auto const comm = printable(text_at(thread, "comm"));
  return fmt::format("{} ({})", comm.empty() ? "?" : comm, whole(thread, "tid").value_or(0));
}

std::string file_in_words(const json::object& sample, long long fd) {
  if (auto const* file = find_by(sample, "files", "fd", fd)) return printable(text_at(*file, "target"));
  return {};
}

/// What a descriptor leads to.
std::string target_in_words(const json::object& sample, long long fd, const chain_context& context) {
  if (auto const* socket = find_by(sample, "sockets", "fd", fd)) return socket_in_words(*socket, context);
  auto target = file_in_words(sample, fd);
  if (target.empty()) target = "not known";
  auto const* root = context.verdict == nullptr ? nullptr : object_at(*context.verdict, "root");
  auto const name = root == nullptr ? std::string() : printable(text_at(*root, "name"));
  bool const is_root = !name.empty() && target == name;
  return fmt::format("fd {}: {}{}", fd, target, is_root ? "  <- here the wait ends" : "");
}

std::string node_of(std::string_view peer, const json::array* nodes) {
  if (nodes == nullptr || peer.empty()) return {};
  for (auto const& each : *nodes) {
    auto const* node = each.if_object();
    if (node == nullptr || text_at(*node, "peer") != peer) continue;
    auto const driver = printable(text_at(*node, "driver"));
    return fmt::format(": node {}{}{}", printable(text_at(*node, "name")),
                       driver.empty() ? "" : " (" + driver + ")",
                       flag_at(*node, "job_target") ? ", a job's target" : "");
  }
  return {};
}

std::vector<long long> descriptors_of(const json::object& thread) {
  std::vector<long long> out;
  if (auto const* polls = array_at(thread, "polls")) {
    for (auto const& fd : *polls) {
      if (fd.is_int64()) out.push_back(fd.get_int64());
    }
  }
  if (auto const io = whole(thread, "io_fd")) out.push_back(*io);
  return out;
}

std::string call_in_words(const json::object& thread, const json::object& sample) {
  auto const* call = object_at(thread, "syscall");
  auto const number = call == nullptr ? std::nullopt : whole(*call, "number");
  if (!number || *number < 0) {
    auto const wchan = printable(text_at(thread, "wchan"));
    return wchan.empty() ? std::string() : " in the kernel's " + wchan;
  }
  auto const name = syscall_name(static_cast<long>(*number));
  auto out = " in " + (name.empty() ? fmt::format("system call {}", *number) : std::string(name));
  auto const* polls = array_at(thread, "polls");
  if (polls != nullptr)
    return out + fmt::format(" of {} descriptor{}", polls->size(), polls->size() == 1 ? "" : "s");
  auto const io = whole(thread, "io_fd");
  if (!io) return out;
  auto const file = file_in_words(sample, *io);
  return out + fmt::format(" of fd {}{}", *io, file.empty() ? "" : ", " + file);
}

std::string lock_in_words(const json::object& wait, const json::object& sample) {
  auto const address = static_cast<unsigned long long>(whole(wait, "mutex").value_or(0));
  auto out = fmt::format("waits for {} at {:#x}", flag_at(wait, "bql") ? "the BQL" : "the lock", address);
  auto const owner = whole(wait, "owner").value_or(0);
  if (owner <= 0) return out + ", whose holder could not be read";
  auto const* holder = find_by(sample, "threads", "tid", owner);
  return out +
         fmt::format(", held by {}", holder != nullptr ? name_of(*holder) : fmt::format("thread {}", owner));
}

const json::object* first_thread(const json::object& sample) {
  auto const* threads = array_at(sample, "threads");
  return threads == nullptr || threads->empty() ? nullptr : threads->front().if_object();
}

void add_descriptors(std::vector<std::string>& lines, const std::string& indent, const json::object& thread,
                     const json::object& sample, const chain_context& context) {
  auto const all = descriptors_of(thread);
  auto const shown = std::min(all.size(), most_descriptors);
  for (std::size_t i = 0; i < shown; ++i) {
    bool const last = i + 1 == all.size();
    lines.push_back(
        fmt::format("{} {} {}", indent, last ? "'-" : "|-", target_in_words(sample, all[i], context)));
  }
  if (shown < all.size()) lines.push_back(fmt::format("{} '- and {} more", indent, all.size() - shown));
}

}  // namespace

std::string socket_in_words(const json::object& socket, const chain_context& context) {
  auto const local = printable(text_at(socket, "local")), peer = printable(text_at(socket, "peer"));
  auto const end = [](const std::string& name) { return name.empty() ? std::string("unnamed") : name; };
  auto out = fmt::format("fd {}: socket {} -> {}", whole(socket, "fd").value_or(-1), end(local), end(peer));
  if (auto const queued = whole(socket, "send_queue").value_or(0); queued > 0)
    out += fmt::format(", {} bytes not taken", queued);
  if (auto const unread = whole(socket, "receive_queue").value_or(0); unread > 0)
    out += fmt::format(", {} bytes not read", unread);
  out += node_of(text_at(socket, "peer"), context.nodes);
  auto const* root = context.verdict == nullptr ? nullptr : object_at(*context.verdict, "root");
  bool const is_root = root != nullptr && !peer.empty() && printable(text_at(*root, "peer")) == peer;
  return out + (is_root ? "  <- here the wait ends" : "");
}

std::string wait_in_words(const json::object& thread, const json::object& sample) {
  auto const state = text_at(thread, "state");
  if (auto const* wait = object_at(thread, "waits_for")) return lock_in_words(*wait, sample);
  if (state == "R") return "runs" + call_in_words(thread, sample);
  if (state == "T") return "is stopped";
  if (state == "t") return "is stopped by a debugger";
  if (state == "Z" || state == "X") return "has ended";
  if (state == "D") return "hangs" + call_in_words(thread, sample) + " (uninterruptible)";
  auto const call = call_in_words(thread, sample);
  return call.empty() ? "sleeps" : "sleeps" + call;
}

std::vector<std::string> chain_lines(const json::object& sample, const chain_context& context) {
  std::vector<std::string> lines;
  auto const* thread = first_thread(sample);
  std::set<const json::object*> seen;
  std::string indent;
  while (thread != nullptr) {
    auto const who = seen.empty() ? fmt::format("{} ({}, main thread)", printable(text_at(*thread, "comm")),
                                                whole(*thread, "tid").value_or(0))
                                  : name_of(*thread);
    lines.push_back(
        fmt::format("{}{}{} {}", indent, seen.empty() ? "" : "'- ", who, wait_in_words(*thread, sample)));
    seen.insert(thread);
    indent += seen.size() == 1 ? " " : "   ";
    auto const* wait = object_at(*thread, "waits_for");
    if (wait == nullptr) {
      add_descriptors(lines, seen.size() == 1 ? "" : indent, *thread, sample, context);
      break;
    }
    thread = find_by(sample, "threads", "tid", whole(*wait, "owner").value_or(0));
    if (thread != nullptr && seen.contains(thread)) {
      lines.push_back(
          fmt::format("{}'- {}, which waits itself: nothing can free them", indent, name_of(*thread)));
      break;
    }
    if (seen.size() == most_links) {
      lines.push_back(indent + "'- and so on");
      break;
    }
  }
  return lines;
}

}  // namespace unwedge::ctl

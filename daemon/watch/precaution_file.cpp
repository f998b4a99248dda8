#include "daemon/watch/precaution_file.hpp"

#include "daemon/incident/files.hpp"
#include "daemon/watch/state_file.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <charconv>

namespace unwedge::watch {
namespace {

namespace json = boost::json;

std::string key_of(const evidence::process& p) {
  return fmt::format("{} {}", p.pid(), p.start_time());
}

bool lives(std::string_view key) {
  pid_t pid = 0;
  std::from_chars(key.data(), key.data() + key.size(), pid);
  const auto process = evidence::process::open(pid);
  return process && key_of(*process) == key;
}

}  // namespace

std::expected<precaution_file, std::string> precaution_file::load(std::filesystem::path file) {
  precaution_file out;
  out.file_ = std::move(file);
  auto all = read_state_file(out.file_);
  if (!all) return std::unexpected(std::move(all.error()));
  for (const auto& entry : *all) {
    const auto* left = entry.value().if_object();
    if (left != nullptr && lives(entry.key())) out.by_process_.emplace(entry.key(), *left);
  }
  return out;
}

std::optional<json::object> precaution_file::find(const evidence::process& p) const {
  const auto found = by_process_.find(key_of(p));
  return found == by_process_.end() ? std::nullopt : std::optional(found->second);
}

void precaution_file::put(const evidence::process& p, std::optional<json::object> left,
                          store_worker& worker) {
  const auto key = key_of(p);
  if (left)
    by_process_.insert_or_assign(key, std::move(*left));
  else if (by_process_.erase(key) == 0)
    return;
  json::object all;
  for (const auto& [name, of] : by_process_) all[name] = of;
  worker.post([file = file_, text = json::serialize(all)](incidents::store&) {
    if (const auto saved = write_state_file(file, text); !saved) spdlog::error("{}", saved.error());
  });
}

}  // namespace unwedge::watch

#include "daemon/incident/incident_id.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace unwedge::incidents {

namespace {

constexpr std::size_t max_vm_part = 48;
constexpr std::size_t max_id = 80;
constexpr std::size_t max_file_name = 128;  ///< that of a core holds a VM's name, a pid and a time

/// Not isalnum: it asks the locale.
bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

bool well_formed(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.front() != '-' && name.find("..") == name.npos &&
         std::ranges::all_of(name, plain);
}

}  // namespace

std::string sanitised(std::string_view vm) {
  std::string out;
  for (const char c : vm.substr(0, max_vm_part)) {
    const bool leading = out.empty() && (c == '.' || c == '-');
    const bool dots = c == '.' && out.ends_with('.');
    out += plain(c) && !leading && !dots ? c : '_';
  }
  return out.empty() ? "vm" : out;
}

std::string make_id(std::string_view vm, wall_time now, unsigned attempt) {
  const auto base = fmt::format("{}-{}", sanitised(vm), compact_utc(now));
  return attempt < 2 ? base : fmt::format("{}-{}", base, attempt);
}

bool valid_id(std::string_view id) {
  return id.size() <= max_id && well_formed(id);
}

bool valid_file_name(std::string_view name) {
  return name.size() <= max_file_name && well_formed(name);
}

bool valid_attachment_name(std::string_view name) {
  return valid_file_name(name) && name != "journal.jsonl";
}

}  // namespace unwedge::incidents

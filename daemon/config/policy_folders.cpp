#include "daemon/config/builtin_policies.hpp"
#include "daemon/config/file.hpp"
#include "daemon/config/policies.hpp"
#include "daemon/config/policy_values.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <system_error>

namespace unwedge::config {

namespace {

namespace fs = std::filesystem;
using policies::policy;

constexpr std::string_view extension = ".toml";
constexpr std::string_view built_in = "built in";

/// Where the policy of a file name comes from: a file, or if it has no path a text of ours.
struct origin {
  fs::path path;
  std::string_view text;
  bool may_mask = false;
};
using origins = std::map<std::string, origin>;  ///< by file name

std::vector<problem> whole_file(const fs::path& path, std::string what) {
  return {problem{one_line(path.string()), 0, 0, std::move(what), ""}};
}

void append(std::vector<problem>& to, std::vector<problem> more) {
  std::ranges::move(more, std::back_inserter(to));
}

bool is_policy_file(std::string_view name) {
  return name.ends_with(extension) && !name.starts_with('.');  // as the glob *.toml has it
}

/// Puts the folder's files in the place of those of the same name. False if there is no such folder.
bool collect(const fs::path& folder, bool may_mask, origins& to, std::vector<problem>& problems) {
  std::error_code error;
  fs::directory_iterator at{folder, error};
  if (error == std::errc::no_such_file_or_directory) return false;
  std::size_t count = 0;
  for (; !error && at != fs::directory_iterator{}; at.increment(error)) {
    auto name = at->path().filename().string();
    if (!is_policy_file(name)) continue;
    if (++count > max_policy_files) {
      append(problems, whole_file(folder, fmt::format("has more than {} policies", max_policy_files)));
      return true;
    }
    to[std::move(name)] = {at->path(), {}, may_mask};
  }
  if (error) append(problems, whole_file(folder, "cannot be read: " + error.message()));
  return true;
}

/// What is wrong with the name of a policy's file, if anything.
std::vector<problem> name_problems(const fs::path& file) {
  const auto name = file.filename().string();
  if (file.extension() == extension && parse_policy_name(file.stem().string())) return {};
  return whole_file(file,
                    fmt::format("is called {}, expected 1 to 64 characters of a-z, 0-9 and '-', then {}",
                                backquoted(name), extension));
}

std::expected<std::optional<policy>, std::vector<problem>> load_from(const std::string& file_name,
                                                                     const origin& from) {
  if (from.path.empty()) {
    return parse_policy(from.text, built_in, file_name.substr(0, file_name.size() - extension.size()));
  }
  auto loaded = load_policy(from.path);
  if (loaded && !*loaded && !from.may_mask) {
    return std::unexpected(
        whole_file(from.path, "is empty, which masks a policy in the administrator's folder only"));
  }
  return loaded;
}

}  // namespace

std::expected<std::optional<policy>, std::vector<problem>> load_policy(const fs::path& file) {
  auto problems = name_problems(file);
  auto read = read_file(file);
  if (read && !read->regular && !read->null_device) {
    read = std::unexpected("is no regular file, expected one");
  }
  if (!read) {
    append(problems, whole_file(file, std::move(read.error())));
    return std::unexpected(std::move(problems));
  }
  std::optional<policy> result;
  if (!read->text.empty()) {
    auto parsed = parse_policy(read->text, one_line(file.string()), file.stem().string());
    if (parsed) {
      result = std::move(*parsed);
    } else {
      append(problems, std::move(parsed.error()));
    }
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return result;
}

policy_folders folders_of(const policies::settings& settings) {
  return {settings.policy_folders.vendor, settings.policy_folders.admin};
}

std::expected<policy_set, std::vector<problem>> load_policies(const policy_folders& folders) {
  origins from;
  std::vector<problem> problems;
  if (!collect(folders.vendor, false, from, problems)) {
    for (const auto& [name, text] : builtin_policies()) {
      from[std::string{name} + std::string{extension}] = {{}, text, false};
    }
  }
  collect(folders.admin, true, from, problems);
  policy_set set;
  for (const auto& [file_name, origin] : from) {
    auto loaded = load_from(file_name, origin);
    if (!loaded) {
      append(problems, std::move(loaded.error()));
    } else if (*loaded) {
      set.all.push_back(std::move(**loaded));
    }
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return set;
}

}  // namespace unwedge::config

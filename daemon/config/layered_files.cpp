#include "daemon/config/layered_files.hpp"

#include "daemon/config/file.hpp"
#include "daemon/config/policy_values.hpp"

#include <fmt/core.h>

#include <map>
#include <system_error>

namespace unwedge::config {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view extension = ".toml";

using by_name = std::map<std::string, layered_file>;

problem whole_file(const fs::path& path, std::string what) {
  return {one_line(path.string()), 0, 0, std::move(what), ""};
}

bool is_ours(std::string_view name) {
  return name.ends_with(extension) && !name.starts_with('.');  // as the glob *.toml has it
}

/// Puts the folder's files in the place of those of the same name. False if there is no such folder.
bool collect(const fs::path& folder, bool may_mask, const layers& of, by_name& to,
             std::vector<problem>& problems) {
  std::error_code error;
  fs::directory_iterator at{folder, error};
  if (error == std::errc::no_such_file_or_directory) return false;
  std::size_t count = 0;
  for (; !error && at != fs::directory_iterator{}; at.increment(error)) {
    auto name = at->path().filename().string();
    if (!is_ours(name)) continue;
    if (++count > of.most) {
      problems.push_back(whole_file(folder, fmt::format("has more than {} {}", of.most, of.many)));
      return true;
    }
    to[name] = {name, at->path(), {}, may_mask};
  }
  if (error) problems.push_back(whole_file(folder, "cannot be read: " + error.message()));
  return true;
}

/// What is wrong with the name of a file, if anything.
std::optional<problem> name_problem(const fs::path& file) {
  const auto name = file.filename().string();
  if (file.extension() == extension && parse_policy_name(file.stem().string())) return std::nullopt;
  return whole_file(file,
                    fmt::format("is called {}, expected 1 to 64 characters of a-z, 0-9 and '-', then {}",
                                backquoted(name), extension));
}

}  // namespace

std::vector<layered_file> layered_files(const layers& of, std::vector<problem>& problems) {
  by_name found;
  if (!collect(of.vendor, false, of, found, problems)) {
    for (const auto& [name, text] : of.built_in) {
      const auto file_name = std::string{name} + std::string{extension};
      found[file_name] = {file_name, {}, text, false};
    }
  }
  collect(of.admin, true, of, found, problems);
  std::vector<layered_file> out;
  for (auto& [name, file] : found) out.push_back(std::move(file));
  return out;
}

layer_text read_layer(const fs::path& file) {
  layer_text out;
  if (auto wrong = name_problem(file)) out.problems.push_back(std::move(*wrong));
  auto read = read_file(file);
  if (read && !read->regular && !read->null_device) {
    read = std::unexpected("is no regular file, expected one");
  }
  if (!read) {
    out.problems.push_back(whole_file(file, std::move(read.error())));
  } else if (!read->text.empty()) {
    out.text = std::move(read->text);
  }
  return out;
}

problem masks_nothing(const layered_file& file, const layers& of) {
  return whole_file(file.path,
                    fmt::format("is empty, which masks a {} in the administrator's folder only", of.one));
}

}  // namespace unwedge::config

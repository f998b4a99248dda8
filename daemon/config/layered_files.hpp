// A folder of the vendor's *.toml, and one of the administrator's whose files take the place of those of the
// same name. Used for policies and signatures; knows nothing of what is in a file. No state.
#pragma once

#include "daemon/config/builtin_texts.hpp"
#include "daemon/config/problem.hpp"

#include <expected>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unwedge::config {

struct layers {
  std::filesystem::path vendor;
  std::filesystem::path admin;
  std::string_view one;                    ///< what a file is, for the problems: "policy"
  std::string_view many;                   ///< "policies"
  std::span<const builtin_text> built_in;  ///< stand in for a vendor's folder that does not exist
  std::size_t most = 0;                    ///< files of one folder
};

/// Where the text of a file name comes from: a file, or if it has no path a text of ours.
struct layered_file {
  std::string name;
  std::filesystem::path path;
  std::string_view text;
  bool may_mask = false;
};

/// By file name, whatever the folder. What is wrong with a folder goes to `problems`.
std::vector<layered_file> layered_files(const layers&, std::vector<problem>& problems);

/// A file's text; none of an empty one or /dev/null, which masks, and none with problems.
struct layer_text {
  std::optional<std::string> text;
  std::vector<problem> problems;  ///< also of a file whose text was read: its name may be wrong
};
layer_text read_layer(const std::filesystem::path&);

/// It is empty, and stands where that masks nothing.
problem masks_nothing(const layered_file&, const layers&);

template <typename T>
using parse_layer = std::expected<T, std::vector<problem>>(std::string_view text, std::string_view file_name,
                                                           std::string_view name);

/// nullopt: masked.
template <typename T>
std::expected<std::optional<T>, std::vector<problem>> load_layer(const std::filesystem::path& file,
                                                                 parse_layer<T>* parse) {
  auto read = read_layer(file);
  std::optional<T> result;
  if (read.text) {
    auto parsed = parse(*read.text, one_line(file.string()), file.stem().string());
    if (parsed) {
      result = std::move(*parsed);
    } else {
      std::ranges::move(parsed.error(), std::back_inserter(read.problems));
    }
  }
  if (!read.problems.empty()) return std::unexpected(std::move(read.problems));
  return result;
}

/// All or nothing: one problem anywhere, and there is nothing.
template <typename T>
std::expected<std::vector<T>, std::vector<problem>> load_layers(const layers& of, parse_layer<T>* parse) {
  std::vector<problem> problems;
  std::vector<T> all;
  for (const auto& file : layered_files(of, problems)) {
    std::expected<std::optional<T>, std::vector<problem>> loaded;
    if (file.path.empty()) {
      loaded = parse(file.text, "built in", std::filesystem::path{file.name}.stem().string());
    } else {
      loaded = load_layer<T>(file.path, parse);
    }
    if (!loaded) {
      std::ranges::move(loaded.error(), std::back_inserter(problems));
    } else if (*loaded) {
      all.push_back(std::move(**loaded));
    } else if (!file.may_mask) {
      problems.push_back(masks_nothing(file, of));
    }
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return all;
}

}  // namespace unwedge::config

#include "daemon/config/signatures.hpp"

#include "daemon/config/layered_files.hpp"
#include "daemon/config/policy_values.hpp"
#include "daemon/config/reader.hpp"
#include "daemon/config/signature_values.hpp"

#include <algorithm>

namespace unwedge::config {

namespace {

using policies::signature;

constexpr std::size_t max_patterns = 8;
constexpr std::size_t max_elements = 32;

std::vector<std::string> read_list(table_reader& in, std::string_view key, std::string_view noun,
                                   parsed<std::string> (*parse)(std::string_view)) {
  auto all = in.list(key, noun, parse);
  if (all.size() > max_elements) {
    in.report(in.find(key)->at,
              fmt::format("`{}` has {} {}, expected at most {}", key, all.size(), noun, max_elements));
    all.clear();
  }
  return all;
}

void read_role(table_reader& in, policies::stack_pattern& to) {
  static constexpr std::string_view names[] = {"main",     "vcpu",        "iothread", "monitor",  "migration",
                                               "multifd",  "return_path", "incoming", "snapshot", "worker",
                                               "call_rcu", "nbd_connect", "vnc",      "dump"};
  const auto parse = [](std::string_view text) {
    return text == "unknown" ? std::nullopt : policies::parse_thread_role(text);
  };
  set(to.role, in.choice("role", parse, names));
}

void read_thread(const node& from, signature& to, problem_list& problems) {
  table_reader in{from, "[[thread]]", problems};
  policies::stack_pattern pattern;
  read_role(in, pattern);
  for (const auto& text : read_list(in, "functions", "functions", parse_function_text)) {
    pattern.functions.push_back(*parse_function(text));
  }
  pattern.without = read_list(in, "without", "functions", parse_plain_name);
  const auto* functions = in.find("functions");
  const auto* elements = functions == nullptr ? nullptr : std::get_if<array>(&functions->value);
  const bool empty = functions == nullptr || (elements != nullptr && elements->empty());
  const bool all_optional = !pattern.functions.empty() &&
                            std::ranges::all_of(pattern.functions, &policies::stack_element::if_named);
  if (empty || all_optional) {
    in.report(functions == nullptr ? from.at : functions->at,
              "a [[thread]] without `functions` that have a name in every build, expected at least one");
  }
  in.finish();
  to.threads.push_back(std::move(pattern));
}

void read_threads(table_reader& top, signature& to, problem_list& problems) {
  const auto* from = top.find("thread");
  if (from == nullptr) return top.report({1, 1}, "a signature without [[thread]], expected at least one");
  const auto* elements = std::get_if<array>(&from->value);
  if (elements == nullptr) {
    return top.report(from->at,
                      fmt::format("`thread` is {}, expected [[thread]] with two brackets", kind_of(*from)));
  }
  if (elements->empty() || elements->size() > max_patterns) {
    return top.report(from->at,
                      fmt::format("{} [[thread]], expected 1 to {}", elements->size(), max_patterns));
  }
  for (const auto& element : *elements) {
    if (std::holds_alternative<table>(element.value)) {
      read_thread(element, to, problems);
    } else {
      top.report(element.at, fmt::format("`thread` holds {}, expected tables: [[thread]]", kind_of(element)));
    }
  }
}

void read_range(table_reader& top, signature& to) {
  to.from = top.text("from", parse_qemu_release);
  to.fixed_in = top.text("fixed_in", parse_qemu_release);
  set(to.only_in_range, top.boolean("only_in_range"));
  const auto* fixed_at = top.find("fixed_in");
  if (to.from && to.fixed_in && *to.from >= *to.fixed_in) {
    top.report(fixed_at->at, fmt::format("`fixed_in` is {}, expected a release after `from`, which is {}",
                                         to_string(*to.fixed_in), to_string(*to.from)));
  }
  const auto* only = top.find("only_in_range");
  if (to.only_in_range && top.find("from") == nullptr && fixed_at == nullptr) {
    top.report(only->at, "`only_in_range` without `from` or `fixed_in`, expected one of them");
  }
}

}  // namespace

std::expected<signature, std::vector<problem>> parse_signature(std::string_view text,
                                                               std::string_view file_name,
                                                               std::string_view signature_name) {
  const auto root = read_document(text, file_name);
  if (!root) return std::unexpected(std::vector{root.error()});
  problem_list problems{file_name};
  table_reader top{*root, "", problems};
  signature result{.name = std::string{signature_name}, .source = std::string{file_name}};
  set(result.title, top.text("title", parse_description));
  if (top.find("title") == nullptr) top.report({1, 1}, "a signature without `title`");
  set(result.description, top.text("description", parse_paragraph));
  result.references = read_list(top, "references", "references", parse_description);
  set(result.helps, top.text("helps", parse_paragraph));
  read_range(top, result);
  for (const auto& name : read_list(top, "roots", "roots", parse_root_text)) {
    result.roots.push_back(*parse_root(name));
  }
  result.jobs = read_list(top, "jobs", "job types", parse_state);
  read_threads(top, result, problems);
  top.finish();
  auto found = std::move(problems).sorted();
  if (!found.empty()) return std::unexpected(std::move(found));
  return result;
}

std::expected<std::optional<signature>, std::vector<problem>> load_signature(
    const std::filesystem::path& file) {
  return load_layer<signature>(file, parse_signature);
}

std::expected<std::vector<signature>, std::vector<problem>> load_signatures(
    const policies::signature_folder_settings& folders) {
  return load_layers<signature>({.vendor = folders.vendor,
                                 .admin = folders.admin,
                                 .one = "signature",
                                 .many = "signatures",
                                 .built_in = builtin_signatures(),
                                 .most = max_signature_files},
                                parse_signature);
}

}  // namespace unwedge::config

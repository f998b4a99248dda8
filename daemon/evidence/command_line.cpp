#include "daemon/evidence/command_line.hpp"

#include "daemon/evidence/proc_files.hpp"

#include <fmt/format.h>

namespace unwedge::evidence {
namespace {

constexpr std::size_t most_bytes = 64u << 10;
constexpr std::size_t most_arguments = 1'024;
constexpr std::size_t longest_argument = 4'096;

}  // namespace

command_line parse_command_line(std::string_view bytes) {
  command_line out{.arguments = {}, .cut = bytes.size() > most_bytes};
  bytes = bytes.substr(0, most_bytes);
  while (!bytes.empty() && out.arguments.size() < most_arguments) {
    const auto end = bytes.find('\0');
    const auto argument = bytes.substr(0, end);
    if (argument.size() > longest_argument) out.cut = true;
    out.arguments.emplace_back(argument.substr(0, longest_argument));
    bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  }
  if (!bytes.empty()) out.cut = true;
  return out;
}

std::expected<command_line, std::string> read_command_line(const process& p) {
  const auto bytes = read_whole(p.proc_dir(), "cmdline", most_bytes + 1);
  if (!bytes)
    return std::unexpected(fmt::format("process {}: command line: {}", p.pid(), error_text(bytes.error())));
  return parse_command_line(*bytes);
}

}  // namespace unwedge::evidence

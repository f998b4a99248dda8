#include "daemon/ctl/render_evidence.hpp"

#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render_chain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t most_signatures = 16;

/// A text, or a list of texts, as one.
std::string words_at(const json::object& object, std::string_view key) {
  auto const* list = array_at(object, key);
  if (list == nullptr) return printable(text_at(object, key));
  std::vector<std::string> parts;
  for (auto const& each : *list) parts.push_back(brief(each));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string signature_in_words(const json::object& signature) {
  auto out = words_at(signature, "name");
  auto const certainty = words_at(signature, "certainty");
  if (!certainty.empty()) out += " (" + certainty + ")";
  if (auto const title = words_at(signature, "title"); !title.empty()) out += ": " + title;
  auto const more = [&](const char* lead, const char* key) {
    if (auto const text = words_at(signature, key); !text.empty()) out += fmt::format(". {}{}", lead, text);
  };
  more("Fixed in ", "fixed_in");
  more("Helps: ", "helps");
  more("See ", "references");
  return out;
}

std::string counted(double count, const char* one, const char* many) {
  return fmt::format("{:.0f} {}", count, count == 1 ? one : many);
}

bool has_file(const json::object& incident, std::string_view beginning) {
  auto const* files = array_at(incident, "files");
  if (files == nullptr) return false;
  return std::ranges::any_of(*files, [&](const json::value& each) {
    auto const* file = each.if_object();
    return file != nullptr && text_at(*file, "name").starts_with(beginning);
  });
}

}  // namespace

std::string wait_chain_section(const json::object& incident, const view& to) {
  auto const* sample = object_at(incident, "sample");
  if (sample == nullptr) return {};
  auto const lines =
      chain_lines(*sample, {.verdict = object_at(incident, "verdict"), .nodes = array_at(incident, "nodes")});
  if (lines.empty()) return {};
  auto out = '\n' + styled("Wait chain", style::heading, to) + '\n';
  for (auto const& line : lines) out += "  " + line + '\n';
  return out;
}

std::string signatures_section(const json::object& incident, const view& to) {
  auto const* verdict = object_at(incident, "verdict");
  auto const* signatures = verdict != nullptr ? array_at(*verdict, "signatures") : nullptr;
  std::string out;
  std::size_t shown = 0;
  if (signatures != nullptr) {
    for (auto const& each : *signatures) {
      auto const* signature = each.if_object();
      if (signature == nullptr || shown == most_signatures) continue;
      ++shown;
      out += paragraph("- " + signature_in_words(*signature), 2, to);
    }
  }
  return out.empty() ? out : '\n' + styled("Known as", style::heading, to) + '\n' + out;
}

std::string evidence_line(const json::object& incident, const view& to) {
  auto const* amount = object_at(incident, "evidence");
  if (amount == nullptr) return {};
  std::vector<std::string> kinds;
  if (auto const samples = number_at(*amount, "samples"); samples && *samples > 0)
    kinds.push_back(counted(*samples, "sample", "samples"));
  if (has_file(incident, "stacks")) kinds.emplace_back("stacks");
  if (auto const messages = number_at(*amount, "qmp_messages"); messages && *messages > 0)
    kinds.push_back(counted(*messages, "QMP message", "QMP messages"));
  if (has_file(incident, "host.json")) kinds.emplace_back("host");
  if (has_file(incident, "core")) kinds.emplace_back("core");
  if (kinds.empty()) kinds.emplace_back("the journal only");
  // Not wrapped: it is there to be copied.
  return fmt::format("\n{}: {}; all of it: unwedgectl incident {} --bundle FILE.tar.zst\n",
                     styled("Evidence", style::heading, to), fmt::join(kinds, ", "),
                     printable(text_at(incident, "id")));
}

}  // namespace unwedge::ctl

// `unwedgectl incident ID --bundle FILE`: all of an incident in one archive.
#include "daemon/bundle/archive_file.hpp"
#include "daemon/bundle/readme.hpp"
#include "daemon/ctl/commands.hpp"
#include "daemon/ctl/held_signals.hpp"
#include "daemon/ctl/incident_fetch.hpp"
#include "daemon/ctl/json_text.hpp"
#include "daemon/ctl/printable.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/session.hpp"
#include "daemon/ctl/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <cstdio>

namespace unwedge::ctl {
namespace {

namespace json = boost::json;

struct contents {
  std::vector<std::string> names;
  std::vector<bundle::left_out_file> left_out;
};

/// One line on a terminal that is written over; nothing into a file or a pipe.
class progress_line {
 public:
  ~progress_line() { show(""); }
  void show(const std::string& text) {
    if (!terminal_ || text == shown_) return;
    shown_ = text;
    fmt::print(stderr, "\r\x1b[K{}", printable(text));
    std::fflush(stderr);
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::string shown_;
};

std::expected<contents, std::string> fill(bundle::archive_file& archive, systemd::bus_client& daemon,
                                          const json::object& incident, const std::string& id,
                                          const held_signals& signals) {
  progress_line line;
  contents all{.names = {"README.txt", "report.txt"}, .left_out = {}};
  auto const now = std::chrono::system_clock::now();
  auto const add = [&](const std::string& name, std::string_view bytes) {
    return archive.add(id + '/' + name, bytes, now);
  };
  incident_fetch fetch(daemon, id, [&](const std::string& name, std::size_t have, std::size_t total) {
    line.show(fmt::format("{}: {} of {}", name, bytes_in_words(have), bytes_in_words(total)));
    return !signals.arrived();
  });
  if (auto done = add("report.txt", render_incident(incident, {.now = now})); !done)
    return std::unexpected(done.error());
  for (auto const& file : files_of(incident)) {
    if (file.bytes > largest_in_bundle) {
      all.left_out.push_back(
          {file.name, fmt::format("{}, above {}: it is in the incident's folder on the host.",
                                  bytes_in_words(file.bytes), bytes_in_words(largest_in_bundle))});
      continue;
    }
    auto const bytes = fetch.get(file.name);
    if (!bytes) return std::unexpected(bytes.error());
    if (auto done = add(file.name, *bytes); !done) return std::unexpected(done.error());
    all.names.push_back(file.name);
  }
  if (auto done = add("README.txt", bundle::readme(id, all.names, all.left_out)); !done)
    return std::unexpected(done.error());
  return all;
}

void tell(const options& chosen, std::size_t bytes, const contents& all) {
  if (chosen.json) {
    json::array names(all.names.begin(), all.names.end()), left_out;
    for (auto const& f : all.left_out) left_out.push_back(json::object{{"name", f.name}, {"why", f.why}});
    return put(pretty(json::object{{"file", chosen.bundle.string()},
                                   {"bytes", bytes},
                                   {"files", std::move(names)},
                                   {"left_out", std::move(left_out)}}) +
               '\n');
  }
  put(fmt::format("{}: {}, {} files: {}\n", printable(chosen.bundle.string()), bytes_in_words(bytes),
                  all.names.size(), fmt::join(all.names, ", ")));
  for (auto const& name : all.names) {
    if (name.starts_with("core"))
      put(fmt::format("  {} holds QEMU's own memory: for people whom you trust with the VM\n", name));
  }
  for (auto const& f : all.left_out) put(fmt::format("  left out: {}, {}\n", f.name, f.why));
}

}  // namespace

exit_status bundle_incident(const options& chosen) {
  auto const failed = [](const std::string& why) {
    complain(why);
    return exit_failed;
  };
  auto daemon = connect(chosen);
  if (!daemon) return daemon.error();
  auto const answer = ask(*daemon, "Incident", chosen.subject);
  if (!answer) return answer.error();
  auto const* incident = answer->if_object();
  if (incident == nullptr || text_at(*incident, "id") != chosen.subject ||
      incident->if_contains("files") == nullptr)
    return failed("the daemon's answer to Incident is not what this version expects: is it older?");
  held_signals signals;  // before the archive: it is gone when they take effect
  auto archive = bundle::archive_file::create(chosen.bundle, chosen.force);
  if (!archive) return failed(archive.error());
  auto const all = fill(*archive, *daemon, *incident, chosen.subject, signals);
  if (!all) return failed(all.error());
  auto const bytes = archive->commit();
  if (!bytes) return failed(bytes.error());
  tell(chosen, *bytes, *all);
  return exit_done;
}

}  // namespace unwedge::ctl

#include "daemon/config/config.hpp"

#include "daemon/config/reader.hpp"

#include <map>

namespace unwedge::config {

namespace {

using namespace std::chrono_literals;
using policies::settings;

void read_discover(const node& from, settings& to, problem_list& problems) {
  table_reader in{from, "[discover]", problems};
  to.discover.sockets = in.list("sockets", "paths", parse_path);
  to.discover.listen = in.text("listen", parse_socket_path);
  to.discover.listen_group = in.text("listen_group", parse_group);
  set(to.discover.processes, in.boolean("processes"));
  in.finish();
}

void read_probe(const node& from, settings& to, problem_list& problems) {
  table_reader in{from, "[probe]", problems};
  const auto* patience_at = in.find("patience");
  const auto* late_after_at = in.find("late_after");
  const auto late_after = in.duration("late_after", 100ms, 1h);
  const auto patience = in.duration("patience", 500ms, 24h);
  set(to.probe.interval, in.duration("interval", 100ms, 1h));
  set(to.probe.late_after, late_after);
  set(to.probe.patience, patience);
  in.finish();
  // Only what was read without another problem can be compared.
  const bool comparable =
      bool{late_after} == (late_after_at != nullptr) && bool{patience} == (patience_at != nullptr);
  if (!comparable || to.probe.patience >= to.probe.late_after) return;
  in.report((patience ? patience_at : late_after_at)->at,
            fmt::format("`patience` is {}{}, expected at least `late_after`, which is {}{}",
                        to_text(to.probe.patience), patience ? "" : " (by default)",
                        to_text(to.probe.late_after), late_after ? "" : " (by default)"));
}

void read_limits(const node& from, settings& to, problem_list& problems) {
  table_reader in{from, "[limits]", problems};
  set(to.max_vms, in.count("vms", 1, 65'536));
  set(to.max_incidents, in.count("incidents", 1, 100'000));
  set(to.max_incident_bytes, in.size("incident_bytes", std::size_t{1} << 20, std::size_t{1} << 40));
  in.finish();
}

void read_core(const node& from, settings& to, problem_list& problems) {
  table_reader in{from, "[core]", problems};
  constexpr std::size_t mib = std::size_t{1} << 20, tib = std::size_t{1} << 40;
  set(to.core.max_bytes, in.size("max_bytes", mib, tib));
  set(to.core.min_free, in.size("min_free", 0, tib));
  set(to.core.max_memory, in.size("max_memory", mib, tib));
  set(to.core.max_stop, in.duration("max_stop", 10ms, 1min));
  in.finish();
}

void read_policy_folders(const node& from, settings& to, problem_list& problems) {
  table_reader in{from, "[policies]", problems};
  set(to.policy_folders.vendor, in.text("vendor", parse_path));
  set(to.policy_folders.admin, in.text("admin", parse_path));
  in.finish();
}

void read_signature_folders(const node& from, settings& to, problem_list& problems) {
  table_reader in{from, "[signatures]", problems};
  set(to.signature_folders.vendor, in.text("vendor", parse_path));
  set(to.signature_folders.admin, in.text("admin", parse_path));
  in.finish();
}

void read_inspect(const node& from, settings& to, problem_list& problems) {
  static constexpr std::string_view when[] = {"on-verdict", "never"};
  const auto on_verdict = [](std::string_view word) -> std::optional<bool> {
    if (word != when[0] && word != when[1]) return std::nullopt;
    return word == when[0];
  };
  table_reader in{from, "[inspect]", problems};
  set(to.inspect.stacks_on_verdict, in.choice("stacks", on_verdict, when));
  set(to.inspect.deadline, in.duration("deadline", 100ms, 60s));
  to.inspect.program = in.text("program", parse_path);
  in.finish();
}

void read_rescue(const node& from, settings& to, problem_list& problems) {
  table_reader in{from, "[rescue]", problems};
  set(to.rescue.window, in.duration("window", 1s, 10s));
  to.rescue.program = in.text("program", parse_path);
  in.finish();
}

/// The names and sockets of the fixed VMs so far, with their lines.
struct taken {
  std::map<std::string, std::size_t> names, sockets;
};

void read_vm(const node& from, settings& to, problem_list& problems, taken& seen) {
  table_reader in{from, "[[vm]]", problems};
  const auto *match = in.find("match"), *name = in.find("name"), *qmp = in.find("qmp"),
             *may = in.find("authority");
  policies::vm_settings vm{.match = in.text("match", parse_vm_glob),
                           .name = in.text("name", parse_vm_name),
                           .qmp = in.text("qmp", parse_socket_path),
                           .authority = in.authority("authority")};
  in.finish();
  if (match && name) in.report(name->at, "`name` beside `match`, expected one of them in a [[vm]]");
  if (!match && !name) in.report(from.at, "a [[vm]] without `match` or `name`, expected one of them");
  if (qmp && !name) in.report(qmp->at, "`qmp` without `name`: a socket belongs to one VM");
  if ((match || name) && !qmp && !may) {
    in.report((name ? name : match)->at,
              name ? "a [[vm]] with a `name` only says nothing, expected `qmp` or `authority`"
                   : "a [[vm]] with a `match` only says nothing, expected `authority`");
  }
  const auto unique = [&](const std::optional<std::string>& value, auto& before, const node* at,
                          std::string_view key) {
    if (!value) return;
    const auto [first, fresh] = before.emplace(*value, at->at.line);
    if (fresh) return;
    in.report(at->at, fmt::format("`{}` is {}, as in line {}, expected another", key, backquoted(*value),
                                  first->second));
  };
  unique(vm.name, seen.names, name, "name");
  unique(vm.qmp, seen.sockets, qmp, "qmp");
  to.vms.push_back(std::move(vm));
}

void read_vms(table_reader& top, settings& to, problem_list& problems) {
  const auto* from = top.find("vm");
  if (from == nullptr) return;
  const auto* elements = std::get_if<array>(&from->value);
  if (elements == nullptr) {
    top.report(from->at, fmt::format("`vm` is {}, expected [[vm]] with two brackets", kind_of(*from)));
    return;
  }
  taken seen;
  for (const auto& element : *elements) {
    if (std::holds_alternative<table>(element.value)) {
      read_vm(element, to, problems, seen);
    } else {
      top.report(element.at, fmt::format("`vm` holds {}, expected tables: [[vm]]", kind_of(element)));
    }
  }
}

}  // namespace

std::expected<settings, std::vector<problem>> parse(std::string_view text, std::string_view file_name) {
  problem_list problems{file_name};
  settings result;
  const auto root = read_document(text, file_name);
  if (!root) return std::unexpected(std::vector{root.error()});
  table_reader top{*root, "", problems};
  set(result.authority, top.authority("authority"));
  set(result.dry_run, top.boolean("dry_run"));
  result.http = top.text("http", parse_http);
  read_discover(top.inner("discover"), result, problems);
  read_probe(top.inner("probe"), result, problems);
  read_inspect(top.inner("inspect"), result, problems);
  read_rescue(top.inner("rescue"), result, problems);
  read_limits(top.inner("limits"), result, problems);
  read_core(top.inner("core"), result, problems);
  read_policy_folders(top.inner("policies"), result, problems);
  read_signature_folders(top.inner("signatures"), result, problems);
  read_vms(top, result, problems);
  top.finish();
  auto found = std::move(problems).sorted();
  if (!found.empty()) return std::unexpected(std::move(found));
  return result;
}

}  // namespace unwedge::config

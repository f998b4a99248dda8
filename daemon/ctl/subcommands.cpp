#include "daemon/ctl/subcommands.hpp"

#include "daemon/config/values.hpp"
#include "daemon/ctl/printable.hpp"

#include <fmt/format.h>

namespace unwedge::ctl {
namespace {

/// The form is the configuration's; the daemon counts in seconds.
std::chrono::seconds parse_hold_time(const std::string& text) {
  auto const time = config::parse_duration(text);
  if (!time) throw CLI::ValidationError("--for", time.error());
  auto const seconds = std::chrono::floor<std::chrono::seconds>(*time);
  if (seconds != *time || seconds < std::chrono::seconds(1))
    throw CLI::ValidationError("--for", "`" + text + "`, expected whole seconds, at least \"1s\"");
  return seconds;
}

/// The daemon keeps so many bytes: what would be cut, or could not be shown, is better said at once.
std::string refuse_reason(const std::string& text) {
  constexpr std::size_t most = 200;
  if (text.size() <= most && printable(text) == text) return {};
  return fmt::format("expected one line of printable text, at most {} bytes (this has {})", most,
                     text.size());
}

/// One VM or all: neither is guessed.
void add_which(CLI::App& sub, options& chosen, command what) {
  auto* vm = sub.add_option("VM", chosen.subject, "its name or UUID");
  auto* all = sub.add_flag("--all")->description("the whole host: every VM, also those to come");
  sub.callback([&chosen, what, vm, all] {
    if (vm->count() > 0 && all->count() > 0) throw CLI::ExcludesError("VM", "--all");
    if (all->count() > 0) chosen.subject = whole_host;
    if (chosen.subject.empty()) throw CLI::RequiredError("VM or --all");
    chosen.what = what;
  });
}

void add_holds(CLI::App& app, options& chosen) {
  auto* hold = app.add_subcommand("hold", "keep unwedged from acting on a VM, or on any")->fallthrough();
  add_which(*hold, chosen, command::hold);
  hold->add_option_function<std::string>(
          "--for", [&chosen](const std::string& text) { chosen.hold_for = parse_hold_time(text); },
          "how long: 90s, 30m, 2h; otherwise until released")
      ->type_name("DURATION");
  hold->add_option("--reason", chosen.reason, "why, for those who wonder later")->check(refuse_reason);
  hold->footer(
      "A held VM is watched as ever, and what would be done about it is recorded. A second hold\n"
      "takes the place of the first. Holds outlast a restart of unwedged.\n"
      "Examples:\n"
      "  unwedgectl hold web01 --for 2h --reason \"its storage moves\"\n"
      "  unwedgectl hold --all");
  auto* release = app.add_subcommand("release", "end a hold")->fallthrough();
  add_which(*release, chosen, command::release);
  release->footer(
      "The hold of the whole host and those of single VMs are apart: --all ends the former only.\n"
      "Examples:\n"
      "  unwedgectl release web01\n"
      "  unwedgectl release --all");
}

void add_act(CLI::App& app, options& chosen) {
  auto* act = app.add_subcommand("act", "have something done to one VM's process")->fallthrough();
  act->add_option("VM", chosen.subject, "its name or UUID")->required();
  act->add_option("ACTION", chosen.action, "rescue, flag-core, core or abort, or one remedy by its name")
      ->required()
      ->check(
          CLI::IsMember({"rescue", "yank-root", "sever-root", "rescue-root", "flag-core", "core", "abort"}));
  auto* yes = act->add_flag("--yes", chosen.yes, "it is meant; all but flag-core take it");
  act->add_flag("--plan", chosen.plan_only,
                "says what it would mean, with every precondition; touches nothing")
      ->excludes(yes);
  act->add_flag("--with-ram", chosen.with_ram, "flag-core, abort: guest memory may be in the kernel's core");
  act->callback([&chosen] { chosen.what = command::act; });
  act->footer(
      "rescue     brings a hung VM back by the smallest remedy there is: yank-root (QEMU cuts off what it\n"
      "           waits for), sever-root (the connection is shut down from outside), rescue-root (the lock "
      "is\n"
      "           lent away meanwhile); each may be asked for by its own name\n"
      "flag-core  prepares it for the kernel's core: without guest memory, of any size\n"
      "core       takes a core while the VM runs on; it stands still for milliseconds\n"
      "abort      ends the VM with a core\n"
      "The VM's authority, holds and a dry run bind it as they do a policy. What it would mean is said "
      "first;\n"
      "all but flag-core then take --yes. It goes on record in the VM's open incident, or in one of its "
      "own.\n"
      "Examples:\n"
      "  unwedgectl act web01 rescue --plan\n"
      "  unwedgectl act web01 rescue --yes\n"
      "  unwedgectl act web01 flag-core\n"
      "  unwedgectl act web01 core --yes");
}

void add_incident(CLI::App& sub, options& chosen) {
  sub.add_option("ID", chosen.subject, "as `incidents` shows it")->required();
  auto* file = sub.add_option("--bundle", chosen.bundle,
                              "writes all there is of it into this file, to send to those who can help");
  file->type_name("FILE.tar.zst")->check([](const std::string& text) {
    return text.empty() ? std::string("expected the name of a file") : std::string();
  });
  sub.add_flag("--force", chosen.force, "the file may be there already, and is replaced")->needs(file);
}

}  // namespace

void add_subcommands(CLI::App& app, options& chosen) {
  auto const add = [&](const char* name, command what, const char* description, const char* footer) {
    auto* sub = app.add_subcommand(name, description)->fallthrough();
    sub->callback([&chosen, what] { chosen.what = what; });
    return sub->footer(footer);
  };
  add("list", command::list, "every VM, those in trouble first",
      "STATE: healthy, suspect (no answer, the cause is not known), stalled (it is), held (by the\n"
      "operator), gone. Under a row stands what is wrong with the VM.");
  add("show", command::show, "one VM: state, verdict, conditions, jobs, nodes, last events",
      "Example: unwedgectl show web01")
      ->add_option("VM", chosen.subject, "its name or UUID")
      ->required();
  auto* inspect =
      add("inspect", command::inspect, "look into a VM's process now: who waits for whom",
          "CPU is that of 300 ms just now. --stacks stops each thread for microseconds, which is told\n"
          "at the end; nothing else here touches the process.\n"
          "Example: unwedgectl inspect web01 --stacks");
  inspect->add_option("VM", chosen.subject, "its name or UUID")->required();
  inspect->add_flag("--stacks", chosen.stacks, "with the stacks of all its threads");
  add("incidents", command::incidents, "what happened, and what came of it",
      "Example: unwedgectl incidents web01")
      ->add_option("VM", chosen.subject, "of this VM only");
  add_incident(*add("incident", command::incident, "one incident: verdict, reasons, every step, evidence",
                    "Examples:\n"
                    "  unwedgectl incident web01-20261122-221003\n"
                    "  unwedgectl incident web01-20261122-221003 --bundle web01.tar.zst"),
               chosen);
  add("events", command::events, "what unwedged saw and did last",
      "With --json one object a line: unwedgectl events --follow --json")
      ->add_flag("-f,--follow", chosen.follow, "and what comes, until interrupted");
  add("policies", command::policies, "what is done about which condition, and what came of it",
      "WHAT IT DOES: its steps in order; in brackets, how long one has to help before the next.\n"
      "NEEDS: the authority that a VM must have for them; below it they are recorded only.\n"
      "VMS: how many match. OPEN: their open incidents. STEPS: what was done to them.\n"
      "Of several policies for a condition the first that matches a VM decides.");
  add_holds(app, chosen);
  add_act(app, chosen);
  add("reload", command::reload, "read the configuration again; a faulty one changes nothing",
      "Policies are read again with it. What is wrong beforehand: unwedgectl check");
  add("check", command::check, "check configuration, policies and signatures without a daemon",
      "Example: unwedgectl check /etc/unwedge/unwedged.toml ./my-policy.toml")
      ->add_option("FILE", chosen.files,
                   "a configuration, with the policies and signatures it names, or one of those;\n"
                   "default: /etc/unwedge/unwedged.toml");
}

}  // namespace unwedge::ctl

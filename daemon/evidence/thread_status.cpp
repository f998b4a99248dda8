#include "daemon/evidence/thread_status.hpp"

#include "daemon/evidence/proc_files.hpp"

namespace unwedge::evidence {

namespace {

// The numbers of the line "NSpid:", outermost first: "\t4711\t12\t3". The lines before it are the kernel's,
// and the name in the first has no newline (fs/proc/array.c, proc_task_name).
std::string_view pid_numbers(std::string_view text) {
  constexpr std::string_view key = "\nNSpid:";
  const auto at = text.find(key);
  if (at == text.npos) return {};
  const auto rest = text.substr(at + key.size());
  return rest.substr(0, rest.find('\n'));
}

std::optional<std::uint64_t> switches(std::string_view text) {
  const auto at = text.rfind("\nvoluntary_ctxt_switches:");
  if (at == text.npos) return std::nullopt;
  const auto tail = text.substr(at + 1);
  return static_cast<std::uint64_t>(number_after(tail, "voluntary_ctxt_switches:").value_or(0) +
                                    number_after(tail, "nonvoluntary_ctxt_switches:").value_or(0));
}

}  // namespace

thread_status parse_thread_status(std::string_view text) {
  thread_status out{.context_switches = switches(text)};
  const auto all = pid_numbers(text);
  const auto last = all.find_last_of('\t');
  if (last == all.npos) return out;
  if (const auto own = number_after(all.substr(last), ""); own && *own > 0)
    out.own_tid = static_cast<pid_t>(*own);
  out.in_inner_namespace = last != 0;
  return out;
}

}  // namespace unwedge::evidence

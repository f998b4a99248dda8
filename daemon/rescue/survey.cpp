#include "daemon/rescue/survey.hpp"

#include "daemon/evidence/cgroup.hpp"
#include "daemon/evidence/stat_line.hpp"
#include "daemon/inspect/modules.hpp"
#include "daemon/inspect/thread_look.hpp"
#include "daemon/rescue/confinement.hpp"
#include "daemon/rescue/frames_x86_64.hpp"
#include "daemon/rescue/room_check.hpp"
#include "daemon/rescue/waiters.hpp"

#include <fmt/format.h>

#include <sys/syscall.h>

#include <algorithm>

namespace unwedge::rescue {

namespace {

constexpr std::size_t most_mutexes = 4;

/// One survey: what each precondition finds is there for the next.
class surveyor {
 public:
  surveyor(const evidence::process& of, const lease_request& wanted, checklist& list)
      : of_(of), wanted_(wanted), list_(list) {}

  std::optional<patient> look() {
    // Of a thread that is not there nothing else can be said.
    if (!is_a_thread() || !undisturbed()) return std::nullopt;
    confined();
    polls();
    owns_the_mutexes();
    owns_no_other();
    no_lease_runs();
    read_files();
    nested_poll();
    graph_stays();
    has_room();
    if (list_.failed() != nullptr) return std::nullopt;
    return std::move(found_);
  }

 private:
  bool is_a_thread() {
    const auto look = inspect::look_at_thread(of_.proc_dir(), wanted_.holder, files_);
    if (!look)
      return list_.add("holder", false, fmt::format("thread {} is no thread of the process", wanted_.holder));
    look_ = *look;
    if (wanted_.holder == of_.pid())
      return list_.add("holder", false,
                       "it is the main thread: nobody would be served by its giving the lock away");
    const auto status = files_.read(of_.proc_dir(), fmt::format("task/{}/status", wanted_.holder).c_str());
    status_ = status ? std::string{*status} : std::string{};
    const auto own = own_number(status_);
    if (!own) return list_.add("holder", false, "its status does not tell its number in its pid namespace");
    own_tid_ = *own;
    return list_.add("holder", true,
                     fmt::format("thread {} \"{}\", for itself {}", wanted_.holder, look_.comm, own_tid_));
  }

  bool undisturbed() {
    constexpr auto name = "undisturbed";
    if (look_.tracer != 0)
      return list_.add(name, false, fmt::format("it is traced by process {}", look_.tracer));
    if (look_.state != 'S')
      return list_.add(name, false, fmt::format("it is in state {}, not asleep", look_.state));
    if (const auto path = evidence::frozen_cgroup(of_))
      return list_.add(name, false, fmt::format("its cgroup {} is frozen", *path));
    return list_.add(name, true, "asleep, not traced, not stopped, not frozen");
  }

  void confined() {
    const auto stack = judge_shadow_stack(status_);
    list_.add("shadow-stack", stack.ok, stack.sentence);
    const auto filter = judge_seccomp(status_, command_line(of_));
    list_.add("seccomp", filter.ok, filter.sentence);
  }

  void polls() {
    const auto place = place_of(of_.proc_dir(), wanted_.holder, files_);
    polls_ = place && list_.add("holder-polls", judge_poll(*place).empty(),
                                judge_poll(*place).empty()
                                    ? fmt::format("in ppoll of {} descriptors, stack pointer {:#x}",
                                                  static_cast<std::uint32_t>(place->args[1]), place->sp)
                                    : judge_poll(*place));
    if (!place) list_.add("holder-polls", false, "it is in no system call that can be seen");
    if (place) found_.place = *place;
  }

  static std::string judge_poll(const thread_place& at) {
    if (at.number != SYS_ppoll) return fmt::format("it is in system call {}, not in ppoll", at.number);
    if (at.args[3] != 0) return "its ppoll has a signal mask of its own";
    if (at.args[1] == 0) return "its ppoll polls nothing";
    if (at.sp % 8 != 0) return "its stack pointer is odd";
    return "";
  }

  void owns_the_mutexes() {
    if (wanted_.mutexes.empty() || wanted_.mutexes.size() > most_mutexes) {
      list_.add(
          "mutex", false,
          fmt::format("{} mutexes asked for, 1 to {} are possible", wanted_.mutexes.size(), most_mutexes));
      return;
    }
    auto sorted = wanted_.mutexes;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end())
      list_.add("mutex", false, "one is asked for twice: it would be unlocked by whom it does not belong to");
    else
      for (const auto address : wanted_.mutexes) owns(address);
  }

  void owns(std::uint64_t address) {
    const auto words = read_mutex(of_.pid(), address);
    if (!words || address % 8 != 0) {
      list_.add("mutex", false, fmt::format("{:#x} cannot be read as a mutex", address));
      return;
    }
    const bool first = found_.mutexes.empty();
    auto why = forbids_lease(*words, own_tid_);
    if (first && why.empty()) why = is_no_big_lock(address, *words);
    list_.add("mutex", why.empty(),
              fmt::format("{:#x}: {}", address,
                          why.empty() ? fmt::format("kind {}, held {} times by this thread, wanted",
                                                    words->kind, depth(*words))
                                      : why));
    const auto waiting = waiters_.count(address);
    const bool main_waits = waiters_.waits(of_.pid(), address);
    if (first && !main_waits)
      list_.add("wanted", false, fmt::format("the main thread does not wait for {:#x}", address));
    else
      list_.add("wanted", waiting > 0,
                fmt::format("{} threads wait for {:#x}{}", waiting, address,
                            main_waits ? ", the main thread too" : ""));
    found_.mutexes.push_back({.address = address, .words = *words});
  }

  // QEMU's is a plain static variable.
  std::string is_no_big_lock(std::uint64_t address, const mutex_words& words) {
    if (words.kind != 0) return fmt::format("its kind is {}: the big lock is a plain one", words.kind);
    const auto stat = files_.read(of_.proc_dir(), "stat");
    const auto data = stat ? evidence::parse_program_data(*stat) : std::nullopt;
    if (!data) return "where the program's own data lies is not told";
    if (address < data->first || address >= data->second)
      return fmt::format("it does not lie in the program's own data, {:#x} to {:#x}: not the big lock",
                         data->first, data->second);
    return "";
  }

  // Whoever gets the big lock and then wants one that the holder has kept would wait for the holder with it,
  // and the holder for the big lock: worse than before.
  void owns_no_other() {
    constexpr auto name = "other-mutexes";
    for (const auto address : waiters_.mutexes()) {
      if (std::ranges::find(wanted_.mutexes, address) != wanted_.mutexes.end()) continue;
      const auto words = read_mutex(of_.pid(), address);
      if (!words || (words->owner == own_tid_ && words->lock != 0)) {
        list_.add(name, false,
                  words ? fmt::format("it has {:#x} as well, which {} threads wait for: to be given too",
                                      address, waiters_.count(address))
                        : fmt::format("{:#x}, which a thread waits for, cannot be read", address));
        return;
      }
    }
    list_.add(name, true, "nobody waits for another mutex of its");
  }

  void no_lease_runs() {
    const auto leased = waiters_.leased();
    list_.add("no-lease", leased == 0,
              leased == 0 ? "no lease is running in this process"
                          : fmt::format("a lease is running in thread {}", leased));
  }

  void read_files() {
    auto map = inspect::read_memory_map(of_.proc_dir());
    if (!map || map->cut) {
      list_.add("library", false, map ? "the memory map is too long" : "the memory map cannot be read");
      return;
    }
    map_ = std::move(*map);
    evidence::missing_list missing;
    modules_ = inspect::open_modules(of_, inspect::modules_of(map_), missing);
    auto library = find_c_library(of_, map_, modules_);
    list_.add("library", library.has_value(), library ? library->sentence : library.error());
    if (library) found_.library = std::move(*library);
  }

  void nested_poll() {
    constexpr auto name = "nested-poll";
    if (!polls_ || map_.mappings.empty()) {
      list_.add(name, false, "not looked at: its place or the memory map is not known");
      return;
    }
    auto stack = read_holder_stack(of_,
                                   {.tid = wanted_.holder,
                                    .look = look_,
                                    .place = found_.place,
                                    .map = map_,
                                    .libc = found_.library.path},
                                   modules_);
    list_.add(name, stack.has_value(), stack ? stack->sentence : stack.error());
    if (!stack) return;
    found_.stack = std::move(*stack);
    stack_known_ = true;
  }

  // What it has drained or will come to, freed in the window, costs the VM (docs/rescue.md).
  void graph_stays() {
    constexpr auto name = "graph-stays";
    if (!stack_known_)
      list_.add(name, !wanted_.frees_graph, "not looked at: its stack is not known");
    else if (!found_.stack.walks_graph)
      list_.add(name, true, "it does not walk the block graph");
    else
      list_.add(name, !wanted_.frees_graph,
                wanted_.frees_graph ? "it walks the block graph, and a node or a job of it would be freed"
                                    : "it walks the block graph, and the nodes and jobs in question stay");
  }

  void has_room() {
    const auto needed =
        x86_64::room_below(found_.place.sp, calls_for(found_.mutexes), x86_64::most_block_xstate);
    const auto judged =
        polls_ ? judge_room(map_, found_.place.sp, needed.begin)
               : finding{.name = "", .ok = false, .sentence = "not looked at: its place is not known"};
    list_.add("stack-room", judged.ok, judged.sentence);
  }

  const evidence::process& of_;
  const lease_request& wanted_;
  checklist& list_;
  evidence::proc_reader files_;
  inspect::thread_look look_;
  std::string status_;
  pid_t own_tid_ = 0;
  bool polls_ = false, stack_known_ = false;
  waiters waiters_{of_};
  inspect::memory_map map_;
  std::vector<inspect::module_file> modules_;
  patient found_;
};

}  // namespace

std::size_t calls_for(std::span<const held_mutex> mutexes) {
  std::size_t calls = 1;
  for (const auto& m : mutexes) calls += 2 * std::size_t{depth(m.words)};
  return calls;
}

std::optional<patient> survey(const evidence::process& of, const lease_request& wanted, checklist& list) {
  return surveyor{of, wanted, list}.look();
}

}  // namespace unwedge::rescue

#include "daemon/watch/cores.hpp"

#include "daemon/child/own_program.hpp"
#include "daemon/incident/incident_id.hpp"
#include "daemon/incident/timestamp.hpp"
#include "qmp/json_fields.hpp"
#include "qmp/printable.hpp"

#include <fmt/format.h>

namespace unwedge::watch {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds short_patience{10'000};
constexpr milliseconds core_patience{300'000};
constexpr std::size_t most_answer = 64u << 10;

bool takes_core(std::string_view order) {
  return order == "core" || order == "abort";
}

/// With milliseconds: a ladder's abort may follow its core within the same second, and no core replaces
/// another.
std::string name_of(const cores::request& r) {
  const auto now = std::chrono::system_clock::now();
  const auto ms = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("core-{}-{}-{}.{:03}.zst", incidents::sanitised(r.vm), r.of->pid(),
                     incidents::compact_utc(now), ms);
}

cores::answer understood(const child::finished& done) {
  json::error_code ec;
  auto said = json::parse(done.output, ec);
  const auto* o = ec ? nullptr : said.if_object();
  if (o == nullptr) return std::unexpected("unwedge-core " + child::how_it_ended(done));
  const auto* ok = o->if_contains("ok");
  if (done.well() && ok != nullptr && ok->is_bool() && ok->get_bool()) return *o;
  const auto why = qmp::text(*o, "error");
  return std::unexpected(why.empty() ? "unwedge-core " + child::how_it_ended(done)
                                     : std::string(qmp::printable(why)));
}

}  // namespace

cores::cores(child::runner& children, std::filesystem::path state_dir)
    : children_(children), program_(child::own_program("unwedge-core")), state_dir_(std::move(state_dir)) {}

std::expected<child::command, std::string> cores::command_for(const request& r) const {
  child::command c{
      .program = program_,
      .arguments = {r.order == "flag-core" ? "flag" : r.order, "--pid", fmt::format("{}", r.of->pid()),
                    "--start-time", fmt::format("{}", r.of->start_time())},
      .deadline = takes_core(r.order) ? core_patience : short_patience,
      .most_output = most_answer};
  const auto add = [&](const char* option, std::string value) {
    c.arguments.emplace_back(option);
    c.arguments.push_back(std::move(value));
  };
  if (r.with_ram && (r.order == "flag-core" || r.order == "abort")) c.arguments.emplace_back("--with-ram");
  if (!takes_core(r.order)) return c;
  if (!incidents::valid_id(r.incident))
    return std::unexpected("there is no incident on disk, in whose folder the core would be kept");
  add("--folder", (state_dir_ / "incidents" / r.incident).string());
  add("--name", name_of(r));
  add("--max-bytes", fmt::format("{}", r.bounds.max_bytes));
  add("--min-free", fmt::format("{}", r.bounds.min_free));
  add("--max-memory", fmt::format("{}", r.bounds.max_memory));
  add("--max-stop", fmt::format("{}", r.bounds.max_stop.count()));
  return c;
}

asio::awaitable<cores::answer> cores::carry_out(request what) {
  if (!what.of || !what.of->alive()) co_return std::unexpected("the process has ended");
  auto command = command_for(what);
  if (!command) co_return std::unexpected(command.error());
  const auto done = co_await children_.run(std::move(*command));
  if (!done) co_return std::unexpected(done.error());
  co_return understood(*done);
}

}  // namespace unwedge::watch

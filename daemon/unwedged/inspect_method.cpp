// What `unwedgectl inspect` asks: a look at a VM's process now, not the last one that the watcher took.
#include "daemon/inspection/stacks_json.hpp"
#include "daemon/unwedged/daemon.hpp"
#include "daemon/watch/evidence_json.hpp"
#include "daemon/watch/views.hpp"
#include "policies/wait_chain.hpp"
#include "qmp/json_fields.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cmath>

namespace unwedge {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using systemd::bus_reply;

constexpr auto patience = 3s;
/// Between two samples: long enough for a share of CPU, short enough for a person.
constexpr auto between = 300ms;

json::object with_cpu(const std::array<policies::process_facts, 2>& samples) {
  auto out = watch::to_json(samples[1]);
  for (auto& each : out["threads"].as_array()) {
    auto& thread = each.as_object();
    const auto share = policies::cpu_share(samples, thread["tid"].to_number<pid_t>());
    thread["cpu_percent"] = std::round(share * 1'000) / 10;
  }
  return out;
}

}  // namespace

asio::awaitable<bus_reply> daemon::inspect(std::string argument) {
  boost::system::error_code ec;
  const auto asked = json::parse(argument, ec);
  const auto* o = ec ? nullptr : asked.if_object();
  const auto name = o != nullptr ? std::string(qmp::text(*o, "vm")) : std::string();
  if (name.empty()) co_return std::unexpected("which VM is to be inspected?");
  const auto* wants = o->if_contains("stacks");
  const auto vm = fleet_.find_to_inspect(name);
  if (!vm) co_return std::unexpected(unknown_vm(name));

  auto first = co_await vm->fresh_sample(patience);
  if (!first) co_return std::unexpected(vm->name() + ": " + first.error());
  asio::steady_timer pause(io_, between);
  co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  auto second = co_await vm->fresh_sample(patience);
  if (!second) co_return std::unexpected(vm->name() + ": " + second.error());

  auto answer = watch::details(*vm);
  answer.erase("evidence");
  answer.erase("events");
  answer["sample"] = with_cpu({std::move(*first), std::move(*second)});
  answer["stacks"] = nullptr;
  if (wants != nullptr && *wants == json::value(true)) {
    const auto stacks = co_await vm->stacks_now();
    if (stacks)
      answer["stacks"] = inspection::to_json(*stacks);
    else
      answer["stacks_problem"] = stacks.error();
  }
  co_return json::serialize(answer);
}

}  // namespace unwedge

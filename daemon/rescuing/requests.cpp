#include "daemon/rescuing/requests.hpp"

#include "daemon/rescuing/answers.hpp"

#include <fmt/format.h>

namespace unwedge::rescuing {
namespace {

child::command order(std::filesystem::path program, const char* what, const evidence::process& of) {
  return {.program = std::move(program),
          .arguments = {what, "--pid", fmt::format("{}", of.pid()), "--start-time",
                        fmt::format("{}", of.start_time())},
          .most_output = most_answer_bytes};
}

}  // namespace

child::command lease_command(std::filesystem::path program, const lease_request& r, const patience& p) {
  auto made = order(std::move(program), "lease", *r.of);
  made.arguments.insert(made.arguments.end(), {"--holder", fmt::format("{}", r.holder), "--window",
                                               fmt::format("{}", r.window.count())});
  for (const auto address : r.mutexes)
    made.arguments.insert(made.arguments.end(), {"--mutex", fmt::format("{:#x}", address)});
  if (r.frees_graph) made.arguments.emplace_back("--frees-graph");
  made.deadline = p.look + r.window + p.after;
  made.grace = p.grace;
  return made;
}

child::command sever_command(std::filesystem::path program, const sever_request& r, const patience& p) {
  auto made = order(std::move(program), "sever", *r.of);
  made.arguments.insert(made.arguments.end(),
                        {"--fd", fmt::format("{}", r.fd), "--inode", fmt::format("{}", r.inode)});
  made.deadline = p.look;
  return made;
}

child::command planned(child::command c, const patience& p) {
  c.arguments.emplace_back("--plan");
  c.deadline = p.look;
  c.grace = {};
  return c;
}

}  // namespace unwedge::rescuing

#include "policies/guard/commands.hpp"

namespace unwedge::policies::guard {
namespace {

boost::json::object capability(std::string_view name, bool on) {
  return {{"capability", name}, {"state", on}};
}

}  // namespace

step set_capabilities(bool on) {
  boost::json::array list{capability("pause-before-switchover", on)};
  if (on) list.push_back(capability("events", true));
  return {.action = "migrate-set-capabilities", .arguments = {{"capabilities", std::move(list)}}};
}

step cancel_migration() {
  return {.action = "migrate_cancel", .arguments = {}};
}

step conclude(std::string_view job) {
  return {.action = "block-job-cancel", .arguments = {{"device", job}, {"force", false}}};
}

step continue_migration() {
  return {.action = "migrate-continue", .arguments = {{"state", "pre-switchover"}}};
}

}  // namespace unwedge::policies::guard

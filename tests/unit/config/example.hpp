// The configuration of design.md's contracts.
#pragma once

#include <string_view>

namespace unwedge::config {

inline constexpr std::string_view example = R"(authority = "protect"
[discover]
sockets = ["/run/unwedge/qmp/*.sock"]
listen  = "/run/unwedge/dial-in.sock"
processes = true
[probe]
interval = "1s"
late_after = "1s"
patience = "3s"
[[vm]]                      # optional: a fixed VM, or settings for VMs that match
match = "web*"
authority = "rescue"
[[vm]]
name = "db01"
qmp  = "/srv/db01/qmp.sock"
)";

}  // namespace unwedge::config

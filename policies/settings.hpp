// What the operator configured, already checked. Read from TOML by daemon/config; contracts in design.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies {

/// What the operator allows on a VM. Ordered: each includes those before it.
enum class authority { observe, protect, rescue, destroy };

std::string_view to_string(authority);
std::optional<authority> parse_authority(std::string_view);

struct probe_settings {
  std::chrono::milliseconds interval{1'000};    ///< between two probes of an idle VM
  std::chrono::milliseconds late_after{1'000};  ///< an unanswered probe of this age opens a suspicion
  std::chrono::milliseconds patience{3'000};    ///< a stall of this age may become a verdict
};

struct discover_settings {
  std::vector<std::string> sockets;         ///< globs of QMP sockets, absolute paths
  std::optional<std::string> listen;        ///< path of the dial-in socket
  std::optional<std::string> listen_group;  ///< may connect to it besides root and our own user, e.g. "kvm"
  bool processes = false;                   ///< watch QEMUs that nobody enrolled
};

/// Where policies are read from; a file of `admin` overrides the one of the same name of `vendor`.
struct policy_folder_settings {
  std::string vendor = "/usr/lib/unwedge/policies.d";
  std::string admin = "/etc/unwedge/policies.d";
};

/// The same for the signatures of known bugs.
struct signature_folder_settings {
  std::string vendor = "/usr/lib/unwedge/signatures.d";
  std::string admin = "/etc/unwedge/signatures.d";
};

/// Of the helper unwedge-inspect.
struct inspect_settings {
  bool stacks_on_verdict = true;              ///< take the stacks of a VM that hangs, once an incident
  std::chrono::milliseconds deadline{5'000};  ///< for one set of stacks
  std::optional<std::string> program;         ///< nullopt: beside our own, else where it is installed
};

/// Of the helper unwedge-rescue, see docs/rescue.md.
struct rescue_settings {
  std::chrono::milliseconds window{3'000};  ///< of a lease, at most
  std::optional<std::string> program;       ///< nullopt: beside our own, else where it is installed

  bool operator==(const rescue_settings&) const = default;
};

/// Bounds of a core of a VM's process, see docs/cores.md.
struct core_settings {
  std::size_t max_bytes = 256u << 20;             ///< of the compressed file
  std::size_t min_free = 1u << 30;                ///< bytes that stay free on the disk
  std::size_t max_memory = std::size_t{2} << 30;  ///< bytes copied, and held in memory until they are written
  std::chrono::milliseconds max_stop{2'000};      ///< the process stands still at most so long

  bool operator==(const core_settings&) const = default;
};

/// A `[[vm]]` table: a fixed VM (`name` + `qmp`), or settings for VMs whose name matches (`match`).
struct vm_settings {
  std::optional<std::string> match;  ///< glob over the VM's name
  std::optional<std::string> name;
  std::optional<std::string> qmp;  ///< path of its QMP socket
  std::optional<policies::authority> authority;
};

struct settings {
  policies::authority authority = policies::authority::observe;
  bool dry_run = false;
  std::optional<std::string> http;  ///< "127.0.0.1:9758" or "unix:/path"; nullopt or "none": no HTTP
  discover_settings discover;
  probe_settings probe;
  inspect_settings inspect;
  rescue_settings rescue;
  policy_folder_settings policy_folders;
  signature_folder_settings signature_folders;
  core_settings core;
  std::vector<vm_settings> vms;
  std::size_t max_vms = 4'096;        ///< sessions at once; more are refused with a warning
  std::size_t max_incidents = 1'000;  ///< folders kept; the oldest closed ones are removed first
  std::size_t max_incident_bytes = 256u << 20;

  /// The authority of a VM of this name: the last `[[vm]]` that names or matches it, else the default.
  policies::authority authority_of(std::string_view vm_name) const;
};

}  // namespace unwedge::policies

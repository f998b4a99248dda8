#include "daemon/inspect/privileges.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace unwedge::inspect {

namespace {

constexpr bool sanitized =
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    true;  // they reserve terabytes of addresses
#else
    false;
#endif

void check(long result, const char* what) {
  if (result != 0) throw std::system_error(errno, std::generic_category(), what);
}

void limit(__rlimit_resource_t what, rlim_t to) {
  rlimit now{};
  check(::getrlimit(what, &now), "getrlimit");
  const rlim_t most = std::min(to, now.rlim_max);
  const rlimit wanted{.rlim_cur = most, .rlim_max = most};
  check(::setrlimit(what, &wanted), "setrlimit");
}

// capset(2) without libcap. `keep`: bits of what is held now.
void keep_capabilities(std::uint64_t keep) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  check(::syscall(SYS_capget, &header, data.data()), "capget");
  for (auto& word : data) {
    const auto mask = static_cast<std::uint32_t>(keep);
    word.effective = word.permitted &= mask;
    word.inheritable = 0;
    keep >>= 32;
  }
  check(::syscall(SYS_capset, &header, data.data()), "capset");
}

constexpr std::uint64_t bit(int capability) {
  return std::uint64_t{1} << capability;
}

}  // namespace

void keep_only_rights_to_look() {
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 2'048);
  if (!sanitized) limit(RLIMIT_AS, rlim_t{2} << 30);
  keep_capabilities(bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_CHECKPOINT_RESTORE) |
                    bit(CAP_SYS_NICE));
}

void keep_only_rights_to_sever() {
  keep_capabilities(bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_NET_ADMIN));
}

void drop_all_rights() {
  keep_capabilities(0);
  check(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "not dumpable");
}

}  // namespace unwedge::inspect

// What a source that is blocked in a send has not sent yet: a part of the VM, or what follows it. Pure;
// daemon/evidence asks it of the bytes it reads, which are the guest's memory and so are not kept.
#pragma once

#include <cstddef>
#include <string_view>

namespace unwedge::policies {

enum class unsent {
  unknown,         ///< not read, or encrypted
  vm_state,        ///< bytes without which no destination has the whole VM
  maybe_no_state,  ///< perhaps only the description that follows the state: the destination may have the
                   ///< whole VM
};

inline constexpr std::size_t unsent_head_bytes = 3;  ///< as many of the first bytes of the send are looked at
inline constexpr std::size_t unsent_tail_bytes = 64;  ///< and as many of the last ones

/// After QEMU_VM_EOF (0) a source sends QEMU_VM_VMDESCRIPTION (6), a length and JSON text
/// (migration/savevm.c). The destination does without it: cut off there, it logs "Expected vmdescription
/// section" and starts the VM, while the source, whose send failed, resumes its own. The last byte of a send
/// that blocks has not been sent: if that byte comes before the end of the state, the destination cannot have
/// all of it.
unsent classify_unsent(std::string_view head, std::string_view tail);

}  // namespace unwedge::policies

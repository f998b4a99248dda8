// Gives up rights step by step; nothing here can be taken back.
#pragma once

namespace unwedge::inspect {

/// For this thread and what it forks: no new privileges, no core dumps, bounded memory and descriptors, and
/// of the capabilities (capabilities(7)) only those that reading another user's process takes: SYS_PTRACE,
/// DAC_READ_SEARCH, CHECKPOINT_RESTORE (for map_files), and SYS_NICE to do it quickly. Throws
/// std::system_error if the kernel refuses.
void keep_only_rights_to_look();

/// Of the capabilities only those that shutting down another's socket takes: SYS_PTRACE, DAC_READ_SEARCH, and
/// NET_ADMIN for its buffer. Throws likewise.
void keep_only_rights_to_sever();

/// No capability at all.
void drop_all_rights();

}  // namespace unwedge::inspect

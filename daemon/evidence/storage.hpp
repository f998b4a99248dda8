// What lies under a file that a thread waits for: the file system, and whether its block device still
// completes requests. Asks the kernel's tables only, never the file itself: that could wait for it as well.
#pragma once

#include "daemon/evidence/waits.hpp"

namespace unwedge::evidence {

/// Fills file_system, source and device_completed of `file`, from fdinfo's mnt_id, /proc/PID/mountinfo and
/// /sys/dev/block/MAJ:MIN/stat. What cannot be read stays empty: a network or FUSE file system has no block
/// device.
void look_below(sampling& s, policies::file_facts& file);

}  // namespace unwedge::evidence

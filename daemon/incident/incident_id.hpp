// Names of incidents, which are names of folders too: made from a VM's name, which may be hostile, and
// checked before they touch the file system.
#pragma once

#include "daemon/incident/timestamp.hpp"

#include <string>
#include <string_view>

namespace unwedge::incidents {

/// The VM's name as the first part of an id: A-Z a-z 0-9 . _ - only, others become '_'; 1 to 48 characters,
/// never with a leading '.' or '-', never with "..".
std::string sanitised(std::string_view vm);

/// "web01-20261122-215012"; from the second attempt on "web01-20261122-215012-2" and so on.
std::string make_id(std::string_view vm, wall_time now, unsigned attempt);

/// Whether this can be a folder of ours: the characters above, at most 80, no leading '.' or '-', no "..".
bool valid_id(std::string_view id);

/// Whether this can be a file in such a folder: as an id, but at most 128 characters.
bool valid_file_name(std::string_view name);

/// Whether this can be a file beside the journal: one of those, and not the journal itself.
bool valid_attachment_name(std::string_view name);

}  // namespace unwedge::incidents

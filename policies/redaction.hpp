// Secrets taken out of text that leaves the host with an incident: QEMU's command line, QMP messages. Pure.
// Secrets are told by the names of their keys: what has a name of its own invention stays, so people still
// look before they publish.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace unwedge::policies {

/// What a secret becomes.
inline constexpr std::string_view redacted_mark = "[redacted]";

/// `text` with the values of keys named password, passphrase, secret, key, token and their like replaced, in
/// `key=value` and `"key": "value"` (also escaped, within a string, and cut off in the middle), and with the
/// password of `scheme://user:password@host`. References (`password-secret=ID`) and switches (`password=on`)
/// stay. In text that makes a secret object `data` is one, too.
std::string redacted(std::string_view text);

/// A command line, argument by argument. Beyond the above: the contents of -fw_cfg (string=) and -smbios
/// (value=), where guests are given credentials, and whole words of -append.
std::vector<std::string> redacted(const std::vector<std::string>& command_line);

}  // namespace unwedge::policies

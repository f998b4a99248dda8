// The other end of an NBD node, from the file name that query-named-block-nodes gives it.
#pragma once

#include <string>
#include <string_view>

namespace unwedge::policies {

/// "nbd://127.0.0.1:10809/tgt" -> "127.0.0.1:10809"; "nbd+unix:///tgt?socket=/run/x" -> "/run/x";
/// "nbd:unix:/run/x:exportname=tgt" -> "/run/x"; "json:{...server...}" likewise; anything else -> "".
/// A host name is kept as it is: only numeric addresses can match a socket's peer. Source: QEMU block/nbd.c
/// (nbd_refresh_filename), nbd URI specification.
std::string nbd_peer(std::string_view file_name);

}  // namespace unwedge::policies

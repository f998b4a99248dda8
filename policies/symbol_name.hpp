// The names of functions as compilers, linkers and libc write them, reduced to those that people know. Pure.
#pragma once

#include <string_view>

namespace unwedge::policies {

/// "__poll" -> "poll", "__GI___lll_lock_wait" -> "lll_lock_wait", "pthread_mutex_lock@@GLIBC_2.2.5" ->
/// "pthread_mutex_lock", "aio_poll.part.0" -> "aio_poll". A view into `symbol`; empty of an empty one.
std::string_view plain_name(std::string_view symbol);

}  // namespace unwedge::policies

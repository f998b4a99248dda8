#include "daemon/ctl/syscall_names.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

namespace unwedge::ctl {
namespace {

struct named {
  long number;
  std::string_view name;
};

// clang-format off
constexpr named calls[] = {
    {SYS_read, "read"}, {SYS_write, "write"}, {SYS_close, "close"}, {SYS_fstat, "fstat"},
    {SYS_lseek, "lseek"}, {SYS_mmap, "mmap"}, {SYS_mprotect, "mprotect"}, {SYS_munmap, "munmap"},
    {SYS_brk, "brk"}, {SYS_rt_sigaction, "rt_sigaction"}, {SYS_rt_sigprocmask, "rt_sigprocmask"},
    {SYS_rt_sigreturn, "rt_sigreturn"}, {SYS_rt_sigsuspend, "rt_sigsuspend"},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait"}, {SYS_ioctl, "ioctl"}, {SYS_pread64, "pread64"},
    {SYS_pwrite64, "pwrite64"}, {SYS_readv, "readv"}, {SYS_writev, "writev"},
    {SYS_sched_yield, "sched_yield"}, {SYS_mremap, "mremap"}, {SYS_msync, "msync"},
    {SYS_mincore, "mincore"}, {SYS_madvise, "madvise"}, {SYS_shmget, "shmget"}, {SYS_shmat, "shmat"},
    {SYS_nanosleep, "nanosleep"}, {SYS_getitimer, "getitimer"}, {SYS_setitimer, "setitimer"},
    {SYS_getpid, "getpid"}, {SYS_sendfile, "sendfile"}, {SYS_socket, "socket"}, {SYS_connect, "connect"},
    {SYS_accept, "accept"}, {SYS_sendto, "sendto"}, {SYS_recvfrom, "recvfrom"}, {SYS_sendmsg, "sendmsg"},
    {SYS_recvmsg, "recvmsg"}, {SYS_shutdown, "shutdown"}, {SYS_bind, "bind"}, {SYS_listen, "listen"},
    {SYS_getsockname, "getsockname"}, {SYS_getpeername, "getpeername"}, {SYS_socketpair, "socketpair"},
    {SYS_setsockopt, "setsockopt"}, {SYS_getsockopt, "getsockopt"}, {SYS_clone, "clone"},
    {SYS_execve, "execve"}, {SYS_exit, "exit"}, {SYS_wait4, "wait4"}, {SYS_kill, "kill"},
    {SYS_fcntl, "fcntl"}, {SYS_flock, "flock"}, {SYS_fsync, "fsync"}, {SYS_fdatasync, "fdatasync"},
    {SYS_truncate, "truncate"}, {SYS_ftruncate, "ftruncate"}, {SYS_getdents64, "getdents64"},
    {SYS_getcwd, "getcwd"}, {SYS_chdir, "chdir"}, {SYS_fchdir, "fchdir"}, {SYS_fchmod, "fchmod"},
    {SYS_fchown, "fchown"}, {SYS_umask, "umask"}, {SYS_gettimeofday, "gettimeofday"},
    {SYS_getrlimit, "getrlimit"}, {SYS_getrusage, "getrusage"}, {SYS_sysinfo, "sysinfo"},
    {SYS_times, "times"}, {SYS_ptrace, "ptrace"}, {SYS_sigaltstack, "sigaltstack"}, {SYS_mlock, "mlock"},
    {SYS_munlock, "munlock"}, {SYS_mlockall, "mlockall"}, {SYS_munlockall, "munlockall"},
    {SYS_sync, "sync"}, {SYS_mount, "mount"}, {SYS_umount2, "umount2"}, {SYS_gettid, "gettid"},
    {SYS_readahead, "readahead"}, {SYS_futex, "futex"}, {SYS_io_setup, "io_setup"},
    {SYS_io_destroy, "io_destroy"}, {SYS_io_getevents, "io_getevents"}, {SYS_io_submit, "io_submit"},
    {SYS_io_cancel, "io_cancel"}, {SYS_exit_group, "exit_group"}, {SYS_epoll_ctl, "epoll_ctl"},
    {SYS_clock_gettime, "clock_gettime"}, {SYS_clock_nanosleep, "clock_nanosleep"}, {SYS_tgkill, "tgkill"},
    {SYS_waitid, "waitid"}, {SYS_openat, "openat"}, {SYS_mkdirat, "mkdirat"},
    {SYS_newfstatat, "newfstatat"}, {SYS_unlinkat, "unlinkat"}, {SYS_renameat, "renameat"},
    {SYS_linkat, "linkat"}, {SYS_symlinkat, "symlinkat"}, {SYS_readlinkat, "readlinkat"},
    {SYS_fchmodat, "fchmodat"}, {SYS_faccessat, "faccessat"}, {SYS_pselect6, "pselect6"},
    {SYS_ppoll, "ppoll"}, {SYS_unshare, "unshare"}, {SYS_splice, "splice"}, {SYS_tee, "tee"},
    {SYS_sync_file_range, "sync_file_range"}, {SYS_vmsplice, "vmsplice"}, {SYS_utimensat, "utimensat"},
    {SYS_epoll_pwait, "epoll_pwait"}, {SYS_timerfd_create, "timerfd_create"}, {SYS_fallocate, "fallocate"},
    {SYS_timerfd_settime, "timerfd_settime"}, {SYS_timerfd_gettime, "timerfd_gettime"},
    {SYS_accept4, "accept4"}, {SYS_signalfd4, "signalfd4"}, {SYS_eventfd2, "eventfd2"},
    {SYS_epoll_create1, "epoll_create1"}, {SYS_dup, "dup"}, {SYS_dup3, "dup3"}, {SYS_pipe2, "pipe2"},
    {SYS_inotify_init1, "inotify_init1"}, {SYS_preadv, "preadv"}, {SYS_pwritev, "pwritev"},
    {SYS_recvmmsg, "recvmmsg"}, {SYS_sendmmsg, "sendmmsg"}, {SYS_syncfs, "syncfs"}, {SYS_getcpu, "getcpu"},
    {SYS_process_vm_readv, "process_vm_readv"}, {SYS_process_vm_writev, "process_vm_writev"},
    {SYS_getrandom, "getrandom"}, {SYS_memfd_create, "memfd_create"}, {SYS_membarrier, "membarrier"},
    {SYS_copy_file_range, "copy_file_range"}, {SYS_preadv2, "preadv2"}, {SYS_pwritev2, "pwritev2"},
    {SYS_statx, "statx"}, {SYS_io_pgetevents, "io_pgetevents"}, {SYS_io_uring_setup, "io_uring_setup"},
    {SYS_io_uring_enter, "io_uring_enter"}, {SYS_io_uring_register, "io_uring_register"},
    {SYS_pidfd_send_signal, "pidfd_send_signal"}, {SYS_pidfd_open, "pidfd_open"}, {SYS_clone3, "clone3"},
    {SYS_close_range, "close_range"}, {SYS_openat2, "openat2"}, {SYS_pidfd_getfd, "pidfd_getfd"},
    {SYS_epoll_pwait2, "epoll_pwait2"}, {SYS_userfaultfd, "userfaultfd"},
    {SYS_restart_syscall, "restart_syscall"}, {SYS_fadvise64, "fadvise64"},
    {SYS_futex_waitv, "futex_waitv"},
#ifdef SYS_open  // not on architectures younger than x86-64
    {SYS_open, "open"}, {SYS_stat, "stat"}, {SYS_lstat, "lstat"}, {SYS_poll, "poll"},
    {SYS_access, "access"}, {SYS_pipe, "pipe"}, {SYS_select, "select"}, {SYS_dup2, "dup2"},
    {SYS_pause, "pause"}, {SYS_alarm, "alarm"}, {SYS_fork, "fork"}, {SYS_vfork, "vfork"},
    {SYS_mkdir, "mkdir"}, {SYS_rmdir, "rmdir"}, {SYS_creat, "creat"}, {SYS_link, "link"},
    {SYS_unlink, "unlink"}, {SYS_readlink, "readlink"}, {SYS_rename, "rename"},
    {SYS_epoll_create, "epoll_create"}, {SYS_epoll_wait, "epoll_wait"}, {SYS_inotify_init, "inotify_init"},
    {SYS_eventfd, "eventfd"}, {SYS_signalfd, "signalfd"}, {SYS_getdents, "getdents"},
#endif
};
// clang-format on

}  // namespace

std::string_view syscall_name(long number) {
  const auto found = std::ranges::find(calls, number, &named::number);
  return found == std::end(calls) ? std::string_view{} : found->name;
}

}  // namespace unwedge::ctl

#include "daemon/inspect/sandbox.hpp"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>

#include <cerrno>
#include <memory>
#include <system_error>

namespace unwedge::inspect {

namespace {

class filter {
 public:
  filter() : context_(::seccomp_init(SCMP_ACT_KILL_PROCESS)) {
    if (!context_) throw std::system_error(ENOMEM, std::generic_category(), "seccomp_init");
  }

  void allow(int call) { check(::seccomp_rule_add(context_.get(), SCMP_ACT_ALLOW, call, 0)); }
  void allow_if(int call, scmp_arg_cmp condition) {
    check(::seccomp_rule_add_array(context_.get(), SCMP_ACT_ALLOW, call, 1, &condition));
  }
  void refuse(int call) { check(::seccomp_rule_add(context_.get(), SCMP_ACT_ERRNO(ENOENT), call, 0)); }
  void refuse_if(int call, scmp_arg_cmp condition) {
    check(::seccomp_rule_add_array(context_.get(), SCMP_ACT_ERRNO(ENOENT), call, 1, &condition));
  }
  void load() { check(::seccomp_load(context_.get())); }

 private:
  static void check(int result) {
    if (result != 0) throw std::system_error(-result, std::generic_category(), "seccomp");
  }
  struct release {
    void operator()(void* context) const { ::seccomp_release(context); }
  };
  std::unique_ptr<void, release> context_;
};

// The fields by name: the macros of seccomp.h are C.
scmp_arg_cmp argument(unsigned index, scmp_compare how, scmp_datum_t a, scmp_datum_t b = 0) {
  return {.arg = index, .op = how, .datum_a = a, .datum_b = b};
}

}  // namespace

void enter_sandbox() {
  filter f;
  for (const int call :
       {SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fstat),
        SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
        SCMP_SYS(clock_gettime), SCMP_SYS(exit), SCMP_SYS(exit_group)})
    f.allow(call);
  f.allow_if(SCMP_SYS(mmap), argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  f.allow_if(SCMP_SYS(mprotect), argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  f.allow_if(SCMP_SYS(fcntl), argument(1, SCMP_CMP_EQ, F_GETFD));
  f.allow_if(SCMP_SYS(fcntl), argument(1, SCMP_CMP_EQ, F_GETFL));
  // glibc's fstat(2): of the descriptor, the path is empty.
  f.allow_if(SCMP_SYS(newfstatat), argument(3, SCMP_CMP_EQ, AT_EMPTY_PATH));
  f.refuse_if(SCMP_SYS(newfstatat), argument(3, SCMP_CMP_NE, AT_EMPTY_PATH));
  for (const int call : {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx),
                         SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
                         SCMP_SYS(readlinkat), SCMP_SYS(getcwd)})
    f.refuse(call);
#if __has_feature(address_sanitizer)
  f.allow(SCMP_SYS(sigaltstack));  // its own, on every way to _exit
#endif
  f.load();
}

}  // namespace unwedge::inspect

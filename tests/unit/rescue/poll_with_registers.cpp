#include "tests/unit/rescue/poll_with_registers.hpp"

#include <dlfcn.h>

#include <cstddef>

namespace unwedge::rescue {

static_assert(offsetof(register_values, masks) == 2048);
static_assert(offsetof(register_values, general) == 2112);
static_assert(offsetof(register_values, mxcsr) == 2160);
static_assert(offsetof(register_values, x87_control) == 2164);

// rdi: poll_arguments, rsi: in, rdx: out, rcx: ppoll. The call frame information lets the stack be unwound
// from within ppoll.
asm(R"(
.macro poll_with_registers_prologue
  .cfi_startproc
  push %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbx, 0
  push %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  push %r12
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r12, 0
  push %r13
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r13, 0
  push %r14
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r14, 0
  push %r15
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r15, 0
  sub $24, %rsp
  .cfi_adjust_cfa_offset 24
  mov %rdx, (%rsp)
  mov %rcx, %rax
  stmxcsr 8(%rsp)
  fnstcw 12(%rsp)
  ldmxcsr 2160(%rsi)
  fldcw 2164(%rsi)
  mov 2112(%rsi), %rbx
  mov 2120(%rsi), %rbp
  mov 2128(%rsi), %r12
  mov 2136(%rsi), %r13
  mov 2144(%rsi), %r14
  mov 2152(%rsi), %r15
  mov 24(%rdi), %rcx
  mov 16(%rdi), %rdx
  mov 8(%rdi), %rsi
  mov (%rdi), %rdi
.endm
.macro poll_with_registers_epilogue
  mov (%rsp), %rdx
  mov %rbx, 2112(%rdx)
  mov %rbp, 2120(%rdx)
  mov %r12, 2128(%rdx)
  mov %r13, 2136(%rdx)
  mov %r14, 2144(%rdx)
  mov %r15, 2152(%rdx)
  stmxcsr 2160(%rdx)
  fnstcw 2164(%rdx)
  ldmxcsr 8(%rsp)
  fldcw 12(%rsp)
  vzeroupper
  add $24, %rsp
  .cfi_adjust_cfa_offset -24
  pop %r15
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r15
  pop %r14
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r14
  pop %r13
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r13
  pop %r12
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r12
  pop %rbp
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbp
  pop %rbx
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbx
  ret
  .cfi_endproc
.endm

.text
.type unwedge_test_poll_ymm, @function
unwedge_test_poll_ymm:
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  vmovdqu \n * 64(%rsi), %ymm\n
  .endr
  poll_with_registers_prologue
  call *%rax
  mov (%rsp), %rdx
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  vmovdqu %ymm\n, \n * 64(%rdx)
  .endr
  poll_with_registers_epilogue
.size unwedge_test_poll_ymm, . - unwedge_test_poll_ymm

.type unwedge_test_poll_zmm, @function
unwedge_test_poll_zmm:
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  vmovdqu64 \n * 64(%rsi), %zmm\n
  .endr
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
  kmovw 2048 + \n * 8(%rsi), %k\n
  .endr
  poll_with_registers_prologue
  call *%rax
  mov (%rsp), %rdx
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  vmovdqu64 %zmm\n, \n * 64(%rdx)
  .endr
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
  kmovw %k\n, 2048 + \n * 8(%rdx)
  .endr
  poll_with_registers_epilogue
.size unwedge_test_poll_zmm, . - unwedge_test_poll_zmm
)");

extern "C" {
int unwedge_test_poll_ymm(const poll_arguments*, const register_values*, register_values*, void*);
int unwedge_test_poll_zmm(const poll_arguments*, const register_values*, register_values*, void*);
}

bool wide_registers() {
  return __builtin_cpu_supports("avx512f") != 0;
}

int poll_with_registers(const poll_arguments& what, const register_values& in, register_values& out) {
  static void* const ppoll = ::dlsym(::dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "ppoll");
  return wide_registers() ? unwedge_test_poll_zmm(&what, &in, &out, ppoll)
                          : unwedge_test_poll_ymm(&what, &in, &out, ppoll);
}

}  // namespace unwedge::rescue

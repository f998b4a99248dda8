/* A guest in 512 bytes that writes to port 0xe9 for ever, where -device isa-debugcon has its chardev.

   as --32 talker.S -o talker.o; ld -m elf_i386 -Ttext 0x7c00 --oformat binary talker.o -o talker.bin */
        .code16
        .globl _start
_start: ljmp $0, $start
start:  mov $0xe9, %dx
        mov $'u', %al
next:   out %al, %dx
        jmp next
        .org 510
        .byte 0x55, 0xaa

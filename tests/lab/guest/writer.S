/* A guest in 512 bytes: a boot sector that writes to its disk for ever, eighteen times a second or faster, each time
   the next sector of 32 MiB, filled with the number of the write. Real mode, BIOS calls only.

   as --32 writer.S -o writer.o; ld -m elf_i386 -Ttext 0x7c00 --oformat binary writer.o -o writer.bin */
        .code16
        .globl _start
        .set buffer, 0x8000
        .set first_sector, 2048
        .set sectors, 0xffff            /* a mask */
_start: ljmp $0, $start
start:  cli
        xor %ax, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %ss
        mov $0x7000, %sp
        sti
        cld
        mov %dl, drive
next:   incl count
        movl count, %eax
        movw $buffer, %di
        movw $128, %cx
        rep stosl                       /* the number of the write, all over the sector */
        andl $sectors, %eax
        addl $first_sector, %eax
        movl %eax, packet + 8
        movb $0x43, %ah                 /* INT 13h, extended write */
        xorb %al, %al
        movb drive, %dl
        movw $packet, %si
        int $0x13
        hlt                             /* until the next interrupt: the timer's, or the disk's */
        jmp next
drive:  .byte 0
count:  .long 0
packet: .byte 16, 0                     /* disk address packet: one sector from buffer */
        .word 1, buffer, 0
        .quad 0
        .org 510
        .byte 0x55, 0xaa

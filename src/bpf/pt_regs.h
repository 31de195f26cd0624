/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets of registers in the kernel's struct pt_regs (x86-64). */
#ifndef BPF_PT_REGS_H
#define BPF_PT_REGS_H

enum {
	PT_R15 = 0, PT_R14 = 8, PT_R13 = 16, PT_R12 = 24, PT_BP = 32, PT_BX = 40, PT_R11 = 48, PT_R10 = 56, PT_R9 = 64,
	PT_R8 = 72, PT_AX = 80, PT_CX = 88, PT_DX = 96, PT_SI = 104, PT_DI = 112, PT_ORIG_AX = 120, PT_IP = 128,
	PT_CS = 136, PT_FLAGS = 144, PT_SP = 152, PT_SS = 160,
};

#endif

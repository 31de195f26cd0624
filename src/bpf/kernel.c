/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Member offsets from the kernel's BTF, which is parsed at the first question. */
#include "bpf/kernel.h"

#include "bpf/emit.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEPTH_MAX	8

static struct btf *vmlinux(void)
{
	static struct btf *b;
	static bool tried;

	if (!tried) {
		tried = true;
		b = btf__load_vmlinux_btf();
	}
	return b;
}

static int find_member(const struct btf *b, int id, const char *name, int depth)
{
	const struct btf_type *t = btf__type_by_id(b, (__u32)id);
	const struct btf_member *m;

	if (!t || depth > DEPTH_MAX || !btf_is_composite(t))
		return -1;
	m = btf_members(t);
	for (int i = 0; i < btf_vlen(t); i++) {
		const char *mn = btf__name_by_offset(b, m[i].name_off);
		int off = (int)btf_member_bit_offset(t, (__u32)i) / 8, in;

		if (mn && *mn) {
			if (!strcmp(mn, name))
				return off;
			continue;
		}
		in = find_member(b, (int)m[i].type, name, depth + 1);
		if (in >= 0)
			return off + in;
	}
	return -1;
}

int kernel_offset(const char *type, const char *member)
{
	struct btf *b = vmlinux();
	int id = b ? btf__find_by_name_kind(b, type, BTF_KIND_STRUCT) : -1;

	return id < 0 ? -1 : find_member(b, id, member, 0);
}

int kernel_function_id(const char *name)
{
	struct btf *b = vmlinux();

	return b ? btf__find_by_name_kind(b, name, BTF_KIND_FUNC) : -ENOENT;
}

int kernel_tracepoint_id(const char *name)
{
	struct btf *b = vmlinux();
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return b ? btf__find_by_name_kind(b, type, BTF_KIND_TYPEDEF) : -ENOENT;
}

#ifdef __x86_64__
#define TSC_SAMPLE_NS	200000

static unsigned measure(void)
{
	struct timespec a, b;
	uint64_t t0, t1;
	int64_t ns;

	clock_gettime(CLOCK_MONOTONIC_RAW, &a);
	t0 = __builtin_ia32_rdtsc();
	do {
		clock_gettime(CLOCK_MONOTONIC_RAW, &b);
		ns = (b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec;
	} while (ns < TSC_SAMPLE_NS);
	t1 = __builtin_ia32_rdtsc();
	return (unsigned)((t1 - t0) * 1000 / (uint64_t)ns);
}
#else
static unsigned measure(void)
{
	return 1000;
}
#endif

unsigned kernel_tsc_mhz(void)
{
	static unsigned mhz;

	if (!mhz)
		mhz = measure();
	return mhz;
}

void kernel_walk_image(struct emit *em, bool device)
{
	static const char *const path[][2] = {
		{ "task_struct", "mm" }, { "mm_struct", "exe_file" }, { "file", "f_inode" }, { "inode", "i_sb" },
	};
	em_label none = em_new_label(em), done = em_new_label(em);

	em_helper(em, BPF_FUNC_get_current_task_btf);
	for (size_t i = 0; i < (device ? 4 : 3); i++) {
		em_ldx(em, BPF_DW, R0, R0, kernel_offset(path[i][0], path[i][1]));
		em_jcci(em, BPF_JEQ, R0, 0, none);
	}
	if (device)
		em_ldx(em, BPF_W, R0, R0, kernel_offset("super_block", "s_dev"));
	else
		em_ldx(em, BPF_DW, R0, R0, kernel_offset("inode", "i_ino"));
	em_jmp(em, done);
	em_bind(em, none);
	em_movi(em, R0, 0);
	em_bind(em, done);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts from the kernel's BTF, which is opened at the first question. */
#include "bpf/kernel.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "bpf/emit.h"
#include "dbg/btf.h"
#include "dbg/module.h"

/* Programs are loaded by several threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct dbg_module *vmlinux(void)
{
	struct dbg_error e;

	return dbg_btf_kernel("vmlinux", &e);
}

int kernel_offset(const char *type, const char *member)
{
	struct dbg_module *btf;
	struct dbg_member found;
	const struct dbg_type *t;
	char name[128];
	int offset;

	snprintf(name, sizeof(name), "struct %s", type);
	pthread_mutex_lock(&lock);
	btf = vmlinux();
	t = btf ? dbg_type_find(btf, name) : NULL;
	offset = t && dbg_type_member(t, member, &found) ? (int)(found.bit_offset / 8) : -1;
	pthread_mutex_unlock(&lock);
	return offset;
}

int kernel_function_id(const char *name)
{
	struct dbg_module *btf;
	struct dbg_btf_func f;
	int id;

	pthread_mutex_lock(&lock);
	btf = vmlinux();
	id = btf && dbg_btf_func(btf, name, &f) ? (int)f.id : -ENOENT;
	pthread_mutex_unlock(&lock);
	return id;
}

int kernel_tracepoint_id(const char *name)
{
	const struct dbg_type *t;
	struct dbg_module *btf;
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	pthread_mutex_lock(&lock);
	btf = vmlinux();
	t = btf ? dbg_type_find(btf, type) : NULL;
	pthread_mutex_unlock(&lock);
	return t && t->kind == DBG_TYPEDEF ? (int)dbg_btf_type_id(t) : -ENOENT;
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

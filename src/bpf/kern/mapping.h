/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What routines that look at the current process's memory and mappings share: reading structures of the
 * kernel by offsets that the linker puts in, and user memory, all through struct unwind_state.
 */
#ifndef BPF_KERN_MAPPING_H
#define BPF_KERN_MAPPING_H

#include "bpf/kern/kern.h"
#include "bpf/unwind_state.h"

/* Put in by the linker: constants, and a helper. */
#define OFFSET(name, type, member) extern const char bk_##name[];
UNWIND_OFFSETS(OFFSET)
UNWIND_NEAR_OFFSETS(OFFSET)
#undef OFFSET
extern const char bk_unwind_at[];	/* offset of the state in struct rt_mem */
extern const char bk_sleepable[];	/* the program may sleep */
/* bpf_copy_from_user, which programs that cannot sleep must not even mention. */
extern long bk_copy_from_user(void *dst, uint32_t size, const void *src);

#define CONST(name)	constant((uint64_t)bk_##name)

/* The compiler would take an object's address for true. */
RT_INLINE uint64_t constant(uint64_t v)
{
	asm volatile("" : "+r"(v));
	return v;
}

/* Of a slot that was tested for NULL, which the compiler must not do later. */
RT_INLINE struct unwind_state *state(struct rt_mem *m)
{
	asm volatile("" : "+r"(m));
	return (struct unwind_state *)((char *)m + (uint64_t)bk_unwind_at);
}

RT_INLINE uint64_t kernel_word(struct unwind_state *u, uint64_t addr)
{
	u->word[0] = 0;
	bpf_probe_read_kernel(&u->word[0], 8, (void *)addr);
	return u->word[0];
}

/* A structure's first bytes into node[], for field(); 0: read */
RT_INLINE long kernel_block(struct unwind_state *u, uint64_t addr)
{
	return bpf_probe_read_kernel(u->node, sizeof(u->node), (void *)addr);
}

RT_INLINE uint64_t field(struct unwind_state *u, uint64_t off)
{
	return *(volatile uint64_t *)((char *)u->node + off);
}

/* n bytes of user memory; 0: read */
RT_INLINE long user_read(void *dst, uint32_t n, uint64_t addr)
{
	long err = bpf_probe_read_user(dst, n, (void *)addr);

	if (err && CONST(sleepable))
		err = bk_copy_from_user(dst, n, (void *)addr);
	return err;
}

/* The same into word[]. */
RT_INLINE long user_words(struct unwind_state *u, uint64_t addr, uint32_t n)
{
	return user_read(u->word, n, addr);
}

enum mapping_kind {
	MAPPING_NONE,		/* no executable memory */
	MAPPING_OTHER,		/* memory without a file */
	MAPPING_FILE,		/* of the file key, or of the vdso */
};

/*
 * The executable mapping around pc in the process whose mm_struct is in the state: map (but its module), and
 * key.  An enum mapping_kind; map.start and .end are 0 for MAPPING_NONE.
 */
__attribute__((noinline)) long bk_mapping(struct rt_mem *m, uint64_t pc);

#endif

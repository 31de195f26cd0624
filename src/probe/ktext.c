/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the kernel's code through the segments of /proc/kcore, an ELF file of the kernel's memory.
 *
 * Whether something jumps behind the nop is found without decoding: at every byte that could begin a jump, the jump's
 * target is looked at.  That may take an operand for a jump, but misses none.
 */
#include "probe/ktext.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ds.h"
#include "probe/ksyms.h"

#define SEGMENTS_MAX	256
#define FUNCTION_MAX	(64u << 10)	/* longer ones are not looked through */

static struct {
	pid_t owner;		/* who has opened it: a process that arms in the background has descriptors of its own */
	int fd;
	Elf64_Phdr *segments;	/* stb_ds arrays */
	uint64_t *addrs;	/* of all functions, in order */
} kt;

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void open_kcore(void)
{
	Elf64_Ehdr eh;
	size_t n;
	const struct ksym *sym = ksyms_functions(false, &n);

	kt.owner = getpid();
	arrsetlen(kt.segments, 0);
	arrsetlen(kt.addrs, 0);
	kt.fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	if (kt.fd < 0 || pread(kt.fd, &eh, sizeof(eh), 0) != sizeof(eh) || memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_phentsize != sizeof(Elf64_Phdr) || eh.e_phnum > SEGMENTS_MAX)
		return;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		if (pread(kt.fd, &ph, sizeof(ph), (off_t)(eh.e_phoff + i * sizeof(ph))) == sizeof(ph) &&
		    ph.p_type == PT_LOAD)
			arrput(kt.segments, ph);
	}
	for (size_t i = 0; i < n; i++)
		arrput(kt.addrs, sym[i].addr);
	if (n)
		qsort(kt.addrs, n, sizeof(*kt.addrs), by_value);
}

static bool read_code(uint64_t addr, void *buf, size_t n)
{
	for (size_t i = 0; i < arrlenu(kt.segments); i++) {
		const Elf64_Phdr *ph = &kt.segments[i];

		if (addr >= ph->p_vaddr && addr - ph->p_vaddr < ph->p_memsz && n <= ph->p_memsz - (addr - ph->p_vaddr))
			return pread(kt.fd, buf, n, (off_t)(ph->p_offset + (addr - ph->p_vaddr))) == (ssize_t)n;
	}
	return false;
}

/* Where the next function begins; 0: not known. */
static uint64_t next_function(uint64_t addr)
{
	size_t lo = 0, hi = arrlenu(kt.addrs);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (kt.addrs[mid] <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < arrlenu(kt.addrs) ? kt.addrs[lo] : 0;
}

/*
 * The operand of a jump that may begin at p, with `left` bytes there: its size, and the bytes in front of it; 0: none.
 */
static unsigned jump_operand(const uint8_t *p, size_t left, unsigned *before)
{
	unsigned size = 0;

	*before = 1;
	if ((p[0] & 0xf0) == 0x70 || p[0] == 0xeb || (p[0] & 0xfc) == 0xe0) {
		size = 1;
	} else if (p[0] == 0xe9) {
		size = 4;
	} else if (p[0] == 0x0f && left > 1 && (p[1] & 0xf0) == 0x80) {
		*before = 2;
		size = 4;
	}
	return left >= *before + size ? size : 0;
}

/* May code of [addr, end) jump to `target`?  True also if it cannot be read. */
static bool may_jump(uint64_t addr, uint64_t end, uint64_t target)
{
	uint8_t code[FUNCTION_MAX];
	size_t n = end - addr;

	if (end <= addr || n > sizeof(code) || !read_code(addr, code, n))
		return true;
	for (size_t i = 0; i < n; i++) {
		unsigned before, size = jump_operand(code + i, n - i, &before);
		int32_t far;

		if (size == 4)
			memcpy(&far, code + i + before, sizeof(far));
		else
			far = (int8_t)code[i + before < n ? i + before : i];
		if (size && addr + i + before + size + (uint64_t)(int64_t)far == target)
			return true;
	}
	return false;
}

unsigned ktext_entry(const char *name, uint64_t addr)
{
	static const uint8_t nop[KTEXT_NOP] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	uint8_t first[KTEXT_NOP];
	char cold[PATH_MAX];
	const struct ksym *part;
	size_t count;

	if (kt.owner != getpid())
		open_kcore();
	if (kt.fd < 0 || !read_code(addr, first, sizeof(first)) || memcmp(first, nop, sizeof(nop)) ||
	    may_jump(addr, next_function(addr), addr + KTEXT_NOP))
		return 0;
	snprintf(cold, sizeof(cold), "%s.cold", name);
	part = ksyms_find(NULL, cold, &count);	/* what the compiler moved away */
	if (count > 1 || (part && may_jump(part->addr, next_function(part->addr), addr + KTEXT_NOP)))
		return 0;
	return KTEXT_NOP;
}

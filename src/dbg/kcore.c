/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/kcore, the kernel's memory as an ELF core file, which root may read even where /proc/kallsyms shows no
 * addresses.  A note in it has the text that tools for crash dumps go by, lines "NAME=VALUE"; one of them says
 * where the kernel's code begins.
 */
#include "dbg/kcore.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KCORE		"/proc/kcore"
#define TEXT_LINE	"\nSYMBOL(_stext)="	/* on x86-64 the same as _text */
#define MAX_HEADERS	512
#define MAX_NOTES	(64 << 10)

/* Where the notes are, and their size; 0: none. */
static size_t find_notes(int fd, off_t *at)
{
	Elf64_Ehdr e;
	Elf64_Phdr p;

	if (pread(fd, &e, sizeof(e), 0) != sizeof(e) || memcmp(e.e_ident, ELFMAG, SELFMAG) ||
	    e.e_phentsize != sizeof(p) || e.e_phnum > MAX_HEADERS)
		return 0;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		if (pread(fd, &p, sizeof(p), (off_t)(e.e_phoff + i * sizeof(p))) != sizeof(p))
			return 0;
		if (p.p_type != PT_NOTE)
			continue;
		*at = (off_t)p.p_offset;
		return p.p_filesz < MAX_NOTES ? p.p_filesz : MAX_NOTES;
	}
	return 0;
}

uint64_t kcore_text(void)
{
	int fd = open(KCORE, O_RDONLY | O_CLOEXEC);
	static char notes[MAX_NOTES + 1];
	const char *line;
	size_t size;
	ssize_t n;
	off_t at;

	if (fd < 0)
		return 0;
	size = find_notes(fd, &at);
	n = size ? pread(fd, notes, size, at) : 0;
	close(fd);
	if (n <= 0)
		return 0;
	notes[n] = 0;
	line = memmem(notes, (size_t)n, TEXT_LINE, strlen(TEXT_LINE));
	return line ? strtoull(line + strlen(TEXT_LINE), NULL, 16) : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped files; see filemap.h.  The handler of SIGBUS puts a page of zeros where the file has none any more.  The list
 * changes in one thread only, and the pages that a handler looks for are in the list as long as they are read.
 */
#include "dbg/filemap.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/xalloc.h"

struct mapped {
	uint8_t *p;
	size_t len;
	struct mapped *next;
};

static struct mapped *volatile files;
static struct sigaction before;		/* what SIGBUS did */
static uintptr_t page;			/* bytes */

static void on_sigbus(int sig, siginfo_t *si, void *context)
{
	const uint8_t *at = si->si_addr;

	for (const struct mapped *f = files; f; f = f->next) {
		void *gone = (void *)((uintptr_t)at & ~(page - 1));

		if (at >= f->p && at < f->p + f->len &&
		    mmap(gone, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == gone)
			return;
	}
	sigaction(SIGBUS, &before, NULL);	/* and the access is tried again */
}

/* Each time: what else handles SIGBUS, as test frameworks do, may have come in between. */
static void install_handler(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO }, now;

	page = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&sa.sa_mask);
	if (!sigaction(SIGBUS, NULL, &now) && now.sa_sigaction != on_sigbus) {
		before = now;
		sigaction(SIGBUS, &sa, NULL);
	}
}

void *filemap_map(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	struct mapped *f;

	if (p == MAP_FAILED)
		return NULL;
	install_handler();
	f = xcalloc(1, sizeof(*f));
	*f = (struct mapped){ p, len, files };
	files = f;
	return p;
}

void filemap_unmap(void *p)
{
	for (struct mapped *f = files, *up = NULL; f; up = f, f = f->next) {
		if (f->p != p)
			continue;
		munmap(p, f->len);
		if (up)
			up->next = f->next;
		else
			files = f->next;
		free(f);
		return;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kept places of the kernel's symbols: see symbolcache.h. */
#include "dbg/symbolcache.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/xalloc.h"
#include "dbg/cachefile.h"

#define MAGIC		"stapsym1"
#define MAX_SYMBOL	128	/* bytes of a name that is kept */

struct record {
	char magic[8];
	uint64_t place, value;
};

/* Of the file; malloc'ed; NULL: nothing is kept. */
static char *file_name(const char *build_id, const char *symbol)
{
	size_t n = strlen(symbol);

	if (!dbg_cache_enabled() || !*build_id || !n || n > MAX_SYMBOL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)symbol[i]) && symbol[i] != '_' && symbol[i] != '.')
			return NULL;
	return xasprintf("%s.%s.symbol", build_id, symbol);
}

bool symbolcache_find(const char *build_id, const char *symbol, struct symbol_answer *a)
{
	char *name = file_name(build_id, symbol);
	size_t len = 0;
	void *p = name ? dbg_cache_map(name, &len) : NULL;
	struct record r = { 0 };

	free(name);
	if (!p)
		return false;
	if (len == sizeof(r))
		memcpy(&r, p, sizeof(r));
	munmap(p, len);
	if (memcmp(r.magic, MAGIC, sizeof(r.magic)) || r.place > SYMBOL_MOVED)
		return false;
	*a = (struct symbol_answer){ (enum symbol_place)r.place, r.value };
	return true;
}

void symbolcache_keep(const char *build_id, const char *symbol, const struct symbol_answer *a)
{
	char *name = file_name(build_id, symbol);
	struct record r = { MAGIC, a->place, a->value };

	if (name)
		dbg_cache_write(name, (struct iovec[]){ { &r, sizeof(r) } }, 1);
	free(name);
}

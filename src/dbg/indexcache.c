/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Indexes of large files (a kernel's has some 160 MB of DIEs), kept from one run to the next.
 *
 * A record names a DIE by offsets only, so that the file is mapped and searched in place: records are sorted by the
 * hash of the name, which stays in the sections of the module.  The file is found by the build id; sizes of sections
 * and number of units must fit.  What a record says is checked when it is used, as anything that was read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "dbg/cachefile.h"
#include "dbg/priv.h"

#define WORTH_KEEPING	(8u << 20)	/* bytes of .debug_info */
#define MAGIC		"stapidx1"
#define IN_INFO		(UINT32_C(1) << 31)	/* the name is in .debug_info, not in .debug_str */
#define UNIT_BITS	28

struct header {
	char magic[8];
	uint64_t info_len, str_len, nrecs;
	uint32_t nunits, id_len;
	uint8_t id[64];
};

/* The name of the index's file; malloc'ed; NULL: it is not kept. */
static char *cache_name(const struct dbg_module *m)
{
	if (!dbg_cache_enabled() || !*m->build_id_hex || m->info.build_id_len > 64 ||
	    m->dw->main.info.len < WORTH_KEEPING || m->dw->main.info.len >= IN_INFO || m->dw->have_alt ||
	    arrlen(m->dw->units[DW_IN_TYPES]))
		return NULL;
	return xasprintf("%s.index", m->build_id_hex);
}

static struct header header_of(struct dbg_module *m, size_t n)
{
	struct header h = { .magic = MAGIC, .info_len = m->dw->main.info.len, .nrecs = n,
			    .str_len = dw_section(&m->dw->main, DW_S_STR).len,
			    .nunits = (uint32_t)arrlen(m->dw->units[DW_IN_INFO]),
			    .id_len = (uint32_t)m->info.build_id_len };

	memcpy(h.id, m->info.build_id, m->info.build_id_len);
	return h;
}

/* ---- writing ---- */

static int cmp_rec(const void *a, const void *b)
{
	const struct index_rec *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->die < y->die ? -1 : x->die > y->die;
}

static bool within(struct dbg_bytes b, const char *s)
{
	return (const uint8_t *)s >= b.p && (const uint8_t *)s < b.p + b.len;
}

/* The record of an entry; false: it cannot be expressed. */
static bool make_rec(struct dbg_module *m, const struct index_entry *e, struct index_rec *r)
{
	struct dbg_bytes info = m->dw->main.info, str = dw_section(&m->dw->main, DW_S_STR);

	if (within(str, e->name))
		r->name = (uint32_t)((const uint8_t *)e->name - str.p);
	else if (within(info, e->name))
		r->name = (uint32_t)((const uint8_t *)e->name - info.p) | IN_INFO;
	else
		return false;
	r->hash = hash_text(e->name);
	r->die = (uint32_t)DW_HANDLE_OFF(e->die);
	r->unit = e->unit | (uint32_t)e->kind << UNIT_BITS | (uint32_t)e->inlined << (UNIT_BITS + 2);
	return e->unit < UINT32_C(1) << UNIT_BITS;
}

void indexcache_save(struct dbg_module *m, const struct dbg_index *ix)
{
	size_t n = (size_t)arrlen(ix->entries);
	char *name = ix->crossing ? NULL : cache_name(m);
	struct index_rec *recs;
	struct header h;
	bool ok = true;

	if (!name)
		return;
	h = header_of(m, n);
	recs = xcalloc(n + 1, sizeof(*recs));
	for (size_t i = 0; ok && i < n; i++)
		ok = make_rec(m, &ix->entries[i], &recs[i]);
	if (ok) {
		qsort(recs, n, sizeof(*recs), cmp_rec);
		dbg_cache_write(name, (struct iovec[]){ { &h, sizeof(h) }, { recs, n * sizeof(*recs) } }, 2);
	}
	free(recs);
	free(name);
}

/* ---- reading ---- */

bool indexcache_load(struct dbg_module *m, struct dbg_index *ix)
{
	char *name = cache_name(m);
	struct header want;
	size_t len = 0;
	void *p = name ? dbg_cache_map(name, &len) : NULL;

	free(name);
	if (!p)
		return false;
	want = header_of(m, len < sizeof(want) ? 0 : (len - sizeof(want)) / sizeof(struct index_rec));
	if (len < sizeof(want) || memcmp(p, &want, sizeof(want))) {
		munmap(p, len);
		return false;
	}
	ix->map = p;
	ix->map_len = len;
	ix->recs = (const struct index_rec *)((const char *)p + sizeof(want));
	ix->nrecs = want.nrecs;
	return true;
}

void indexcache_free(struct dbg_index *ix)
{
	if (ix->map)
		munmap(ix->map, ix->map_len);
}

size_t indexcache_first(const struct dbg_index *ix, const char *name)
{
	uint32_t h = hash_text(name);
	size_t lo = 0, hi = ix->nrecs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->recs[mid].hash < h)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool indexcache_same(const struct dbg_index *ix, size_t i, const char *name)
{
	return i < ix->nrecs && ix->recs[i].hash == hash_text(name);
}

bool indexcache_entry(struct dbg_module *m, const struct dbg_index *ix, size_t i, struct index_entry *e)
{
	const struct index_rec *r = &ix->recs[i];
	struct dbg_bytes names = r->name & IN_INFO ? m->dw->main.info : dw_section(&m->dw->main, DW_S_STR);
	uint32_t unit = r->unit & ((UINT32_C(1) << UNIT_BITS) - 1);
	const struct dw_unit *u;

	*e = (struct index_entry){ .die = DW_HANDLE(DW_IN_INFO, (uint64_t)r->die), .unit = unit };
	e->name = bytes_str(names, r->name & ~IN_INFO);
	e->kind = r->unit >> UNIT_BITS & 1;
	e->inlined = (r->unit >> (UNIT_BITS + 2) & 1) != 0;
	if (!e->name || unit >= arrlenu(m->dw->units[DW_IN_INFO]))
		return false;
	u = &m->dw->units[DW_IN_INFO][unit];
	return r->die >= u->die_off && r->die < u->end;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of the kernel's functions; see ksymtable.h.
 *
 * Names are found by open addressing: functions of one name come in their order, since each is put into the first
 * slot that is free. What is read from the cache is checked when it is used: numbers and offsets must be inside.
 */
#include "probe/ksymtable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "base/ds.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "dbg/cachefile.h"
#include "dbg/kernelfile.h"

#define MAGIC	"stapsym2"

struct header {
	char magic[8];
	uint32_t nfunctions, nslots;	/* nslots: a power of two */
	uint32_t names, known;		/* bytes of names, the last 0; flags that were learned */
};

struct record {
	uint64_t offset;		/* from _text */
	uint32_t name, flags;
};

struct ksymtable {
	struct header h;
	void *map;			/* of the file; NULL: it was made here */
	size_t map_len;
	struct record *records;		/* stb_ds arrays if it was made here, else in the mapping */
	uint32_t *slots;		/* number + 1; 0: free; xcalloc() if it was made here */
	char *names;
	uint64_t text;			/* 0: addresses are hidden */
	bool changed;
};

/* Name of the file, or NULL. */
static const char *cache_name(void)
{
	static char name[160];
	const char *id = dbg_kernel_build_id();

	snprintf(name, sizeof(name), "kallsyms-%s.index", id);
	return *id && dbg_cache_enabled() ? name : NULL;
}

/* ---- loading and saving ---- */

static bool fits(const struct header *h, size_t len)
{
	uint64_t want = sizeof(*h) + (uint64_t)h->nfunctions * sizeof(struct record) +
			(uint64_t)h->nslots * sizeof(uint32_t) + h->names;

	return !memcmp(h->magic, MAGIC, sizeof(h->magic)) && want == len && h->nfunctions && h->names &&
	       h->nslots > h->nfunctions && !(h->nslots & (h->nslots - 1));
}

struct ksymtable *ksymtable_load(void)
{
	const char *name = cache_name();
	struct ksymtable *t;
	size_t len = 0;
	char *p = name ? dbg_cache_map(name, &len) : NULL;

	if (!p)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	if (len >= sizeof(t->h))
		memcpy(&t->h, p, sizeof(t->h));
	t->text = len >= sizeof(t->h) && fits(&t->h, len) && !p[len - 1] ? dbg_kernel_symbol("_text") : 0;
	if (!t->text) {
		munmap(p, len);
		free(t);
		return NULL;
	}
	t->map = p;
	t->map_len = len;
	t->records = (struct record *)(p + sizeof(t->h));
	t->slots = (uint32_t *)(t->records + t->h.nfunctions);
	t->names = (char *)(t->slots + t->h.nslots);
	return t;
}

void ksymtable_destroy(struct ksymtable *t)
{
	if (!t)
		return;
	if (t->map) {
		munmap(t->map, t->map_len);
	} else {
		arrfree(t->records);
		free(t->slots);
		arrfree(t->names);
	}
	free(t);
}

void ksymtable_save(struct ksymtable *t)
{
	const char *name = t->changed && t->text ? cache_name() : NULL;

	if (name)
		dbg_cache_write(name, (struct iovec[]){
			{ &t->h, sizeof(t->h) }, { t->records, t->h.nfunctions * sizeof(*t->records) },
			{ t->slots, t->h.nslots * sizeof(*t->slots) }, { t->names, t->h.names } }, 4);
	t->changed = false;
}

/* ---- making ---- */

struct ksymtable *ksymtable_create(void)
{
	struct ksymtable *t = xcalloc(1, sizeof(*t));

	memcpy(t->h.magic, MAGIC, sizeof(t->h.magic));
	t->changed = true;
	return t;
}

void ksymtable_add(struct ksymtable *t, const char *name, uint64_t addr, bool exported)
{
	struct record r = { addr, (uint32_t)arrlenu(t->names), exported ? KSYM_EXPORTED : 0 };
	size_t size = strlen(name) + 1;

	memcpy(arraddnptr(t->names, size), name, size);
	arrput(t->records, r);
}

static void drop_init(struct ksymtable *t, const uint64_t init[2])
{
	size_t kept = 0;

	if (!init[0] || init[1] <= init[0])
		return;
	for (size_t i = 0; i < arrlenu(t->records); i++)
		if (t->records[i].offset < init[0] || t->records[i].offset > init[1])
			t->records[kept++] = t->records[i];
	arrsetlen(t->records, kept);
}

void ksymtable_finish(struct ksymtable *t, uint64_t text, const uint64_t init[2])
{
	size_t n;

	drop_init(t, init);
	n = arrlenu(t->records);
	arrput(t->names, '\0');
	t->text = text;
	t->h.nfunctions = (uint32_t)n;
	t->h.names = (uint32_t)arrlenu(t->names);
	for (t->h.nslots = 2; t->h.nslots < 2 * n;)
		t->h.nslots *= 2;
	t->slots = xcalloc(t->h.nslots, sizeof(*t->slots));
	for (size_t i = 0; i < n; i++) {
		uint32_t at = hash_text(t->names + t->records[i].name) & (t->h.nslots - 1);

		while (t->slots[at])
			at = (at + 1) & (t->h.nslots - 1);
		t->slots[at] = (uint32_t)i + 1;
		t->records[i].offset -= text;
	}
}

/* ---- asking ---- */

static const char *name_of(const struct ksymtable *t, size_t i)
{
	return t->records[i].name < t->h.names ? t->names + t->records[i].name : "";
}

size_t ksymtable_count(const struct ksymtable *t)
{
	return t->h.nfunctions;
}

struct ksym ksymtable_at(const struct ksymtable *t, size_t i)
{
	const struct record *r = &t->records[i];

	return (struct ksym){ name_of(t, i), NULL, r->offset + t->text, (r->flags & KSYM_EXPORTED) != 0 };
}

size_t ksymtable_named(const struct ksymtable *t, const char *name, size_t after)
{
	uint32_t mask = t->h.nslots - 1, at = hash_text(name) & mask;
	bool behind = after == 0;

	for (uint32_t steps = 0; steps <= mask && t->slots[at]; steps++, at = (at + 1) & mask) {
		uint32_t i = t->slots[at];

		if (i > t->h.nfunctions)
			return 0;
		if (behind && !strcmp(name_of(t, i - 1), name))
			return i;
		behind = behind || i == after;
	}
	return 0;
}

bool ksymtable_has(const struct ksymtable *t, size_t i, enum ksym_flag flag)
{
	return (t->records[i].flags & flag) != 0;
}

void ksymtable_set(struct ksymtable *t, size_t i, enum ksym_flag flag)
{
	t->records[i].flags |= flag;
}

bool ksymtable_knows(const struct ksymtable *t, enum ksym_flag flag)
{
	return (t->h.known & flag) != 0;
}

void ksymtable_learned(struct ksymtable *t, enum ksym_flag flag)
{
	t->h.known |= flag;
	t->changed = true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creating a program's maps and filling in what does not change. */
#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/without.h"
#include "base/xalloc.h"
#include "bpf/engine_priv.h"
#include "bpf/groups.h"
#include "ir/names_table.h"
#include "ir/regex.h"
#include "ir/regex_prog.h"

_Static_assert((int)GROUPS_SET == (int)RE_SET && (int)GROUPS_SPLIT == (int)RE_SPLIT &&
	       (int)GROUPS_JMP == (int)RE_JMP && (int)GROUPS_SAVE == (int)RE_SAVE &&
	       (int)GROUPS_BOL == (int)RE_BOL && (int)GROUPS_EOL == (int)RE_EOL &&
	       (int)GROUPS_MATCH == (int)RE_MATCH, "operations of both headers");

#define PREALLOC_SHARE	8	/* the part of available memory, 1 / 8, that all arrays' elements may take beforehand */
#define ELEM_OVERHEAD	64	/* bytes of the kernel's own in an element of a hash */
#define TARGETS_MAX	16384
#define BIAS_MAX	16384
#define BEGUN_MAX	65536
#define PATIENCE	20	/* waits in vain for symbols of a file */
#define UNWIND_MODULES_MAX	8192
#define UNWIND_UNKNOWN_MAX	256

int map_make(struct engine *e, uint32_t map, enum bpf_map_type type, const char *name, uint32_t key,
	     uint32_t value, uint32_t n, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = flags);
	int fd = bpf_map_create(type, name, key, value, n, &o);

	if (fd < 0 && (errno == EPERM || errno == EACCES))
		return engine_not_permitted(e);
	if (fd < 0)
		return engine_fail(e, -errno, "cannot create the eBPF map \"%s\" (%u entries of %u+%u "
				   "bytes): %s", name, n, key, value, strerror(errno));
	e->map_fds[map] = fd;
	return 0;
}

int map_fill(struct engine *e, uint32_t map, const char *name, const void *value)
{
	const uint32_t zero = 0;

	if (!bpf_map_update_elem(e->map_fds[map], &zero, value, BPF_ANY))
		return 0;
	return engine_fail(e, -errno, "cannot fill the eBPF map \"%s\": %s", name, strerror(errno));
}

/* Bytes of memory that can be had without swapping. */
static uint64_t memory_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kb = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb ? kb * 1024 : (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/*
 * Elements are allocated beforehand: handlers run with interrupts off, where the kernel's allocator has few
 * in store.  Arrays too large for `budget` have to take what it has.
 */
static int make_hash(struct engine *e, uint32_t global, const char *name, uint64_t *budget)
{
	const struct global_place *pl = &e->unit.lo.globals[global];
	uint32_t n = e->p->ir->globals[global]->max_entries;
	uint64_t bytes = ((uint64_t)n + e->unit.lo.ncpu) * (ELEM_OVERHEAD + pl->key_size + pl->value_size);

	if (!without("array_memory") && bytes <= *budget &&
	    !map_make(e, pl->map, BPF_MAP_TYPE_HASH, name, pl->key_size, pl->value_size, n, 0)) {
		*budget -= bytes;
		return 0;
	}
	return map_make(e, pl->map, BPF_MAP_TYPE_HASH, name, pl->key_size, pl->value_size, n,
			BPF_F_NO_PREALLOC);
}

/* As much of a global's name as the kernel takes. */
static void map_name(char to[BPF_OBJ_NAME_LEN], const char *name)
{
	size_t n = 0;

	while (n + 1 < BPF_OBJ_NAME_LEN && isascii(name[n]) &&
	       (isalnum(name[n]) || name[n] == '_' || name[n] == '.'))
		n++;
	memcpy(to, name, n);
	to[n] = '\0';
}

static int make_array(struct engine *e, uint32_t global, uint64_t *budget)
{
	const struct global_place *pl = &e->unit.lo.globals[global];
	const struct ir_global *g = e->p->ir->globals[global];
	char name[BPF_OBJ_NAME_LEN];
	int err;

	map_name(name, g->name);
	err = make_hash(e, global, name, budget);
	if (!err && g->wrap)
		err = map_make(e, pl->order_map, BPF_MAP_TYPE_ARRAY, "order", 4, 8 + pl->key_size,
			   pl->order_cap + 1, 0);
	return err;
}

static int make_regex(struct engine *e, uint32_t i)
{
	const struct ir_dfa *d = e->p->ir->regexes[i]->dfa;
	struct rt_dfa *t;
	uint32_t map = e->unit.lo.regex_map[i];
	int err;

	if (!d || (uint64_t)d->nstates * d->nclasses > RT_DFA_NEXT)
		return engine_fail(e, -E2BIG, "the regular expression \"%s\" is too large",
				   e->p->ir->regexes[i]->text);
	err = map_make(e, map, BPF_MAP_TYPE_ARRAY, "regex", 4, sizeof(*t), 1, 0);
	if (err)
		return err;
	t = xcalloc(1, sizeof(*t));
	t->nclasses = d->nclasses;
	t->start = d->start;
	memcpy(t->class_of, d->class_of, sizeof(t->class_of));
	memcpy(t->next, d->next, sizeof(*d->next) * d->nstates * d->nclasses);
	err = map_fill(e, map, "regex", t);
	free(t);
	return err;
}

static int make_groups(struct engine *e, uint32_t i)
{
	const struct ir_dfa *d = e->p->ir->regexes[i]->dfa;
	const struct re_prog *prog = d ? d->prog : NULL;
	uint32_t map = e->unit.lo.groups_map[i];
	struct groups_prog *t;
	int err;

	if (!prog || arrlen(prog->insts) > GROUPS_INSTS || arrlen(prog->sets) > GROUPS_SETS)
		return engine_fail(e, -E2BIG, "the regular expression \"%s\" is too large for matched()",
				   e->p->ir->regexes[i]->text);
	err = map_make(e, map, BPF_MAP_TYPE_ARRAY, "groups", 4, sizeof(*t), 1, 0);
	if (err)
		return err;
	t = xcalloc(1, sizeof(*t));
	t->npos = GROUPS_VISITED * 8 / (uint64_t)arrlen(prog->insts);
	if (t->npos > 65535)
		t->npos = 65535;
	for (ptrdiff_t k = 0; k < arrlen(prog->insts); k++) {
		t->inst[k].op = prog->insts[k].op;
		t->inst[k].x = prog->insts[k].x;
		t->inst[k].y = prog->insts[k].y;
	}
	for (ptrdiff_t k = 0; k < arrlen(prog->sets); k++)
		memcpy(t->set[k], prog->sets[k].bits, sizeof(prog->sets[k].bits));
	err = map_fill(e, map, "groups", t);
	free(t);
	return err;
}

static void *map_memory(struct engine *e, uint32_t map, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, e->map_fds[map], 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Every slot gets the string constants and its number. */
static int fill_slots(struct engine *e)
{
	struct unit *u = &e->unit;
	uint32_t n = u->lo.ncpu_pow2 * SLOTS_PER_CPU;
	size_t size = (size_t)n * u->slot_size;
	uint8_t *mem = map_memory(e, MAP_SLOTS, size);

	if (!mem)
		return engine_fail(e, -errno, "cannot map the context slots: %s", strerror(errno));
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *slot = mem + (size_t)i * u->slot_size;

		((struct slot_hdr *)(slot + SLOT_B))->index = i;
		if (arrlen(u->pool))
			memcpy(slot + SLOT_B + u->pool_base, u->pool, (size_t)arrlen(u->pool));
	}
	munmap(mem, size);
	return 0;
}

static int fill_points(struct engine *e)
{
	const struct layout *lo = &e->unit.lo;
	size_t n = (size_t)arrlen(e->p->points);
	uint8_t *mem = xcalloc(n ? n : 1, lo->points_stride);
	int err;

	for (size_t i = 0; i < n; i++) {
		const struct prog_point *pt = &e->p->points[i];
		uint8_t *row = mem + i * lo->points_stride;
		int64_t module = -1;

		memcpy(row + LAYOUT_POINT_ADDR, &pt->address, 8);
		for (ptrdiff_t k = 0; pt->path && k < arrlen(e->p->modules); k++)
			if (!strcmp(e->p->modules[k].path, pt->path))
				module = k;
		memcpy(row + LAYOUT_POINT_MODULE, &module, 8);
		for (int k = 0; k < IR_PP_COUNT; k++)
			if (pt->str[k])
				strncpy((char *)row + lo->points_str[k], pt->str[k],
					lo->points_bound - 1);
		for (ptrdiff_t k = 0; k < arrlen(pt->ints); k++)
			memcpy(row + lo->points_int + 8 * k, &pt->ints[k], 8);
	}
	err = map_fill(e, MAP_POINTS, "points", mem);
	free(mem);
	return err;
}

/* Which point is where, of handlers without cookies. */
static int fill_places(struct engine *e)
{
	uint32_t n = 0;
	int err;

	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++)
		n += e->opt.by_address[e->p->points[i].handler];
	err = map_make(e, MAP_PLACES, BPF_MAP_TYPE_HASH, "places", 8, 4, n, 0);
	for (uint32_t i = 0; !err && i < (uint32_t)arrlen(e->p->points); i++) {
		uint64_t key = layout_place(e->p->points[i].handler, e->p->points[i].address);

		if (e->opt.by_address[e->p->points[i].handler] &&
		    bpf_map_update_elem(e->map_fds[MAP_PLACES], &key, &i, BPF_ANY))
			err = engine_fail(e, -errno, "cannot fill the table of places: %s", strerror(errno));
	}
	return err;
}

static void init_stat_shares(uint8_t *at, uint32_t stride, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct wire_stat *st = (struct wire_stat *)(at + (size_t)i * stride);

		st->min = INT64_MAX;
		st->max = INT64_MIN;
	}
}

static void set_word(struct engine *e, uint32_t off, int64_t v)
{
	memcpy(e->vars + off, &v, sizeof(v));
}

static int64_t now(clockid_t c)
{
	struct timespec t;

	clock_gettime(c, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void init_global(struct engine *e, uint32_t i)
{
	const struct global_place *pl = &e->unit.lo.globals[i];
	const struct ir_global *g = e->p->ir->globals[i];

	if (g->type == IR_STAT && g->is_array)
		init_stat_shares(e->vars + pl->tmpl + 8, pl->stat_stride, e->unit.lo.ncpu);
	if (g->type == IR_STAT && !g->is_array) {
		init_stat_shares(e->vars + pl->tmpl, pl->stat_stride, e->unit.lo.ncpu_pow2);
		init_stat_shares(e->vars + pl->stat, pl->stat_stride, e->unit.lo.ncpu_pow2);
	}
	if (!g->init.set || g->is_array)
		return;
	if (g->init.is_str && g->type == IR_STR)
		strncpy((char *)e->vars + pl->str, g->init.s, g->bound - 1);
	else if (g->type == IR_I64)
		set_word(e, pl->line + LINE_VALUE, g->init.i);
}

static int fill_vars(struct engine *e)
{
	time_t t = time(NULL);
	struct tm tm;

	e->vars = map_memory(e, MAP_VARS, e->unit.lo.vars_size);
	if (!e->vars)
		return engine_fail(e, -errno, "cannot map the globals: %s", strerror(errno));
	localtime_r(&t, &tm);
	set_word(e, VARS_TARGET, e->p->target);
	set_word(e, VARS_STP_PID, getpid());
	set_word(e, VARS_WALL, now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC));
	set_word(e, VARS_TZ, -tm.tm_gmtoff);
	set_word(e, VARS_PATIENCE, PATIENCE);
	for (uint32_t i = 0; i < (uint32_t)arrlen(e->p->ir->globals); i++)
		init_global(e, i);
	return 0;
}

bool map_wanted(const struct engine *e, uint32_t map)
{
	for (ptrdiff_t h = 0; h < arrlen(e->p->handlers); h++)
		for (ptrdiff_t i = 0; e->generated[h] && i < arrlen(e->gens[h].em.maps); i++)
			if (e->gens[h].em.maps[i].map == map)
				return true;
	return false;
}

/* The kernel adds to MAP_UNWIND_UNKNOWN, also in interrupts: its elements exist beforehand. */
static int make_unwind(struct engine *e)
{
	int err = map_make(e, MAP_UNWIND, BPF_MAP_TYPE_ARRAY, "unwind", 4, (uint32_t)sizeof(struct unwind_table) +
		       e->unit.unwind_rows * (uint32_t)sizeof(struct dbg_walk_row), 1, BPF_F_MMAPABLE);

	if (!err)
		err = map_make(e, MAP_UNWIND_MODULES, BPF_MAP_TYPE_HASH, "modules",
			   sizeof(struct unwind_key), sizeof(struct unwind_module), UNWIND_MODULES_MAX,
			   BPF_F_NO_PREALLOC);
	if (!err)
		err = map_make(e, MAP_UNWIND_UNKNOWN, BPF_MAP_TYPE_HASH, "unknown", sizeof(struct unwind_key),
			   sizeof(struct unwind_unknown), UNWIND_UNKNOWN_MAX, 0);
	if (err)
		return err;
	e->unwind = map_memory(e, MAP_UNWIND, unwind_map_size(e));
	return e->unwind ? 0 : engine_fail(e, -errno, "cannot map the unwind rules: %s", strerror(errno));
}

static int make_fixed(struct engine *e)
{
	struct unit *u = &e->unit;
	uint32_t slots = u->lo.ncpu_pow2 * SLOTS_PER_CPU;
	int err = map_make(e, MAP_VARS, BPF_MAP_TYPE_ARRAY, "globals", 4, u->lo.vars_size, 1, BPF_F_MMAPABLE);

	if (!err)
		err = fill_vars(e);
	if (!err && map_wanted(e, MAP_SLOTS))
		err = map_make(e, MAP_SLOTS, BPF_MAP_TYPE_ARRAY, "slots", 4, u->slot_size * slots, 1,
			   BPF_F_MMAPABLE);
	if (!err && map_wanted(e, MAP_SLOTS))
		err = fill_slots(e);
	if (!err && map_wanted(e, MAP_COLLS))
		err = map_make(e, MAP_COLLS, BPF_MAP_TYPE_ARRAY, "collected", 4, (uint32_t)u->coll_size * slots,
			       1, 0);
	if (!err && map_wanted(e, MAP_GROUPS))
		err = map_make(e, MAP_GROUPS, BPF_MAP_TYPE_ARRAY, "search", 4,
			   (uint32_t)sizeof(struct groups_search) * slots, 1, 0);
	if (!err && map_wanted(e, MAP_TARGETS))
		err = map_make(e, MAP_TARGETS, BPF_MAP_TYPE_HASH, "targets", 8, 1, TARGETS_MAX,
			   BPF_F_NO_PREALLOC);
	if (!err && begun_wanted(e))
		err = map_make(e, MAP_BEGUN, BPF_MAP_TYPE_HASH, "begun", 8, 1, BEGUN_MAX, BPF_F_NO_PREALLOC);
	if (!err && map_wanted(e, MAP_BIAS))
		err = map_make(e, MAP_BIAS, BPF_MAP_TYPE_HASH, "bias", 8, 8, BIAS_MAX, BPF_F_NO_PREALLOC);
	if (!err && map_wanted(e, MAP_COUNTERS))
		err = counters_create(e);
	if (!err && map_wanted(e, MAP_UNWIND))
		err = make_unwind(e);
	if (!err && map_wanted(e, MAP_PLACES))
		err = fill_places(e);
	if (!err)
		err = names_create(e);
	if (!err)
		err = glue_create(e);
	if (!err && map_wanted(e, MAP_POINTS))
		err = map_make(e, MAP_POINTS, BPF_MAP_TYPE_ARRAY, "points", 4,
			   u->lo.points_stride * (uint32_t)arrlen(e->p->points), 1, 0);
	if (!err && map_wanted(e, MAP_POINTS))
		err = fill_points(e);
	if (!err && map_wanted(e, MAP_NUMBERS))
		err = map_make(e, MAP_NUMBERS, BPF_MAP_TYPE_ARRAY, "numbers", 4, sizeof(*e->p->ir->names_table), 1, 0);
	if (!err && map_wanted(e, MAP_NUMBERS))
		err = map_fill(e, MAP_NUMBERS, "numbers", e->p->ir->names_table);
	return err;
}

int maps_create(struct engine *e)
{
	uint64_t budget = memory_available() / PREALLOC_SHARE;
	const struct ir_module *m = e->p->ir;
	int err;

	arrsetlen(e->map_fds, e->unit.lo.nmaps);
	for (uint32_t i = 0; i < e->unit.lo.nmaps; i++)
		e->map_fds[i] = -1;
	err = make_fixed(e);
	for (uint32_t i = 0; !err && i < (uint32_t)arrlen(m->globals); i++)
		if (m->globals[i]->is_array)
			err = make_array(e, i, &budget);
	for (uint32_t i = 0; !err && i < (uint32_t)arrlen(m->regexes); i++)
		if (map_wanted(e, e->unit.lo.regex_map[i]))
			err = make_regex(e, i);
	for (uint32_t i = 0; !err && i < (uint32_t)arrlen(m->regexes); i++)
		if (map_wanted(e, e->unit.lo.groups_map[i]))
			err = make_groups(e, i);
	if (!err && (map_wanted(e, MAP_RINGS) || (e->unit.lo.ring_map && map_wanted(e, e->unit.lo.ring_map))))
		err = rings_open(e);
	return err;
}

void maps_close(struct engine *e)
{
	if (e->vars)
		munmap(e->vars, e->unit.lo.vars_size);
	e->vars = NULL;
	if (e->unwind)
		munmap(e->unwind, unwind_map_size(e));
	e->unwind = NULL;
	for (ptrdiff_t i = 0; i < arrlen(e->map_fds); i++)
		if (e->map_fds[i] >= 0)
			close(e->map_fds[i]);
	arrfree(e->map_fds);
}

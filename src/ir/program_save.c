/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The saved program: a header with magic, version, size and checksum, then all
 * structures in a fixed order.  One function per structure both writes and
 * reads it, so the two cannot differ.  What is read is checked for size here
 * and for meaning by ir_check_program().
 *
 * Not kept: facts that ir_analyse() finds, DFAs (compiled anew), source texts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/hash.h"
#include "base/intern.h"
#include "ir/check.h"
#include "ir/pass.h"
#include "ir/program.h"
#include "ir/names.h"
#include "ir/regex.h"

#define FORMAT_VERSION	7
#define MAX_DEPTH	10000

static const char magic[8] = "bpftap\n\1";

struct header {
	char magic[8];
	uint32_t version, ops;	/* ops: IR_OP_COUNT, the operations are numbered by their order */
	uint64_t size, sum;
};

struct codec {
	bool reading, bad;
	struct arena *a;
	char *out;		/* stb_ds array */
	const char *p, *end;
	const struct source **sources;	/* stb_ds array */
	int depth;
};

static void do_bytes(struct codec *c, void *p, size_t n)
{
	if (!n)
		return;
	if (!c->reading) {
		memcpy(arraddnptr(c->out, n), p, n);
	} else if (c->bad || (size_t)(c->end - c->p) < n) {
		c->bad = true;
		memset(p, 0, n);
	} else {
		memcpy(p, c->p, n);
		c->p += n;
	}
}

#define DO(c, field) do_bytes((c), &(field), sizeof(field))

#define DO_ENUM(c, field, limit) \
	do { \
		uint32_t v_ = (uint32_t)(field); \
		DO(c, v_); \
		if (v_ >= (uint32_t)(limit)) { \
			v_ = 0; \
			(c)->bad = true; \
		} \
		(field) = v_; \
	} while (0)

static void do_bool(struct codec *c, bool *b)
{
	uint8_t v = *b;

	DO(c, v);
	*b = v != 0;
}

/* A count of things that take at least `min` bytes each. */
static uint32_t do_count(struct codec *c, size_t have, size_t min)
{
	uint32_t n = (uint32_t)have;

	DO(c, n);
	if (c->reading && (c->bad || n > (size_t)(c->end - c->p) / min)) {
		c->bad = true;
		return 0;
	}
	return n;
}

static void do_str(struct codec *c, const char **s)
{
	uint32_t n = *s ? (uint32_t)strlen(*s) : UINT32_MAX;
	char *copy;

	DO(c, n);
	if (!c->reading) {
		do_bytes(c, (void *)(uintptr_t)*s, n == UINT32_MAX ? 0 : n);
		return;
	}
	*s = NULL;
	if (n == UINT32_MAX || c->bad)
		return;
	if ((size_t)(c->end - c->p) < n || memchr(c->p, 0, n)) {
		c->bad = true;
		return;
	}
	copy = arena_strndup(c->a, c->p, n);
	c->p += n;
	*s = copy;
}

static void do_source(struct codec *c, const struct source **src)
{
	uint32_t i = 0;

	while (i < arrlenu(c->sources) && c->sources[i] != *src)
		i++;
	if (!*src)
		i = UINT32_MAX;
	DO(c, i);
	if (c->reading)
		*src = i < arrlenu(c->sources) ? c->sources[i] : NULL;
}

static void do_span(struct codec *c, struct span *s)
{
	uint32_t line = s->line, col = s->col;

	do_source(c, &s->src);
	if (!s->src)
		return;
	DO(c, line);
	DO(c, col);
	s->line = line;
	s->col = col;
	do_str(c, &s->text);
	DO_ENUM(c, s->kind, SPAN_KEYWORD + 1);
	if (c->reading) {
		s->macro = NULL;
		if (s->text)
			s->text = intern(s->text);
	}
}

static void do_expr(struct codec *c, struct ir_expr **slot)
{
	struct ir_expr *e = *slot;
	bool there = e != NULL;

	do_bool(c, &there);
	if (!there || c->bad || ++c->depth > MAX_DEPTH) {
		c->bad |= there;
		*slot = NULL;
		return;
	}
	if (c->reading)
		*slot = e = arena_new(c->a, struct ir_expr);
	DO_ENUM(c, e->op, IR_OP_COUNT);
	DO_ENUM(c, e->type, IR_STAT + 1);
	DO(c, e->bound);
	DO(c, e->sym);
	DO(c, e->imm);
	do_str(c, &e->str);
	do_span(c, &e->at);
	e->nargs = do_count(c, e->nargs, 1);
	if (c->reading)
		e->args = arena_new_array(c->a, struct ir_expr *, e->nargs + 1);
	for (uint32_t i = 0; i < e->nargs && !c->bad; i++)
		do_expr(c, &e->args[i]);
	c->depth--;
}

static void do_foreach(struct codec *c, struct ir_foreach **slot)
{
	struct ir_foreach *l = *slot;
	bool keyed;

	if (c->reading)
		*slot = l = arena_new(c->a, struct ir_foreach);
	DO(c, l->global);
	do_bool(c, &l->hist);
	keyed = l->hist_keys != NULL;
	do_bool(c, &keyed);
	if (keyed && c->reading)
		l->hist_keys = arena_new_array(c->a, struct ir_expr *, IR_MAX_KEYS + 1);
	for (int i = 0; keyed && i < IR_MAX_KEYS; i++)
		do_expr(c, &l->hist_keys[i]);
	DO_ENUM(c, l->nkeys, IR_MAX_KEYS + 1);
	for (uint32_t i = 0; i < IR_MAX_KEYS; i++) {
		DO(c, l->key_local[i]);
		do_expr(c, &l->slice[i]);
	}
	DO(c, l->value_local);
	DO_ENUM(c, l->sort, IR_SORT_STAT + 1);
	DO(c, l->sort_key);
	DO_ENUM(c, l->sort_stat, IR_STAT_VARIANCE + 1);
	do_bool(c, &l->descending);
	do_expr(c, &l->limit);
}

static void do_list(struct codec *c, struct ir_stmt **list)
{
	uint32_t n = 0;

	for (struct ir_stmt *s = *list; !c->reading && s; s = s->next)
		n++;
	n = do_count(c, n, 1);
	if (++c->depth > MAX_DEPTH)
		c->bad = true;
	if (c->reading)
		*list = NULL;
	for (uint32_t i = 0; i < n && !c->bad; i++, list = &(*list)->next) {
		struct ir_stmt *s = *list;

		if (c->reading)
			*list = s = arena_new(c->a, struct ir_stmt);
		DO_ENUM(c, s->kind, IR_S_ACTION + 1);
		do_span(c, &s->at);
		DO(c, s->sym);
		do_bool(c, &s->has_sym);
		DO(c, s->imm);
		do_expr(c, &s->expr);
		do_list(c, &s->body);
		do_list(c, &s->orelse);
		if (s->kind == IR_S_FOREACH)
			do_foreach(c, &s->foreach);
	}
	c->depth--;
}

static void do_func(struct codec *c, struct ir_func **slot)
{
	struct ir_func *f = *slot;
	uint32_t n;

	if (c->reading)
		*slot = f = ir_func_new(c->a);
	do_str(c, &f->name);
	do_span(c, &f->at);
	DO(c, f->nparams);
	n = do_count(c, arrlenu(f->locals), 1);
	if (c->reading) {
		arrsetlen(f->locals, n);
		if (n)
			memset(f->locals, 0, n * sizeof(*f->locals));
	}
	for (uint32_t i = 0; i < n; i++) {
		do_str(c, &f->locals[i].name);
		DO_ENUM(c, f->locals[i].type, IR_STAT + 1);
		DO(c, f->locals[i].bound);
		if (!f->locals[i].name)
			c->bad = true;
	}
	DO_ENUM(c, f->ret, IR_STAT + 1);
	DO(c, f->ret_bound);
	do_list(c, &f->body);
}

static void do_global(struct codec *c, struct ir_global **slot)
{
	struct ir_global *g = *slot;

	if (c->reading)
		*slot = g = arena_new(c->a, struct ir_global);
	do_str(c, &g->name);
	do_span(c, &g->at);
	DO_ENUM(c, g->type, IR_STAT + 1);
	DO(c, g->bound);
	do_bool(c, &g->is_array);
	DO_ENUM(c, g->nkeys, IR_MAX_KEYS + 1);
	for (int i = 0; i < IR_MAX_KEYS; i++) {
		DO_ENUM(c, g->key_type[i], IR_STAT + 1);
		DO(c, g->key_bound[i]);
	}
	DO(c, g->max_entries);
	do_bool(c, &g->sized);
	do_bool(c, &g->wrap);
	do_bool(c, &g->hidden);
	do_bool(c, &g->init.set);
	do_bool(c, &g->init.is_str);
	DO(c, g->init.i);
	do_str(c, &g->init.s);
	DO_ENUM(c, g->hist, IR_HIST_LOG + 1);
	DO(c, g->hist_lo);
	DO(c, g->hist_hi);
	DO(c, g->hist_step);
	if (g->init.set && g->init.is_str && !g->init.s)
		c->bad = true;
}

static void do_format(struct codec *c, struct ir_format **slot)
{
	struct ir_format *f = *slot;
	uint32_t n;

	if (c->reading)
		*slot = f = ir_format_alloc(c->a);
	n = do_count(c, arrlenu(f->pieces), 1);
	if (c->reading) {
		arrsetlen(f->pieces, n);
		if (n)
			memset(f->pieces, 0, n * sizeof(*f->pieces));
	}
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		struct ir_piece *p = &f->pieces[i];

		DO_ENUM(c, p->conv, IR_CONV_MEM_HEX + 1);
		do_str(c, &p->text);
		p->text_len = p->text ? (uint32_t)strlen(p->text) : 0;
		DO(c, p->flags);
		do_bool(c, &p->width_arg);
		do_bool(c, &p->prec_arg);
		DO(c, p->width);
		DO(c, p->prec);
	}
}

static void do_regex(struct codec *c, struct ir_regex **slot)
{
	if (c->reading)
		*slot = arena_new(c->a, struct ir_regex);
	do_str(c, &(*slot)->text);
	do_span(c, &(*slot)->at);
	c->bad |= !(*slot)->text;
}

static void do_names(struct codec *c, struct ir_module *m)
{
	uint32_t n = do_count(c, arrlenu(m->names), 1);

	for (uint32_t i = 0; i < n && !c->bad; i++) {
		const char *text = c->reading ? NULL : m->names[i]->text, *err;

		do_str(c, &text);
		if (c->reading && (!text || ir_names_add(m, text, &err) != i))
			c->bad = true;
	}
}

static void do_point(struct codec *c, struct prog_point *p)
{
	uint64_t nowhere = 0;
	uint32_t n;

	DO_ENUM(c, p->kind, POINT_KIND_COUNT);
	DO(c, p->handler);
	do_bool(c, &p->at_start);
	DO(c, p->start_handler);
	do_span(c, &p->at);
	for (int i = 0; i < IR_PP_COUNT; i++)
		do_str(c, &p->str[i]);
	n = do_count(c, arrlenu(p->ints), sizeof(int64_t));
	if (c->reading)
		arrsetlen(p->ints, n);
	do_bytes(c, p->ints, n * sizeof(int64_t));
	do_str(c, &p->path);
	do_str(c, &p->base);
	DO(c, p->offset);
	if (!c->reading && p->base)	/* found again when the program runs */
		DO(c, nowhere);
	else
		DO(c, p->address);
	DO(c, p->ref_ctr);
	DO(c, p->pid);
	do_str(c, &p->name);
	DO(c, p->syscall_nr);
	do_bool(c, &p->syscall_ia32);
	DO(c, p->period_ns);
	DO(c, p->random_ns);
	DO(c, p->freq_hz);
	DO(c, p->perf_type);
	DO(c, p->perf_config);
	DO(c, p->nf.pf);
	DO(c, p->nf.hook);
	DO(c, p->nf.priority);
	do_bool(c, &p->file.write);
	do_bool(c, &p->file.lines);
	DO(c, p->file.umask);
	DO(c, p->file.size);
	DO(c, p->priority);
	DO(c, p->maxactive);
}

static void do_sources(struct codec *c)
{
	uint32_t n = do_count(c, arrlenu(c->sources), 4);

	for (uint32_t i = 0; i < n && !c->bad; i++) {
		const char *name = c->reading ? NULL : c->sources[i]->name;

		do_str(c, &name);
		if (c->reading) {
			struct source *s = source_create(c->a, name ? name : "", "", 0);

			arrput(c->sources, s);
		}
	}
}

#define DO_PTRS(c, array, fn) \
	do { \
		uint32_t n_ = do_count(c, arrlenu(array), 1); \
		for (uint32_t i_ = 0; i_ < n_ && !(c)->bad; i_++) { \
			if ((c)->reading) \
				arrput(array, NULL); \
			fn(c, &(array)[i_]); \
		} \
	} while (0)

static void do_module(struct codec *c, struct ir_module *m)
{
	DO(c, m->maxstr);
	DO_PTRS(c, m->globals, do_global);
	DO_PTRS(c, m->formats, do_format);
	DO_PTRS(c, m->regexes, do_regex);
	do_names(c, m);
	DO_PTRS(c, m->funcs, do_func);
	DO_PTRS(c, m->handlers, do_func);
}

static void do_limits(struct codec *c, struct prog_limits *l)
{
	DO(c, l->maxstringlen);
	DO(c, l->maxmapentries);
	DO(c, l->maxaction);
	DO(c, l->maxaction_interruptible);
	DO(c, l->maxnesting);
	DO(c, l->maxtrylock);
	DO(c, l->maxerrors);
	DO(c, l->maxskipped);
	DO(c, l->kretactive);
	DO(c, l->buffer_bytes);
	do_bool(c, &l->suppress_time_limits);
}

static void do_program(struct codec *c, struct program *p)
{
	uint32_t n;

	do_sources(c);
	do_module(c, p->ir);
	n = do_count(c, arrlenu(p->handlers), 1);
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		struct prog_handler h = c->reading ? (struct prog_handler){ 0 } : p->handlers[i];

		DO_ENUM(c, h.kind, PROG_KIND_COUNT);
		do_bool(c, &h.sleepable);
		DO(c, h.hash);
		if (!c->reading)
			continue;
		h.body = i < arrlenu(p->ir->handlers) ? p->ir->handlers[i] : NULL;
		arrput(p->handlers, h);
	}
	n = do_count(c, arrlenu(p->points), 1);
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		if (c->reading)
			arrput(p->points, (struct prog_point){ 0 });
		do_point(c, &p->points[i]);
	}
	n = do_count(c, arrlenu(p->modules), 1);
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		if (c->reading)
			arrput(p->modules, (struct prog_module){ 0 });
		do_str(c, &p->modules[i].path);
		do_str(c, &p->modules[i].build_id);
		DO(c, p->modules[i].ino);
	}
	n = do_count(c, arrlenu(p->places), 1);
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		if (c->reading)
			arrput(p->places, (struct prog_place){ 0 });
		do_str(c, &p->places[i].base);
		DO(c, p->places[i].offset);
	}
	n = do_count(c, arrlenu(p->late), 1);
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		if (c->reading)
			arrput(p->late, (struct prog_late){ 0 });
		do_str(c, &p->late[i].module);
		do_str(c, &p->late[i].function);
		do_str(c, &p->late[i].point);
	}
	do_limits(c, &p->limits);
	do_bool(c, &p->timing);
	DO(c, p->target);
}

/* Every source that a span of the program names, once. */
static void collect_source(struct codec *c, const struct span *at)
{
	for (size_t i = 0; i < arrlenu(c->sources); i++)
		if (c->sources[i] == at->src)
			return;
	if (at->src)
		arrput(c->sources, at->src);
}

static void collect_list(struct codec *c, const struct ir_stmt *s);

static void collect_expr(struct codec *c, const struct ir_expr *e)
{
	if (!e)
		return;
	collect_source(c, &e->at);
	for (uint32_t i = 0; i < e->nargs; i++)
		collect_expr(c, e->args[i]);
}

static void collect_list(struct codec *c, const struct ir_stmt *s)
{
	for (; s; s = s->next) {
		collect_source(c, &s->at);
		collect_expr(c, s->expr);
		collect_list(c, s->body);
		collect_list(c, s->orelse);
		if (!s->foreach)
			continue;
		collect_expr(c, s->foreach->limit);
		for (uint32_t i = 0; i < s->foreach->nkeys; i++)
			collect_expr(c, s->foreach->slice[i]);
		for (uint32_t i = 0; s->foreach->hist_keys && i < IR_MAX_KEYS; i++)
			collect_expr(c, s->foreach->hist_keys[i]);
	}
}

static void collect_sources(struct codec *c, const struct program *p)
{
	const struct ir_module *m = p->ir;

	for (size_t i = 0; i < arrlenu(m->globals); i++)
		collect_source(c, &m->globals[i]->at);
	for (size_t i = 0; i < arrlenu(m->regexes); i++)
		collect_source(c, &m->regexes[i]->at);
	for (size_t i = 0; i < arrlenu(p->points); i++)
		collect_source(c, &p->points[i].at);
	for (size_t i = 0; i < arrlenu(m->funcs); i++) {
		collect_source(c, &m->funcs[i]->at);
		collect_list(c, m->funcs[i]->body);
	}
	for (size_t i = 0; i < arrlenu(m->handlers); i++) {
		collect_source(c, &m->handlers[i]->at);
		collect_list(c, m->handlers[i]->body);
	}
}

static uint64_t checksum(const char *p, size_t n)
{
	uint64_t h = HASH64;

	for (size_t i = 0; i < n; i++)
		h = hash64_add(h, (unsigned char)p[i]);
	return h;
}

int program_save(const struct program *p, const char *path)
{
	struct codec c = { .a = p->ir->arena };
	struct header h = { .version = FORMAT_VERSION, .ops = IR_OP_COUNT };
	FILE *f;
	int rc = 0;

	collect_sources(&c, p);
	do_program(&c, (struct program *)(uintptr_t)p);
	memcpy(h.magic, magic, sizeof(magic));
	h.size = arrlenu(c.out);
	h.sum = checksum(c.out, h.size);
	f = fopen(path, "we");
	if (!f)
		rc = -errno;
	if (f && (fwrite(&h, sizeof(h), 1, f) != 1 || fwrite(c.out, 1, h.size, f) != h.size))
		rc = -EIO;
	if (f && fclose(f) && !rc)
		rc = -errno;
	if (c.bad && !rc)
		rc = -E2BIG;
	arrfree(c.out);
	arrfree(c.sources);
	return rc;
}

/* The constants of a loaded program's points; those of a compiled one belong to the probe points. */
static void free_ints(void *program)
{
	struct program *p = program;

	for (size_t i = 0; i < arrlenu(p->points); i++)
		arrfree(p->points[i].ints);
}

static struct program *decode(struct arena *a, const struct source *file, const char **err)
{
	struct codec c = { .reading = true, .a = a };
	struct program *p = program_create(a);
	struct header h;

	if (file->len < sizeof(h) || memcmp(file->text, magic, sizeof(magic)) != 0) {
		*err = "not a saved script";
		return NULL;
	}
	memcpy(&h, file->text, sizeof(h));
	if (h.version != FORMAT_VERSION || h.ops != IR_OP_COUNT) {
		*err = "saved by another version";
		return NULL;
	}
	c.p = file->text + sizeof(h);
	c.end = file->text + file->len;
	arena_at_end(a, free_ints, p);
	if (h.size != file->len - sizeof(h) || h.sum != checksum(c.p, h.size)) {
		*err = "damaged file";
		return NULL;
	}
	do_program(&c, p);
	arrfree(c.sources);
	if (c.bad || c.p != c.end || p->ir->maxstr < 16 || p->ir->maxstr > 1 << 20) {
		*err = "malformed contents";
		return NULL;
	}
	return p;
}

struct program *program_load(struct arena *a, const char *path, const char **err)
{
	const struct source *file = source_read(a, path);
	struct program *p;

	if (!file) {
		*err = strerror(errno);
		return NULL;
	}
	p = decode(a, file, err);
	if (!p)
		return NULL;
	for (size_t i = 0; i < arrlenu(p->ir->regexes); i++)
		if (ir_regex_compile(p->ir, p->ir->regexes[i], err))
			return NULL;
	*err = ir_check_program(p);
	if (*err)
		return NULL;
	ir_analyse(p);
	return p;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Line programs, versions 2 to 5: file names and rows of a unit.
 *
 * File names are spelled as the table has them, directory and name joined, which is what
 * SystemTap prints: "src/core/nginx.c" when the compiler was given a relative directory.
 * Rows are sorted by address; rows of equal address keep the program's order.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/priv.h"

#define MAX_ROWS  20000000
#define MAX_FILES 1000000

struct header {
	uint16_t version;
	uint8_t off_size, min_inst, max_ops, line_range, opcode_base;
	int8_t line_base;
	bool default_stmt;
	const uint8_t *op_lengths;	/* opcode_base - 1 of them */
	struct dbg_cur program;
};

static const char *join(struct arena *a, const char *dir, const char *name)
{
	if (!name)
		return NULL;
	if (*name == '/' || !dir || !*dir)
		return name;
	return arena_printf(a, "%s/%s", dir, name);
}

/* Directory and file tables of versions 2 to 4. */
static void read_tables_v4(struct dw_unit *u, struct dbg_cur *c, struct dw_lines *l)
{
	const char **dirs = NULL, *s;

	arrput(dirs, u->comp_dir);
	while ((s = cur_str(c)) != NULL && *s && arrlen(dirs) < MAX_FILES)
		arrput(dirs, s);
	arrput(l->files, NULL);		/* numbers start at 1 */
	while ((s = cur_str(c)) != NULL && *s && arrlen(l->files) < MAX_FILES) {
		uint64_t dir = cur_uleb(c);

		cur_uleb(c);
		cur_uleb(c);
		arrput(l->files, join(u->dw->arena, dir < (uint64_t)arrlen(dirs) ? dirs[dir] : NULL,
				      s));
	}
	arrfree(dirs);
}

/* One entry-format table of version 5: pairs (path, directory index). */
static void read_table_v5(struct dw_unit *u, struct dbg_cur *c, unsigned off_size,
			  void (*add)(void *data, const char *path, uint64_t dir), void *data)
{
	struct { uint64_t type, form; } fmt[16];
	unsigned nfmt = cur_u8(c);
	struct dw_unit as = *u;		/* forms here depend on the table's own offset size */
	uint64_t count;

	as.off_size = (uint8_t)off_size;
	if (nfmt > 16) {
		cur_fail(c);
		return;
	}
	for (unsigned i = 0; i < nfmt; i++) {
		fmt[i].type = cur_uleb(c);
		fmt[i].form = cur_uleb(c);
	}
	count = cur_uleb(c);
	for (uint64_t k = 0; k < count && k < MAX_FILES && !c->bad && nfmt; k++) {
		const char *path = NULL;
		uint64_t dir = 0;

		for (unsigned i = 0; i < nfmt; i++) {
			struct dw_val v;

			if (!dw_read_form(&as, c, (unsigned)fmt[i].form, 0, &v))
				return;
			if (fmt[i].type == DW_LNCT_path)
				path = dw_val_str(&as, &v);
			else if (fmt[i].type == DW_LNCT_directory_index)
				dir = v.u;
		}
		add(data, path, dir);
	}
}

struct tables_v5 {
	struct dw_unit *u;
	struct dw_lines *l;
	const char **dirs;
};

static void add_dir(void *data, const char *path, uint64_t dir)
{
	struct tables_v5 *t = data;

	arrput(t->dirs, path);
}

static void add_file(void *data, const char *path, uint64_t dir)
{
	struct tables_v5 *t = data;

	arrput(t->l->files, join(t->u->dw->arena,
				 dir < (uint64_t)arrlen(t->dirs) ? t->dirs[dir] : NULL, path));
}

/* Reads header and tables of the unit's line program.  False: none or unusable. */
static bool read_header(struct dw_unit *u, struct dw_lines *l, struct header *h)
{
	struct dbg_cur c = cur_at(dw_section(u->file, DW_S_LINE), u->stmt_list);
	uint64_t len, header_len;
	const uint8_t *start;

	h->off_size = 4;
	len = cur_u32(&c);
	if (len == 0xffffffff) {
		h->off_size = 8;
		len = cur_u64(&c);
	}
	if (c.bad || len > cur_left(&c))
		return false;
	c.end = c.p + len;
	h->version = cur_u16(&c);
	if (h->version < 2 || h->version > 5)
		return false;
	if (h->version >= 5)
		cur_skip(&c, 2);	/* address and segment selector sizes */
	header_len = cur_uint(&c, h->off_size);
	if (c.bad || header_len > cur_left(&c))
		return false;
	start = c.p + header_len;
	h->min_inst = cur_u8(&c);
	h->max_ops = h->version >= 4 ? cur_u8(&c) : 1;
	h->default_stmt = cur_u8(&c) != 0;
	h->line_base = (int8_t)cur_u8(&c);
	h->line_range = cur_u8(&c);
	h->opcode_base = cur_u8(&c);
	h->op_lengths = cur_take(&c, h->opcode_base ? h->opcode_base - 1u : 0);
	if (c.bad || h->line_range == 0 || h->opcode_base == 0)
		return false;
	h->program = (struct dbg_cur){ start, c.end, false };
	c.end = start;
	if (h->version < 5) {
		read_tables_v4(u, &c, l);
	} else {
		struct tables_v5 t = { .u = u, .l = l };

		read_table_v5(u, &c, h->off_size, add_dir, &t);
		read_table_v5(u, &c, h->off_size, add_file, &t);
		arrfree(t.dirs);
	}
	return true;
}

/* The unit's tables, read at the first call; NULL: it has none. */
static struct dw_lines *tables(struct dw_unit *u)
{
	struct header h;

	if (!u->lines && dw_unit_ready(u) && u->stmt_list != UINT64_MAX) {
		u->lines = arena_new(u->dw->arena, struct dw_lines);
		read_header(u, u->lines, &h);
	}
	return u->lines;
}

bool dwline_may_match(struct dw_unit *u, const char *pattern)
{
	const struct dw_lines *l = tables(u);

	if (!l || !arrlen(l->files) || u->cross_refs || (u->name && dbg_file_matches(u->name, pattern)))
		return true;
	for (ptrdiff_t i = 0; i < arrlen(l->files); i++)
		if (l->files[i] && dbg_file_matches(l->files[i], pattern))
			return true;
	return false;
}

const char *dwline_file(struct dw_unit *u, uint64_t index)
{
	const struct dw_lines *l = tables(u);

	if (!l)
		return NULL;
	return index < (uint64_t)arrlen(l->files) ? l->files[index] : NULL;
}

/* ---- the program ---- */

struct state {
	uint64_t addr;
	uint32_t file, line, col;
	unsigned op_index;
	bool is_stmt, prologue_end;
};

static void reset(struct state *s, const struct header *h)
{
	*s = (struct state){ .file = 1, .line = 1, .is_stmt = h->default_stmt };
}

static void emit(struct dw_lines *l, struct state *s, bool end)
{
	struct dbg_line row = {
		.pc = s->addr,
		.file = s->file < (uint64_t)arrlen(l->files) ? l->files[s->file] : NULL,
		.line = s->line, .col = s->col, .is_stmt = s->is_stmt, .end_sequence = end,
		.prologue_end = s->prologue_end,
	};

	if (arrlen(l->rows) < MAX_ROWS)
		arrput(l->rows, row);
	s->prologue_end = false;
}

static void advance(struct state *s, const struct header *h, uint64_t ops)
{
	if (h->max_ops <= 1) {
		s->addr += ops * h->min_inst;
		return;
	}
	s->addr += h->min_inst * ((s->op_index + ops) / h->max_ops);
	s->op_index = (unsigned)((s->op_index + ops) % h->max_ops);
}

/* DW_LNE_*; leaves the cursor after it. */
static void extended(struct dw_unit *u, struct dw_lines *l, struct header *h, struct state *s)
{
	struct dbg_cur *c = &h->program;
	uint64_t len = cur_uleb(c);
	const uint8_t *p = cur_take(c, len);
	struct dbg_cur op;

	if (!p || !len)
		return;
	op = cur_of(p, len);
	switch (cur_u8(&op)) {
	case DW_LNE_end_sequence:
		emit(l, s, true);
		reset(s, h);
		break;
	case DW_LNE_set_address:
		s->addr = cur_uint(&op, len - 1 > 8 ? 8 : (unsigned)(len - 1));
		s->op_index = 0;
		break;
	case DW_LNE_define_file: {
		const char *name = cur_str(&op);

		if (name && arrlen(l->files) < MAX_FILES)
			arrput(l->files, join(u->dw->arena, u->comp_dir, name));
		break;
	}
	default:
		break;
	}
}

static void standard(struct dw_lines *l, struct header *h, struct state *s, unsigned op)
{
	struct dbg_cur *c = &h->program;

	switch (op) {
	case DW_LNS_copy:
		emit(l, s, false);
		break;
	case DW_LNS_advance_pc:
		advance(s, h, cur_uleb(c));
		break;
	case DW_LNS_advance_line:
		s->line += (uint32_t)cur_sleb(c);
		break;
	case DW_LNS_set_file:
		s->file = (uint32_t)cur_uleb(c);
		break;
	case DW_LNS_set_column:
		s->col = (uint32_t)cur_uleb(c);
		break;
	case DW_LNS_negate_stmt:
		s->is_stmt = !s->is_stmt;
		break;
	case DW_LNS_const_add_pc:
		advance(s, h, (255u - h->opcode_base) / h->line_range);
		break;
	case DW_LNS_fixed_advance_pc:
		s->addr += cur_u16(c);
		s->op_index = 0;
		break;
	case DW_LNS_set_prologue_end:
		s->prologue_end = true;
		break;
	default:			/* others have operands we can skip */
		for (unsigned i = 0; i < h->op_lengths[op - 1]; i++)
			cur_uleb(c);
		break;
	}
}

static void run_program(struct dw_unit *u, struct dw_lines *l, struct header *h)
{
	struct dbg_cur *c = &h->program;
	struct state s;

	reset(&s, h);
	while (cur_left(c) && !c->bad) {
		unsigned op = cur_u8(c);

		if (op >= h->opcode_base) {
			unsigned adj = op - h->opcode_base;

			advance(&s, h, adj / h->line_range);
			s.line += (uint32_t)(h->line_base + (int)(adj % h->line_range));
			emit(l, &s, false);
		} else if (op == 0) {
			extended(u, l, h, &s);
		} else {
			standard(l, h, &s, op);
		}
	}
}

/* Sorts runs of rows (sequences) by address, keeping the order inside equal addresses; an
 * end_sequence sorts before a row that starts at the same address. */
static int cmp_row(const void *a, const void *b)
{
	const struct dbg_line *x = *(const struct dbg_line *const *)a;
	const struct dbg_line *y = *(const struct dbg_line *const *)b;

	if (x->pc != y->pc)
		return x->pc < y->pc ? -1 : 1;
	if (x->end_sequence != y->end_sequence)
		return y->end_sequence - x->end_sequence;
	return x < y ? -1 : x > y;
}

static void sort_rows(struct dw_unit *u, struct dw_lines *l)
{
	size_t n = (size_t)arrlen(l->rows);
	const struct dbg_line **order = NULL;
	struct dbg_line *sorted;

	if (!n)
		return;
	arrsetlen(order, n);
	for (size_t i = 0; i < n; i++)
		order[i] = &l->rows[i];
	qsort(order, n, sizeof(*order), cmp_row);
	sorted = arena_new_array(u->dw->arena, struct dbg_line, n);
	for (size_t i = 0; i < n; i++)
		sorted[i] = *order[i];
	arrfree(order);
	arrfree(l->rows);
	l->rows = sorted;
	l->nrows = n;
}

const struct dw_lines *dwline_rows(struct dw_unit *u)
{
	struct dw_lines names = { 0 };
	struct header h;

	if (!dw_unit_ready(u) || u->stmt_list == UINT64_MAX)
		return NULL;
	dwline_file(u, 0);
	if (!u->lines->have_rows) {
		u->lines->have_rows = true;
		if (read_header(u, &names, &h)) {	/* again, for the program's place */
			run_program(u, u->lines, &h);
			sort_rows(u, u->lines);
		}
		arrfree(names.files);
	}
	return u->lines;
}

void dwline_free(struct dw_unit *u)
{
	if (u->lines)
		arrfree(u->lines->files);
}

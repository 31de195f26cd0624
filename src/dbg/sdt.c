/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDT notes (.note.stapsdt) and their operands.
 *
 * Notes hold link addresses as of the time of linking; the recorded address of .stapsdt.base tells
 * how far prelink has moved the file since.
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/priv.h"

#define NOTE_STAPSDT 3

static void read_note(struct dbg_module *m, const struct note_rec *n, uint64_t base)
{
	struct dbg_cur c = cur_at(n->desc, 0);
	struct dbg_sdt s = { 0 };
	uint64_t link_base;

	s.pc = cur_u64(&c);
	link_base = cur_u64(&c);
	s.semaphore = cur_u64(&c);
	s.provider = cur_str(&c);
	s.name = cur_str(&c);
	s.args = cur_str(&c);
	if (!s.provider || !s.name)
		return;
	if (!s.args)
		s.args = "";
	if (base && link_base) {
		s.pc += base - link_base;
		if (s.semaphore)
			s.semaphore += base - link_base;
	}
	if (s.semaphore && !dbg_addr_to_offset(m, s.semaphore, &s.semaphore_offset))
		s.semaphore = 0;
	arrput(m->sdt, s);
}

const struct dbg_sdt *dbg_module_sdt(struct dbg_module *m, size_t *n)
{
	struct elffile *f = m->elf;
	struct note_rec note;

	if (!m->sdt_read && f) {
		size_t b = elffile_section(f, ".stapsdt.base");
		uint64_t base = b ? f->sh[b].sh_addr : 0;

		m->sdt_read = true;
		for (size_t i = 1; i < f->nsh; i++) {
			struct dbg_cur c = cur_at(elffile_data(f, i), 0);

			if (f->sh[i].sh_type != SHT_NOTE || strcmp(f->shname[i], ".note.stapsdt"))
				continue;
			while (elffile_note(&c, 4, &note))
				if (note.type == NOTE_STAPSDT && note.namelen == 7 &&
				    !memcmp(note.name, "stapsdt", 7))
					read_note(m, &note, base);
		}
	}
	*n = (size_t)arrlen(m->sdt);
	return m->sdt;
}

/* ---- operands ---- */

/* A register name at *p (after '%'); moves *p behind it. */
static int parse_reg(const char **p, int *bytes, int *shift)
{
	char name[8];
	size_t n = 0;
	int reg;

	while (n < sizeof(name) - 1 && isalnum((unsigned char)(*p)[n])) {
		name[n] = (*p)[n];
		n++;
	}
	name[n] = 0;
	*p += n;
	reg = dbg_reg_number(name, bytes);
	if (shift)
		*shift = *bytes == 1 && n == 2 && name[1] == 'h' ? 8 : 0;
	return reg;
}

/* symbol+disp, disp or nothing, before "(" */
static bool parse_displacement(struct dbg_module *m, const char **p, struct dbg_sdt_arg *a)
{
	const struct dbg_sym *sym;
	size_t n = 0;
	char *name, *end;

	if (isalpha((unsigned char)**p) || **p == '_' || **p == '.') {
		while (isalnum((unsigned char)(*p)[n]) || strchr("_.$@", (*p)[n] ? (*p)[n] : ' '))
			n++;
		name = arena_strndup(m->arena, *p, n);
		*p += n;
		a->symbol = name;
		sym = dbg_symbol_find(m, name);
		if (sym) {
			a->value = (int64_t)sym->addr;
			a->relocated = true;
		}
	}
	if (**p == '+' || **p == '-' || isdigit((unsigned char)**p)) {
		a->value += strtoll(*p, &end, 0);
		if (end == *p)
			return false;
		*p = end;
	}
	return true;
}

/* (base,index,scale) after the displacement */
static bool parse_memory(const char **p, struct dbg_sdt_arg *a)
{
	int bytes;

	a->kind = DBG_SDT_MEM;
	a->reg = a->index = -1;
	a->scale = 1;
	if (**p != '(')
		return true;
	++*p;
	if (**p == '%') {
		++*p;
		a->reg = parse_reg(p, &bytes, NULL);
		if (a->reg < 0)
			return false;
	}
	if (**p == ',') {
		++*p;
		if (**p != '%')
			return false;
		++*p;
		a->index = parse_reg(p, &bytes, NULL);
		if (a->index < 0)
			return false;
		if (**p == ',') {
			char *end;

			a->scale = (int)strtol(*p + 1, &end, 10);
			*p = end;
		}
	}
	if (**p != ')')
		return false;
	++*p;
	if (a->reg == DBG_RIP && a->relocated)
		a->reg = -1;
	return a->scale == 1 || a->scale == 2 || a->scale == 4 || a->scale == 8;
}

static bool parse_operand(struct dbg_module *m, const char **p, struct dbg_sdt_arg *a)
{
	char *end;
	long n;

	memset(a, 0, sizeof(*a));
	a->size = 8;
	a->is_signed = true;
	a->reg = a->index = -1;
	n = strtol(*p, &end, 10);
	if (end != *p && *end == '@') {
		*p = end + 1;
		a->is_signed = n < 0;
		a->size = (int)(n < 0 ? -n : n);
		if (a->size != 1 && a->size != 2 && a->size != 4 && a->size != 8)
			return false;
	} else if (end != *p && *end == 'f') {
		return false;		/* floating-point operands: "8f@%xmm0" */
	}
	if (**p == '$') {
		a->kind = DBG_SDT_CONST;
		a->value = strtoll(*p + 1, &end, 0);
		if (end == *p + 1)
			return false;
		*p = end;
		return true;
	}
	if (**p == '%') {
		++*p;
		a->kind = DBG_SDT_REG;
		a->reg = parse_reg(p, &a->reg_bytes, &a->reg_shift);
		return a->reg >= 0;
	}
	return **p && parse_displacement(m, p, a) && parse_memory(p, a);
}

int dbg_sdt_parse(struct dbg_module *m, const char *text, struct dbg_sdt_arg *args, size_t max,
		  struct dbg_error *e)
{
	const char *p = text;
	size_t n = 0;

	while (*p == ' ')
		p++;
	while (*p) {
		struct dbg_sdt_arg a;

		if (n >= 64 || !parse_operand(m, &p, &a) || (*p && *p != ' '))
			return dbg_fail(e, DBG_EUNSUPPORTED, "cannot parse SDT operands '%s'", text);
		if (n < max)
			args[n] = a;
		n++;
		while (*p == ' ')
			p++;
	}
	return (int)n;
}

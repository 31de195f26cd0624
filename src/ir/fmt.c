/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Format strings <-> pieces. */
#include "ir/fmt.h"

#include <string.h>

#include "base/ds.h"

#define FMT_MAX_WIDTH	8192

static const struct {
	char letter;
	enum ir_conv conv;
} conv_table[] = {
	{ 'd', IR_CONV_INT },	 { 'i', IR_CONV_INT },	  { 'u', IR_CONV_UINT },
	{ 'o', IR_CONV_OCT },	 { 'x', IR_CONV_HEX },	  { 'X', IR_CONV_HEX_UP },
	{ 'c', IR_CONV_CHAR },	 { 's', IR_CONV_STR },	  { 'p', IR_CONV_PTR },
	{ 'b', IR_CONV_BIN },	 { 'm', IR_CONV_MEM },	  { 'M', IR_CONV_MEM_HEX },
};

static const struct {
	char letter;
	uint8_t flag;
} flag_table[] = {
	{ '-', IR_FMT_MINUS }, { '+', IR_FMT_PLUS }, { ' ', IR_FMT_SPACE },
	{ '#', IR_FMT_ALT },   { '0', IR_FMT_ZERO },
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

uint32_t ir_format_new(struct ir_module *m)
{
	arrput(m->formats, ir_format_alloc(m->arena));
	return (uint32_t)arrlenu(m->formats) - 1;
}

void ir_format_text(struct ir_module *m, uint32_t format, const char *text, size_t len)
{
	struct ir_format *f = m->formats[format];
	struct ir_piece *last = arrlenu(f->pieces) ? &arrlast(f->pieces) : NULL;
	struct ir_piece piece = { .conv = IR_CONV_TEXT, .width = -1, .prec = -1 };
	char *joined;

	if (!len)
		return;
	if (last && last->conv == IR_CONV_TEXT) {
		joined = arena_alloc(m->arena, last->text_len + len + 1);
		memcpy(joined, last->text, last->text_len);
		memcpy(joined + last->text_len, text, len);
		last->text = joined;
		last->text_len += (uint32_t)len;
		return;
	}
	piece.text = arena_strndup(m->arena, text, len);
	piece.text_len = (uint32_t)len;
	arrput(f->pieces, piece);
}

void ir_format_conv(struct ir_module *m, uint32_t format, const struct ir_piece *piece)
{
	arrput(m->formats[format]->pieces, *piece);
}

/* A decimal number or '*'; -1 if there is none. */
static int32_t parse_size(const char **p, bool *from_arg)
{
	int32_t n = -1;

	if (**p == '*') {
		*from_arg = true;
		++*p;
		return -1;
	}
	while (**p >= '0' && **p <= '9') {
		n = (n < 0 ? 0 : n) * 10 + (**p - '0');
		if (n > FMT_MAX_WIDTH)
			n = FMT_MAX_WIDTH;
		++*p;
	}
	return n;
}

static uint8_t parse_flags(const char **p)
{
	uint8_t flags = 0;

	for (;; ++*p) {
		size_t i = 0;

		while (i < COUNT(flag_table) && flag_table[i].letter != **p)
			i++;
		if (i == COUNT(flag_table) || !**p)
			return flags;
		flags |= flag_table[i].flag;
	}
}

/* Parses what follows a '%' that is no "%%". */
static bool parse_conv(struct ir_piece *piece, const char **p)
{
	*piece = (struct ir_piece){ .width = -1, .prec = -1 };
	piece->flags = parse_flags(p);
	piece->width = parse_size(p, &piece->width_arg);
	if (**p == '.') {
		++*p;
		piece->prec = parse_size(p, &piece->prec_arg);
		if (piece->prec < 0 && !piece->prec_arg)
			piece->prec = 0;
	}
	while (**p == 'l' || **p == 'h' || **p == 'L')
		++*p;
	for (size_t i = 0; i < COUNT(conv_table); i++)
		if (conv_table[i].letter == **p) {
			piece->conv = conv_table[i].conv;
			++*p;
			return true;
		}
	return false;
}

uint32_t ir_format_parse(struct ir_module *m, const char *fmt, const char **err)
{
	uint32_t index = ir_format_new(m);
	const char *p = fmt;

	while (*p) {
		size_t n = strcspn(p, "%");
		struct ir_piece piece;

		ir_format_text(m, index, p, n);
		p += n;
		if (!*p)
			break;
		if (p[1] == '%') {
			ir_format_text(m, index, "%", 1);
			p += 2;
			continue;
		}
		p++;
		if (!parse_conv(&piece, &p)) {
			*err = *p ? "invalid or missing conversion specifier"
				  : "missing conversion specifier";
			return UINT32_MAX;
		}
		ir_format_conv(m, index, &piece);
	}
	return index;
}

static bool piece_equal(const struct ir_piece *a, const struct ir_piece *b)
{
	return a->conv == b->conv && a->flags == b->flags && a->width_arg == b->width_arg &&
	       a->prec_arg == b->prec_arg && a->width == b->width && a->prec == b->prec &&
	       a->text_len == b->text_len &&
	       (!a->text_len || memcmp(a->text, b->text, a->text_len) == 0);
}

uint32_t ir_format_shared(const struct ir_module *m, uint32_t format)
{
	const struct ir_format *f = m->formats[format];

	for (uint32_t i = 0; i < format; i++) {
		const struct ir_format *g = m->formats[i];
		size_t n = arrlenu(g->pieces), j = 0;

		if (n != arrlenu(f->pieces))
			continue;
		while (j < n && piece_equal(&g->pieces[j], &f->pieces[j]))
			j++;
		if (j == n)
			return i;
	}
	return format;
}

static void put_conv(char **out, struct arena *a, const struct ir_piece *p)
{
	const char *s = "%";

	for (size_t i = 0; i < COUNT(flag_table); i++)
		if (p->flags & flag_table[i].flag)
			s = arena_printf(a, "%s%c", s, flag_table[i].letter);
	if (p->width_arg)
		s = arena_printf(a, "%s*", s);
	else if (p->width >= 0)
		s = arena_printf(a, "%s%d", s, p->width);
	if (p->prec_arg)
		s = arena_printf(a, "%s.*", s);
	else if (p->prec >= 0)
		s = arena_printf(a, "%s.%d", s, p->prec);
	for (size_t i = 0; i < COUNT(conv_table); i++)
		if (conv_table[i].conv == p->conv) {
			s = arena_printf(a, "%s%c", s, conv_table[i].letter);
			break;
		}
	for (; *s; s++)
		arrput(*out, *s);
}

const char *ir_format_str(struct arena *a, const struct ir_format *f)
{
	char *out = NULL;
	const char *result;

	for (size_t i = 0; i < arrlenu(f->pieces); i++) {
		const struct ir_piece *p = &f->pieces[i];

		if (p->conv != IR_CONV_TEXT) {
			put_conv(&out, a, p);
			continue;
		}
		for (uint32_t j = 0; j < p->text_len; j++) {
			arrput(out, p->text[j]);
			if (p->text[j] == '%')
				arrput(out, '%');
		}
	}
	result = arena_strndup(a, out ? out : "", arrlenu(out));
	arrfree(out);
	return result;
}

uint32_t ir_format_args(const struct ir_format *f, enum ir_type *types, uint32_t max)
{
	uint32_t n = 0;

	for (size_t i = 0; i < arrlenu(f->pieces); i++) {
		const struct ir_piece *p = &f->pieces[i];
		bool str = p->conv == IR_CONV_STR || p->conv == IR_CONV_MEM || p->conv == IR_CONV_MEM_HEX;

		if (p->conv == IR_CONV_TEXT)
			continue;
		for (int star = p->width_arg + p->prec_arg; star > 0; star--, n++)
			if (types && n < max)
				types[n] = IR_I64;
		if (types && n < max)
			types[n] = str ? IR_STR : IR_I64;
		n++;
	}
	return n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics: building, holding back, duplicate elimination and SystemTap's
 * text layout.
 *
 * Layout facts: a parse error has "saw:" with the full place; semantic errors
 * and warnings put the place behind the message and leave the file name out
 * when it is that of the place printed just before.  The caret line repeats
 * the white space of the source line, so that tabs align.
 */
#include "base/diag.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"

struct seen_entry {
	char *key;
	int value;
};

/* SystemTap's default SYSTEMTAP_COLORS. */
#define COLOR_ERROR   "01;31"
#define COLOR_WARNING "00;33"
#define COLOR_SOURCE  "00;34"
#define COLOR_CARET   "01"
#define COLOR_TOKEN   "01"

void diag_sink_init(struct diag_sink *s, struct arena *a, FILE *out)
{
	*s = (struct diag_sink){.arena = a, .out = out};
}

void diag_sink_fini(struct diag_sink *s)
{
	struct seen_entry *seen = s->seen;

	arrfree(s->all);
	arrfree(s->held);
	shfree(seen);
	s->seen = NULL;
}

static struct diag *diag_vnew(struct diag_sink *s, enum diag_kind kind, const char *tag,
			      const struct span *at, const char *fmt, va_list ap)
{
	struct diag *d = arena_new(s->arena, struct diag);

	arena_own_array(s->arena, &d->hints);
	d->kind = kind;
	d->tag = tag;
	d->msg = arena_vprintf(s->arena, fmt, ap);
	if (at)
		d->at = *at;
	return d;
}

struct diag *diag_new(struct diag_sink *s, enum diag_kind kind, const char *tag,
		      const struct span *at, const char *fmt, ...)
{
	struct diag *d;
	va_list ap;

	va_start(ap, fmt);
	d = diag_vnew(s, kind, tag, at, fmt, ap);
	va_end(ap);
	return d;
}

struct diag *diag_at2(struct diag *d, const struct span *at2)
{
	if (at2)
		d->at2 = *at2;
	return d;
}

struct diag *diag_chain(struct diag *d, struct diag *next)
{
	struct diag *last = d;

	while (last->next)
		last = last->next;
	last->next = next;
	return d;
}

struct diag *diag_hint(struct diag_sink *s, struct diag *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	arrput(d->hints, arena_vprintf(s->arena, fmt, ap));
	va_end(ap);
	return d;
}

/* ---- printing ---- */

static void put_colored(const struct diag_sink *s, const char *color, const char *text, size_t len)
{
	if (s->color)
		fprintf(s->out, "\033[%sm\033[K", color);
	fwrite(text, 1, len, s->out);
	if (s->color)
		fputs("\033[m\033[K", s->out);
}

static void put_label(const struct diag_sink *s, const char *color, const char *label)
{
	put_colored(s, color, label, strlen(label));
}

static void put_token_text(FILE *out, const struct span *at)
{
	static const char *const kinds[] = {
		[SPAN_JUNK] = "junk",		   [SPAN_IDENTIFIER] = "identifier",
		[SPAN_OPERATOR] = "operator",	   [SPAN_STRING] = "string",
		[SPAN_NUMBER] = "number",	   [SPAN_EMBEDDED] = "embedded-code",
		[SPAN_KEYWORD] = "keyword",
	};

	fputs(kinds[at->kind], out);
	if (at->kind == SPAN_EMBEDDED || at->kind == SPAN_KEYWORD)
		return;
	fputs(" '", out);
	for (const char *p = at->text ? at->text : ""; *p; p++)
		fputc(isprint((unsigned char)*p) ? *p : '?', out);
	fputc('\'', out);
}

/* " at FILE:L:C"; the file name is left out if `with_name` is false. */
static void put_place(const struct diag_sink *s, const struct span *at, bool with_name)
{
	char pos[32];

	snprintf(pos, sizeof(pos), ":%u:%u", at->line, at->col);
	fputs(" at ", s->out);
	if (s->color)
		fprintf(s->out, "\033[%sm\033[K", COLOR_SOURCE);
	if (with_name)
		fputs(at->src->name, s->out);
	fputs(pos, s->out);
	if (s->color)
		fputs("\033[m\033[K", s->out);
}

/* Number of bytes of `line` from `col` that are the token's own text. */
static size_t token_extent(const struct span *at, const char *line, size_t len, size_t col)
{
	size_t n = at->text ? strlen(at->text) : 0;

	if (at->kind == SPAN_STRING || col + n > len || memcmp(line + col, at->text ? at->text : "", n))
		return 0;
	return n;
}

static void put_source(const struct diag_sink *s, const char *align, const struct span *at)
{
	for (bool first = true; at && at->src; at = at->macro, first = false) {
		size_t len = 0, col = at->col ? at->col - 1 : 0, mark;
		const char *line = source_line(at->src, at->line, &len);

		if (!first) {
			fputs("\tin expansion of macro: ", s->out);
			put_token_text(s->out, at);
			put_place(s, at, true);
			fputc('\n', s->out);
		}
		if (!line)
			line = "";
		if (col > len)
			col = len;
		mark = s->color ? token_extent(at, line, len, col) : 0;
		fprintf(s->out, "%ssource: ", align);
		fwrite(line, 1, col, s->out);
		if (mark)
			put_colored(s, COLOR_TOKEN, line + col, mark);
		fwrite(line + col + mark, 1, len - col - mark, s->out);
		fprintf(s->out, "\n%s        ", align);
		for (size_t i = 0; i < col; i++)
			fputc(isspace((unsigned char)line[i]) ? line[i] : ' ', s->out);
		put_label(s, COLOR_CARET, "^");
		fputc('\n', s->out);
	}
}

/* The place behind a message; remembers its file. */
static void put_message_place(struct diag_sink *s, const struct span *at)
{
	put_token_text(s->out, at);
	put_place(s, at, s->last_src != at->src);
	s->last_src = at->src;
	fputc('\n', s->out);
}

static void put_hints(const struct diag_sink *s, const char *align, const struct diag *d)
{
	for (ptrdiff_t i = 0; i < arrlen(d->hints); i++)
		fprintf(s->out, "%s%s\n", align, d->hints[i]);
}

static void print_parse_error(struct diag_sink *s, const struct diag *d)
{
	put_label(s, COLOR_ERROR, "parse error:");
	fprintf(s->out, " %s\n", d->msg);
	if (d->at.src && d->at.line) {
		fputs(d->says_at ? "         at: " : "        saw: ", s->out);
		put_token_text(s->out, &d->at);
		put_place(s, &d->at, true);
		fputc('\n', s->out);
		put_source(s, "     ", &d->at);
	} else if (d->at.src) {
		fprintf(s->out, "        saw: %s EOF\n", d->at.src->name);
	}
	put_hints(s, "     ", d);
	fputc('\n', s->out);
}

static void print_semantic_error(struct diag_sink *s, const struct diag *d)
{
	const char *align = "        ";

	put_label(s, COLOR_ERROR, "semantic error:");
	fprintf(s->out, " %s", d->msg);
	if (!d->at.src && !d->at2.src) {
		fputc('\n', s->out);
		put_hints(s, align, d);
		fputc('\n', s->out);
		return;
	}
	fputs(": ", s->out);
	if (d->at.src) {
		put_message_place(s, &d->at);
		put_source(s, align, &d->at);
	}
	if (d->at2.src) {
		put_message_place(s, &d->at2);
		put_source(s, align, &d->at2);
	}
	put_hints(s, align, d);
	fputc('\n', s->out);
}

static void print_warning(struct diag_sink *s, const struct diag *d)
{
	put_label(s, COLOR_WARNING, "WARNING:");
	fprintf(s->out, " %s", d->msg);
	if (d->at.src) {
		fputs(": ", s->out);
		put_message_place(s, &d->at);
		put_source(s, " ", &d->at);
	} else {
		fputc('\n', s->out);
	}
	put_hints(s, " ", d);
}

static void print_chain(struct diag_sink *s, const struct diag *d)
{
	for (; d; d = d->next) {
		switch (d->kind) {
		case DIAG_PARSE_ERROR:
			print_parse_error(s, d);
			break;
		case DIAG_SEMANTIC_ERROR:
			print_semantic_error(s, d);
			break;
		case DIAG_WARNING:
			print_warning(s, d);
			break;
		case DIAG_ERROR:
			put_label(s, COLOR_ERROR, "ERROR:");
			fprintf(s->out, " %s\n", d->msg);
			put_hints(s, "", d);
			break;
		}
	}
}

/* True the first time that this kind of message is met. */
static bool first_of_its_kind(struct diag_sink *s, const struct diag *d)
{
	struct seen_entry *seen = s->seen;
	bool first;
	char *key;

	if (d->kind == DIAG_ERROR)
		return true;
	if (d->kind == DIAG_WARNING) {
		key = arena_printf(s->arena, "w%s", d->msg);
	} else {
		key = arena_strdup(s->arena, "");
		for (const struct diag *c = d; c; c = c->next)
			key = arena_printf(s->arena, "%s|%s", key, c->tag);
	}
	first = shgeti(seen, key) < 0;
	if (first)
		shput(seen, key, 1);
	s->seen = seen;
	return first;
}

static void count(struct diag_sink *s, const struct diag *d)
{
	unsigned *const counters[] = {
		[DIAG_PARSE_ERROR] = &s->parse_errors,
		[DIAG_SEMANTIC_ERROR] = &s->semantic_errors,
		[DIAG_WARNING] = &s->warnings,
		[DIAG_ERROR] = &s->errors,
	};

	++*counters[d->kind];
}

void diag_issue(struct diag_sink *s, struct diag *d)
{
	if (s->hold > 0) {
		arrput(s->held, d);
		return;
	}
	arrput(s->all, d);
	if (d->kind == DIAG_WARNING && s->suppress_warnings)
		return;
	count(s, d);
	if (first_of_its_kind(s, d) || s->verbose > 0)
		print_chain(s, d);
	else if (d->kind == DIAG_WARNING)
		s->suppressed_warnings++;
	else
		s->suppressed_errors++;
}

void diag_error(struct diag_sink *s, const char *tag, const struct span *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_issue(s, diag_vnew(s, DIAG_SEMANTIC_ERROR, tag, at, fmt, ap));
	va_end(ap);
}

void diag_warn(struct diag_sink *s, const char *tag, const struct span *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_issue(s, diag_vnew(s, DIAG_WARNING, tag, at, fmt, ap));
	va_end(ap);
}

bool diag_failed(const struct diag_sink *s)
{
	return s->parse_errors || s->semantic_errors || s->errors ||
	       (s->warnings_are_errors && s->warnings);
}

void diag_print_suppressed(struct diag_sink *s)
{
	if (s->suppressed_errors)
		fprintf(s->out, "Number of similar error messages suppressed: %u.\n",
			s->suppressed_errors);
	if (s->suppressed_warnings)
		fprintf(s->out, "Number of similar warning messages suppressed: %u.\n",
			s->suppressed_warnings);
	if (s->suppressed_errors || s->suppressed_warnings)
		fputs("Rerun with -v to see them.\n", s->out);
}

/* ---- holding back ---- */

void diag_hold(struct diag_sink *s)
{
	s->hold++;
	arrput(s->held, NULL);
}

/* Index just behind the mark of the innermost hold. */
static ptrdiff_t innermost(const struct diag_sink *s)
{
	ptrdiff_t i = arrlen(s->held);

	while (i > 0 && s->held[i - 1])
		i--;
	return i;
}

void diag_release(struct diag_sink *s, bool issue)
{
	ptrdiff_t start = innermost(s), end = arrlen(s->held);

	if (s->hold <= 0 || start == 0)
		return;
	s->hold--;
	if (issue && s->hold > 0) {
		arrdel(s->held, start - 1);
		return;
	}
	for (ptrdiff_t i = start; i < end; i++) {
		if (issue)
			diag_issue(s, s->held[i]);
		else
			for (struct diag *d = s->held[i]; d; d = d->next)
				arrfree(d->hints);
	}
	arrsetlen(s->held, start - 1);
}

unsigned diag_held_errors(const struct diag_sink *s)
{
	unsigned n = 0;

	for (ptrdiff_t i = innermost(s); i < arrlen(s->held); i++)
		n += s->held[i]->kind != DIAG_WARNING;
	return n;
}

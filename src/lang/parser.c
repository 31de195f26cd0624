/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser's core: tokens, errors, and the loop over declarations with its
 * recovery.
 */
#include "lang/parser.h"

#include <string.h>

#include "base/intern.h"

/* ---- errors ---- */

static void set_error(struct parser *p, struct diag *d)
{
	if (!p->error) {
		p->error = d;
		p->error_resumes = false;
	}
}

static void fail(struct parser *p, const char *tag, const struct span *at, const char *msg, bool says_at)
{
	struct diag *d;

	if (p->error)
		return;
	d = diag_new(p->env->sink, DIAG_PARSE_ERROR, tag, at, "%s", msg);
	d->says_at = says_at;
	set_error(p, d);
}

void parser_fail(struct parser *p, const char *tag, const char *fmt, ...)
{
	const char *msg;
	va_list ap;

	va_start(ap, fmt);
	msg = arena_vprintf(p->arena, fmt, ap);
	va_end(ap);
	fail(p, tag, &p->last, p->last_junk ? p->last_junk : msg, p->last_junk);
}

void parser_fail_at(struct parser *p, const char *tag, const struct span *at, const char *fmt, ...)
{
	const char *msg;
	va_list ap;

	va_start(ap, fmt);
	msg = arena_vprintf(p->arena, fmt, ap);
	va_end(ap);
	fail(p, tag, at, msg, true);
}

bool parser_enter(struct parser *p)
{
	if (p->depth >= AST_MAX_DEPTH) {
		parser_fail(p, "too-deep", "nested too deeply (limit %d levels)", AST_MAX_DEPTH);
		return false;
	}
	p->depth++;
	return true;
}

void parser_leave(struct parser *p)
{
	p->depth--;
}

/* ---- tokens ---- */

static struct token fetch(struct parser *p)
{
	struct token t;

	if (p->have_ahead) {
		p->have_ahead = false;
		t = p->ahead;
	} else {
		t = preproc_next(&p->pp);
	}
	if (t.id == TOK_ERROR) {
		set_error(p, p->pp.error);
		t.id = TOK_EOF;
	}
	return t;
}

/* Adjacent string literals are one: reads on behind `t` while there are more. */
static void glue_strings(struct parser *p, struct token *t)
{
	size_t len = strlen(t->at.text), size = len;
	char *text = NULL;

	for (;;) {
		size_t more;

		p->ahead = preproc_next(&p->pp);
		p->have_ahead = true;
		if (p->ahead.id == TOK_ERROR)
			p->have_ahead = false, set_error(p, p->pp.error);
		if (p->ahead.id != TOK_STRING_LITERAL)
			break;
		more = strlen(p->ahead.at.text);
		if (!text || len + more > size) {
			char *bigger = arena_alloc(p->arena, (len + more) * 2);

			memcpy(bigger, text ? text : t->at.text, len);
			text = bigger;
			size = (len + more) * 2;
		}
		memcpy(text + len, p->ahead.at.text, more);
		len += more;
	}
	if (text)
		t->at.text = intern_n(text, len);
}

const struct token *parser_peek(struct parser *p)
{
	static const struct token eof = {.id = TOK_EOF};

	if (p->error)
		return &eof;
	if (!p->have_cur) {
		p->cur = fetch(p);
		if (p->error)
			return &eof;
		p->have_cur = true;
		if (p->cur.id == TOK_STRING_LITERAL)
			glue_strings(p, &p->cur);
		if (p->error)
			return &eof;
	}
	p->last = p->cur.at;
	p->last_junk = p->cur.junk;
	if (p->cur.id == TOK_EOF)
		p->last = (struct span){.src = p->file->src};
	return &p->cur;
}

void parser_swallow(struct parser *p)
{
	p->have_cur = false;
	p->last = (struct span){.src = p->file->src};
	p->last_junk = NULL;
}

struct token parser_next(struct parser *p)
{
	struct span before = p->last;
	bool peeked = p->have_cur;
	struct token t = *parser_peek(p);

	if (t.id == TOK_EOF) {
		if (!peeked)
			p->last = before;
		parser_fail(p, "unexpected-eof", "unexpected end-of-file");
	}
	p->have_cur = false;
	return t;
}

bool parser_peek_is(struct parser *p, enum token_id id)
{
	return parser_peek(p)->id == id;
}

bool parser_accept(struct parser *p, enum token_id id)
{
	if (parser_peek(p)->id != id)
		return false;
	parser_swallow(p);
	return true;
}

bool parser_expect(struct parser *p, enum token_id id, const char *text)
{
	if (parser_next(p).id == id)
		return true;
	parser_fail(p, "expected-token", "expected '%s'", text);
	return false;
}

/* ---- embedded code ---- */

struct ast_embedded *parser_embedded(struct parser *p, const struct token *t)
{
	static const struct {
		const char *comment;
		uint32_t tag;
	} pragmas[] = {
		{"/* pure */", AST_TAG_PURE},
		{"/* stable */", AST_TAG_STABLE},
		{"/* unprivileged */", AST_TAG_UNPRIVILEGED},
		{"/* myproc-unprivileged */", AST_TAG_MYPROC},
		{"/* guru */", AST_TAG_GURU},
		{"/* unmangled */", AST_TAG_UNMANGLED},
		{"/* unmodified-fnargs */", AST_TAG_UNMODIFIED},
		{"/* string */", AST_TAG_STRING},
		{"/* bpf */", AST_TAG_BPF},
	};
	struct ast_embedded *e = arena_new(p->arena, struct ast_embedded);

	e->at = t->at;
	e->text = t->at.text;
	for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]); i++)
		if (strstr(e->text, pragmas[i].comment))
			e->tags |= pragmas[i].tag;
	return e;
}

static void parse_embedded(struct parser *p)
{
	struct token t = parser_next(p);
	struct ast_embedded *e = parser_embedded(p, &t);

	list_push(p->arena, p->file->embeds, p->file->nembeds, e);
	if (!p->privileged) {
		parser_fail(p, "embedded-unprivileged",
			    "embedded code in unprivileged script; need stap -g");
		p->error_resumes = true;
	}
}

/* ---- the file ---- */

static void issue_error(struct parser *p)
{
	diag_issue(p->env->sink, p->error);
	p->error = NULL;
	p->nerrors++;
}

/* Skips to where a declaration may start. */
static void resume(struct parser *p)
{
	for (;;) {
		switch (parser_peek(p)->id) {
		case TOK_EOF:
			if (!p->error)
				return;
			issue_error(p);
			break;
		case TOK_PROBE:
		case TOK_PRIVATE:
		case TOK_GLOBAL:
		case TOK_FUNCTION:
		case TOK_EMBEDDED:
			return;
		default:
			parser_swallow(p);
		}
	}
}

static void parse_declaration(struct parser *p)
{
	switch (parser_peek(p)->id) {
	case TOK_PROBE:
		p->context = CONTEXT_PROBE;
		parse_probe(p);
		break;
	case TOK_PRIVATE:
		p->context = CONTEXT_OTHER;
		parse_private(p);
		break;
	case TOK_GLOBAL:
		p->context = CONTEXT_OTHER;
		parse_global(p, false);
		break;
	case TOK_FUNCTION:
		p->context = CONTEXT_FUNCTION;
		parse_function(p, false);
		break;
	case TOK_EMBEDDED:
		p->context = CONTEXT_OTHER;
		parse_embedded(p);
		break;
	default:
		p->context = CONTEXT_OTHER;
		parser_fail(p, "expected-declaration",
			    "expected 'probe', 'global', 'private', 'function', or '%%{'");
	}
}

static struct ast_file *parse_file(struct parse_env *env, const struct source *src, bool library)
{
	struct parser p = {.env = env, .arena = env->arena, .privileged = library || env->guru};
	FILE *out = env->sink->out;
	bool empty = true;

	p.file = arena_new(env->arena, struct ast_file);
	p.file->src = src;
	p.file->name = src->name;
	p.file->library = library;
	preproc_init(&p.pp, env, src);
	for (;;) {
		if (parser_peek(&p)->id == TOK_EOF && !p.error)
			break;
		if (!p.error) {
			empty = false;
			p.depth = 0;
			parse_declaration(&p);
		}
		if (p.error) {
			bool resumes = p.error_resumes;

			issue_error(&p);
			if (!resumes)
				resume(&p);
		}
	}
	preproc_fini(&p.pp);
	if (empty && !library && env->sink->hold == 0)
		fprintf(out, "Input file '%s' is empty%s.\n", src->name,
			p.pp.lx.saw_tokens ? " after preprocessing" : "");
	else if (p.nerrors && env->sink->hold == 0)
		fprintf(out, "%u parse error%s.\n", p.nerrors, p.nerrors == 1 ? "" : "s");
	return (empty && !library) || p.nerrors ? NULL : p.file;
}

struct ast_file *parse_script(struct parse_env *env, const struct source *src)
{
	return parse_file(env, src, false);
}

struct ast_file *parse_library_file(struct parse_env *env, const struct source *src)
{
	return parse_file(env, src, true);
}

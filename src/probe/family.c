/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of probe families, and matching of written points against their patterns.
 *
 * A pattern is a text such as "timer.ms(number).randomize(number)"; it is walked along with the
 * components of the written point.  A wild card in a component's name stands for every name
 * that some pattern has there, so one written point may match many patterns.
 */
#include "probe/family.h"

#include <fnmatch.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "base/glob.h"
#include "probe/families.h"

static const struct probe_family *const families[] = {
	&probe_family_begin,
	&probe_family_timer,
	&probe_family_process_event,
	&probe_family_process_code,
	&probe_family_process_mark,
	&probe_family_trace,
	&probe_family_syscall,
	&probe_family_kfunc,
	&probe_family_perf,
	&probe_family_netfilter,
	&probe_family_watch,
	&probe_family_file,
};

#define NFAMILIES (sizeof(families) / sizeof(families[0]))

/* One part of a pattern's text: name and kind of argument. */
struct part {
	const char *name;
	size_t len;
	enum { ARG_NONE, ARG_NUMBER, ARG_STRING } arg;
};

/* Takes the next part off *text; false at its end. */
static bool part_next(const char **text, struct part *p)
{
	const char *s = *text;

	if (!*s)
		return false;
	p->name = s;
	p->len = strcspn(s, "(.");
	p->arg = ARG_NONE;
	s += p->len;
	if (*s == '(') {
		p->arg = s[1] == 'n' ? ARG_NUMBER : ARG_STRING;
		s += strcspn(s, ")") + 1;
	}
	*text = *s == '.' ? s + 1 : s;
	return true;
}

static bool part_matches(const struct part *p, const struct ast_component *c)
{
	char name[64];

	if (c->arg) {
		if (p->arg != (c->arg->kind == EXPR_NUMBER ? ARG_NUMBER : ARG_STRING))
			return false;
	} else if (p->arg != ARG_NONE) {
		return false;
	}
	if (p->len >= sizeof(name))
		return false;
	memcpy(name, p->name, p->len);
	name[p->len] = 0;
	if (is_glob(c->name))
		return !fnmatch(c->name, name, 0);
	return !strcmp(c->name, name);
}

/* `**` stands for any number of components without arguments: is the rest of a pattern such? */
static bool rest_matches(const char *rest, const struct ast_component *c)
{
	return !c->arg && *rest && !strchr(rest, '(') && !fnmatch(c->name, rest, 0);
}

/* Number of leading components that the pattern has; *rest is what remains of its text. */
static size_t pattern_prefix(const char *text, const struct ast_component *comp, size_t n,
			     const char **rest)
{
	struct part p;
	size_t i = 0;

	*rest = text;
	if (n && *comp->name != *text && !is_glob(comp->name))
		return 0;
	while (i < n) {
		const char *next = *rest;

		if (i + 1 == n && strstr(comp[i].name, "**") && rest_matches(*rest, &comp[i])) {
			*rest += strlen(*rest);
			return n;
		}
		if (!part_next(&next, &p) || !part_matches(&p, &comp[i]))
			break;
		*rest = next;
		i++;
	}
	return i;
}

void probe_session_fini(struct probe_session *ps)
{
	arrfree(ps->counters);
	arrfree(ps->late);
}

bool probe_match_has(const struct probe_match *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->name[i], name))
			return true;
	return false;
}

static const struct ast_expr *match_arg(const struct probe_match *m, const char *name)
{
	/* behind a `**` there are more names than components, and no arguments */
	for (size_t i = 0; i < m->n && i < m->pt->ncomponents; i++)
		if (!strcmp(m->name[i], name))
			return m->pt->components[i].arg;
	return NULL;
}

bool probe_match_long(const struct probe_match *m, const char *name, int64_t *v)
{
	const struct ast_expr *e = match_arg(m, name);

	if (!e || e->kind != EXPR_NUMBER)
		return false;
	*v = e->number;
	return true;
}

const char *probe_match_string(const struct probe_match *m, const char *name)
{
	const struct ast_expr *e = match_arg(m, name);

	return e && e->kind == EXPR_STRING ? e->string : NULL;
}

const char *probe_match_text(struct arena *a, const struct probe_match *m)
{
	const char *text = "";

	for (size_t i = 0; i < m->n; i++)
		text = arena_printf(a, "%s%s%s", text, i ? "." : "",
				    probe_component_text(a, m->name[i], i < m->pt->ncomponents ?
							 m->pt->components[i].arg : NULL));
	return text;
}

const char *probe_component_text(struct arena *a, const char *name, const struct ast_expr *arg)
{
	if (!arg)
		return name;
	if (arg->kind == EXPR_NUMBER)
		return arena_printf(a, "%s(%lld)", name, (long long)arg->number);
	return arena_printf(a, "%s(%s)", name, probe_quote(a, arg->string));
}

const char *probe_quote(struct arena *a, const char *s)
{
	size_t len = strlen(s);
	char *out = arena_alloc(a, 4 * len + 3), *p = out;

	*p++ = '"';
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\') {
			*p++ = '\\';
			*p++ = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			*p++ = '\\';
			*p++ = (char)('0' + (c >> 6));
			*p++ = (char)('0' + ((c >> 3) & 7));
			*p++ = (char)('0' + (c & 7));
		} else {
			*p++ = (char)c;
		}
	}
	*p++ = '"';
	*p = 0;
	return out;
}

struct probe_point *probe_point_new(struct probe_session *ps, const struct probe_family *f,
				    const struct probe_match *m)
{
	struct probe_point *pt = arena_new(ps->arena, struct probe_point);

	arena_own_array(ps->arena, &pt->prog.ints);
	pt->family = f;
	pt->written = m->pt;
	pt->prog.at = m->pt->at;
	return pt;
}

void probe_point_spell(struct probe_point *pt, const char *text)
{
	pt->canonical = pt->derived = pt->listing = text;
	pt->prog.str[IR_PP_FULL] = text;
}

void probe_point_int(struct probe_point *pt, enum probe_int which, int64_t v)
{
	while (arrlenu(pt->prog.ints) < PROBE_INT_COUNT)
		arrput(pt->prog.ints, 0);
	pt->prog.ints[which] = v;
}

void probe_fail(struct probe_session *ps, struct probe_result *out, const char *tag,
		const struct span *at, const char *fmt, ...)
{
	struct diag *d;
	va_list ap;

	if (out->why)
		return;
	va_start(ap, fmt);
	d = diag_new(ps->diag, DIAG_SEMANTIC_ERROR, tag, at, "%s", arena_vprintf(ps->arena, fmt, ap));
	va_end(ap);
	out->why = d;
}

void probe_no_match(struct probe_session *ps, struct probe_result *out, const char *kind, const char *similar)
{
	if (*similar)
		probe_fail(ps, out, "no-match", NULL, "no match (similar %s: %s)", kind, similar);
	else
		probe_fail(ps, out, "no-match", NULL, "no match");
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts and removes doubles. */
static void sort_unique(const char **list)
{
	size_t n = arrlenu(list), k = 0;

	if (!n)
		return;
	qsort(list, n, sizeof(*list), compare_text);
	for (size_t i = 1; i < n; i++)
		if (strcmp(list[k], list[i]))
			list[++k] = list[i];
	arrsetlen(list, k + 1);
}

/* The tapset's own points, which no list shows. */
static bool is_internal(const char *pattern)
{
	return !strncmp(pattern, "__", 2);
}

/* Names (with_arg: and their arguments) of the parts that follow a prefix. */
static const char **next_parts(const struct ast_component *prefix, size_t n, bool with_arg,
			       struct arena *a)
{
	const char **list = NULL;

	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < families[f]->npatterns; i++) {
			const char *rest;
			struct part p;

			if (is_internal(families[f]->patterns[i].text) ||
			    pattern_prefix(families[f]->patterns[i].text, prefix, n, &rest) < n ||
			    !part_next(&rest, &p))
				continue;
			arrput(list, arena_printf(a, "%.*s%s", (int)p.len, p.name,
						  !with_arg || p.arg == ARG_NONE ? "" :
						  p.arg == ARG_NUMBER ? "(number)" : "(string)"));
		}
	}
	sort_unique(list);
	return list;
}

const char **probe_next_names(struct arena *a, const struct ast_component *prefix, size_t n)
{
	return next_parts(prefix, n, false, a);
}

const char **probe_pattern_list(void)
{
	const char **list = NULL;

	for (size_t f = 0; f < NFAMILIES; f++)
		for (size_t i = 0; i < families[f]->npatterns; i++)
			if (!is_internal(families[f]->patterns[i].text))
				arrput(list, families[f]->patterns[i].text);
	sort_unique(list);
	return list;
}

/* Points of SystemTap that are not here, by their first component; and why. */
static const char *why_unavailable(const char *name)
{
	static const struct { const char *name, *why; } kinds[] = {
		{ "nfs", "there are no aliases for NFS; its functions are: module(\"nfs\").function(\"*\")" },
		{ "nfsd",
		  "there are no aliases for NFS servers; their functions are: module(\"nfsd\").function(\"*\")" },
		{ "scsi", "there are no aliases for SCSI; its tracepoints are: kernel.trace(\"scsi:*\")" },
		{ "stap", "it is a mark of SystemTap's own program" },
		{ "staprun", "it is a mark of SystemTap's own program" },
		{ "stapio", "it is a mark of SystemTap's own program" },
		{ "java", "methods of Java programs are not traced" },
		{ "python2", "functions of Python programs are not traced" },
		{ "python3", "functions of Python programs are not traced" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i].why;
	return NULL;
}

/* How many leading components some pattern has; *whole: these are all of a pattern's. */
static size_t longest_prefix(const struct ast_point *pt, bool *whole)
{
	size_t best = 0;

	*whole = false;
	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < families[f]->npatterns; i++) {
			const char *rest;
			size_t n = pattern_prefix(families[f]->patterns[i].text, pt->components,
						  pt->ncomponents, &rest);

			if (n > best)
				*whole = false;
			if (n >= best && n && !*rest)
				*whole = true;
			best = n > best ? n : best;
		}
	}
	return best;
}

/* A pattern goes on where the point ends. */
static void explain_truncated(struct probe_session *ps, const struct ast_point *pt, struct probe_result *out)
{
	const char **names = next_parts(pt->components, pt->ncomponents, true, ps->arena), *list = "";

	for (size_t i = 0; i < arrlenu(names); i++)
		list = arena_printf(ps->arena, "%s %s", list, names[i]);
	probe_fail(ps, out, "probe-truncated", &pt->components[pt->ncomponents - 1].at,
		   "probe point truncated (follow: %s)", list);
	arrfree(names);
}

/* Says why no pattern fits: truncated, unknown component, or something after a whole pattern. */
static void explain_mismatch(struct probe_session *ps, const struct ast_point *pt,
			     struct probe_result *out)
{
	bool whole;
	size_t best = longest_prefix(pt, &whole);
	const struct ast_component *c;
	const char **names;

	if (best == pt->ncomponents) {
		explain_truncated(ps, pt, out);
		return;
	}
	c = &pt->components[best];
	if (!best && why_unavailable(c->name)) {
		probe_fail(ps, out, "probe-unavailable", &c->at, "probe point is not available in bpftap: %s",
			   why_unavailable(c->name));
		return;
	}
	if (!best || !whole)
		out->mismatch = c;
	if (whole) {
		probe_fail(ps, out, "probe-suffix", &c->at, "invalid suffix for probe");
		return;
	}
	names = next_parts(pt->components, best, false, ps->arena);
	probe_fail(ps, out, "probe-mismatch", &c->at, "probe point mismatch (similar: %s)",
		   probe_similar(ps->arena, c->name, names, arrlenu(names), PROBE_SIMILAR_MAX));
	arrfree(names);
}

/* Fills the names of a match: the pattern's, where the script has a wild card. */
static void match_fill(struct probe_session *ps, const struct ast_point *pt,
		       const struct probe_pattern *pattern, struct probe_match *m)
{
	const char *text = pattern->text;
	struct part p;

	memset(m, 0, sizeof(*m));
	m->pt = pt;
	m->pattern = pattern;
	while (m->n < PROBE_MAX_PARTS && part_next(&text, &p))
		m->name[m->n++] = arena_strndup(ps->arena, p.name, p.len);
}

/* Whether --privilege lets the script have the point. */
static bool point_allowed(struct probe_session *ps, const struct ast_point *pt, const struct probe_family *f,
			  struct probe_result *out)
{
	static const struct probe_family *const allowed[] = {
		&probe_family_begin, &probe_family_timer, &probe_family_process_event,
		&probe_family_process_code, &probe_family_process_mark,
	};
	bool profile = pt->ncomponents > 1 && !strcmp(pt->components[1].name, "profile");

	for (size_t i = 0; ps->unprivileged && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (f == allowed[i] && !(f == &probe_family_timer && profile))
			return true;
	if (ps->unprivileged)
		probe_fail(ps, out, "probe-privilege", &pt->components[pt->ncomponents - 1].at,
			   "probe point is not allowed for --privilege=stapusr");
	return !ps->unprivileged;
}

void probe_resolve(struct probe_session *ps, const struct ast_point *pt, struct probe_result *out)
{
	bool glob = false;
	struct diag *why = NULL;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < pt->ncomponents; i++)
		glob |= is_glob(pt->components[i].name);
	for (size_t f = 0; f < NFAMILIES; f++) {
		const struct probe_family *fam = families[f];

		for (size_t i = 0; i < fam->npatterns; i++) {
			struct probe_match m;
			const char *rest;

			if (pattern_prefix(fam->patterns[i].text, pt->components, pt->ncomponents,
					   &rest) < pt->ncomponents || *rest)
				continue;
			match_fill(ps, pt, &fam->patterns[i], &m);
			out->known = true;
			out->why = NULL;
			if (point_allowed(ps, pt, fam, out))
				fam->resolve(ps, fam, &m, out);
			if (!why)
				why = out->why;
			if (!glob)
				break;
		}
	}
	out->why = arrlenu(out->points) ? NULL : why;
	if (!out->known && pt->ncomponents)
		explain_mismatch(ps, pt, out);
}

const struct probe_var *probe_point_vars(struct probe_session *ps, const struct probe_point *pt,
					 size_t *n)
{
	*n = 0;
	return pt->family->vars ? pt->family->vars(ps, pt, n) : NULL;
}

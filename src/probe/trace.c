/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.trace("SYSTEM:NAME"), kernel.trace("NAME"), kernel.tracepoint("NAME"): the kernel's tracepoints,
 * as raw ones, with the arguments that their prototypes in BTF (typedef btf_trace_NAME) have.
 *
 * The system of a tracepoint is the directory of tracefs that has an event of its name; those without an
 * event belong to none.
 */
#include "probe/families.h"

#include <dirent.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/glob.h"
#include "dbg/btf.h"
#include "probe/tracefs.h"

#define TYPEDEF_PREFIX	"btf_trace_"
#define BTF_DIR		"/sys/kernel/btf"

static const struct probe_pattern trace_patterns[] = {
	{ "kernel.trace(string)", 0 },
	{ "kernel.tracepoint(string)", 0 },
};

struct tracepoint {
	const char *system, *name;	/* system NULL: none */
	struct dbg_module *module;	/* whose BTF describes it */
	const struct dbg_param *params;
	size_t nparams;
};

struct search {
	struct probe_session *ps;
	struct dbg_module *kernel;
	const char *system, *name;	/* globs; system NULL: any, or none */
	struct tracepoint *found;	/* stb_ds array */
	struct { char *key; bool value; } *seen;	/* shmap: names in `found` */
	struct dbg_module **modules;	/* of the loaded modules' BTF; stb_ds array, NULL: not looked for yet */
};

static void open_modules(struct search *s)
{
	DIR *dir = s->modules ? NULL : opendir(BTF_DIR);
	struct dbg_error e;
	struct dirent *d;

	if (!dir)
		return;
	arrsetcap(s->modules, 1);
	while ((d = readdir(dir))) {
		struct dbg_module *m = *d->d_name != '.' && strcmp(d->d_name, "vmlinux") ?
			dbg_btf_kernel(d->d_name, &e) : NULL;

		if (m)
			arrput(s->modules, m);
	}
	closedir(dir);
}

static bool describe(struct search *s, struct tracepoint *t)
{
	t->module = s->kernel;
	t->params = dbg_btf_tracepoint(t->module, t->name, &t->nparams);
	if (t->params)
		return true;
	open_modules(s);
	for (size_t i = 0; i < arrlenu(s->modules) && !t->params; i++) {
		t->module = s->modules[i];
		t->params = dbg_btf_tracepoint(t->module, t->name, &t->nparams);
	}
	return t->params != NULL;
}

static void add_tracepoint(void *ctx, const char *system, const char *name)
{
	struct search *s = ctx;
	struct tracepoint t = { 0 };

	t.system = system ? arena_strdup(s->ps->arena, system) : NULL;
	t.name = arena_strdup(s->ps->arena, name);
	if (describe(s, &t)) {
		shput(s->seen, t.name, true);
		arrput(s->found, t);
	}
}

/* Tracepoints that tracefs has no event of. */
static void add_bare(struct search *s)
{
	const char **names;

	if (!is_glob(s->name)) {
		if (shgeti(s->seen, s->name) < 0)
			add_tracepoint(s, NULL, s->name);
		return;
	}
	names = dbg_type_names(s->kernel, arena_printf(s->ps->arena, TYPEDEF_PREFIX "%s", s->name));
	for (size_t i = 0; i < arrlenu(names); i++)
		if (shgeti(s->seen, names[i] + strlen(TYPEDEF_PREFIX)) < 0)
			add_tracepoint(s, NULL, names[i] + strlen(TYPEDEF_PREFIX));
	arrfree(names);
}

/* Users without rights cannot read tracefs: which system a tracepoint belongs to is then believed, not checked. */
static void add_unchecked(struct search *s)
{
	if (!is_glob(s->name))
		add_tracepoint(s, is_glob(s->system) ? NULL : s->system, s->name);
}

static void trace_point(struct search *s, const struct probe_family *f, const struct probe_match *m,
			const struct tracepoint *t, struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(s->ps, f, m);
	const char *full = t->system ? arena_printf(s->ps->arena, "%s:%s", t->system, t->name) : t->name;

	pt->kind = PROG_RAW_TP;
	pt->prog.kind = POINT_TRACEPOINT;
	pt->prog.name = full;
	pt->prog.str[IR_PP_FUNC] = pt->prog.str[IR_PP_MARK] = t->name;
	pt->prog.str[IR_PP_PROVIDER] = t->system;
	pt->prog.str[IR_PP_TYPE] = "kernel_tracepoint";
	pt->prog.str[IR_PP_MODULE] = "kernel";
	pt->scope = PROBE_SCOPE_TRACE;
	pt->module = t->module;
	pt->params = t->params;
	pt->nparams = t->nparams;
	probe_point_spell(pt, arena_printf(s->ps->arena, "kernel.trace(%s)", probe_quote(s->ps->arena, full)));
	arrput(out->points, pt);
}

static int by_name(const void *a, const void *b)
{
	const struct tracepoint *x = a, *y = b;
	int order = strcmp(x->system ? x->system : "", y->system ? y->system : "");

	return order ? order : strcmp(x->name, y->name);
}

static void trace_explain(struct search *s, struct probe_result *out)
{
	const char **names, *like;

	if (s->system && is_glob(s->name) && !tracefs_path()) {
		probe_fail(s->ps, out, "no-tracefs", NULL,
			   "no match: wild cards behind the name of a system need tracefs, "
			   "which is not mounted, or not readable for this user");
		return;
	}
	names = dbg_type_names(s->kernel, TYPEDEF_PREFIX "*");
	for (size_t i = 0; i < arrlenu(names); i++)
		names[i] += strlen(TYPEDEF_PREFIX);
	like = probe_similar(s->ps->arena, s->name, names, arrlenu(names), PROBE_SIMILAR_MAX);
	probe_no_match(s->ps, out, "tracepoints", like);
	arrfree(names);
}

static void trace_resolve(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			  struct probe_result *out)
{
	const char *text = probe_match_string(m, m->name[1]), *colon = strchr(text, ':');
	struct search s = { .ps = ps, .name = colon ? colon + 1 : text };
	struct dbg_error e;

	s.system = colon ? arena_strndup(ps->arena, text, (size_t)(colon - text)) : NULL;
	s.kernel = dbg_btf_kernel("vmlinux", &e);
	if (!s.kernel) {
		probe_fail(ps, out, "no-btf", NULL, "tracepoints need the kernel's type information "
			   "(CONFIG_DEBUG_INFO_BTF): %s", e.msg);
		return;
	}
	tracefs_events(s.system ? s.system : "*", s.name, add_tracepoint, &s);
	if (!s.system)
		add_bare(&s);
	else if (!tracefs_path())
		add_unchecked(&s);
	if (s.found)
		qsort(s.found, arrlenu(s.found), sizeof(*s.found), by_name);
	for (size_t i = 0; i < arrlenu(s.found); i++)
		trace_point(&s, f, m, &s.found[i], out);
	if (!arrlenu(s.found))
		trace_explain(&s, out);
	arrfree(s.found);
	arrfree(s.modules);
	shfree(s.seen);
}

const struct probe_var *probe_arg_vars(struct probe_session *ps, const struct probe_point *pt, size_t *n)
{
	struct probe_var *list = arena_new_array(ps->arena, struct probe_var, pt->nparams + 1);
	const struct dbg_type *ret = pt->type && pt->scope == PROBE_SCOPE_KERNEL_RETURN ?
		dbg_type_target(pt->type) : NULL;
	size_t k = 0;

	if (ret && ret->kind != DBG_VOID)
		list[k++] = (struct probe_var){ "return", dbg_type_name(ps->arena, ret) };
	for (size_t i = 0; pt->scope != PROBE_SCOPE_NONE && i < pt->nparams; i++)
		if (pt->params[i].name)
			list[k++] = (struct probe_var){ pt->params[i].name,
							dbg_type_name(ps->arena, pt->params[i].type) };
	*n = k;
	return list;
}

const struct probe_family probe_family_trace = {
	.name = "kernel.trace",
	.patterns = trace_patterns,
	.npatterns = sizeof(trace_patterns) / sizeof(trace_patterns[0]),
	.resolve = trace_resolve,
	.vars = probe_arg_vars,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process(...).mark("NAME"), .provider("P").mark("NAME"), and .plt("NAME"): places that the file itself lists. */
#include "probe/process.h"

#include <fnmatch.h>
#include <inttypes.h>

#include "base/arena.h"
#include "base/ds.h"
#include "dbg/func.h"
#include "dbg/module.h"
#include "probe/returns.h"

enum { MARK, PLT, PLT_RETURN };

#define MARK_ROWS(p)                                                                               \
	{ p ".mark(string)", MARK },                                                               \
	{ p ".provider(string).mark(string)", MARK },                                              \
	{ p ".plt", PLT },                                                                         \
	{ p ".plt(string)", PLT },                                                                 \
	{ p ".plt.return", PLT_RETURN },                                                           \
	{ p ".plt(string).return", PLT_RETURN }

static const struct probe_pattern mark_patterns[] = {
	MARK_ROWS("process"),
	MARK_ROWS("process(string)"),
	MARK_ROWS("process(number)"),
	MARK_ROWS("process.library(string)"),
	MARK_ROWS("process(string).library(string)"),
	MARK_ROWS("process(number).library(string)"),
};

static void mark_point(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
		       const struct probe_image *img, const struct dbg_sdt *sdt, struct probe_result *out)
{
	struct arena *a = ps->arena;
	struct probe_point *pt = probe_point_new(ps, f, m);
	const char *provider = "";

	if (!probe_point_place(ps, pt, img, sdt->pc))
		return;
	pt->kind = PROG_UPROBE;
	pt->prog.kind = POINT_UPROBE;
	pt->prog.ref_ctr = sdt->semaphore_offset;
	pt->scope = PROBE_SCOPE_MARK;
	pt->sdt = sdt;
	pt->func = dbg_func_at(img->module, sdt->pc);
	pt->prog.str[IR_PP_FUNC] = pt->func ? pt->func->name : NULL;
	probe_point_spell_code(ps, pt, img, "statement", arena_printf(a, "0x%" PRIx64, sdt->pc), "");
	if (probe_match_has(m, "provider"))
		provider = arena_printf(a, ".provider(%s)", probe_quote(a, sdt->provider));
	pt->listing = arena_printf(a, "%s%s.mark(%s)", img->derived, provider, probe_quote(a, sdt->name));
	pt->prog.str[IR_PP_MARK] = sdt->name;
	pt->prog.str[IR_PP_PROVIDER] = sdt->provider;
	arrput(out->points, pt);
}

static void marks_resolve(struct probe_session *ps, const struct probe_family *f,
			  const struct probe_match *m, const struct probe_image *img,
			  struct probe_result *out)
{
	const char *name = probe_match_string(m, "mark"), *provider = probe_match_string(m, "provider");
	size_t n, before = arrlenu(out->points);
	const struct dbg_sdt *sdt = dbg_module_sdt(img->module, &n);
	const char **names = NULL;

	for (size_t i = 0; i < n; i++) {
		if (provider && fnmatch(provider, sdt[i].provider, 0))
			continue;
		arrput(names, sdt[i].name);
		if (!fnmatch(name, sdt[i].name, 0))
			mark_point(ps, f, m, img, &sdt[i], out);
	}
	if (arrlenu(out->points) == before)
		probe_no_match(ps, out, "marks",
			       probe_similar(ps->arena, name, names, arrlenu(names), PROBE_SIMILAR_MAX));
	arrfree(names);
}

static void plt_resolve(struct probe_session *ps, const struct probe_family *f,
			const struct probe_match *m, const struct probe_image *img,
			struct probe_result *out)
{
	struct arena *a = ps->arena;
	const char *want = probe_match_string(m, "plt");
	bool ret = m->pattern->variant == PLT_RETURN;
	size_t n, before = arrlenu(out->points);
	const struct dbg_sym *sym = dbg_module_plt(img->module, &n);
	const char **names = NULL, *breaks = NULL, *why;

	for (size_t i = 0; i < n; i++) {
		struct probe_point *pt;

		arrput(names, sym[i].name);
		if (want && fnmatch(want, sym[i].name, 0))
			continue;
		why = ret ? probe_return_breaks(img->module, sym[i].name, sym[i].addr) : NULL;
		if (why) {
			breaks = why;
			continue;
		}
		pt = probe_point_new(ps, f, m);
		if (!probe_point_place(ps, pt, img, sym[i].addr))
			continue;
		pt->kind = ret ? PROG_URETPROBE : PROG_UPROBE;
		pt->prog.kind = POINT_UPROBE;
		pt->scope = PROBE_SCOPE_PLT;
		pt->symbol = sym[i].name;
		pt->prog.str[IR_PP_FUNC] = sym[i].name;
		pt->prog.str[IR_PP_MARK] = sym[i].name;
		probe_point_spell_code(ps, pt, img, "statement", arena_printf(a, "0x%" PRIx64, sym[i].addr),
				       ret ? ".return" : "");
		pt->listing = arena_printf(a, "%s.plt(%s)%s", img->derived, probe_quote(a, sym[i].name),
					   ret ? ".return" : "");
		arrput(out->points, pt);
	}
	if (arrlenu(out->points) == before && breaks)
		probe_fail(ps, out, "return-breaks", NULL, "the return of '%s' cannot be probed: %s", want ? want : "*", breaks);
	else if (arrlenu(out->points) == before)
		probe_no_match(ps, out, "functions",
				 want ? probe_similar(a, want, names, arrlenu(names), PROBE_SIMILAR_MAX) : "");
	arrfree(names);
}

static void mark_resolve(struct probe_session *ps, const struct probe_family *f,
			 const struct probe_match *m, struct probe_result *out)
{
	size_t n;
	const struct probe_image *img = probe_images(ps, m, out, &n);

	for (size_t i = 0; i < n; i++) {
		if (m->pattern->variant == MARK)
			marks_resolve(ps, f, m, &img[i], out);
		else
			plt_resolve(ps, f, m, &img[i], out);
	}
}

static const struct probe_var *mark_vars(struct probe_session *ps, const struct probe_point *pt, size_t *n)
{
	struct dbg_sdt_arg args[DBG_SDT_MAX_ARGS];
	struct dbg_error e;
	struct probe_var *list;
	int count;

	*n = 0;
	if (!pt->sdt)
		return NULL;
	count = dbg_sdt_parse(pt->module, pt->sdt->args, args, DBG_SDT_MAX_ARGS, &e);
	if (count <= 0)
		return NULL;
	list = arena_new_array(ps->arena, struct probe_var, count);
	for (int i = 0; i < count; i++)
		list[i] = (struct probe_var){ arena_printf(ps->arena, "arg%d", i + 1), "long" };
	*n = (size_t)count;
	return list;
}

const struct probe_family probe_family_process_mark = {
	.name = "process.mark",
	.patterns = mark_patterns,
	.npatterns = sizeof(mark_patterns) / sizeof(mark_patterns[0]),
	.resolve = mark_resolve,
	.vars = mark_vars,
};

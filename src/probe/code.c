/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The family of places in the code of a program: process(...).function(...), .statement(...), .label ... */
#include "probe/process.h"

#include <string.h>

#include "base/arena.h"
#include "dbg/func.h"
#include "dbg/module.h"
#include "dbg/type.h"

static const struct probe_pattern code_patterns[] = {
	PROBE_CODE_ROWS("process"),
	PROBE_CODE_ROWS("process(string)"),
	PROBE_CODE_ROWS("process(number)"),
	PROBE_CODE_ROWS("process.library(string)"),
	PROBE_CODE_ROWS("process(string).library(string)"),
	PROBE_CODE_ROWS("process(number).library(string)"),
	{ "process(number).statement(number).absolute", PROCESS_ABSOLUTE },
};

void probe_resolve_place(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			 const struct probe_image *img, struct probe_result *out)
{
	if (m->pattern->variant >= PROCESS_STATEMENT)
		probe_resolve_statement(ps, f, m, img, out);
	else
		probe_resolve_function(ps, f, m, img, out);
}

static void code_resolve(struct probe_session *ps, const struct probe_family *f,
			 const struct probe_match *m, struct probe_result *out)
{
	size_t n;
	const struct probe_image *img = probe_images(ps, m, out, &n);

	for (size_t i = 0; i < n; i++)
		probe_resolve_place(ps, f, m, &img[i], out);
}

static bool var_listed(const struct probe_var *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].name == name || !strcmp(list[i].name, name))
			return true;
	return false;
}

/* The type as -L prints it; a variable argument list by its C name. */
static const char *type_text(struct arena *a, const struct dbg_type *t)
{
	const char *text = dbg_type_name(a, t);

	return strcmp(text, "struct __va_list_tag*") ? text : "va_list";
}

const struct probe_var *probe_code_vars(struct probe_session *ps, const struct probe_point *pt, size_t *n)
{
	size_t nvars = 0, k = 0;
	const struct dbg_var *v;
	struct probe_var *list;
	const struct dbg_type *ret;
	bool is_return = pt->scope == PROBE_SCOPE_RETURN || pt->scope == PROBE_SCOPE_KERNEL_RETURN;
	bool params_only = pt->scope == PROBE_SCOPE_RETURN && !dbg_module_info(pt->module)->kernel;

	*n = 0;
	if (!pt->func)
		return NULL;
	v = dbg_vars_at(pt->func, pt->pc, &nvars);
	list = arena_new_array(ps->arena, struct probe_var, nvars + 1);
	if (is_return) {
		ret = dbg_func_return_type(pt->func);
		if (ret->kind != DBG_VOID)
			list[k++] = (struct probe_var){ "return", type_text(ps->arena, ret) };
	}
	for (size_t i = 0; i < nvars; i++) {
		if (!v[i].name || v[i].func != pt->func || var_listed(list, k, v[i].name))
			continue;
		if ((v[i].depth && pt->own_scope) || v[i].loc.kind == DBG_LOC_NONE || (params_only && !v[i].is_param))
			continue;
		list[k++] = (struct probe_var){ v[i].name, type_text(ps->arena, v[i].type) };
	}
	*n = k;
	return list;
}

const struct probe_family probe_family_process_code = {
	.name = "process",
	.patterns = code_patterns,
	.npatterns = sizeof(code_patterns) / sizeof(code_patterns[0]),
	.resolve = code_resolve,
	.vars = probe_code_vars,
};

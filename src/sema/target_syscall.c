/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters of a system call by the names that the kernel's function has for them, as its own event of the call
 * (syscalls:sys_enter_NAME) tells: $filename of openat.  They are numbers as the process passed them; addresses are of
 * its memory.  $return is the result, as it is of a function.
 */
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "probe/tracefs.h"
#include "sema/target_access.h"

#define CATEGORY	"syscalls"
#define ENTER		"sys_enter_"

struct search {
	const char *name;		/* NULL: any */
	const char ***names;		/* stb_ds array that gets all, as a script writes them; or NULL */
	struct arena *arena;
	uint32_t n;			/* parameters so far */
	bool found;
	uint32_t at;			/* where it is, and its type */
	char type[64];
};

static void on_field(void *ctx, const char *type, const char *name)
{
	struct search *s = ctx;

	if (!strcmp(name, "__syscall_nr"))
		return;
	if (s->names)
		arrput(*s->names, arena_printf(s->arena, "$%s", name));
	if (!s->found && (!s->name || !strcmp(name, s->name))) {
		s->found = true;
		s->at = s->n;
		strncpy(s->type, type, sizeof(s->type) - 1);
	}
	s->n++;
}

static const char *without_prefix(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) ? s : s + n;
}

/* Removes the ending if it is there. */
static bool drop(char *s, const char *ending)
{
	size_t n = strlen(s), k = strlen(ending);

	if (n <= k || strcmp(s + n - k, ending) != 0)
		return false;
	s[n - k] = 0;
	return true;
}

static bool look_in(struct search *s, struct arena *a, const char *call)
{
	s->n = 0;
	tracefs_fields(CATEGORY, arena_printf(a, ENTER "%s", call), on_field, s);
	return s->found;
}

/* In the event of the function behind the call, else in that of the one that it does the same as for 64 bits. */
static bool look(struct search *s, struct arena *a, const struct probe_point *pt)
{
	static const char *const endings[] = { "_time32", "_time64", "_pgoff", "_32", "32", "64" };
	const char *function = pt->prog.str[IR_PP_FUNC], *call = pt->prog.str[IR_PP_MARK];
	char *twin;

	if (!function)
		return false;
	function = without_prefix(without_prefix(function, "__x64_"), "__ia32_");
	function = without_prefix(without_prefix(function, "compat_"), "sys_");
	if (look_in(s, a, function))
		return true;
	twin = arena_strdup(a, without_prefix(function, "ia32_"));
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (drop(twin, endings[i]))
			break;
	return look_in(s, a, twin) || look_in(s, a, arena_printf(a, "%s64", twin)) ||
	       look_in(s, a, arena_printf(a, "new%s", twin)) || (call && look_in(s, a, call));
}

/* The type of what a register holds: a number's own, and for addresses one of their width. */
static const struct dbg_type *number_type(struct dbg_module *kernel, const char *spelled)
{
	const char *name = without_prefix(spelled, "const ");
	const struct dbg_type *t = strpbrk(name, "*[") ? NULL : dbg_type_find(kernel, name);

	if (!strcmp(name, "long"))
		t = dbg_type_find(kernel, "long int");
	return t && dbg_type_sizeof(t) && dbg_type_sizeof(t) <= 8 ? t : dbg_type_find(kernel, "long unsigned int");
}

void target_syscall_names(struct arena *a, const struct probe_point *pt, const char ***names)
{
	struct search s = { .names = names, .arena = a };

	look(&s, a, pt);
}

struct target_access *target_syscall_parameter(struct target_binder *b, const char *name)
{
	const struct probe_point *pt = b->c->point;
	struct search s = { .name = name };
	struct target_access *a;

	if (!look(&s, b->c->ps->arena, pt))
		return NULL;
	a = access_new(b, ACCESS_FETCH);
	a->base = BASE_SYSARG;
	a->module = pt->module;
	a->arg = s.at;
	a->ctype = number_type(pt->module, s.type);
	return a->ctype ? a : NULL;
}

/* What the tracepoint behind the call's end (raw_syscalls:sys_exit) has the result in. */
struct target_access *target_syscall_result(struct target_binder *b)
{
	const struct probe_point *pt = b->c->point;

	for (size_t i = 0; i < pt->nparams; i++)
		if (pt->params[i].name && !strcmp(pt->params[i].name, "ret"))
			return target_parameter(b, i);
	return target_no_parameter(b, "return");
}

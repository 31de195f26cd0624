/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See returns.h. */
#include "probe/returns.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>

#include "dbg/module.h"

/* Jumped to: the number of arguments, a frame of a signal or the linker's operands are on top of the stack. */
static const char *const jumped_to[] = { "_start", "_dl_start_user", "_dl_runtime_resolve*", "_dl_runtime_profile*",
					 "__restore_rt" };

/* These keep their return address, to go there again when it is no longer expected. */
static const char *const kept[] = { "setjmp", "_setjmp", "__sigsetjmp", "__sigsetjmp_cancel", "sigsetjmp", "getcontext",
				    "__getcontext", "swapcontext", "__swapcontext" };

static bool is_one_of(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!fnmatch(list[i], name, 0))
			return true;
	return false;
}

const char *probe_return_breaks(struct dbg_module *m, const char *name, uint64_t entry)
{
	if (entry == dbg_module_info(m)->entry ||
	    (name && is_one_of(jumped_to, sizeof(jumped_to) / sizeof(jumped_to[0]), name)))
		return "it is jumped to, not called: there is no return address";
	if (name && is_one_of(kept, sizeof(kept) / sizeof(kept[0]), name))
		return "it keeps its return address, and the program goes there again later";
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers of the tests of src/dbg. */
#include "dbg_support.h"

const struct dbg_compiler dbg_compilers[] = {
	{ "gcc", "-O0 -gdwarf-5" }, { "gcc", "-O1 -gdwarf-4 -no-pie" },
	{ "gcc", "-O2 -gdwarf-5" }, { "gcc", "-O2 -gdwarf-4 -fPIE -pie" },
	{ "gcc", "-O3 -gdwarf-5 -fomit-frame-pointer" }, { "gcc", "-O2 -gdwarf-5 -gz" },
	{ "gcc", "-O2 -gdwarf-5 -fdebug-types-section" },
	{ "gcc", "-O2 -gdwarf-4 -fdebug-types-section" },
	{ "clang", "-O0 -gdwarf-4" }, { "clang", "-O1 -gdwarf-5 -no-pie" },
	{ "clang", "-O2 -gdwarf-5 -fPIE -pie" }, { "clang", "-O3 -gdwarf-4" },
	{ NULL, NULL },
};

struct arena *dbg_arena;
char dbg_dir[64];

int dbg_setup(void **state)
{
	strcpy(dbg_dir, "/tmp/bpftap-dbg-XXXXXX");
	dbg_arena = arena_create();
	return mkdtemp(dbg_dir) ? 0 : -1;
}

int dbg_teardown(void **state)
{
	dbg_modules_close_all();
	dbg_sh("rm -rf %s", dbg_dir);
	arena_destroy(dbg_arena);
	return 0;
}

void dbg_sh(const char *fmt, ...)
{
	va_list ap;
	char *cmd;

	va_start(ap, fmt);
	cmd = arena_vprintf(dbg_arena, fmt, ap);
	va_end(ap);
	cmd = arena_printf(dbg_arena, "cd %s && %s", dbg_dir, cmd);
	if (system(cmd) != 0)
		fail_msg("command failed: %s", cmd);
}

const char *dbg_path(const char *name)
{
	return arena_printf(dbg_arena, "%s/%s", dbg_dir, name);
}

void dbg_write(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(dbg_path(name), "we");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

const char *dbg_compile(const char *name, const char *source, const char *cc, const char *flags)
{
	const char *src = arena_printf(dbg_arena, "%s.c", name);

	dbg_write(src, source, strlen(source));
	dbg_sh("%s -w -g %s %s -o %s", cc, src, flags, name);
	return dbg_path(name);
}

struct dbg_module *dbg_open(const char *path)
{
	struct dbg_error e = { 0 };
	struct dbg_module *m = dbg_module_open(path, NULL, &e);

	if (!m || dbg_module_debug(m, &e))
		fail_msg("%s", e.msg);
	return m;
}

const struct dbg_func *dbg_the_func(struct dbg_module *m, const char *name)
{
	const struct dbg_func *found = NULL;
	size_t n;
	const struct dbg_func *const *f = dbg_funcs_find(m, name, NULL, &n);

	for (size_t i = 0; i < n; i++)
		if (!f[i]->is_inline) {
			assert_null(found);
			found = f[i];
		}
	if (!found)
		fail_msg("no function %s", name);
	return found;
}

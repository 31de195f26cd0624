/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * procfs("PATH").read and .write: files that a script serves while it runs; and standard input, which SystemTap
 * makes of such a file.  Run by the user engine; $value is the text.
 */
#include "probe/families.h"

#include <string.h>

#include "base/arena.h"
#include "base/ds.h"

#define DEFAULT_PATH	"command"
#define DEFAULT_UMASK	0066
#define STDIN_PATH	"__stdin"
#define MAX_SIZE	(1 << 24)
#define MAX_PATH	1024

enum { FILE_READ, FILE_WRITE, INPUT_CHAR, INPUT_LINE };

#define FILES(name)                                                                                \
	{ name ".read", FILE_READ }, { name ".read.maxsize(number)", FILE_READ },                  \
	{ name ".write", FILE_WRITE }, { name ".umask(number).read", FILE_READ },                  \
	{ name ".umask(number).read.maxsize(number)", FILE_READ },                                 \
	{ name ".umask(number).write", FILE_WRITE }

static const struct probe_pattern file_patterns[] = {
	FILES("procfs"),
	FILES("procfs(string)"),
	{ "__input.char", INPUT_CHAR },
	{ "__input.line", INPUT_LINE },
};

/* Is it a name, or names with slashes between, that stay in the directory? */
static bool is_inside(const char *path)
{
	if (!*path || strlen(path) >= MAX_PATH)
		return false;
	while (*path) {
		size_t n = strcspn(path, "/");

		if (!n || n > 255 || (n == 1 && *path == '.') || (n == 2 && !strncmp(path, "..", 2)))
			return false;
		path += n + (path[n] == '/' && path[n + 1]);
		if (*path == '/')
			return false;
	}
	return true;
}

static void file_resolve(struct probe_session *ps, const struct probe_family *f, const struct probe_match *m,
			 struct probe_result *out)
{
	struct probe_point *pt = probe_point_new(ps, f, m);
	const char *path = probe_match_string(m, "procfs");
	int64_t mask = DEFAULT_UMASK, size = 0;
	int variant = (int)m->pattern->variant;

	probe_match_long(m, "umask", &mask);
	path = path ? path : DEFAULT_PATH;
	if (variant == FILE_WRITE && !strcmp(path, STDIN_PATH))
		variant = INPUT_CHAR;
	if (!is_inside(path)) {
		probe_fail(ps, out, "procfs-path", NULL, "procfs path cannot be '%s'", path);
		return;
	}
	if (mask < 0 || mask > 0777) {
		probe_fail(ps, out, "procfs-umask", NULL, "procfs umask must be between 0 and 0777");
		return;
	}
	if (probe_match_long(m, "maxsize", &size) && (size <= 0 || size > MAX_SIZE)) {
		probe_fail(ps, out, "procfs-size", NULL, "maxsize must be greater than 0 and at most %d", MAX_SIZE);
		return;
	}
	pt->kind = PROG_USER;
	pt->scope = PROBE_SCOPE_FILE;
	pt->prog.kind = variant == FILE_READ || variant == FILE_WRITE ? POINT_FILE : POINT_INPUT;
	pt->prog.name = path;
	pt->prog.file = (struct prog_file){ .write = variant != FILE_READ, .lines = variant == INPUT_LINE,
					    .umask = (uint32_t)mask, .size = (uint64_t)size };
	pt->prog.str[IR_PP_TYPE] = "procfs";
	probe_point_spell(pt, probe_match_text(ps->arena, m));
	arrput(out->points, pt);
}

const struct probe_family probe_family_file = {
	.name = "procfs",
	.patterns = file_patterns,
	.npatterns = sizeof(file_patterns) / sizeof(file_patterns[0]),
	.resolve = file_resolve,
};

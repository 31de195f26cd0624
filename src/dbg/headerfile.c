/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of C headers; see headerfile.h.  The compiler reads #include lines from a pipe and leaves an object in a file
 * of its own, which is gone again as soon as it is open.
 */
#include "dbg/headerfile.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/module.h"
#include "dbg/priv.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+-"

extern char **environ;

/* What was asked for before; module NULL: why not. */
struct known {
	char *headers;
	struct dbg_module *module;
	struct dbg_error why;
};

static struct known *known;	/* stb_ds array */

/* "<a.h><b.h>" as lines for the compiler; NULL: it is not of that form.  free() it. */
static char *include_lines(const char *headers)
{
	char *text = xstrdup("");

	while (*headers) {
		size_t n = *headers == '<' ? strspn(headers + 1, NAME_CHARS) : 0;
		char *more;

		if (!n || headers[n + 1] != '>') {
			free(text);
			return NULL;
		}
		more = xasprintf("%s#include <%.*s>\n", text, (int)n, headers + 1);
		free(text);
		text = more;
		headers += n + 2;
	}
	return text;
}

/* Runs the compiler on `source`, both ends in files; its exit status, or -1: it could not be run. */
static int run_compiler(const char *compiler, int source, const char *object, int errors)
{
	char *const argv[] = { (char *)compiler, "-x", "c", "-g", "-O0", "-fno-eliminate-unused-debug-types", "-c",
			       "-o", (char *)object, "-", NULL };
	posix_spawn_file_actions_t actions;
	int err, status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, source, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	err = lseek(source, 0, SEEK_SET) < 0 ? errno : posix_spawnp(&pid, compiler, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* A file without a name that holds `text`. */
static int text_file(const char *text)
{
	int fd = memfd_create("header", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd >= 0 && write(fd, text, len) != (ssize_t)len) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The first line that the compiler wrote. */
static void complaint(int errors, char *line, size_t size)
{
	ssize_t n = pread(errors, line, size - 1, 0);

	line[n > 0 ? n : 0] = 0;
	line[strcspn(line, "\n")] = 0;
}

/* Has the object at `path` made; false: *e says why not. */
static bool compile(const char *text, const char *path, struct dbg_error *e)
{
	static const char *const compilers[] = { "gcc", "cc", "clang" };
	int source = text_file(text), errors = text_file(""), status = -1;
	char line[300];

	for (size_t i = 0; source >= 0 && errors >= 0 && status < 0 &&
	     i < sizeof(compilers) / sizeof(compilers[0]); i++) {
		status = run_compiler(compilers[i], source, path, errors);
		if (status == 127)	/* so says a child that could not run it */
			status = -1;
	}
	if (status > 0) {
		complaint(errors, line, sizeof(line));
		dbg_fail(e, DBG_EUNREADABLE, "the C compiler did not take them: %s", line);
	} else if (status < 0) {
		dbg_fail(e, DBG_EUNREADABLE,
			 "types of headers need a C compiler (gcc, cc or clang), and none is installed; "
			 "a program or library with debug information has types, too");
	}
	if (source >= 0)
		close(source);
	if (errors >= 0)
		close(errors);
	return status == 0;
}

static struct dbg_module *make(const char *headers, struct dbg_error *e)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/stap-header-XXXXXX", tmp && *tmp ? tmp : "/tmp"), *text = include_lines(headers);
	const struct dbg_open_opts opts = { .no_debuginfod = true };
	struct dbg_module *m = NULL;
	int fd;

	if (!text) {
		dbg_fail(e, DBG_ENOENT, "headers are written as \"<sys/time.h>\"");
		free(path);
		return NULL;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		dbg_fail(e, DBG_EUNREADABLE, "cannot make '%s': %s", path, strerror(errno));
	} else {
		if (compile(text, path, e))
			m = dbg_module_open(path, &opts, e);
		if (m && dbg_module_debug(m, e))
			m = NULL;
		unlink(path);
		close(fd);
	}
	free(text);
	free(path);
	return m;
}

struct dbg_module *dbg_header_open(const char *headers, struct dbg_error *e)
{
	struct known k = { 0 };

	for (size_t i = 0; i < arrlenu(known); i++)
		if (!strcmp(known[i].headers, headers)) {
			if (e)
				*e = known[i].why;
			return known[i].module;
		}
	k.headers = xstrdup(headers);
	k.module = make(headers, &k.why);
	arrput(known, k);
	if (e)
		*e = k.why;
	return k.module;
}

void headerfile_forget(void)
{
	for (size_t i = 0; i < arrlenu(known); i++)
		free(known[i].headers);
	arrfree(known);
}

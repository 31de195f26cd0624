/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files process(...) and .library(...) mean.
 *
 * A path is looked for as a shell does (PATH, relative, globs); links are resolved, inside the root that a
 * /proc/PID/root prefix or --sysroot names (realpath(3) would leave a container at that link);
 * a script stands for its interpreter.
 */
#include "probe/families.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/ds.h"
#include "base/glob.h"
#include "dbg/module.h"

#define MAX_LINKS	40
#define MAX_SCRIPTS	4	/* interpreters of interpreters */

/* A place in the file tree under a root ("" is the real one). */
struct place {
	const char *root, *path;
};

static const char *place_file(struct arena *a, struct place p)
{
	return *p.root ? arena_printf(a, "%s%s", p.root, p.path) : p.path;
}

/* Resolves links and dots of an absolute path under a root; NULL and errno. */
static const char *resolve_under(struct arena *a, const char *root, const char *path)
{
	char *done = arena_strdup(a, "");
	const char *rest = path;
	int links = 0;

	while (*rest) {
		size_t len = strcspn(rest, "/");
		char target[PATH_MAX], *next;
		ssize_t n;

		if (!len || (len == 1 && *rest == '.')) {
			rest += len + (rest[len] == '/');
			continue;
		}
		if (len == 2 && !strncmp(rest, "..", 2)) {
			char *slash = strrchr(done, '/');

			if (slash)
				*slash = 0;
			rest += len;
			continue;
		}
		next = arena_printf(a, "%s/%.*s", done, (int)len, rest);
		rest += len;
		n = readlink(arena_printf(a, "%s%s", root, next), target, sizeof(target) - 1);
		if (n < 0) {
			if (errno != EINVAL)
				return NULL;
			done = next;
			continue;
		}
		if (++links > MAX_LINKS) {
			errno = ELOOP;
			return NULL;
		}
		target[n] = 0;
		rest = arena_printf(a, "%s%s", target, rest);
		if (*target == '/')
			done = arena_strdup(a, "");
	}
	return *done ? done : "/";
}

/* Splits "/proc/PID/root/PATH" into root and path; else the session's root. */
static struct place place_split(struct probe_session *ps, const char *path)
{
	const char *s = path;
	struct place p = { ps->sysroot ? ps->sysroot : "", path };

	if (strncmp(s, "/proc/", 6))
		return p;
	s += 6;
	if (!strncmp(s, "self/", 5))
		s += 4;
	else
		s += strspn(s, "0123456789");
	if (s == path + 6 || strncmp(s, "/root/", 6))
		return p;
	p.root = arena_strndup(ps->arena, path, (size_t)(s - path) + 5);
	p.path = arena_strdup(ps->arena, s + 5);
	return p;
}

/* An absolute path, links resolved; false and errno. */
static bool place_resolve(struct probe_session *ps, const char *path, struct place *out)
{
	char cwd[PATH_MAX];

	if (*path != '/') {
		if (!getcwd(cwd, sizeof(cwd)))
			return false;
		path = arena_printf(ps->arena, "%s/%s", cwd, path);
	}
	*out = place_split(ps, path);
	out->path = resolve_under(ps->arena, out->root, out->path);
	return out->path != NULL;
}

/* Looks a command up: with a slash as a path, else along PATH. */
static bool place_find(struct probe_session *ps, const char *name, struct place *out)
{
	const char *path = ps->search_path ? ps->search_path : getenv("PATH");

	if (strchr(name, '/'))
		return place_resolve(ps, name, out);
	if (!path || !*path)
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	while (true) {
		size_t len = strcspn(path, ":");
		const char *file = len ? arena_printf(ps->arena, "%.*s/%s", (int)len, path, name) : name;
		struct stat st;

		if (place_resolve(ps, file, out)) {
			const char *real = place_file(ps->arena, *out);

			if (!stat(real, &st) && S_ISREG(st.st_mode) && !access(real, X_OK))
				return true;
		}
		if (!path[len])
			break;
		path += len + 1;
	}
	if (place_resolve(ps, name, out)) {	/* here, after all */
		struct stat st;

		if (!stat(place_file(ps->arena, *out), &st) && S_ISREG(st.st_mode))
			return true;
	}
	errno = ENOENT;
	return false;
}

/* The interpreter's words of a `#!` line; false: not a script. */
static bool script_line(const char *file, char *line, size_t size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, line, size - 1);
	close(fd);
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	return true;
}

/* Follows `#!` lines to a program; `env NAME` means NAME. */
static void place_interpreter(struct probe_session *ps, struct place *p)
{
	for (int i = 0; i < MAX_SCRIPTS; i++) {
		char line[256], *save = NULL, *word;
		struct place next;

		if (!script_line(place_file(ps->arena, *p), line, sizeof(line)))
			return;
		word = strtok_r(line + 2, " \t\r", &save);
		if (!word)
			return;
		if (!strcmp(word, "/usr/bin/env") || !strcmp(word, "/bin/env")) {
			word = strtok_r(NULL, " \t\r", &save);
			if (word && !strcmp(word, "-S"))
				word = strtok_r(NULL, " \t\r", &save);
			if (!word)
				return;
		}
		if (*p->root && *word == '/')
			word = arena_printf(ps->arena, "%s%s", p->root, word);
		if (!place_find(ps, word, &next))
			return;
		*p = next;
	}
}

const char *probe_find_program(struct probe_session *ps, const char *path)
{
	struct place p;

	if (!place_find(ps, path, &p))
		return NULL;
	place_interpreter(ps, &p);
	return place_file(ps->arena, p);
}

/* The first word of a command line, as a shell would see it. */
static const char *command_word(struct arena *a, const char *cmd)
{
	char *out = arena_alloc(a, strlen(cmd) + 1), *p = out;
	char quote = 0;

	cmd += strspn(cmd, " \t\n");
	for (; *cmd && (quote || !strchr(" \t\n;|&<>()", *cmd)); cmd++) {
		if (quote ? *cmd == quote : *cmd == '"' || *cmd == '\'')
			quote = quote ? 0 : *cmd;
		else if (*cmd == '\\' && quote != '\'' && cmd[1])
			*p++ = *++cmd;
		else
			*p++ = *cmd;
	}
	*p = 0;
	return out;
}

static bool module_open(struct probe_session *ps, struct probe_image *img, struct dbg_error *e)
{
	struct dbg_open_opts opts = {
		.debug_path = ps->debug_path,
		.root = img->root && *img->root ? img->root : NULL,
		.no_debuginfod = ps->no_debuginfod,
	};

	img->module = dbg_module_open(img->path, &opts, e);
	return img->module != NULL;
}

/* Adds the image of a place, if it is an ELF file (else *e, which may be NULL, tells why not) and not there yet. */
static bool image_add(struct probe_session *ps, struct place p, const char *spelt, int32_t pid,
		      struct probe_image **list, struct dbg_error *e)
{
	struct probe_image img = { .path = p.path, .root = p.root, .pid = pid };

	if (!module_open(ps, &img, e))
		return false;
	for (size_t i = 0; i < arrlenu(*list); i++)
		if ((*list)[i].module == img.module)
			return true;
	img.spelling = arena_printf(ps->arena, "process(%s)", probe_quote(ps->arena, spelt));
	img.derived = img.spelling;
	arrput(*list, img);
	return true;
}

/* The program that a process runs. */
static void images_of_pid(struct probe_session *ps, int64_t pid, int32_t only, struct probe_result *out,
			  struct probe_image **list)
{
	char exe[64], link[PATH_MAX];
	struct place p = { "", NULL };
	struct stat a, b;
	ssize_t n;

	snprintf(exe, sizeof(exe), "/proc/%lld/exe", (long long)pid);
	n = readlink(exe, link, sizeof(link) - 1);
	if (n < 0) {
		probe_fail(ps, out, "no-process", NULL, "cannot probe pid %lld: %s", (long long)pid,
			   errno == ENOENT ? "No such process" : strerror(errno));
		return;
	}
	link[n] = 0;
	p.path = arena_strdup(ps->arena, link);
	if (stat(exe, &a)) {
		probe_fail(ps, out, "no-process", NULL, "cannot probe pid %lld: %s", (long long)pid,
			   strerror(errno));
		return;
	}
	if (stat(link, &b) || a.st_ino != b.st_ino || a.st_dev != b.st_dev) {
		const char *root = arena_printf(ps->arena, "/proc/%lld/root", (long long)pid);

		if (!stat(arena_printf(ps->arena, "%s%s", root, link), &b) && a.st_ino == b.st_ino)
			p.root = root;		/* in a container */
		else
			p.path = arena_strdup(ps->arena, exe);	/* replaced or removed since */
	}
	if (!image_add(ps, p, p.path, only, list, NULL))
		probe_fail(ps, out, "no-match", NULL, "no match");
}

/* All programs whose paths match. */
static void images_of_glob(struct probe_session *ps, const char *pattern, struct probe_image **list)
{
	glob_t g;

	if (glob(pattern, 0, NULL, &g))
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct place p;
		struct stat st;

		if (stat(g.gl_pathv[i], &st) || !S_ISREG(st.st_mode) || access(g.gl_pathv[i], X_OK) ||
		    !place_resolve(ps, g.gl_pathv[i], &p))
			continue;
		place_interpreter(ps, &p);
		image_add(ps, p, p.path, 0, list, NULL);
	}
	globfree(&g);
}

static void images_of_path(struct probe_session *ps, const char *path, struct probe_result *out,
			   struct probe_image **list)
{
	struct place p;

	if (is_glob(path)) {
		images_of_glob(ps, path, list);
	} else if (!place_find(ps, path, &p)) {
		if (!strchr(path, '/'))
			probe_fail(ps, out, "no-executable", NULL, "cannot find executable '%s'", path);
	} else {
		struct dbg_error e;

		place_interpreter(ps, &p);
		if (!image_add(ps, p, place_file(ps->arena, p), 0, list, &e))
			diag_warn(ps->diag, "unusable-program", NULL, "cannot use program: %s", e.msg);
	}
	if (!*list)
		probe_fail(ps, out, "no-match", NULL, "no match");
}

/* The libraries that the name means of those that a program starts with; notes all of these in *known. */
static void add_libraries(struct probe_session *ps, const struct probe_image *prog, const char *name,
			  struct probe_image **libs, const char ***known)
{
	size_t n;
	const char *const *need = dbg_module_ldd(prog->module, &n);

	for (size_t i = 0; i < n; i++) {
		const char *base = strrchr(need[i], '/'), *spelt;
		struct place p = { prog->root ? prog->root : "", need[i] };

		arrput(*known, need[i]);
		base = base ? base + 1 : need[i];
		if (fnmatch(name, need[i], 0) && fnmatch(name, base, 0))
			continue;
		p.path = resolve_under(ps->arena, p.root, need[i]);
		if (!p.path || !image_add(ps, p, p.path, prog->pid, libs, NULL))
			continue;
		spelt = strchr(name, '/') && !is_glob(name) ? name : p.path;
		arrlast(*libs).derived = arena_printf(ps->arena, "%s.library(%s)", prog->spelling,
						      probe_quote(ps->arena, spelt));
	}
}

/* Replaces the programs by those of their libraries that the name means. */
static void images_of_library(struct probe_session *ps, const char *name, struct probe_result *out,
			      struct probe_image **list)
{
	struct probe_image *libs = NULL;
	const char **known = NULL;

	for (size_t i = 0; i < arrlenu(*list); i++)
		add_libraries(ps, &(*list)[i], name, &libs, &known);
	/* not among those it starts with, but perhaps opened later */
	if (!libs && strchr(name, '/') && arrlenu(*list)) {
		const struct probe_image *prog = &(*list)[0];
		struct place p;

		if (place_resolve(ps, name, &p) && image_add(ps, p, p.path, prog->pid, &libs, NULL))
			libs[0].derived = arena_printf(ps->arena, "%s.library(%s)", prog->spelling,
						       probe_quote(ps->arena, name));
	}
	if (!libs && arrlenu(*list))
		probe_no_match(ps, out, "libraries",
				 probe_similar(ps->arena, name, known, arrlenu(known), PROBE_SIMILAR_MAX));
	arrfree(known);
	arrfree(*list);
	*list = libs;
}

struct probe_image *probe_images(struct probe_session *ps, const struct probe_match *m,
				 struct probe_result *out, size_t *n)
{
	struct probe_image *list = NULL;
	const char *path = probe_match_string(m, "process"), *lib = probe_match_string(m, "library");
	int64_t pid;

	if (path)
		images_of_path(ps, path, out, &list);
	else if (probe_match_long(m, "process", &pid))
		images_of_pid(ps, pid, (int32_t)pid, out, &list);
	else if (ps->cmd)
		images_of_path(ps, command_word(ps->arena, ps->cmd), out, &list);
	else if (ps->target)
		images_of_pid(ps, ps->target, 0, out, &list);
	else
		probe_fail(ps, out, "no-target", NULL, "unspecified process probe is invalid without a "
			   "-c COMMAND or -x PID [man stapprobes]");
	if (lib)
		images_of_library(ps, lib, out, &list);
	return arena_take_array(ps->arena, list, sizeof(*list), n);
}

bool probe_point_place(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
		       uint64_t pc)
{
	uint64_t offset;

	if (img->kernel)
		return probe_kernel_place(ps, pt, img, pc);
	if (!dbg_addr_to_offset(img->module, pc, &offset) || !dbg_addr_executable(img->module, pc))
		return false;
	pt->module = img->module;
	pt->pc = pc;
	pt->prog.address = pc;
	pt->prog.offset = offset;
	pt->prog.path = dbg_module_info(img->module)->real_path;
	pt->prog.str[IR_PP_MODULE] = img->path;
	pt->prog.pid = img->pid;
	if (img->pid) {
		pt->filter |= PROBE_FILTER_PID;
		probe_point_int(pt, PROBE_INT_PID, img->pid);
	}
	return true;
}

void probe_point_mechanism(struct probe_session *ps, struct probe_point *pt, const struct probe_image *img,
			   bool ret)
{
	pt->scope = ret ? PROBE_SCOPE_RETURN : PROBE_SCOPE_CODE;
	if (img->kernel) {
		probe_kernel_mechanism(ps, pt, img, ret);
		return;
	}
	pt->kind = ret ? PROG_URETPROBE : PROG_UPROBE;
	pt->prog.kind = POINT_UPROBE;
}

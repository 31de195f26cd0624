/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding vmlinux and modules with debug information; where the running kernel has their code is in kernelplace.c. */
#include "dbg/kernelfile.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/priv.h"

#define MAX_TREE_DEPTH	12
#define DEFAULT_DIRS	"/usr/lib/debug"

static const char *running_release(void)
{
	static struct utsname u;

	if (!u.release[0] && uname(&u))
		return "";
	return u.release;
}

static const char *release_of(const struct dbg_kernel_opts *o)
{
	return o->release && *o->release ? o->release : running_release();
}

bool dbg_kernel_is_running(const struct dbg_kernel_opts *o)
{
	return !strcmp(release_of(o), running_release());
}

struct wanted {
	const struct dbg_kernel_opts *o;
	uint8_t id[KERNEL_MAX_BUILD_ID];
	size_t id_len;			/* 0: any build */
	const char *running;		/* what the build is of */
	struct dbg_open_opts open;
	struct dbg_module *found;
	enum dbg_errcode code;		/* DBG_OK, or why the first file that was there is not used */
	char *refused;			/* the same in words; malloc'ed */
	struct dbg_module *stripped;	/* the first file of the build that has no debug information here */
};

/* Notes why a file is not used, if it should have been; returns false. */
static bool refuse(struct wanted *w, const char *path, const struct dbg_error *e)
{
	if (w->refused || e->code == DBG_ENODEBUG)
		return false;
	w->code = e->code;
	w->refused = strstr(e->msg, path) ? xstrdup(e->msg) : xasprintf("%s cannot be used: %s", path, e->msg);
	return false;
}

/* Takes the file if it is of the build and has DWARF. */
static bool try_file(struct wanted *w, const char *path)
{
	const struct dbg_module_info *info;
	struct dbg_module *m;
	struct dbg_error e;

	if (access(path, R_OK))
		return false;
	m = dbg_module_open(path, &w->open, &e);
	if (!m)
		return refuse(w, path, &e);
	info = dbg_module_info(m);
	if (w->id_len && (info->build_id_len != w->id_len || memcmp(info->build_id, w->id, w->id_len))) {
		dbg_fail(&e, DBG_EMISMATCH, "%s is of another build than the %s", path, w->running);
		return refuse(w, path, &e);
	}
	if (dbg_module_debug(m, &e)) {
		if (!w->stripped && e.code == DBG_ENODEBUG)
			w->stripped = m;
		return refuse(w, path, &e);
	}
	w->found = m;
	return true;
}

/* Calls try_file for DIR/REST with each directory of the search list. */
static bool try_dirs(struct wanted *w, const char *rest)
{
	const char *dirs = w->o->debug_path ? w->o->debug_path : DEFAULT_DIRS;
	bool ok = false;

	while (*dirs && !ok) {
		size_t n = strcspn(dirs, ":");
		char *path;

		if (*dirs == '/') {
			path = xasprintf("%.*s/%s", (int)n, dirs, rest);
			ok = try_file(w, path);
			free(path);
		}
		dirs += n + (dirs[n] == ':');
	}
	return ok;
}

/* Asks debuginfod for what a file lacks. */
static bool try_stripped(struct wanted *w)
{
	struct dbg_error e;

	w->stripped->no_debuginfod = false;
	w->stripped->debug_tried = false;
	if (!dbg_module_debug(w->stripped, &e))
		w->found = w->stripped;
	return w->found != NULL;
}

/* By the build id: of what runs, or of a file that was found but has no debug information. */
static bool try_build_id(struct wanted *w)
{
	char hex[2 * sizeof(w->id) + 32], *p = hex, *path;
	bool ok;

	if (w->id_len) {
		p += sprintf(p, ".build-id/%02x/", w->id[0]);
		for (size_t i = 1; i < w->id_len; i++)
			p += sprintf(p, "%02x", w->id[i]);
		strcpy(p, ".debug");
		if (try_dirs(w, hex))
			return true;
	}
	if (w->o->no_debuginfod)
		return false;
	if (w->stripped)
		return try_stripped(w);
	path = w->id_len ? debugfile_download(w->id, w->id_len) : NULL;
	ok = path && try_file(w, path);
	free(path);
	return ok;
}

/* ---- the kernel ---- */

/* Where vmlinux of a release may be: below the directories for debug files, and by itself. */
static const char *const below[] = { "boot/vmlinux-%s", "lib/modules/%s/vmlinux", "usr/lib/modules/%s/vmlinux",
				     "vmlinux-%s", "lib/modules/%s/vmlinux.debug" };
static const char *const alone[] = { "/boot/vmlinux-%s", "/lib/modules/%s/vmlinux", "/lib/modules/%s/build/vmlinux" };

/* The pattern with the release for its %s; malloc'ed. */
static char *with_release(const char *pattern, const char *release)
{
	const char *mark = strstr(pattern, "%s");
	char *text;

	if (!mark)
		return xstrdup(pattern);
	text = xasprintf("%.*s%s%s", (int)(mark - pattern), pattern, release, mark + 2);
	return text;
}

static bool find_vmlinux(struct wanted *w)
{
	const char *release = release_of(w->o);
	bool ok = false;
	char *path;

	if (*release == '/') {
		path = with_release("%s/vmlinux", release);
		ok = try_file(w, path);
		free(path);
		return ok || try_build_id(w);
	}
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]) && !ok; i++) {
		path = with_release(below[i], release);
		ok = try_dirs(w, path);
		free(path);
	}
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]) && !ok; i++) {
		path = with_release(alone[i], release);
		ok = try_file(w, path);
		free(path);
	}
	return ok || try_build_id(w);
}

static int vmlinux_missing(const struct wanted *w, struct dbg_error *e)
{
	const char *release = release_of(w->o);

	if (w->refused)
		return dbg_fail(e, w->code, "%s", w->refused);
	return dbg_fail(e, DBG_ENODEBUG, "no vmlinux of %s with debug information", release);
}

/* What the running kernel adds to addresses of its file; if it does not tell, it is as good as elsewhere. */
static void find_bias(struct dbg_module *m, bool running)
{
	const struct dbg_sym *text = running ? dbg_symbol_find(m, "_text") : NULL;
	uint64_t at = text ? dbg_kernel_symbol("_text") : 0;

	m->info.kernel = true;
	m->info.kernel_elsewhere = !at;
	m->info.kernel_bias = at ? at - text->addr : 0;
}

/* What was looked for before: the key is the release or the module's name behind it. */
struct known_file {
	struct dbg_module *module;	/* NULL: none */
	enum dbg_errcode code;		/* as in struct wanted */
	char *refused;
};

static struct { char *key; struct known_file value; } *known;

void kernelfile_forget(void)
{
	for (size_t i = 0; i < shlenu(known); i++)
		free(known[i].value.refused);
	shfree(known);
}

static char *known_key(const struct dbg_kernel_opts *o, const char *name)
{
	char *key;

	key = xasprintf("%s\n%s\n%s", release_of(o), o->debug_path ? o->debug_path : "", name);
	if (!known)
		sh_new_strdup(known);
	return key;
}

struct dbg_module *dbg_kernel_open(const struct dbg_kernel_opts *o, struct dbg_error *e)
{
	struct wanted w = { .o = o, .running = "running kernel",
			    .open = { .debug_path = o->debug_path, .no_debuginfod = true } };
	char *key = known_key(o, "");
	ptrdiff_t i = shgeti(known, key);

	if (i >= 0) {
		w.found = known[i].value.module;
		w.code = known[i].value.code;
		w.refused = known[i].value.refused;
	} else {
		if (dbg_kernel_is_running(o))
			w.id_len = kernel_notes_id(NULL, w.id);
		if (find_vmlinux(&w))
			find_bias(w.found, dbg_kernel_is_running(o));
		shput(known, key, ((struct known_file){ w.found, w.code, w.refused }));
	}
	free(key);
	if (!w.found)
		vmlinux_missing(&w, e);
	return w.found;
}

/* ---- modules ---- */

/* Does a file name (NAME.ko, NAME.ko.debug) belong to the module? '-' and '_' are the same. */
static bool is_module_file(const char *file, const char *name)
{
	for (; *name; name++, file++)
		if ((*file == '-' ? '_' : *file) != (*name == '-' ? '_' : *name))
			return false;
	return !strcmp(file, ".ko") || !strcmp(file, ".ko.debug");
}

static bool is_directory(const char *path, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

/* Looks below a directory for the module's file. */
static bool try_tree(struct wanted *w, const char *dir, const char *name, int depth)
{
	struct dirent *d;
	bool ok = false;
	DIR *list = depth < MAX_TREE_DEPTH ? opendir(dir) : NULL;

	while (list && !ok && (d = readdir(list)) != NULL) {
		char *path;

		if (d->d_name[0] == '.' || !strcmp(d->d_name, "build") || !strcmp(d->d_name, "source"))
			continue;
		path = xasprintf("%s/%s", dir, d->d_name);
		if (is_directory(path, d))
			ok = try_tree(w, path, name, depth + 1);
		else if (is_module_file(d->d_name, name))
			ok = try_file(w, path);
		free(path);
	}
	if (list)
		closedir(list);
	return ok;
}

static bool find_module(struct wanted *w, const char *name)
{
	static const char *const trees[] = { "%s/lib/modules/%s", "%s/usr/lib/modules/%s" };
	const char *dirs = w->o->debug_path ? w->o->debug_path : DEFAULT_DIRS, *release = release_of(w->o);
	bool ok = false;
	char *path;

	if (strchr(name, '/'))
		return try_file(w, name) || try_build_id(w);
	if (*release == '/')
		return try_tree(w, release, name, 0) || try_build_id(w);
	while (*dirs && !ok) {
		size_t n = strcspn(dirs, ":");

		for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]) && !ok && *dirs == '/'; i++) {
			char *dir = xstrndup(dirs, n), *base = with_release(trees[i], dir);

			path = with_release(base, release);
			ok = try_tree(w, path, name, 0);
			free(path);
			free(base);
			free(dir);
		}
		dirs += n + (dirs[n] == ':');
	}
	if (!ok) {
		path = with_release("/lib/modules/%s", release);
		ok = try_tree(w, path, name, 0);
		free(path);
	}
	return ok || try_build_id(w);
}

/* Where a section of the loaded module is: data is the module's name as the kernel spells it. */
static uint64_t loaded_at(void *data, const char *section)
{
	char path[512];
	uint64_t at = 0;
	FILE *f;

	if (strchr(section, '/') || snprintf(path, sizeof(path), "/sys/module/%s/sections/%s", (const char *)data,
					     section) >= (int)sizeof(path))
		return 0;
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "0x%" SCNx64, &at) != 1)
		at = 0;
	fclose(f);
	return at;
}

struct dbg_module *dbg_kernel_module_open(const struct dbg_kernel_opts *o, const char *name, struct dbg_error *e)
{
	struct wanted w = { .o = o, .running = "loaded module",
			    .open = { .debug_path = o->debug_path, .no_debuginfod = true } };
	char *kernel_name = kernel_module_name(name), *key = known_key(o, name);
	ptrdiff_t i = shgeti(known, key);

	if (i >= 0) {
		w.found = known[i].value.module;
		w.code = known[i].value.code;
		w.refused = known[i].value.refused;
	} else {
		if (dbg_kernel_is_running(o) && loaded_at(kernel_name, ".text")) {
			w.id_len = kernel_notes_id(kernel_name, w.id);
			w.open.section_address = loaded_at;
			w.open.section_data = kernel_name;
		}
		if (find_module(&w, name)) {
			w.found->info.kernel = true;
			w.found->info.kernel_elsewhere = !w.open.section_address;
		}
		shput(known, key, ((struct known_file){ w.found, w.code, w.refused }));
	}
	if (!w.found && w.refused)
		dbg_fail(e, w.code, "%s", w.refused);
	else if (!w.found)
		dbg_fail(e, DBG_ENODEBUG, "no debug information for kernel module '%s' of %s", name, release_of(o));
	free(key);
	free(kernel_name);
	return w.found;
}

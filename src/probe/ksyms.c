// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the kernel's lists of functions.  Each is read at most once, when it is first asked for. */
#include "probe/ksyms.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/ds.h"
#include "probe/tracefs.h"

#define EXPORT_PREFIX	"__ksymtab_"
#define PADDING_PREFIX	"__pfx_"	/* bytes in front of a function */
#define BLACKLIST	"/sys/kernel/debug/kprobes/blacklist"

struct name_set {
	bool read, known;
	struct { char *key; bool value; } *names;	/* shmap */
};

static struct {
	bool read;
	struct ksym *functions;				/* stb_ds array */
	struct { char *key; size_t value; } *by_name;	/* shmap: first in functions + 1 */
	size_t *next;					/* stb_ds array: the next of the same name + 1 */
	struct name_set exported, blacklist, traceable, places;
} ks;

#define ENDBR_SIZE	4	/* what may be in front of the instruction that tracers replace */

/* Code that is thrown away once the kernel has started lies between these. */
static const char *const init_bounds[2] = { "_sinittext", "_einittext" };

static void add_line(char *line, struct arena *a, uint64_t init[2])
{
	unsigned long long addr;
	char type, name[512], module[128] = "";
	struct ksym s = { 0 };
	int n = sscanf(line, "%llx %c %511s [%127[^]]]", &addr, &type, name, module);

	if (n < 3)
		return;
	for (int i = 0; i < 2; i++)
		if (n == 3 && !strcmp(name, init_bounds[i]))
			init[i] = addr;
	if (n == 3 && !strncmp(name, EXPORT_PREFIX, strlen(EXPORT_PREFIX)))
		shput(ks.exported.names, name + strlen(EXPORT_PREFIX), true);
	if (!strchr("tTwW", type) || !strncmp(name, PADDING_PREFIX, strlen(PADDING_PREFIX)) ||
	    !strcmp(module, "bpf"))
		return;
	s.name = arena_strdup(a, name);
	s.module = n == 4 ? arena_strdup(a, module) : NULL;
	s.addr = addr;
	arrput(ks.functions, s);
}

static void drop_init(const uint64_t init[2])
{
	size_t kept = 0;

	if (!init[0] || init[1] <= init[0])
		return;
	for (size_t i = 0; i < arrlenu(ks.functions); i++)
		if (ks.functions[i].addr < init[0] || ks.functions[i].addr > init[1])
			ks.functions[kept++] = ks.functions[i];
	arrsetlen(ks.functions, kept);
}

static void read_all(void)
{
	static struct arena *names;
	uint64_t init[2] = { 0 };
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	if (ks.read)
		return;
	ks.read = true;
	f = fopen("/proc/kallsyms", "re");
	if (!f)
		return;
	names = arena_create();
	sh_new_strdup(ks.exported.names);
	while (getline(&line, &size, f) > 0)
		add_line(line, names, init);
	free(line);
	fclose(f);
	drop_init(init);
	arrsetlen(ks.next, arrlenu(ks.functions));
	for (size_t i = arrlenu(ks.functions); i-- > 0;) {
		ks.next[i] = shget(ks.by_name, ks.functions[i].name);
		shput(ks.by_name, ks.functions[i].name, i + 1);
	}
}

const struct ksym *ksyms_functions(size_t *n)
{
	read_all();
	*n = arrlenu(ks.functions);
	return ks.functions;
}

static bool same_module(const char *a, const char *b)
{
	return a ? b && !strcmp(a, b) : !b;
}

const struct ksym *ksyms_find(const char *module, const char *name, size_t *count)
{
	const struct ksym *found = NULL;

	*count = 0;
	read_all();
	for (size_t i = shget(ks.by_name, name); i; i = ks.next[i - 1])
		if (same_module(module, ks.functions[i - 1].module)) {
			found = found ? found : &ks.functions[i - 1];
			++*count;
		}
	return found;
}

bool ksyms_exported(const char *name)
{
	read_all();
	return shgeti(ks.exported.names, name) >= 0;
}

/* One name to a line, as field number `field` (0 or 1). */
static bool among(struct name_set *set, const char *path, int field, const char *name)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	if (!set->read) {
		set->read = true;
		f = fopen(path, "re");
		set->known = f != NULL;
		sh_new_strdup(set->names);
		while (f && getline(&line, &size, f) > 0) {
			char *save = NULL, *word = strtok_r(line, " \t\n", &save);

			if (field && word)
				word = strtok_r(NULL, " \t\n", &save);
			if (word)
				shput(set->names, word, true);
		}
		free(line);
		if (f)
			fclose(f);
	}
	return shgeti(set->names, name) >= 0;
}

bool ksyms_blacklisted(const char *name)
{
	return among(&ks.blacklist, BLACKLIST, 1, name);
}

/* The kernel names each place once, by any of its symbols, which are next to one another. */
static bool neighbour_traceable(size_t i, const char *path)
{
	const struct ksym *s = ks.functions, *end = s + arrlenu(s), *first = s + i;

	while (first > s && first[-1].addr == s[i].addr)
		first--;
	for (const struct ksym *p = first; p < end && p->addr == s[i].addr; p++)
		if (among(&ks.traceable, path, 0, p->name))
			return true;
	return false;
}

bool ksyms_traceable(const char *name)
{
	const char *root = tracefs_path();
	char path[PATH_MAX];

	if (!root)
		return true;
	snprintf(path, sizeof(path), "%s/available_filter_functions", root);
	if (among(&ks.traceable, path, 0, name) || !ks.traceable.known)
		return true;
	read_all();
	for (size_t i = shget(ks.by_name, name); i; i = ks.next[i - 1])
		if (ks.functions[i - 1].addr && neighbour_traceable(i - 1, path))
			return true;
	return false;
}

bool ksyms_place_traceable(uint64_t addr)
{
	const char *root = tracefs_path();
	char path[PATH_MAX], place[32];

	if (!root || !addr)
		return true;
	snprintf(path, sizeof(path), "%s/available_filter_functions_addrs", root);
	for (uint64_t at = addr; at <= addr + ENDBR_SIZE; at += ENDBR_SIZE) {
		snprintf(place, sizeof(place), "%" PRIx64, at);
		if (among(&ks.places, path, 0, place) || !ks.places.known)
			return true;
	}
	return false;
}

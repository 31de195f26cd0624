/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the kernel's lists of functions.  Each is read at most once, when it is first asked for. */
#include "probe/ksyms.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ds.h"
#include "probe/tracefs.h"

#define EXPORT_PREFIX	"__ksymtab_"
#define PADDING_PREFIX	"__pfx_"	/* bytes in front of a function */
#define BLACKLIST	"/sys/kernel/debug/kprobes/blacklist"
#define FEW		16		/* searches that go through a list, before it is worth a table */

/* A list with a name to a line. */
struct name_set {
	bool read, known;
	char *text;		/* stb_ds array, NUL-terminated; its words are keys of names once that is made */
	unsigned lookups;
	struct { char *key; bool value; } *names;	/* shmap */
};

static struct {
	bool read;
	char *text;					/* stb_ds array: /proc/kallsyms, in which the names are */
	struct ksym *functions;				/* stb_ds array */
	struct { char *key; size_t value; } *by_name;	/* shmap: first in functions + 1 */
	size_t *next;					/* stb_ds array: the next of the same name + 1 */
	unsigned lookups;
	char **export_names;				/* stb_ds array */
	struct { char *key; bool value; } *exported;	/* shmap of these, once it is asked for */
	struct name_set blacklist, traceable, places;
} ks;

#define ENDBR_SIZE	4	/* what may be in front of the instruction that tracers replace */

/* Code that is thrown away once the kernel has started lies between these. */
static const char *const init_bounds[2] = { "_sinittext", "_einittext" };

/* A whole file as an stb_ds array with a NUL behind it, or NULL. */
static char *read_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t n;

	if (!f)
		return NULL;
	do {
		char *room = arraddnptr(text, 65536);

		n = fread(room, 1, 65536, f);
		arrsetlen(text, arrlenu(text) - 65536 + n);
	} while (n > 0);
	fclose(f);
	arrput(text, '\0');
	return text;
}

/* The word at *p, which is ended there; *p goes behind it. */
static char *take_word(char **p)
{
	char *word = *p + strspn(*p, " \t");
	size_t n = strcspn(word, " \t\n");

	*p = word + n + (word[n] != '\0');
	word[n] = '\0';
	return word;
}

/* "ADDRESS TYPE NAME" and, of a module's, "\t[MODULE]" */
static void add_line(char *line, uint64_t init[2])
{
	uint64_t addr = strtoull(line, &line, 16);
	const char *type = take_word(&line), *name = take_word(&line);
	char *module = take_word(&line);
	size_t n = strlen(module);

	if (!name[0])
		return;
	if (module[0] == '[' && module[n - 1] == ']')
		module[n - 1] = '\0';
	for (int i = 0; i < 2; i++)
		if (!module[0] && !strcmp(name, init_bounds[i]))
			init[i] = addr;
	if (!module[0] && !strncmp(name, EXPORT_PREFIX, strlen(EXPORT_PREFIX)))
		arrput(ks.export_names, (char *)name + strlen(EXPORT_PREFIX));
	if (!strchr("tTwW", type[0]) || !strncmp(name, PADDING_PREFIX, strlen(PADDING_PREFIX)) ||
	    !strcmp(module, "[bpf"))
		return;
	arrput(ks.functions, ((struct ksym){ name, module[0] ? module + 1 : NULL, addr }));
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
	uint64_t init[2] = { 0 };

	if (ks.read)
		return;
	ks.read = true;
	ks.text = read_text("/proc/kallsyms");
	for (char *line = ks.text, *end; line && *line; line = end) {
		end = strchrnul(line, '\n');
		if (*end)
			*end++ = '\0';
		add_line(line, init);
	}
	drop_init(init);
}

/* The functions of a name, as index + 1 each: the first (after 0), or the next behind one; 0: no more. */
static size_t named(const char *name, size_t after)
{
	if (after == 0)
		ks.lookups++;
	if (ks.lookups <= FEW) {
		for (size_t i = after; i < arrlenu(ks.functions); i++)
			if (!strcmp(ks.functions[i].name, name))
				return i + 1;
		return 0;
	}
	if (!ks.next) {
		arrsetlen(ks.next, arrlenu(ks.functions));
		for (size_t i = arrlenu(ks.functions); i-- > 0;) {
			ks.next[i] = shget(ks.by_name, ks.functions[i].name);
			shput(ks.by_name, (char *)ks.functions[i].name, i + 1);
		}
	}
	return after == 0 ? shget(ks.by_name, name) : ks.next[after - 1];
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
	for (size_t i = named(name, 0); i; i = named(name, i))
		if (same_module(module, ks.functions[i - 1].module)) {
			found = found ? found : &ks.functions[i - 1];
			++*count;
		}
	return found;
}

bool ksyms_exported(const char *name)
{
	read_all();
	for (; arrlenu(ks.export_names); (void)arrpop(ks.export_names))
		shput(ks.exported, arrlast(ks.export_names), true);
	return shgeti(ks.exported, name) >= 0;
}

/* Is the word number `field` (0 or 1) of the line the name?  The line's end is at `end`. */
static bool line_has(const char *line, const char *end, int field, const char *name, size_t len)
{
	if (field) {
		line += strcspn(line, " \t\n");
		line += strspn(line, " \t");
	}
	return (size_t)(end - line) >= len && !memcmp(line, name, len) && strchr(" \t\n", line[len]);
}

static bool line_of(const struct name_set *set, int field, const char *name)
{
	size_t len = strlen(name);
	const char *end;

	for (const char *line = set->text; line && *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (line_has(line, end, field, name, len))
			return true;
	}
	return false;
}

static void make_table(struct name_set *set, int field)
{
	for (char *line = set->text, *end; line && *line; line = end) {
		char *word;

		end = strchrnul(line, '\n');
		if (*end)
			*end++ = '\0';
		word = take_word(&line);
		if (field)
			word = take_word(&line);
		if (word[0])
			shput(set->names, word, true);
	}
}

/* One name to a line, as field number `field` (0 or 1). */
static bool among(struct name_set *set, const char *path, int field, const char *name)
{
	if (!set->read) {
		set->read = true;
		set->text = read_text(path);
		set->known = set->text != NULL;
	}
	if (++set->lookups <= FEW)
		return line_of(set, field, name);
	if (set->lookups == FEW + 1)
		make_table(set, field);
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
	for (size_t i = named(name, 0); i; i = named(name, i))
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

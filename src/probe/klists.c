/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which functions the kernel lets be probed, by its lists in tracefs and debugfs.
 *
 * For a few names a list is searched as it is. For more, and for wild cards, what it says of the kernel proper is put
 * into the table of functions, which keeps it for later runs; names of modules get a hash table.
 */
#include "probe/klists.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ds.h"
#include "probe/ksyms.h"
#include "probe/ksymtable.h"
#include "probe/tracefs.h"

#define BLACKLIST	"/sys/kernel/debug/kprobes/blacklist"
#define FEW		16	/* searches that go through a list, before it is worth a table */
#define ENDBR_SIZE	4	/* what may be in front of the instruction that tracers replace */
#define CHUNK		(64 * 1024)

/* A list with a name to a line. */
struct name_list {
	enum ksym_flag flag;	/* what it says of functions */
	int field;		/* the word of a line that is the name: 0 or 1 */
	bool read, known;	/* known: it could be read */
	char *text;		/* stb_ds array, NUL-terminated; its words are keys of names once that is made */
	unsigned lookups;
	struct { char *key; bool value; } *names;	/* shmap */
};

static struct name_list traceable = { KSYM_TRACEABLE, 0 }, blacklist = { KSYM_REFUSED, 1 }, places = { KSYM_PLACE, 1 };

/* A whole file as an stb_ds array with a NUL behind it, or NULL. */
static char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	ssize_t n;

	if (fd < 0)
		return NULL;
	do {
		char *room = arraddnptr(text, CHUNK);

		n = read(fd, room, CHUNK);
		arrsetlen(text, arrlenu(text) - CHUNK + (size_t)(n > 0 ? n : 0));
	} while (n > 0);
	close(fd);
	arrput(text, '\0');
	return text;
}

static void read_list(struct name_list *list)
{
	const char *root = list->read || list == &blacklist ? NULL : tracefs_path();
	char path[PATH_MAX] = BLACKLIST;

	if (list->read)
		return;
	list->read = true;
	if (root)
		snprintf(path, sizeof(path), "%s/available_filter_functions%s", root, list == &places ? "_addrs" : "");
	list->text = root || list == &blacklist ? read_text(path) : NULL;
	list->known = list->text != NULL;
}

/* The word number `field` of the line at `line`; *len: its length, 0 if there is none. */
static char *word_of(char *line, int field, size_t *len)
{
	static const char blanks[] = " \t\n";

	if (field) {
		line += strcspn(line, blanks);
		line += *line != '\n' ? strspn(line, blanks) : 0;
	}
	*len = strcspn(line, blanks);
	return line;
}

static char *next_line(char *line)
{
	char *end = strchrnul(line, '\n');

	return *end ? end + 1 : end;
}

/* ---- all functions of the kernel at once ---- */

/* Whether a line of the places' list, "ADDRESS NAME", means the function. */
static bool means_place(const char *line, uint64_t addr)
{
	uint64_t listed = strtoull(line, NULL, 16);

	return listed == addr || listed == addr + ENDBR_SIZE;
}

/* The kernel names each place once, by any of its symbols, which are next to one another: what one is, all are. */
static void share_between_names(struct ksymtable *t, enum ksym_flag flag)
{
	size_t n = ksymtable_count(t), end;

	for (size_t i = 0; i < n; i = end) {
		bool any = false;

		for (end = i; end < n && ksymtable_at(t, end).addr == ksymtable_at(t, i).addr; end++)
			any = any || ksymtable_has(t, end, flag);
		for (size_t k = i; any && k < end && ksymtable_at(t, k).addr; k++)
			ksymtable_set(t, k, flag);
	}
}

/* Puts what a list says into the table. */
static void learn(struct name_list *list, struct ksymtable *t)
{
	for (char *line = list->text; line && *line; line = next_line(line)) {
		size_t len;
		char *word = word_of(line, list->field, &len), end = word[len];

		if (list != &blacklist && end == ' ' && word[len + 1] == '[')	/* of a module */
			continue;
		word[len] = '\0';
		for (size_t i = len ? ksymtable_named(t, word, 0) : 0; i; i = ksymtable_named(t, word, i))
			if (list != &places || means_place(line, ksymtable_at(t, i - 1).addr))
				ksymtable_set(t, i - 1, list->flag);
		word[len] = end;
	}
	if (list != &blacklist)
		share_between_names(t, list->flag);
	ksymtable_learned(t, list->flag);
}

/* Whether the table has what the list says, or has it from now on. */
static bool in_table(struct name_list *list, struct ksymtable *t)
{
	if (ksymtable_knows(t, list->flag))
		return true;
	if (++list->lookups <= FEW)
		return false;
	read_list(list);
	if (!list->known)
		return false;
	learn(list, t);
	return true;
}

void ksyms_expect_many(void)
{
	traceable.lookups = blacklist.lookups = places.lookups = FEW;
}

/* Whether any function of the name has the flag. */
static bool any_has(const struct ksymtable *t, const char *name, enum ksym_flag flag)
{
	for (size_t i = ksymtable_named(t, name, 0); i; i = ksymtable_named(t, name, i))
		if (ksymtable_has(t, i - 1, flag))
			return true;
	return false;
}

/* ---- one name ---- */

static bool line_of(const struct name_list *list, const char *name)
{
	size_t want = strlen(name), len;

	for (char *line = list->text; line && *line; line = next_line(line)) {
		const char *word = word_of(line, list->field, &len);

		if (len == want && !memcmp(word, name, len))
			return true;
	}
	return false;
}

static bool among(struct name_list *list, const char *name)
{
	read_list(list);
	if (++list->lookups <= FEW)
		return line_of(list, name);
	if (!list->names) {
		sh_new_strdup(list->names);
		for (char *line = list->text; line && *line; line = next_line(line)) {
			size_t len;
			const char *word = word_of(line, list->field, &len);

			if (len && len < 256)
				shput(list->names, strndupa(word, len), true);
		}
	}
	return shgeti(list->names, name) >= 0;
}

bool ksyms_blacklisted(const char *name)
{
	struct ksymtable *t = ksyms_table();

	if (ksymtable_named(t, name, 0) && in_table(&blacklist, t))
		return any_has(t, name, KSYM_REFUSED);
	return among(&blacklist, name);
}

static bool neighbour_traceable(const struct ksymtable *t, size_t i)
{
	uint64_t addr = ksymtable_at(t, i).addr;

	if (!addr)
		return false;
	while (i > 0 && ksymtable_at(t, i - 1).addr == addr)
		i--;
	for (; i < ksymtable_count(t) && ksymtable_at(t, i).addr == addr; i++)
		if (among(&traceable, ksymtable_at(t, i).name))
			return true;
	return false;
}

bool ksyms_traceable(const char *name)
{
	struct ksymtable *t = ksyms_table();
	size_t i = ksymtable_named(t, name, 0);

	if (i && in_table(&traceable, t))
		return any_has(t, name, KSYM_TRACEABLE);
	if (among(&traceable, name) || !traceable.known)
		return true;
	for (; i; i = ksymtable_named(t, name, i))
		if (neighbour_traceable(t, i - 1))
			return true;
	return false;
}

bool ksyms_place_traceable(const struct ksym *s)
{
	struct ksymtable *t = ksyms_table();
	size_t len;

	if (!s->addr)
		return true;
	if (!s->module && in_table(&places, t)) {
		for (size_t i = ksymtable_named(t, s->name, 0); i; i = ksymtable_named(t, s->name, i))
			if (ksymtable_at(t, i - 1).addr == s->addr)
				return ksymtable_has(t, i - 1, KSYM_PLACE);
		return true;
	}
	read_list(&places);
	for (char *line = places.text; line && *line; line = next_line(line)) {
		(void)word_of(line, 0, &len);
		if (len && means_place(line, s->addr))
			return true;
	}
	return !places.known;
}

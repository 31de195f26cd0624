/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of the names that library files define; see names.h. */
#include "lang/names.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/source.h"
#include "base/xalloc.h"

#define MAGIC		0x31656d616e706174ull	/* "tapname1" */
#define MAX_TABLE	(64u << 20)

/* Kinds that have names; the others come behind. */
#define NKINDS		SCAN_PROBE

struct names_header {
	uint64_t magic;
	uint32_t nfiles, texts;		/* `texts` bytes, the last of them 0 */
	uint32_t nnames[NKINDS];
};

struct names_file {
	uint64_t size;
	uint32_t path, unused;		/* offset in the texts */
};

struct names_entry {
	uint32_t text, file;
};

struct names {
	const struct names_header *header;
	const struct names_file *files;
	const struct names_entry *kinds[NKINDS];
	const char *texts;
	struct timespec written;
};

/* ---- making ---- */

struct made_name {
	enum scan_kind kind;
	uint32_t file, at;		/* at: where its text will be */
	char *text;
};

struct names_maker {
	struct made_name *names;
	struct made_file {
		char *path;
		uint64_t size;
	} *files;
};

struct names_maker *names_maker_create(void)
{
	return xcalloc(1, sizeof(struct names_maker));
}

void names_maker_destroy(struct names_maker *m)
{
	for (size_t i = 0; i < arrlenu(m->names); i++)
		free(m->names[i].text);
	for (size_t i = 0; i < arrlenu(m->files); i++)
		free(m->files[i].path);
	arrfree(m->names);
	arrfree(m->files);
	free(m);
}

static void add_name(void *ctx, enum scan_kind kind, const char *name, size_t len)
{
	struct names_maker *m = ctx;
	struct made_name n = {kind, (uint32_t)arrlenu(m->files) - 1, 0, NULL};

	if (kind >= NKINDS)
		return;
	n.text = xstrndup(name, len);
	arrput(m->names, n);
}

void names_maker_add(struct names_maker *m, const char *path, const struct source *src)
{
	struct made_file f = { xstrdup(path), src->len };

	arrput(m->files, f);
	parse_scan(src, add_name, m);
}

static int by_kind_and_text(const void *a, const void *b)
{
	const struct made_name *x = a, *y = b;
	int c = (int)x->kind - (int)y->kind;

	c = c ? c : strcmp(x->text, y->text);
	return c ? c : (x->file > y->file) - (x->file < y->file);
}

static uint32_t put_text(char **texts, const char *s)
{
	uint32_t at = (uint32_t)arrlenu(*texts);

	memcpy(arraddnptr(*texts, strlen(s) + 1), s, strlen(s) + 1);
	return at;
}

/* By their ends, so that behind a name come those that end like it, from the longest on. */
static int by_end(const void *a, const void *b)
{
	const char *x = (*(struct made_name *const *)a)->text, *y = (*(struct made_name *const *)b)->text;
	size_t i = strlen(x), k = strlen(y);

	while (i && k)
		if (x[--i] != y[--k])
			return (unsigned char)x[i] > (unsigned char)y[k] ? -1 : 1;
	return (i < k) - (i > k);
}

/* Puts the texts of all names; one that another ends with ("syscall.read", "nd_syscall.read") is put once. */
static void put_names(const struct names_maker *m, char **texts)
{
	size_t n = arrlenu(m->names);
	struct made_name **sorted = xcalloc(n + 1, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = &m->names[i];
	qsort(sorted, n, sizeof(*sorted), by_end);
	for (size_t i = 0; i < n; i++) {
		const struct made_name *before = i ? sorted[i - 1] : NULL;
		size_t len = strlen(sorted[i]->text), longer = before ? strlen(before->text) : 0;

		if (longer >= len && before && !strcmp(before->text + longer - len, sorted[i]->text))
			sorted[i]->at = before->at + (uint32_t)(longer - len);
		else
			sorted[i]->at = put_text(texts, sorted[i]->text);
	}
	free(sorted);
}

int names_maker_write(struct names_maker *m, FILE *out)
{
	struct names_header h = {.magic = MAGIC, .nfiles = (uint32_t)arrlenu(m->files)};
	struct names_file *files = NULL;
	struct names_entry *entries = NULL;
	char *texts = NULL;

	for (size_t i = 0; i < arrlenu(m->files); i++) {
		struct names_file f = {m->files[i].size, put_text(&texts, m->files[i].path), 0};

		arrput(files, f);
	}
	if (m->names)
		qsort(m->names, arrlenu(m->names), sizeof(*m->names), by_kind_and_text);
	put_names(m, &texts);
	for (size_t i = 0; i < arrlenu(m->names); i++) {
		const struct made_name *n = &m->names[i];
		bool again = i && n->kind == n[-1].kind && !strcmp(n->text, n[-1].text);

		if (again && n->file == n[-1].file)
			continue;
		arrput(entries, ((struct names_entry){n->at, n->file}));
		h.nnames[n->kind]++;
	}
	put_text(&texts, "");
	h.texts = (uint32_t)arrlenu(texts);
	fwrite(&h, sizeof(h), 1, out);
	if (files)
		fwrite(files, sizeof(*files), arrlenu(files), out);
	if (entries)
		fwrite(entries, sizeof(*entries), arrlenu(entries), out);
	fwrite(texts, 1, h.texts, out);
	arrfree(files);
	arrfree(entries);
	arrfree(texts);
	return fflush(out) || ferror(out) ? -1 : 0;
}

/* ---- reading ---- */

/* The whole file, or NULL. */
static void *read_table(struct arena *a, const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *data = NULL;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, st) && S_ISREG(st->st_mode) && st->st_size >= (off_t)sizeof(struct names_header) &&
	    st->st_size <= MAX_TABLE) {
		data = arena_alloc(a, (size_t)st->st_size);
		if (read(fd, data, (size_t)st->st_size) != st->st_size)
			data = NULL;
	}
	close(fd);
	return data;
}

/* Whether all offsets and file numbers are inside. */
static bool is_whole(const struct names *t)
{
	const struct names_header *h = t->header;

	for (uint32_t i = 0; i < h->nfiles; i++)
		if (t->files[i].path >= h->texts)
			return false;
	for (int k = 0; k < NKINDS; k++)
		for (uint32_t i = 0; i < h->nnames[k]; i++)
			if (t->kinds[k][i].text >= h->texts || t->kinds[k][i].file >= h->nfiles)
				return false;
	return h->texts && !t->texts[h->texts - 1];
}

struct names *names_read(struct arena *a, const char *path)
{
	struct names *t = arena_new(a, struct names);
	const struct names_entry *entries;
	uint64_t need = sizeof(*t->header);
	struct stat st;

	t->header = read_table(a, path, &st);
	if (!t->header || t->header->magic != MAGIC)
		return NULL;
	t->written = st.st_mtim;
	t->files = (const void *)(t->header + 1);
	entries = (const void *)(t->files + t->header->nfiles);
	need += (uint64_t)t->header->nfiles * sizeof(*t->files) + t->header->texts;
	for (int k = 0; k < NKINDS; k++) {
		t->kinds[k] = entries;
		entries += t->header->nnames[k];
		need += (uint64_t)t->header->nnames[k] * sizeof(*entries);
	}
	t->texts = (const void *)entries;
	return need == (uint64_t)st.st_size && is_whole(t) ? t : NULL;
}

size_t names_nfiles(const struct names *t)
{
	return t->header->nfiles;
}

static bool is_after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

int64_t names_find_file(const struct names *t, const char *path, const struct stat *st)
{
	for (uint32_t i = 0; i < t->header->nfiles; i++) {
		if (strcmp(t->texts + t->files[i].path, path) != 0)
			continue;
		if (t->files[i].size != (uint64_t)st->st_size || is_after(&st->st_mtim, &t->written))
			return -1;
		return i;
	}
	return -1;
}

size_t names_count(const struct names *t, enum scan_kind kind)
{
	return t->header->nnames[kind];
}

const char *names_at(const struct names *t, enum scan_kind kind, size_t i, uint32_t *file)
{
	const struct names_entry *e = &t->kinds[kind][i];

	*file = e->file;
	return t->texts + e->text;
}

size_t names_lower(const struct names *t, enum scan_kind kind, const char *name)
{
	size_t lo = 0, hi = t->header->nnames[kind];

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(t->texts + t->kinds[kind][mid].text, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

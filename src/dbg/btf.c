/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF -> neutral types.
 *
 * The type section is checked and indexed once (an offset per id); a type becomes a dbg_type
 * when it is asked for.  Split BTF (kernel modules) continues its base's ids and strings.
 */
#include "dbg/btf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ds.h"
#include "base/xalloc.h"
#include "dbg/btf_priv.h"

#define MAX_FILE (UINT64_C(512) << 20)
#define MAX_TAGS 32
#define USUAL_TYPE 24		/* bytes of a type in a kernel's BTF, for a start */

static const struct dbg_type_ops btf_type_ops;

/* ---- loading ---- */

/* Bytes that follow a type's fixed part; -1: unknown kind. */
static int64_t extra_bytes(const struct btf_type *t)
{
	uint32_t n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (int64_t)n * (int64_t)sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return (int64_t)n * (int64_t)sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return (int64_t)n * 12;
	case BTF_KIND_FUNC_PROTO:
		return (int64_t)n * (int64_t)sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return (int64_t)n * (int64_t)sizeof(struct btf_var_secinfo);
	case BTF_KIND_PTR: case BTF_KIND_FWD: case BTF_KIND_TYPEDEF: case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST: case BTF_KIND_RESTRICT: case BTF_KIND_FUNC: case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -1;
	}
}

static int index_types(struct btf_file *b, const char *path, struct dbg_error *e)
{
	struct dbg_cur c = cur_at(b->types, 0);

	arrsetcap(b->offset, b->types.len / USUAL_TYPE + 1);
	while (cur_left(&c) >= sizeof(struct btf_type)) {
		struct btf_type t;
		int64_t extra;

		arrput(b->offset, (uint32_t)(c.p - b->types.p));
		memcpy(&t, cur_take(&c, sizeof(t)), sizeof(t));
		extra = extra_bytes(&t);
		if (extra < 0 || !cur_skip(&c, (uint64_t)extra))
			return dbg_fail(e, DBG_ECORRUPT, "%s: corrupt BTF (type %zu)", path,
					(size_t)arrlen(b->offset));
	}
	return 0;
}

static int parse_header(struct btf_file *b, size_t len, const char *path, struct dbg_error *e)
{
	struct btf_header h;
	struct dbg_bytes body;

	if (len < sizeof(h))
		return dbg_fail(e, DBG_ECORRUPT, "%s: truncated BTF", path);
	memcpy(&h, b->data, sizeof(h));
	if (h.magic != BTF_MAGIC || h.version != 1 || h.hdr_len < sizeof(h) || h.hdr_len > len)
		return dbg_fail(e, DBG_ECORRUPT, "%s is not BTF", path);
	body = (struct dbg_bytes){ b->data + h.hdr_len, len - h.hdr_len };
	if (h.type_off > body.len || h.type_len > body.len - h.type_off || h.str_off > body.len ||
	    h.str_len > body.len - h.str_off)
		return dbg_fail(e, DBG_ECORRUPT, "%s: truncated BTF", path);
	b->types = (struct dbg_bytes){ body.p + h.type_off, h.type_len };
	b->strings = (struct dbg_bytes){ body.p + h.str_off, h.str_len };
	return index_types(b, path, e);
}

/* Maps a file of sysfs, which nobody can cut short; false where the kernel does not offer that. */
static bool map_file(struct btf_file *b, int fd, const struct stat *st)
{
	struct statfs fs;
	void *p;

	if (fstatfs(fd, &fs) || fs.f_type != SYSFS_MAGIC || st->st_size <= 0)
		return false;
	p = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	b->data = p;
	b->len = (size_t)st->st_size;
	b->mapped = true;
	return true;
}

/* Reads the file to its end. 0 or -errno. */
static int read_file(struct btf_file *b, int fd, size_t expected)
{
	size_t cap = expected + 1;
	ssize_t n;

	b->data = xmalloc(cap);
	while ((n = read(fd, b->data + b->len, cap - b->len)) != 0) {
		if (n < 0)
			return -errno;
		b->len += (size_t)n;
		if (b->len == cap && cap < MAX_FILE)
			b->data = xrealloc(b->data, cap *= 2);
	}
	return 0;
}

/* Replaces an ELF file by its section .BTF. */
static int take_section(struct btf_file *b, const char *path, struct dbg_error *e)
{
	struct elffile *elf = elffile_from_memory(path, b->data, b->len, e);
	struct dbg_bytes sect = elf ? elffile_named(elf, ".BTF") : (struct dbg_bytes){ 0 };

	b->data = NULL;
	if (!elf)
		return -1;
	if (sect.len) {
		b->data = xmalloc(sect.len);
		memcpy(b->data, sect.p, sect.len);
		b->len = sect.len;
	}
	elffile_close(elf);
	return sect.len ? 0 : dbg_fail(e, DBG_ENODEBUG, "%s has no BTF", path);
}

/* b->data: the whole file, or its section .BTF. */
static int load(struct btf_file *b, const char *path, struct dbg_error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = fd < 0 ? -errno : 0;
	struct stat st;

	if (!err && fstat(fd, &st))
		err = -errno;
	if (!err && st.st_size > (off_t)MAX_FILE)
		err = -EFBIG;
	if (!err && !map_file(b, fd, &st))
		err = read_file(b, fd, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (err)
		return dbg_fail(e, DBG_EUNREADABLE, "cannot open %s: %s", path, strerror(-err));
	return !b->mapped && b->len >= SELFMAG && !memcmp(b->data, ELFMAG, SELFMAG) ? take_section(b, path, e) : 0;
}

static void unload(struct btf_file *b)
{
	arrfree(b->offset);
	free(b->heads);
	free(b->next);
	if (b->mapped)
		munmap(b->data, b->len);
	else
		free(b->data);
	free(b);
}

static struct { char *key; struct dbg_module *value; } *open_btf;	/* path -> module */

struct dbg_module *dbg_btf_open(const char *path, struct dbg_module *base, struct dbg_error *e)
{
	struct dbg_module *m = shget(open_btf, path);
	struct btf_file *b;

	if (m)
		return m;
	b = xcalloc(1, sizeof(*b));
	if (load(b, path, e) || parse_header(b, b->len, path, e)) {
		unload(b);
		return NULL;
	}
	b->base = base;
	b->first_id = 1;
	if (base && base->btf) {
		b->first_id = base->btf->first_id + (uint32_t)arrlen(base->btf->offset);
		b->first_str = base->btf->first_str + (uint32_t)base->btf->strings.len;
	}
	m = module_new();
	m->btf = b;
	m->info.path = arena_strdup(m->arena, path);
	m->build_id_hex = arena_strdup(m->arena, "");
	shput(open_btf, m->info.path, m);
	return m;
}

struct dbg_module *dbg_btf_kernel(const char *name, struct dbg_error *e)
{
	struct dbg_module *base = NULL;
	char path[256];

	if (!*name || strchr(name, '/') || strlen(name) > 200) {
		dbg_fail(e, DBG_ENOENT, "no BTF for kernel module '%s'", name);
		return NULL;
	}
	if (strcmp(name, "vmlinux") != 0) {
		base = dbg_btf_kernel("vmlinux", e);
		if (!base)
			return NULL;
	}
	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", name);
	return dbg_btf_open(path, base, e);
}

struct dbg_module *dbg_btf_kernel_of_type(const char *type)
{
	struct dbg_error e;
	struct dbg_module *m = dbg_btf_kernel("vmlinux", &e), *found = m && dbg_type_find(m, type) ? m : NULL;
	DIR *dir = m && !found ? opendir("/sys/kernel/btf") : NULL;
	struct dirent *d;

	while (dir && !found && (d = readdir(dir))) {
		m = *d->d_name != '.' ? dbg_btf_kernel(d->d_name, &e) : NULL;
		found = m && dbg_type_find(m, type) ? m : NULL;
	}
	if (dir)
		closedir(dir);
	return found;
}

void btf_file_free(struct dbg_module *m)
{
	if (!m->btf)
		return;
	shdel(open_btf, m->info.path);
	if (!shlen(open_btf))
		shfree(open_btf);
	unload(m->btf);
}

/* ---- records ---- */

const char *btfrec_str(const struct dbg_module *m, uint32_t off)
{
	for (; m && m->btf; m = m->btf->base)
		if (off >= m->btf->first_str)
			return bytes_str(m->btf->strings, off - m->btf->first_str);
	return NULL;
}

const char *btfrec_name(const struct dbg_module *m, uint32_t off)
{
	const char *s = off ? btfrec_str(m, off) : NULL;

	return s && *s ? s : NULL;
}

struct dbg_module *btfrec_get(struct dbg_module *m, uint32_t id, struct rec *r)
{
	for (; m && m->btf; m = m->btf->base)
		if (id && id >= m->btf->first_id) {
			uint32_t i = id - m->btf->first_id;

			if (i >= (uint32_t)arrlen(m->btf->offset))
				return NULL;
			r->c = cur_at(m->btf->types, m->btf->offset[i]);
			memcpy(&r->t, cur_take(&r->c, sizeof(r->t)), sizeof(r->t));
			return m;
		}
	return NULL;
}

static void int_kind(struct dbg_type *t, struct rec *r)
{
	uint32_t info = cur_u32(&r->c), enc = BTF_INT_ENCODING(info);

	t->is_signed = (enc & BTF_INT_SIGNED) != 0;
	t->size = r->t.size;
	if (enc & BTF_INT_BOOL)
		t->kind = DBG_BOOL;
	else if ((enc & BTF_INT_CHAR) || (t->size == 1 && t->name && strstr(t->name, "char")))
		t->kind = DBG_CHAR;
	else
		t->kind = DBG_INT;
}

static void fill_type(struct dbg_type *t, struct rec *r)
{
	static const uint8_t kinds[] = {
		[BTF_KIND_PTR] = DBG_POINTER, [BTF_KIND_ARRAY] = DBG_ARRAY,
		[BTF_KIND_STRUCT] = DBG_STRUCT, [BTF_KIND_UNION] = DBG_UNION,
		[BTF_KIND_ENUM] = DBG_ENUM, [BTF_KIND_TYPEDEF] = DBG_TYPEDEF,
		[BTF_KIND_VOLATILE] = DBG_VOLATILE, [BTF_KIND_CONST] = DBG_CONST,
		[BTF_KIND_RESTRICT] = DBG_RESTRICT, [BTF_KIND_FUNC_PROTO] = DBG_FUNCTION,
		[BTF_KIND_FLOAT] = DBG_FLOAT, [BTF_KIND_ENUM64] = DBG_ENUM,
	};
	unsigned kind = BTF_INFO_KIND(r->t.info);

	t->kind = kind < sizeof(kinds) && kinds[kind] ? kinds[kind] : DBG_UNSPECIFIED;
	switch (kind) {
	case BTF_KIND_INT:
		int_kind(t, r);
		break;
	case BTF_KIND_PTR:
		t->size = 8;
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		t->is_signed = BTF_INFO_KFLAG(r->t.info);
		t->size = r->t.size;
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FLOAT:
		t->size = r->t.size;
		break;
	case BTF_KIND_FWD:
		t->kind = BTF_INFO_KFLAG(r->t.info) ? DBG_UNION : DBG_STRUCT;
		t->declaration = true;
		break;
	default:
		break;
	}
}

const struct dbg_type *btfrec_type(struct dbg_module *m, uint32_t id)
{
	struct dbg_module *owner;
	struct dbg_type *t;
	struct rec r;

	for (int i = 0; i < MAX_TAGS; i++) {
		owner = btfrec_get(m, id, &r);
		if (!owner)
			return module_void_type(m);
		if (BTF_INFO_KIND(r.t.info) != BTF_KIND_TYPE_TAG)
			break;
		id = r.t.type;
	}
	t = hmget(owner->types, (uint64_t)id);
	if (!t) {
		t = type_new(owner, DBG_UNSPECIFIED, &btf_type_ops, id);
		t->name = btfrec_name(owner, r.t.name_off);
		fill_type(t, &r);
		hmput(owner->types, (uint64_t)id, t);
	}
	return t;
}

/* ---- parts ---- */

static const struct dbg_type *bt_target(const struct dbg_type *t)
{
	struct rec r;
	struct dbg_module *m = btfrec_get(t->module, (uint32_t)t->ref, &r);

	if (!m)
		return NULL;
	switch (t->kind) {
	case DBG_ARRAY:
		return btfrec_type(m, cur_u32(&r.c));
	case DBG_POINTER: case DBG_TYPEDEF: case DBG_CONST: case DBG_VOLATILE: case DBG_RESTRICT:
	case DBG_FUNCTION:
		return btfrec_type(m, r.t.type);
	default:
		return NULL;
	}
}

static const struct dbg_member *bt_members(const struct dbg_type *t, size_t *n)
{
	struct dbg_type *w = (struct dbg_type *)t;
	struct rec r;
	struct dbg_module *m = btfrec_get(t->module, (uint32_t)t->ref, &r);
	struct dbg_member *list;

	*n = m && !t->declaration ? BTF_INFO_VLEN(r.t.info) : 0;
	if (!*n || t->lazy)
		return t->lazy;
	list = arena_new_array(m->arena, struct dbg_member, *n);
	for (size_t i = 0; i < *n; i++) {
		uint32_t off;

		list[i].name = btfrec_name(m, cur_u32(&r.c));
		list[i].type = btfrec_type(m, cur_u32(&r.c));
		off = cur_u32(&r.c);
		if (BTF_INFO_KFLAG(r.t.info)) {
			list[i].bit_size = BTF_MEMBER_BITFIELD_SIZE(off);
			off = BTF_MEMBER_BIT_OFFSET(off);
		}
		list[i].bit_offset = off;
	}
	w->lazy = list;
	return list;
}

static const struct dbg_enumerator *bt_enumerators(const struct dbg_type *t, size_t *n)
{
	struct dbg_type *w = (struct dbg_type *)t;
	struct rec r;
	struct dbg_module *m = btfrec_get(t->module, (uint32_t)t->ref, &r);
	struct dbg_enumerator *list;

	*n = m ? BTF_INFO_VLEN(r.t.info) : 0;
	if (!*n || t->lazy)
		return t->lazy;
	list = arena_new_array(m->arena, struct dbg_enumerator, *n);
	for (size_t i = 0; i < *n; i++) {
		const char *name = btfrec_name(m, cur_u32(&r.c));

		list[i].name = name ? name : "";
		if (BTF_INFO_KIND(r.t.info) == BTF_KIND_ENUM64)
			list[i].value = (int64_t)cur_u64(&r.c);
		else
			list[i].value = t->is_signed ? (int32_t)cur_u32(&r.c)
						     : (int64_t)cur_u32(&r.c);
	}
	w->lazy = list;
	return list;
}

static const struct dbg_param *bt_params(const struct dbg_type *t, size_t *n, bool *variadic)
{
	struct rec r;
	struct dbg_module *m = btfrec_get(t->module, (uint32_t)t->ref, &r);
	struct dbg_param *list;

	*n = m ? BTF_INFO_VLEN(r.t.info) : 0;
	if (!*n)
		return NULL;
	list = arena_new_array(m->arena, struct dbg_param, *n);
	for (size_t i = 0; i < *n; i++) {
		uint32_t name = cur_u32(&r.c), id = cur_u32(&r.c);

		list[i].name = btfrec_name(m, name);
		list[i].type = btfrec_type(m, id);
		if (i == *n - 1 && !name && !id) {	/* "..." */
			--*n;
			if (variadic)
				*variadic = true;
			break;
		}
	}
	return list;
}

static bool bt_count(const struct dbg_type *t, uint64_t *count)
{
	struct btf_array a;
	struct rec r;
	const uint8_t *p;

	if (!btfrec_get(t->module, (uint32_t)t->ref, &r) || !(p = cur_take(&r.c, sizeof(a))))
		return false;
	memcpy(&a, p, sizeof(a));
	*count = a.nelems;
	return true;
}

static const struct dbg_type_ops btf_type_ops = {
	.target = bt_target,
	.members = bt_members,
	.enumerators = bt_enumerators,
	.params = bt_params,
	.count = bt_count,
};

uint32_t dbg_btf_type_id(const struct dbg_type *t)
{
	return t->ops == &btf_type_ops ? (uint32_t)t->ref : 0;
}

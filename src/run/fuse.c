/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The FUSE protocol as far as files without storage need it: node 1 is the directory, the others are made of the paths
 * at the start and stay.  An open file keeps the contents that its first read made, so that the parts a reader asks
 * for belong together.
 */
#include "run/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"

#define MAX_WRITE	(64 * 1024)
#define REQUEST_ROOM	(MAX_WRITE + 4096)
#define DIRECTORY	((size_t)-1)	/* in place of a file's index */
#define NO_READER	((size_t)-1)

struct node {
	char *name;
	uint64_t parent;	/* number of its directory */
	size_t file;		/* index in the caller's list, or DIRECTORY */
	mode_t mode;
};

/* An open file. */
struct reader {
	bool used, made;
	char *text;
	size_t len;
};

struct run_fuse {
	int fd;
	char *dir;
	struct run_fuse_ops ops;
	struct node *nodes;	/* stb_ds array; number of the first: FUSE_ROOT_ID */
	struct reader *readers;	/* stb_ds array; the index is the handle */
	time_t made;
	char *request;		/* REQUEST_ROOM bytes */
};

static struct node *node_of(struct run_fuse *f, uint64_t number)
{
	return number >= FUSE_ROOT_ID && number - FUSE_ROOT_ID < arrlenu(f->nodes) ?
		&f->nodes[number - FUSE_ROOT_ID] : NULL;
}

/* The number of a name in a directory, 0: there is none. */
static uint64_t lookup(const struct run_fuse *f, uint64_t parent, const char *name, size_t len)
{
	for (size_t i = 1; i < arrlenu(f->nodes); i++)
		if (f->nodes[i].parent == parent && strlen(f->nodes[i].name) == len &&
		    !memcmp(f->nodes[i].name, name, len))
			return FUSE_ROOT_ID + i;
	return 0;
}

static void add_path(struct run_fuse *f, const char *path, size_t file, mode_t mode)
{
	uint64_t at = FUSE_ROOT_ID;

	while (*path) {
		size_t n = strcspn(path, "/");
		bool last = !path[n];
		uint64_t found = lookup(f, at, path, n);

		if (!found) {
			struct node made = { .name = xstrndup(path, n), .parent = at, .file = last ? file : DIRECTORY,
					     .mode = last ? S_IFREG | mode : S_IFDIR | 0555 };

			arrput(f->nodes, made);
			found = FUSE_ROOT_ID + arrlenu(f->nodes) - 1;
		}
		at = found;
		path += n + !last;
	}
}

/* ---- answers ---- */

/* A reader that was interrupted no longer waits, which is no error of ours. */
static void answer(struct run_fuse *f, const struct fuse_in_header *in, int err, const void *data, size_t len)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof(out) + (err ? 0 : len)), .error = err,
				       .unique = in->unique };
	struct iovec v[2] = { { &out, sizeof(out) }, { (void *)data, len } };

	while (writev(f->fd, v, err || !len ? 1 : 2) < 0 && errno == EINTR)
		;
}

static struct fuse_attr attributes(const struct run_fuse *f, uint64_t number)
{
	const struct node *n = &f->nodes[number - FUSE_ROOT_ID];

	return (struct fuse_attr){ .ino = number, .mode = n->mode, .nlink = S_ISDIR(n->mode) ? 2 : 1, .uid = geteuid(),
				   .gid = getegid(), .atime = (uint64_t)f->made, .mtime = (uint64_t)f->made,
				   .ctime = (uint64_t)f->made, .blksize = 4096 };
}

static void answer_init(struct run_fuse *f, const struct fuse_in_header *in)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
				     .flags = FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES, .max_write = MAX_WRITE,
				     .max_background = 16, .congestion_threshold = 12, .time_gran = 1 };

	answer(f, in, 0, &out, sizeof(out));
}

static void answer_lookup(struct run_fuse *f, const struct fuse_in_header *in, const char *name, size_t room)
{
	uint64_t number = lookup(f, in->nodeid, name, strnlen(name, room));
	struct fuse_entry_out out = { .nodeid = number };

	if (number)
		out.attr = attributes(f, number);
	answer(f, in, number ? 0 : -ENOENT, &out, sizeof(out));
}

static void answer_attributes(struct run_fuse *f, const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr = attributes(f, in->nodeid) };

	answer(f, in, 0, &out, sizeof(out));
}

static void answer_open(struct run_fuse *f, const struct fuse_in_header *in, bool directory)
{
	struct fuse_open_out out = { .fh = NO_READER, .open_flags = directory ? 0 : FOPEN_DIRECT_IO };

	for (size_t i = 0; !directory && i < arrlenu(f->readers) && out.fh == NO_READER; i++)
		if (!f->readers[i].used)
			out.fh = i;
	if (!directory && out.fh == NO_READER) {
		arrput(f->readers, (struct reader){ 0 });
		out.fh = arrlenu(f->readers) - 1;
	}
	if (!directory)
		f->readers[out.fh].used = true;
	answer(f, in, 0, &out, sizeof(out));
}

static void answer_release(struct run_fuse *f, const struct fuse_in_header *in, const struct fuse_release_in *arg)
{
	if (arg->fh < arrlenu(f->readers)) {
		free(f->readers[arg->fh].text);
		f->readers[arg->fh] = (struct reader){ 0 };
	}
	answer(f, in, 0, NULL, 0);
}

static void answer_read(struct run_fuse *f, const struct fuse_in_header *in, const struct fuse_read_in *arg)
{
	const struct node *n = node_of(f, in->nodeid);
	struct reader r;

	if (n->file == DIRECTORY || arg->fh >= arrlenu(f->readers)) {
		answer(f, in, -EIO, NULL, 0);
		return;
	}
	r = f->readers[arg->fh];
	if (!r.made || !arg->offset) {	/* from the start again: anew */
		free(r.text);
		r.text = f->ops.read(f->ops.ctx, n->file, (pid_t)in->pid, &r.len);
		r.made = r.text != NULL;
		f->readers[arg->fh] = r;
	}
	if (!r.made)
		answer(f, in, -EIO, NULL, 0);
	else if (arg->offset >= r.len)
		answer(f, in, 0, NULL, 0);
	else
		answer(f, in, 0, r.text + arg->offset,
		       r.len - arg->offset < arg->size ? r.len - arg->offset : arg->size);
}

static void answer_write(struct run_fuse *f, const struct fuse_in_header *in, const struct fuse_write_in *arg,
			 size_t room)
{
	const struct node *n = node_of(f, in->nodeid);
	struct fuse_write_out out = { .size = arg->size };
	int err = n->file == DIRECTORY || arg->size > room ? -EIO :
		f->ops.write(f->ops.ctx, n->file, (pid_t)in->pid, (const char *)(arg + 1), arg->size);

	answer(f, in, err, &out, sizeof(out));
}

/* Entries of a directory from number `offset` on; "." and ".." are not needed. */
static void answer_list(struct run_fuse *f, const struct fuse_in_header *in, const struct fuse_read_in *arg)
{
	char *list = NULL;

	for (size_t i = arg->offset + 1; i < arrlenu(f->nodes); i++) {
		const struct node *n = &f->nodes[i];
		size_t len = strlen(n->name), size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len);
		struct fuse_dirent d = { .ino = FUSE_ROOT_ID + i, .off = i, .namelen = (uint32_t)len,
					 .type = (n->mode & S_IFMT) >> 12 };
		char *to;

		if (n->parent != in->nodeid)
			continue;
		if (arrlenu(list) + size > arg->size)
			break;
		to = arraddnptr(list, size);
		memset(to, 0, size);
		memcpy(to, &d, FUSE_NAME_OFFSET);
		memcpy(to + FUSE_NAME_OFFSET, n->name, len);
	}
	answer(f, in, 0, list, arrlenu(list));
	arrfree(list);
}

/* One request of `len` bytes behind its header. */
static void serve(struct run_fuse *f, const struct fuse_in_header *in, const void *arg, size_t len)
{
	static const size_t least[] = {
		[FUSE_LOOKUP] = 1, [FUSE_READ] = sizeof(struct fuse_read_in),
		[FUSE_WRITE] = sizeof(struct fuse_write_in),
		[FUSE_READDIR] = sizeof(struct fuse_read_in), [FUSE_RELEASE] = sizeof(struct fuse_release_in),
	};

	if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET || in->opcode == FUSE_INTERRUPT)
		return;		/* want no answer */
	if (in->opcode == FUSE_INIT) {
		answer_init(f, in);
		return;
	}
	if (!node_of(f, in->nodeid) || (in->opcode < sizeof(least) / sizeof(least[0]) && len < least[in->opcode])) {
		answer(f, in, -EINVAL, NULL, 0);
		return;
	}
	switch (in->opcode) {
	case FUSE_LOOKUP:
		answer_lookup(f, in, arg, len);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:	/* what is written is not kept, so truncating does nothing */
		answer_attributes(f, in);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer_open(f, in, in->opcode == FUSE_OPENDIR);
		break;
	case FUSE_READ:
		answer_read(f, in, arg);
		break;
	case FUSE_WRITE:
		answer_write(f, in, arg, len - sizeof(struct fuse_write_in));
		break;
	case FUSE_READDIR:
		answer_list(f, in, arg);
		break;
	case FUSE_RELEASE:
		answer_release(f, in, arg);
		break;
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_DESTROY:
		answer(f, in, 0, NULL, 0);
		break;
	default:
		answer(f, in, -ENOSYS, NULL, 0);
	}
}

void run_fuse_serve(struct run_fuse *f)
{
	for (;;) {
		ssize_t n = read(f->fd, f->request, REQUEST_ROOM);
		struct fuse_in_header in;

		if (n < 0 && (errno == EINTR || errno == ENOENT))	/* ENOENT: it was interrupted meanwhile */
			continue;
		if (n < (ssize_t)sizeof(in))
			return;
		memcpy(&in, f->request, sizeof(in));
		serve(f, &in, f->request + sizeof(in), (size_t)n - sizeof(in));
	}
}

int run_fuse_fd(const struct run_fuse *f)
{
	return f->fd;
}

struct run_fuse *run_fuse_mount(const char *dir, const struct run_fuse_file *files, size_t n,
				const struct run_fuse_ops *ops, int *err)
{
	struct run_fuse *f = xcalloc(1, sizeof(*f));
	char options[128];

	f->ops = *ops;
	f->made = time(NULL);
	f->request = xmalloc(REQUEST_ROOM);
	f->dir = xstrdup(dir);
	f->fd = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	arrput(f->nodes, ((struct node){ .name = xstrdup(""), .file = DIRECTORY, .mode = S_IFDIR | 0555 }));
	for (size_t i = 0; i < n; i++)
		add_path(f, files[i].path, i, files[i].mode);
	snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=%u,group_id=%u,default_permissions,allow_other",
		 f->fd, S_IFDIR | 0555, (unsigned)geteuid(), (unsigned)getegid());
	if (f->fd >= 0 && !mount("bpftap", dir, "fuse", MS_NOSUID | MS_NODEV | MS_NOEXEC, options))
		return f;
	*err = -errno;
	free(f->dir);
	f->dir = NULL;
	run_fuse_unmount(f);
	return NULL;
}

void run_fuse_unmount(struct run_fuse *f)
{
	if (!f)
		return;
	if (f->dir)
		umount2(f->dir, MNT_DETACH);
	if (f->fd >= 0)
		close(f->fd);
	for (size_t i = 0; i < arrlenu(f->nodes); i++)
		free(f->nodes[i].name);
	for (size_t i = 0; i < arrlenu(f->readers); i++)
		free(f->readers[i].text);
	arrfree(f->nodes);
	arrfree(f->readers);
	free(f->request);
	free(f->dir);
	free(f);
}

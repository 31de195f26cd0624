/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small file system of files whose contents are made when they are read, and taken as they are written: the
 * kernel's FUSE protocol over /dev/fuse.  One request after another, in the caller's loop.
 */
#ifndef RUN_FUSE_H
#define RUN_FUSE_H

#include <stddef.h>
#include <sys/types.h>

struct run_fuse;

struct run_fuse_file {
	const char *path;	/* relative, names with slashes between; outlives the file system */
	mode_t mode;		/* permissions */
};

struct run_fuse_ops {
	/* Contents for one reader (a thread), from its first read on: malloc'ed, *len bytes; NULL: an I/O error. */
	char *(*read)(void *ctx, size_t file, pid_t who, size_t *len);
	/* What one write(2) brings: 0 or -errno. */
	int (*write)(void *ctx, size_t file, pid_t who, const char *text, size_t len);
	void *ctx;
};

/* Mounts on `dir`, which must exist; NULL and *err, -errno. */
struct run_fuse *run_fuse_mount(const char *dir, const struct run_fuse_file *files, size_t n,
				const struct run_fuse_ops *ops, int *err);
/* To be polled for reading. */
int run_fuse_fd(const struct run_fuse *f);
/* Answers all requests there are. */
void run_fuse_serve(struct run_fuse *f);
/* Whoever still reads or writes gets an error.  NULL: nothing. */
void run_fuse_unmount(struct run_fuse *f);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * procfs and input probes.  Files of procfs("PATH") lie in RUN_FILES_DIR/SESSION, served by FUSE: a read runs the
 * .read handlers of the file, whose $value is the contents, and each write runs the .write handlers.
 */
#include "run/files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"
#include "run/fuse.h"
#include "run/priv.h"
#include "run/stop.h"

struct run_files {
	struct run_fuse *fuse;		/* NULL: no files */
	struct run_fuse_file *files;	/* stb_ds array */
	char *dir;
	bool input;			/* standard input is read */
	bool raw;			/* and is a terminal, which was set otherwise before */
	struct termios saved;
	struct out_buf line;		/* of input, so far */
	struct out_buf value;		/* $value, always with a NUL behind it */
	size_t most;			/* bytes that it may have */
};

static void set_value(struct run_files *f, const char *text, size_t len, size_t most)
{
	f->most = most;
	f->value.len = 0;
	out_buf_add(&f->value, text, len < most ? len : most);
	out_buf_pad(&f->value, 0, 1);
}

const char *run_files_value(void *session)
{
	const struct run_session *s = session;

	return s->files && s->files->value.len ? s->files->value.p : "";
}

void run_files_value_set(void *session, const char *text, bool append)
{
	struct run_session *s = session;
	struct run_files *f = s->files;
	size_t have, n = strlen(text);

	if (!f)
		return;
	have = append && f->value.len ? f->value.len - 1 : 0;
	if (n > f->most - have)
		n = f->most - have;
	f->value.len = have;
	out_buf_add(&f->value, text, n);
	out_buf_pad(&f->value, 0, 1);
}

/* ---- files ---- */

/* The next point from `i` on that reads or writes the file, SIZE_MAX: none. */
static size_t next_point(const struct run_session *s, size_t i, size_t file, bool write)
{
	for (; i < arrlenu(s->prog->points); i++) {
		const struct prog_point *p = &s->prog->points[i];

		if (p->kind == POINT_FILE && p->file.write == write && !strcmp(p->name, s->files->files[file].path))
			return i;
	}
	return SIZE_MAX;
}

/* Runs the point for the thread that reads or writes. */
static void run_point_for(struct run_session *s, size_t point, pid_t who)
{
	const struct interp_subject subject = { .pid = who, .tid = who };

	if (s->state != RUN_RUNNING)
		return;
	s->env.subject = &subject;
	run_user_point(s, (uint32_t)point);
	s->env.subject = NULL;
}

static char *read_file(void *ctx, size_t file, pid_t who, size_t *len)
{
	struct run_session *s = ctx;
	struct run_files *f = s->files;
	size_t most = 0;
	char *text;

	for (size_t i = next_point(s, 0, file, false); i != SIZE_MAX; i = next_point(s, i + 1, file, false)) {
		const struct prog_point *p = &s->prog->points[i];
		size_t size = p->file.size ? p->file.size : s->prog->limits.maxstringlen - 1;

		most = size > most ? size : most;
	}
	if (!most)
		return NULL;
	set_value(f, "", 0, most);
	for (size_t i = next_point(s, 0, file, false); i != SIZE_MAX; i = next_point(s, i + 1, file, false))
		run_point_for(s, i, who);
	*len = f->value.len - 1;
	text = xmalloc(f->value.len);
	memcpy(text, f->value.p, f->value.len);
	return text;
}

static int write_file(void *ctx, size_t file, pid_t who, const char *text, size_t len)
{
	struct run_session *s = ctx;
	size_t i = next_point(s, 0, file, true);

	if (i == SIZE_MAX)
		return -EIO;
	for (; i != SIZE_MAX; i = next_point(s, i + 1, file, true)) {
		set_value(s->files, text, len, s->prog->limits.maxstringlen - 1);
		run_point_for(s, i, who);
	}
	return 0;
}

/* The files of all points, each once, with the permissions of its reads and writes. */
static struct run_fuse_file *files_of(const struct program *prog)
{
	struct run_fuse_file *list = NULL;

	for (size_t i = 0; i < arrlenu(prog->points); i++) {
		const struct prog_point *p = &prog->points[i];
		mode_t mode = (p->file.write ? 0222 : 0444) & ~p->file.umask;
		size_t k = 0;

		if (p->kind != POINT_FILE)
			continue;
		while (k < arrlenu(list) && strcmp(list[k].path, p->name))
			k++;
		if (k < arrlenu(list))
			list[k].mode |= mode;
		else
			arrput(list, ((struct run_fuse_file){ p->name, mode }));
	}
	return list;
}

/* Takes away what sessions left that were killed. */
static void clean_up(void)
{
	DIR *d = opendir(RUN_FILES_DIR);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[PATH_MAX];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", RUN_FILES_DIR, e->d_name);
		if (e->d_name[0] != '.' && stat(path, &st) && errno == ENOTCONN && !umount2(path, MNT_DETACH))
			rmdir(path);
	}
	if (d)
		closedir(d);
}

static int start_files(struct run_session *s)
{
	const struct run_fuse_ops ops = { read_file, write_file, s };
	struct run_files *f = s->files;
	int err = 0;

	f->dir = s->opt.name ? xasprintf("%s/%s", RUN_FILES_DIR, s->opt.name) :
		 xasprintf("%s/stap_%x_%x", RUN_FILES_DIR, (unsigned)getpid(), (unsigned)getpid());
	mkdir(RUN_FILES_DIR, 0755);
	clean_up();
	if (mkdir(f->dir, 0755))
		err = -errno;
	else
		f->fuse = run_fuse_mount(f->dir, f->files, arrlenu(f->files), &ops, &err);
	if (f->fuse) {
		run_warn(s, "the files of procfs probes are in %s, not in /proc/systemtap", f->dir);
		return 0;
	}
	rmdir(f->dir);
	run_error(s, "cannot serve the files of procfs probes in %s: %s%s", f->dir, strerror(-err),
		  err == -ENODEV || err == -ENOENT || err == -ENXIO ? " (the kernel's module fuse is needed)" : "");
	return -1;
}

/* ---- standard input ---- */

static struct run_files *volatile leaving;	/* of the session that a second signal may end */

/* As run_files_stop(), but for memory. */
static void leave_at_once(void)
{
	const struct run_files *f = leaving;

	if (f && f->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &f->saved);
	if (f && f->fuse && !umount2(f->dir, MNT_DETACH))
		rmdir(f->dir);
}

/* Characters as they are typed, shown by the script if it likes. */
static void set_terminal(struct run_files *f)
{
	struct termios t;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &f->saved))
		return;
	t = f->saved;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	f->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void take_char(struct run_session *s, char c)
{
	struct run_files *f = s->files;
	size_t most = s->prog->limits.maxstringlen - 1;

	if (f->line.len < most)
		out_buf_pad(&f->line, c, 1);
	for (uint32_t i = 0; i < arrlenu(s->prog->points) && s->state == RUN_RUNNING; i++) {
		const struct prog_point *p = &s->prog->points[i];

		if (p->kind != POINT_INPUT || (p->file.lines && c != '\n'))
			continue;
		set_value(f, p->file.lines ? f->line.p : &c, p->file.lines ? f->line.len : 1, most);
		run_user_point(s, i);
	}
	if (c == '\n')
		f->line.len = 0;
}

static void take_input(struct run_session *s)
{
	char text[256];
	ssize_t n = read(STDIN_FILENO, text, sizeof(text));

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		s->files->input = false;
	for (ssize_t i = 0; i < n; i++)
		take_char(s, text[i]);
}

/* ---- the session's ---- */

int run_files_start(struct run_session *s)
{
	struct run_fuse_file *files = files_of(s->prog);
	bool input = false;

	for (size_t i = 0; i < arrlenu(s->prog->points); i++)
		input |= s->prog->points[i].kind == POINT_INPUT;
	if (!arrlenu(files) && !input)
		return 0;
	s->files = xcalloc(1, sizeof(*s->files));
	s->files->files = files;
	s->files->input = input;
	leaving = s->files;
	run_stop_last(leave_at_once);
	if (input)
		set_terminal(s->files);
	return arrlenu(files) ? start_files(s) : 0;
}

void run_files_poll(const struct run_session *s, struct pollfd fds[RUN_FILES_FDS])
{
	const struct run_files *f = s->files;

	fds[0] = (struct pollfd){ .fd = f->fuse ? run_fuse_fd(f->fuse) : -1, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = f->input ? STDIN_FILENO : -1, .events = POLLIN };
}

void run_files_serve(struct run_session *s, const struct pollfd fds[RUN_FILES_FDS])
{
	if (fds[0].revents)
		run_fuse_serve(s->files->fuse);
	if (fds[1].revents)
		take_input(s);
}

void run_files_stop(struct run_session *s)
{
	struct run_files *f = s->files;

	if (!f)
		return;
	run_stop_last(NULL);
	leaving = NULL;
	if (f->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &f->saved);
	run_fuse_unmount(f->fuse);
	if (f->fuse)
		rmdir(f->dir);
	arrfree(f->files);
	out_buf_free(&f->line);
	out_buf_free(&f->value);
	free(f->dir);
	free(f);
	s->files = NULL;
}

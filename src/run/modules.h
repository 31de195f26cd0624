/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules that come and go while the session runs. */
#ifndef RUN_MODULES_H
#define RUN_MODULES_H

struct run_session;

/* Begins to listen, if the script has points in modules: a descriptor to be polled for input and closed, else -1. */
int run_modules_open(const struct run_session *s);
/* The descriptor is readable: warns of what concerns the script's points. */
void run_modules_read(struct run_session *s, int fd);

#endif

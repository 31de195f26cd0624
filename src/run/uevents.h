/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel announces while the session runs: modules that come and go, processors that come online. */
#ifndef RUN_UEVENTS_H
#define RUN_UEVENTS_H

struct run_session;

/* Begins to listen, if anything concerns the session: a descriptor to be polled for input and closed, else -1. */
int run_uevents_open(const struct run_session *s);
/* The descriptor is readable: hands out what is there. */
void run_uevents_read(struct run_session *s, int fd);

#endif

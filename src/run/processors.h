/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processors that come online while the session runs. */
#ifndef RUN_PROCESSORS_H
#define RUN_PROCESSORS_H

#include <stdbool.h>

struct run_session;

/* Does the session have events that are one for each processor? */
bool run_processors_wanted(const struct run_session *s);
/* The processor of that number, as text, is online from now on: points and tables that look at each get its events. */
void run_processor_online(struct run_session *s, const char *number);

#endif

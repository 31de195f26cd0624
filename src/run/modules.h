/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel modules that come and go while the session runs. */
#ifndef RUN_MODULES_H
#define RUN_MODULES_H

#include <stdbool.h>

struct run_session;

/* Does the script have points in modules? */
bool run_modules_wanted(const struct run_session *s);
/* A module came, or went: warns if that concerns the script's points. */
void run_module_added(struct run_session *s, const char *module);
void run_module_removed(struct run_session *s, const char *module);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where deferred text may get to. */
#ifndef INTERP_SUSPECT_H
#define INTERP_SUSPECT_H

#include "ir/ir.h"

/* By global: is it an array that may hold deferred text?  The caller frees both. */
bool *interp_suspects(const struct ir_module *m);
/* By global: is an element of it ever assigned to, not only added to? */
bool *interp_assigned(const struct ir_module *m);

#endif

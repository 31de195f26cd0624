/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The globals as the user engine should see them: deferred text (ir/wire.h) that kernel handlers put into the keys of
 * arrays is expanded, and elements whose keys are then equal are one: counts are added, statistics
 * merged, of other values the newest element's counts.
 */
#ifndef INTERP_PLAINSTORE_H
#define INTERP_PLAINSTORE_H

#include "ir/store.h"
#include "out/format.h"

/* May any array hold deferred text?  Otherwise the view is not worth its while. */
bool plainstore_wanted(const struct ir_module *m);
/* A view of `inner`, which stays the caller's; both must outlive it, and what `defer` refers to. */
struct ir_store *plainstore_create(struct ir_store *inner, const struct out_defer *defer);
/* A handler of the process has ended: what kernel handlers change from now on is to be seen. */
void plainstore_forget(struct ir_store *view);

#endif

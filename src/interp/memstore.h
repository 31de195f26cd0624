/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store of globals in this process's memory: for scripts without kernel handlers. */
#ifndef INTERP_MEMSTORE_H
#define INTERP_MEMSTORE_H

#include "ir/store.h"

/* Globals start with their initial values.  Released with ops->destroy. */
struct ir_store *memstore_create(const struct ir_module *m);

#endif

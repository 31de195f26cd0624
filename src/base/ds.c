/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one instance of the stb_ds containers; out of memory aborts. */
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include "base/xalloc.h"
#define STBDS_REALLOC(context, p, size) xrealloc(p, size)
#define STBDS_FREE(context, p) free(p)
#define STB_DS_IMPLEMENTATION
#include "base/ds.h"

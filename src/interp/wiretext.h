/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of which kernel handlers sent only the values (enum wire_text), made by the routines that the handlers would
 * have used.
 */
#ifndef INTERP_WIRETEXT_H
#define INTERP_WIRETEXT_H

#include "ir/program.h"
#include "out/format.h"

struct wiretext;

/* The program must outlive it. */
struct wiretext *wiretext_create(const struct program *p);
void wiretext_destroy(struct wiretext *w);	/* NULL: nothing */
/* The point of the record whose texts are made next; what expands deferred text in them, may be NULL. */
void wiretext_begin(struct wiretext *w, uint32_t point, const struct out_defer *d);
/* The `make` hook of struct out_defer; maker is the struct wiretext.  What makes no sense gives nothing. */
void wiretext_make(void *maker, uint32_t what, const void *data, size_t len, struct out_buf *b);
/* Texts that had to be cut so far. */
uint64_t wiretext_truncated(const struct wiretext *w);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers: stb_ds (arrput, hmput, shput ...); the implementation is in ds.c. */
#ifndef BASE_DS_H
#define BASE_DS_H

#include <stdlib.h>
#include <stb/stb_ds.h>

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one instance of the stb_ds containers. */
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#define STB_DS_IMPLEMENTATION
#include "base/ds.h"

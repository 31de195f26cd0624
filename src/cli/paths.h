/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things are: the tapset, the cache of built objects. */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

struct arena;
struct cli_options;

/* Directories of the tapset in order of search; stb_ds array, memory of the arena. */
const char **cli_tapset_dirs(struct arena *a, const struct cli_options *o);
/* Path of the example NAME, which is beside the tapset. */
const char *cli_example_path(struct arena *a, const char *name);
/* The cache directory, created if need be; NULL if it cannot be.  Memory of the arena. */
const char *cli_cache_dir(struct arena *a);
/* The same directory, which may not exist yet. */
const char *cli_cache_path(struct arena *a);
/* Removes objects that were not used for a while; 0 or an exit status. */
int cli_cache_clean(struct arena *a);

#endif

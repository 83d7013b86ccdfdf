/* SPDX-License-Identifier: Apache-2.0 */
/* One call of `usrun do`, as its files share it: the command line, and the request built from
 * it. */
#pragma once

#include "src/cmd/cmd.h"
#include "src/cmd/do_guards.h"
#include "src/state/store.h"

struct do_options {
	struct option_list paths, share, env, devices, caps, ulimits, unprotect, publish;
	const char *home, *workdir, *net, *memory, *cpus, *pids, *timeout, *name, *hostname,
		*seccomp, *layer_size, *overlay, *changes, *apply, *rootfs;
	int tty, no_tty; /* 1, -1: the opposite; 0: not given */
	bool root, keep_groups, detach, print_config, no_init, nested, host_loopback, metadata;
};

struct do_parts { /* of one call */
	struct arena *arena;
	const struct do_options *o;
	struct machine machine;
	struct store *store;
	const char *states[1 + STORE_USUAL];
	struct do_request q;
	struct do_guards guards;
	struct err unserved;    /* why there is no fuse-overlayfs */
	const uint32_t *groups; /* the user's groups that are unmapped inside */
	size_t n_groups;
	const char **notes; /* lines on what may surprise the user */
	size_t n_notes, cap_notes;
	struct do_shared { /* by --share */
		struct do_path *paths;
		size_t n_paths, cap_paths;
		const char **env; /* words for do_env() */
		size_t n_env, cap_env;
	} shared;
};

/* Resolves a name of --share in this session. */
int do_share_find(struct do_parts *p, const char *name, struct err *err) MUST_CHECK;

extern const struct option do_options[];

/* Paths of --rw, --ro, --hide, --scratch and --volume, and what is guarded in them. */
int do_find_paths(struct do_parts *p, struct err *err) MUST_CHECK;

/* What is hidden, and which parts of the home directory are shown, by default. */
int do_find_defaults(struct do_parts *p, struct err *err) MUST_CHECK;

/* Decides what becomes a copy, and how, depending on the owners of its files. Groups and
 * fuse-overlayfs come before the paths; the rest, which nobody named, after them. */
void do_copies_find(struct do_parts *p);
int do_copies_choose(struct do_parts *p, const char *word, struct do_path *path,
		     struct err *err) MUST_CHECK;
void do_copies_rest(struct do_parts *p);

int do_find_devices(struct do_parts *p, struct err *err) MUST_CHECK;

/* Checks that the options make sense together. */
int do_check(const struct do_options *o, struct err *err) MUST_CHECK;

/* The given options that --print-config loses, as a list in words; NULL: none. */
const char *do_check_printed(struct arena *arena, const struct do_options *o);

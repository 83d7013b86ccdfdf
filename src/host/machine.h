/* SPDX-License-Identifier: Apache-2.0 */
/* This machine's files and this user, as far as `usrun do` shows them. Gathered once, const
 * afterwards. */
#pragma once

#include "src/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum machine_kind { MACHINE_MISSING, MACHINE_DIRECTORY, MACHINE_FILE, MACHINE_LINK };

struct machine_entry {
	const char *path; /* absolute */
	enum machine_kind kind;
};

struct machine {
	const struct machine_entry *entries; /* in /, by name */
	size_t n_entries;
	/* Automount points: accessing one may block for ever. */
	const char *const *automounts;
	size_t n_automounts;
	/* /etc/resolv.conf: each link on the way, then the file, or where it would be. */
	struct machine_entry resolver[8];
	size_t n_resolver;
	const char *resolver_real; /* the file with links resolved; NULL: none */
	uint32_t uid, gid, umask;
	const char *cwd;         /* absolute; NULL: removed or unreachable */
	const char *home;        /* $HOME, resolved; NULL: none */
	const char *passwd_home; /* from /etc/passwd, resolved; NULL: none, or the same */
	const char *shell;       /* $SHELL, the one in /etc/passwd, or /bin/sh */
	const char *arch;        /* machine of uname(2), such as "x86_64" */
	const char *cwd_group;   /* its group as a number; NULL: the user's own */
	bool cwd_own;            /* the user owns it */
	bool cwd_mixed; /* overlays of it are served, because files in it have other groups */
	bool home_there, passwd_home_there, has_var_tmp;
};

int machine_gather(struct arena *arena, struct machine *ret, struct err *err) MUST_CHECK;

/* The type of an absolute path, and in *ret_real the path with links resolved. Never
 * MACHINE_LINK. */
enum machine_kind machine_find(struct arena *arena, const char *path, const char **ret_real);

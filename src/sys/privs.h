/* SPDX-License-Identifier: Apache-2.0 */
/* Ids, capability sets and similar attributes of the calling process. */
#pragma once

#include "src/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Kills this process when its parent ends. The kernel clears this whenever the ids change, so set
 * it again afterwards. Returns -ESRCH if the parent had already ended, in which case no signal
 * would come. parent: its pid, from getpid(2) before the clone; 0 in a pid namespace where it has
 * none, if the caller checks for its end through a descriptor afterwards. */
int privs_die_with_parent(pid_t parent, struct err *err) MUST_CHECK;
int privs_outlive_parent(struct err *err) MUST_CHECK;

/* Set the real, effective and saved ids. */
int privs_set_gid(uint32_t gid, struct err *err) MUST_CHECK;
int privs_set_uid(uint32_t uid, struct err *err) MUST_CHECK;
/* Become root of the user namespace that was just entered. Where that maps no root, the ids stay as
 * they are: the capabilities in it must suffice. */
int privs_become_root(struct err *err) MUST_CHECK;
int privs_set_groups(const uint32_t *groups, size_t n, struct err *err) MUST_CHECK;

/* From here on setresuid(2) and setresgid(2) succeed and change nothing, even in executed programs.
 * Needs CAP_SYS_ADMIN or no_new_privs. */
int privs_pretend_ids(struct err *err) MUST_CHECK;

/* Drops everything not in keep from the bounding set. Needs CAP_SETPCAP. */
int privs_drop_bounding(uint64_t keep, struct err *err) MUST_CHECK;

/* Keeps permitted capabilities when the uid changes. */
int privs_keep_caps(struct err *err) MUST_CHECK;

int privs_set_caps(uint64_t permitted, uint64_t effective, uint64_t inheritable,
		   struct err *err) MUST_CHECK;

/* Raises these ambient capabilities and clears all others. */
int privs_set_ambient(uint64_t ambient, struct err *err) MUST_CHECK;

uint64_t privs_effective(void); /* bit n: capability n */
uint64_t privs_bounding(void);

int privs_set_no_new_privs(struct err *err) MUST_CHECK;
void privs_set_dumpable(bool dumpable);

/* The effective uid, which owns our files. Never used to decide about privileges. */
uint32_t privs_uid(void);

/* prlimit(2). pid 0 is this process; wanted and ret_now may be NULL. 0 or -errno. */
int privs_limit(pid_t pid, int resource, const struct rlimit *wanted, struct rlimit *ret_now);

/* Joins a new session keyring (keyctl(2)). 0 or -errno. */
int privs_join_keyring(const char *name);

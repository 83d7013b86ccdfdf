/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the maps of a new user namespace in the way that was planned. */
#pragma once

#include "userns/idmap.h"

#include <sys/types.h>

enum idmap_writer {
	IDMAP_WRITER_SELF,   /* with CAP_SETUID and CAP_SETGID in the caller's namespace */
	IDMAP_WRITER_SINGLE, /* one own id each, setgroups denied (CVE-2014-8989, CVE-2018-7169) */
	IDMAP_WRITER_HELPER, /* newuidmap and newgidmap, both at once */
};

struct idmap_write {
	enum idmap_writer writer;
	struct idmap uid, gid;
	const char *newuidmap, *newgidmap; /* absolute paths, for IDMAP_WRITER_HELPER */
};

/* Writes the maps of process pid, which waits in the new namespace. Helpers take any number of
 * ranges. A failure names the known cause (helper without setuid bit and file capabilities, or on a
 * nosuid mount, no_new_privs, ids not in /etc/subuid, overlap, /proc read-only, child gone) and
 * hints at what to do. */
int idmap_write(const struct idmap_write *write, pid_t pid, struct err *err) MUST_CHECK;

/* Returns a descriptor for a user namespace that exists only for these maps, which is how the
 * kernel takes the id mapping of a mount. The process that held it is gone by then; had we died, it
 * would have exited, too. */
int idmap_write_fd(const struct idmap_write *write, struct err *err) MUST_CHECK;

/* idmap_explain.c finds out why a map could not be written. The kernel returns EPERM or EINVAL for
 * a dozen mistakes, and newuidmap prints the same line for five of them and nothing at all for a
 * sixth, so we look for ourselves. Slow, and called only after a failure. */

enum idmap_explain_which { IDMAP_EXPLAIN_UID, IDMAP_EXPLAIN_GID };

/* Explains why write(2) to /proc/PID/<file> failed with error. Fills err; returns its negative
 * code. */
int idmap_explain_direct(const struct idmap_write *write, pid_t pid, const char *file, int error,
			 struct err *err);

/* How newuidmap or newgidmap ended. */
struct idmap_explain_end {
	enum idmap_explain_which which;
	int exec_error; /* errno if it could not be started; or 0 */
	bool timed_out;
	int status;        /* from waitpid(2) */
	const char *words; /* its output, may be empty */
};
int idmap_explain_helper(const struct idmap_write *write, pid_t pid,
			 const struct idmap_explain_end *end, struct err *err);

/* Whether /proc/PID/<file> already holds a map. */
bool idmap_explain_is_written(pid_t pid, const char *file);

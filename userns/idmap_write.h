/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the maps of a new user namespace, in the planned way. */
#pragma once

#include "userns/idmap.h"

#include <sys/types.h>

enum idmap_writer {
	IDMAP_WRITER_SELF,   /* with CAP_SETUID and CAP_SETGID over the own namespace */
	IDMAP_WRITER_SINGLE, /* one own id each, setgroups denied (CVE-2014-8989, CVE-2018-7169) */
	IDMAP_WRITER_HELPER, /* newuidmap and newgidmap, both at once */
};

struct idmap_write {
	enum idmap_writer writer;
	struct idmap uid, gid;
	const char *newuidmap, *newgidmap; /* absolute paths, for HELPER */
};

/* Writes for process pid, which is in the new namespace and waits. Any number of ranges reaches the
 * helpers. A failure says which of the known reasons it is (helper not setuid and without file
 * capabilities, on a nosuid mount, no_new_privs, ids not in /etc/subuid, overlap, /proc read-only,
 * child gone) with a hint that tells what to do. */
int idmap_write(const struct idmap_write *write, pid_t pid, struct err *err) MUST_CHECK;

/* A user namespace that exists only for these maps: the kernel takes the mapping of a mount in this
 * form. Returns a descriptor for it; the process it was created for is gone by then, and would have
 * ended with us. */
int idmap_write_fd(const struct idmap_write *write, struct err *err) MUST_CHECK;

/* idmap_explain.c: why a map could not be written. The kernel says EPERM or EINVAL to a dozen
 * mistakes, newuidmap prints the same line for five of them and nothing at all for a sixth, so we
 * look for ourselves. Slow, and only called after a failure. */

/* Which of the two maps. */
enum idmap_explain_which { IDMAP_EXPLAIN_UID, IDMAP_EXPLAIN_GID };

/* The write(2) to /proc/PID/<file> failed with error. Fills err; returns its negative code. */
int idmap_explain_direct(const struct idmap_write *write, pid_t pid, const char *file, int error,
			 struct err *err);

/* How newuidmap or newgidmap ended. */
struct idmap_explain_end {
	enum idmap_explain_which which;
	int exec_error; /* it could not be started; or 0 */
	bool timed_out;
	int status;        /* as of waitpid(2) */
	const char *words; /* its output, may be empty */
};
int idmap_explain_helper(const struct idmap_write *write, pid_t pid,
			 const struct idmap_explain_end *end, struct err *err);

/* Whether /proc/PID/<file> holds a map already. */
bool idmap_explain_is_written(pid_t pid, const char *file);

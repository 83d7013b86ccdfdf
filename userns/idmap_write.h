/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the maps of a new user namespace, in the way that was planned. */
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

/* A user namespace that is there for these maps alone: the kernel takes the mapping of a mount as one. Returns a
 * descriptor of it; the process that had it made is gone by then, and would have ended with us. */
int idmap_write_fd(const struct idmap_write *write, struct err *err) MUST_CHECK;

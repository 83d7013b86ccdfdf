/* SPDX-License-Identifier: Apache-2.0 */
/* Creates, joins, watches and removes cgroups, without sleeping. Each layout has a file of its own
 * (v1.c, v2.c); callers use these functions and need not know the layout. */
#pragma once

#include "src/cgroup/group.h"

/* Creates the directories of the plan (parents as needed), enables controllers (v2), and opens
 * them. On failure, whatever this call created is removed. An existing cgroup that is frozen or
 * contains processes is an error. Hierarchies that are not mounted are skipped. The v2 part can be
 * created first and the v1 part added later, also to a zeroed cgroup, which has no v2 part. */
enum driver_part { DRIVER_ALL, DRIVER_V2_PART, DRIVER_V1_PART };
int driver_create(const struct cgroup_plan *plan, enum driver_part part, struct cgroup *ret,
		  struct err *err) MUST_CHECK;

/* Whether `part` includes this directory. */
bool driver_is_in(const struct cgroup_dir *dir, enum driver_part part);

/* driver_create()'s error for a cgroup that contains processes of others, before anything marks the
 * cgroup as ours. */
int driver_check_unused(const struct cgroup_plan *plan, struct err *err) MUST_CHECK;

/* A copy of the place in which `existing` is set for the directories about to be created, so that
 * driver_remove() also removes parents created for them. It stays unset where the parent
 * existed. */
struct cgroup_place driver_find_existing(struct arena *arena, const struct cgroup_place *place);

/* Gives the v2 cgroup, and those of its files that the kernel allows to be delegated, to another
 * owner. */
int driver_delegate(const struct cgroup *cgroup, uint32_t uid, uint32_t gid,
		    struct err *err) MUST_CHECK;

/* Creates plan->inside below the v2 cgroup, passes the controllers on to it and makes it the target
 * of later joins. */
int driver_descend(const struct cgroup_plan *plan, struct cgroup *cgroup,
		   struct err *err) MUST_CHECK;

/* A descriptor for CLONE_INTO_CGROUP (v2, or the v2 tree of a hybrid host), or -1. */
int driver_clone_fd(const struct cgroup *cgroup);

/* Moves the calling process, which must be single-threaded, into the v1 cgroups; clone3() has
 * already put it into the v2 one. Uses descriptors opened by driver_create(), so it needs no rights
 * on the files. */
int driver_join_self(const struct cgroup *cgroup, struct err *err) MUST_CHECK;

/* The same by path, for cgroups that another process has created meanwhile. */
int driver_join_by_path(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* Moves the calling process into the v2 cgroup as well, where clone3() could not. Takes about 10
 * ms: the kernel waits for a grace period. */
int driver_join_self_slowly(const struct cgroup *cgroup, struct err *err) MUST_CHECK;

/* Writes the limits of the plan, including device rules. For the parent, after driver_create(). */
int driver_apply(const struct cgroup *cgroup, const struct cgroup_plan *plan,
		 struct err *err) MUST_CHECK;

/* Applies the limits of the plan to a populated cgroup: all of them or none. Device rules stay as
 * they are. *ret receives the previous contents of the files (arena). */
struct driver_before;
int driver_update(const struct cgroup *cgroup, const struct cgroup_plan *plan, struct arena *arena,
		  const struct driver_before **ret, struct err *err) MUST_CHECK;

/* Restores them, before the cgroup is closed, after a related change has failed elsewhere. */
void driver_update_back(const struct driver_before *before);

/* Reads a file of the cgroup, from the v1 hierarchy that has the controller or from the v2 tree.
 * Returns its length, or -errno without an error text. */
ssize_t driver_read(const struct cgroup *cgroup, const char *controller, const char *file,
		    char *buf, size_t size) MUST_CHECK;

/* The same for a file of any length. */
int driver_text(const struct cgroup *cgroup, const char *controller, const char *file,
		struct arena *arena, const char **ret) MUST_CHECK;

/* The cgroup's v2 controllers, separated by spaces; "" if there are none. */
void driver_read_unified(const struct cgroup *cgroup, char *buf, size_t size);

/* The number of processes that the cgroup's memory limit has killed so far. */
uint64_t driver_oom_kills(const struct cgroup *cgroup);

/* "killed by the memory limit (64 MiB) of its cgroup". */
const char *driver_oom_words(const struct cgroup *cgroup, struct arena *arena);

/* Watches for OOM kills: poll `fd`, for at most driver_oom_patience() ms, then ask. Without a
 * memory controller, fd is -1. End with driver_oom_done(). */
struct driver_oom {
	int fd;
	int counter; /* v1: memory.oom_control, which cannot be polled; otherwise -1 */
	short events;
	uint64_t seen; /* kills so far */
	int patience;
};
int driver_oom_watch(const struct cgroup *cgroup, struct driver_oom *ret,
		     struct err *err) MUST_CHECK;
void driver_oom_done(struct driver_oom *oom);
/* Whether there were kills since the last call. Sets fd to -1 once the cgroup is gone. */
bool driver_oom_happened(struct driver_oom *oom);

/* -1: no timeout. The kernel reports changes to a file at most every 10 ms, and at the limit a kill
 * is hardly ever the first change: by the time it is reported, systemd may have removed the cgroup.
 * `changed` says that fd had events. */
int driver_oom_patience(struct driver_oom *oom, bool changed);

/* Finds the cgroups of a process (0: this one) in the hierarchies of a place. */
int driver_find(struct arena *arena, pid_t pid, const struct cgroup_place *place,
		struct cgroup_place *ret, struct err *err) MUST_CHECK;

/* Fills in the paths of the plan's unit: the cgroup into which systemd has moved the process, or
 * the path of the slice. */
int driver_find_unit(struct arena *arena, pid_t pid, const char *slice_path,
		     struct cgroup_plan *plan, struct err *err) MUST_CHECK;

/* Opens that cgroup, completes it (its sub-cgroup; v1 hierarchies that systemd does not manage),
 * moves the process where systemd has not, and writes the limits. */
int driver_adopt(const struct cgroup_plan *plan, pid_t pid, struct cgroup *ret,
		 struct err *err) MUST_CHECK;

/* Whether the v2 cgroup passes controllers on to its children: it then accepts no processes itself
 * (EBUSY). A systemd in the container does this. */
bool driver_is_divided(const struct cgroup *cgroup);

/* Replaces the open v2 cgroup by the one, at or below it, that the process is in now. -EBUSY if the
 * process is elsewhere. */
int driver_follow(struct arena *arena, pid_t pid, struct cgroup *cgroup,
		  struct err *err) MUST_CHECK;

/* Opens the cgroup of a running container from the directories in its state. Missing directories
 * get fd -1; -ENOENT if all are missing. Refuses a path with "..", the root of a hierarchy, and a
 * mount that is not a cgroup file system. */
int driver_open(const struct cgroup_place *place, struct cgroup *ret, struct err *err) MUST_CHECK;

/* The same for callers that only inspect, signal and freeze, with a fraction of the system calls:
 * opens the v2 directory and the v1 freezer's, or the first one if there is neither. */
int driver_open_main(const struct cgroup_place *place, struct cgroup *ret,
		     struct err *err) MUST_CHECK;

/* For a process that is to join: replaces missing cgroups by those of process `pid` of the
 * container, and returns the path of one of those, or NULL, in *ret_instead. */
int driver_open_of(struct arena *arena, const struct cgroup_place *place, pid_t pid,
		   struct cgroup *ret, const char **ret_instead, struct err *err) MUST_CHECK;

/* Moves another process into the cgroup. */
int driver_join(const struct cgroup *cgroup, pid_t pid, struct err *err) MUST_CHECK;
void driver_close(struct cgroup *cgroup);

/* Processes of the cgroup and all its descendants, sorted, without duplicates, in the caller's pid
 * namespace. */
int driver_pids(const struct cgroup *cgroup, struct arena *arena, pid_t **ret, size_t *ret_n,
		struct err *err) MUST_CHECK;

/* Signals every process in the cgroup and its descendants. For SIGKILL, writes cgroup.kill (v2), or
 * freezes, kills and thaws (v1), until no process is left to signal. An empty cgroup is success. */
int driver_kill(const struct cgroup *cgroup, int signal, struct err *err) MUST_CHECK;

/* Freezes or thaws, and waits up to 10 s for the kernel to confirm it. A cgroup that does not
 * freeze in time is thawed again. -ENOTSUP with a clear text if there is no freezer. */
int driver_freeze(const struct cgroup *cgroup, bool freeze, struct err *err) MUST_CHECK;

/* Reads the files by path, because every command that shows a status calls this. A missing cgroup
 * is not frozen. */
int driver_is_frozen(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* Moves a killed process back if it was moved to another v1 freezer cgroup that is frozen: it would
 * not end until that is thawed. Failures are not reported, since the caller sees whether the
 * process ends. */
void driver_fetch_frozen(const struct cgroup_place *place, pid_t pid);

/* Kills the remaining processes, waits up to 5 s for them to end, and removes the cgroup, its
 * descendants, and empty parents that were created for it. Nothing outside of the place's
 * directories is touched; missing ones are fine. */
int driver_remove(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* The same for an empty cgroup. If it is in use, -EBUSY without a text. */
int driver_remove_empty(const struct cgroup_place *place, struct err *err) MUST_CHECK;

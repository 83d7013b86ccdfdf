/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups: created, joined, watched and removed, without sleeping. One file for each layout
 * (v1.c, v2.c); callers use these functions and never look at the layout. */
#pragma once

#include "src/cgroup/group.h"

/* Creates the directories of the plan (parents as needed), enables controllers (v2), and opens
 * them. On failure what this call created is removed. An existing cgroup with processes in it, or a
 * frozen one, is an error. Hierarchies that are not mounted are left out. The v2 part can be
 * created first, and the v1 part be added to it (or to a cgroup that is all zero: there is no v2
 * part). */
enum driver_part { DRIVER_ALL, DRIVER_V2_PART, DRIVER_V1_PART };
int driver_create(const struct cgroup_plan *plan, enum driver_part part, struct cgroup *ret,
		  struct err *err) MUST_CHECK;

/* Whether that part creates a directory. */
bool driver_is_in(const struct cgroup_dir *dir, enum driver_part part);

/* driver_create()'s error for a cgroup that contains somebody else's processes, before anything
 * marks it as ours. */
int driver_check_unused(const struct cgroup_plan *plan, struct err *err) MUST_CHECK;

/* The place, with `existing` set for directories about to be created, so that driver_remove()
 * removes the parents created for them. Unset if the parent existed. */
struct cgroup_place driver_find_existing(struct arena *arena, const struct cgroup_place *place);

/* Chowns the v2 cgroup, and those of its files that the kernel allows to delegate, to another
 * owner. */
int driver_delegate(const struct cgroup *cgroup, uint32_t uid, uint32_t gid,
		    struct err *err) MUST_CHECK;

/* Creates plan->inside below the v2 cgroup, which passes its controllers on to it, and descends:
 * later joins go there. */
int driver_descend(const struct cgroup_plan *plan, struct cgroup *cgroup,
		   struct err *err) MUST_CHECK;

/* Descriptor for CLONE_INTO_CGROUP (v2, and the v2 tree of a hybrid host), or -1. */
int driver_clone_fd(const struct cgroup *cgroup);

/* Moves the calling process, which must be single-threaded, into the cgroup, except in the v2 tree,
 * where clone3() has put it; uses descriptors that driver_create() has opened, so that it works
 * without any rights on the files. */
int driver_join_self(const struct cgroup *cgroup, struct err *err) MUST_CHECK;

/* The same for cgroups that another process has created meanwhile, by path. */
int driver_join_by_path(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* Moves the calling process into the cgroup in the v2 tree too, if clone3() could not put it there.
 * Takes some 10 ms: the kernel waits for a grace period. */
int driver_join_self_slowly(const struct cgroup *cgroup, struct err *err) MUST_CHECK;

/* Writes the limits of the plan, device rules included; in the parent, after create. */
int driver_apply(const struct cgroup *cgroup, const struct cgroup_plan *plan,
		 struct err *err) MUST_CHECK;

/* The limits of the plan for a populated cgroup: all of them, or none. Device rules stay. *ret gets
 * the previous contents of the files (arena). */
struct driver_before;
int driver_update(const struct cgroup *cgroup, const struct cgroup_plan *plan, struct arena *arena,
		  const struct driver_before **ret, struct err *err) MUST_CHECK;

/* Restores those, before the cgroup is closed: something that belonged to the limits was refused
 * elsewhere. */
void driver_update_back(const struct driver_before *before);

/* Reads a file of the cgroup: in the v1 hierarchy that has the controller, or in the v2 tree. The
 * length, or -errno without an error text. */
ssize_t driver_read(const struct cgroup *cgroup, const char *controller, const char *file,
		    char *buf, size_t size) MUST_CHECK;

/* The controllers that the cgroup has in the v2 tree, separated by blanks; "" if there is none. */
void driver_read_unified(const struct cgroup *cgroup, char *buf, size_t size);

/* Processes of the cgroup that its memory limit has killed so far. */
uint64_t driver_oom_kills(const struct cgroup *cgroup);

/* "killed by the memory limit (64 MiB) of its cgroup". */
const char *driver_oom_words(const struct cgroup *cgroup, struct arena *arena);

/* Watches for kills as they happen: poll fd for events, at most driver_oom_patience() ms, then ask.
 * Without a memory controller fd is -1. Ends with driver_oom_done(). */
struct driver_oom {
	int fd;
	int counter; /* v1: memory.oom_control, which v1 cannot poll; otherwise -1 */
	short events;
	uint64_t seen; /* kills so far */
	int patience;
};
int driver_oom_watch(const struct cgroup *cgroup, struct driver_oom *ret,
		     struct err *err) MUST_CHECK;
void driver_oom_done(struct driver_oom *oom);
/* Whether there were kills since the last call. fd is -1 once the cgroup is gone. */
bool driver_oom_happened(struct driver_oom *oom);

/* -1: for ever. The kernel reports changes to a file once in 10 ms, and when a cgroup is at its
 * limit a kill is hardly ever the first of them: by then systemd may have removed the cgroup.
 * `changed` says that fd had events. */
int driver_oom_patience(struct driver_oom *oom, bool changed);

/* Where a process (0: this one) is, in the hierarchies of a place. */
int driver_find(struct arena *arena, pid_t pid, const struct cgroup_place *place,
		struct cgroup_place *ret, struct err *err) MUST_CHECK;

/* Puts the paths of the plan's unit into its place: where the process, which systemd has moved into
 * it, is now, or the path of the slice. */
int driver_find_unit(struct arena *arena, pid_t pid, const char *slice_path,
		     struct cgroup_plan *plan, struct err *err) MUST_CHECK;

/* Opens that cgroup, completes it (the cgroup inside it; v1 hierarchies that systemd leaves alone),
 * moves the process where it is not yet, and writes the limits. */
int driver_adopt(const struct cgroup_plan *plan, pid_t pid, struct cgroup *ret,
		 struct err *err) MUST_CHECK;

/* Whether the v2 cgroup passes controllers on to those below it: it then accepts no processes
 * itself (EBUSY). A systemd in the container has divided it like this. */
bool driver_is_divided(const struct cgroup *cgroup);

/* Opens, in place of the v2 cgroup, the one in or below it that the process is in now. -EBUSY if it
 * is elsewhere. */
int driver_follow(struct arena *arena, pid_t pid, struct cgroup *cgroup,
		  struct err *err) MUST_CHECK;

/* Opens the cgroup of a running container from the directories in its state. Missing directories
 * are left out (fd -1); -ENOENT if none is left. Refuses a path with "..", the root of a hierarchy,
 * and a mount that is not a cgroup file system. */
int driver_open(const struct cgroup_place *place, struct cgroup *ret, struct err *err) MUST_CHECK;

/* The same for callers that only look, signal and freeze, with a fraction of the calls: opens the
 * v2 directory and the v1 freezer's; if there is neither, the first. */
int driver_open_main(const struct cgroup_place *place, struct cgroup *ret,
		     struct err *err) MUST_CHECK;

/* For a process that is to join: in place of cgroups that are gone opens those of process pid of
 * the container, and returns in *ret_instead the path of one of them, or NULL. */
int driver_open_of(struct arena *arena, const struct cgroup_place *place, pid_t pid,
		   struct cgroup *ret, const char **ret_instead, struct err *err) MUST_CHECK;

/* Moves another process into the cgroup. */
int driver_join(const struct cgroup *cgroup, pid_t pid, struct err *err) MUST_CHECK;
void driver_close(struct cgroup *cgroup);

/* Processes of the cgroup and of all cgroups below it, each once, sorted, in the caller's pid
 * namespace. */
int driver_pids(const struct cgroup *cgroup, struct arena *arena, pid_t **ret, size_t *ret_n,
		struct err *err) MUST_CHECK;

/* Sends a signal to every process of the cgroup and below. SIGKILL: cgroup.kill (v2), or freeze,
 * kill and thaw (v1), repeated until none is left to signal. An empty cgroup is success. */
int driver_kill(const struct cgroup *cgroup, int signal, struct err *err) MUST_CHECK;

/* Freezes or thaws, and waits (at most 10 s) until the kernel confirms it. A cgroup that does not
 * freeze in time is thawed again. -ENOTSUP with a clear text if there is no freezer. */
int driver_freeze(const struct cgroup *cgroup, bool freeze, struct err *err) MUST_CHECK;

/* Reads the files by path: every command that shows a status asks. A cgroup that is gone is not
 * frozen. */
int driver_is_frozen(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* Moves back a killed process that was moved into another v1 freezer cgroup, which is frozen: it
 * would end only when that is thawed. Failures are not reported: it ends, or not. */
void driver_fetch_frozen(const struct cgroup_place *place, pid_t pid);

/* Kills what is left inside, waits (at most 5 s) for it to end, removes the cgroup and those below
 * it. Only what is below the directories, and empty parents that were created for them; missing
 * ones are fine. */
int driver_remove(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* The same for a cgroup with nothing inside: otherwise -EBUSY, without a text. */
int driver_remove_empty(const struct cgroup_place *place, struct err *err) MUST_CHECK;

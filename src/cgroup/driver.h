/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups: made, joined, watched and removed, without sleeping. One file for each
 * layout (v1.c, v2.c); callers use these functions and never look at the layout. */
#pragma once

#include "src/cgroup/group.h"

/* Makes the directories of the plan (parents as needed), enables controllers (v2), and opens them.
 * What this call made is taken back when it fails. An existing cgroup with processes in it, or a
 * frozen one, is an error. Hierarchies that are not mounted are left out. The v2 part can be made
 * first, and the v1 part be added to it (or to a cgroup that is all zero: there is no v2 part). */
enum driver_part { DRIVER_ALL, DRIVER_V2_PART, DRIVER_V1_PART };
int driver_create(const struct cgroup_plan *plan, enum driver_part part, struct cgroup *ret,
		  struct err *err) MUST_CHECK;

/* Whether a directory is made with that part. */
bool driver_is_in(const struct cgroup_dir *dir, enum driver_part part);

/* The error of driver_create() for a group that somebody else has processes in, before anything
 * says that it is ours. */
int driver_check_unused(const struct cgroup_plan *plan, struct err *err) MUST_CHECK;

/* The place with `existing` of directories that are about to be made, so that driver_remove() takes
 * the parents away that were made for them. Unset where the parent was there. */
struct cgroup_place driver_find_existing(struct arena *arena, const struct cgroup_place *place);

/* Gives the v2 group, and those of its files that the kernel says may be given away, to another
 * owner. */
int driver_delegate(const struct cgroup *cgroup, uint32_t uid, uint32_t gid,
		    struct err *err) MUST_CHECK;

/* Makes the group of plan->inside below the v2 group, which passes its controllers on to it, and
 * goes down: what joins, joins that one. */
int driver_descend(const struct cgroup_plan *plan, struct cgroup *cgroup,
		   struct err *err) MUST_CHECK;

/* Descriptor for CLONE_INTO_CGROUP (v2, and the v2 tree of a hybrid host), or -1. */
int driver_clone_fd(const struct cgroup *cgroup);

/* Moves the calling process, which must be single-threaded, into the group, but for the v2 tree,
 * where clone3() has put it; through descriptors that driver_create() has opened, so that it works
 * without any rights on the files. */
int driver_join_self(const struct cgroup *cgroup, struct err *err) MUST_CHECK;

/* The same for groups that another process has made meanwhile, through their paths. */
int driver_join_by_path(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* Moves the calling process into the group in the v2 tree too, for one that clone3() could not put
 * there. Takes some 10 ms: the kernel waits for a grace period. */
int driver_join_self_slowly(const struct cgroup *cgroup, struct err *err) MUST_CHECK;

/* Writes the limits of the plan, device rules included; in the parent, after create. */
int driver_apply(const struct cgroup *cgroup, const struct cgroup_plan *plan,
		 struct err *err) MUST_CHECK;

/* The limits of the plan for a group with processes in it: all of them, or none. Device rules stay.
 * *ret says what the files said before (arena). */
struct driver_before;
int driver_update(const struct cgroup *cgroup, const struct cgroup_plan *plan, struct arena *arena,
		  const struct driver_before **ret, struct err *err) MUST_CHECK;

/* Writes that back, before the cgroup is closed: what belonged to the limits was refused
 * elsewhere. */
void driver_update_back(const struct driver_before *before);

/* Reads a file of the group: of the v1 hierarchy that has the controller, or of the v2 group. The
 * length, or -errno without an error text. */
ssize_t driver_read(const struct cgroup *cgroup, const char *controller, const char *file,
		    char *buf, size_t size) MUST_CHECK;

/* The controllers that the group has in the v2 tree, with blanks between; "" where there is
 * none. */
void driver_read_unified(const struct cgroup *cgroup, char *buf, size_t size);

/* Processes of the group that its memory limit has killed so far. */
uint64_t driver_oom_kills(const struct cgroup *cgroup);

/* "killed by the memory limit (64 MiB) of its cgroup". */
const char *driver_oom_words(const struct cgroup *cgroup, struct arena *arena);

/* Kills as they happen: poll fd for events, at most driver_oom_patience() ms, then ask. Without a
 * memory controller fd is -1. Ends with driver_oom_done(). */
struct driver_oom {
	int fd;
	int counter; /* v1: memory.oom_control, which v1 does not poll; else -1 */
	short events;
	uint64_t seen; /* kills so far */
	int patience;
};
int driver_oom_watch(const struct cgroup *cgroup, struct driver_oom *ret,
		     struct err *err) MUST_CHECK;
void driver_oom_done(struct driver_oom *oom);
/* Whether there were kills since the last look. fd is -1 once the group is gone. */
bool driver_oom_happened(struct driver_oom *oom);

/* -1: for ever. The kernel tells of changes to a file once in 10 ms, and when a group is at its
 * limit a kill is hardly ever the first of them: by then systemd may have removed the group.
 * `changed` says that fd had events. */
int driver_oom_patience(struct driver_oom *oom, bool changed);

/* Where a process (0: this one) is, in the hierarchies of a place. */
int driver_find(struct arena *arena, pid_t pid, const struct cgroup_place *place,
		struct cgroup_place *ret, struct err *err) MUST_CHECK;

/* Puts the paths of the plan's unit into its place: where the process, which systemd has moved into
 * it, now is, or the path of the slice. */
int driver_find_unit(struct arena *arena, pid_t pid, const char *slice_path,
		     struct cgroup_plan *plan, struct err *err) MUST_CHECK;

/* Opens that group, completes it (the group inside of it; v1 hierarchies that systemd leaves
 * alone), moves the process where it is not yet, and writes the limits. */
int driver_adopt(const struct cgroup_plan *plan, pid_t pid, struct cgroup *ret,
		 struct err *err) MUST_CHECK;

/* Whether the v2 group passes controllers on to groups below it: it then takes no processes itself
 * (EBUSY). A systemd in the container has divided it so. */
bool driver_is_divided(const struct cgroup *cgroup);

/* Opens, in place of the v2 group, the one in or below it that the process is in now. -EBUSY where
 * it is somewhere else. */
int driver_follow(struct arena *arena, pid_t pid, struct cgroup *cgroup,
		  struct err *err) MUST_CHECK;

/* Opens the group of a running container from the directories in its state. Missing directories are
 * left out (fd -1); -ENOENT where none is left. Refuses a path with "..", the root of a hierarchy,
 * and a mount that is no cgroup file system. */
int driver_open(const struct cgroup_place *place, struct cgroup *ret, struct err *err) MUST_CHECK;

/* The same for who only looks, signals and freezes, at a fraction of the calls: opens the v2
 * directory and the v1 freezer's; where there is neither, the first. */
int driver_open_main(const struct cgroup_place *place, struct cgroup *ret,
		     struct err *err) MUST_CHECK;

/* For a process that is to join: opens, in place of groups that are gone those where process pid of
 * the container is now, and in *ret_instead the path of one of them, or NULL. */
int driver_open_of(struct arena *arena, const struct cgroup_place *place, pid_t pid,
		   struct cgroup *ret, const char **ret_instead, struct err *err) MUST_CHECK;

/* Moves another process into the group. */
int driver_join(const struct cgroup *cgroup, pid_t pid, struct err *err) MUST_CHECK;
void driver_close(struct cgroup *cgroup);

/* Processes of the group and of all groups below it, each once, in order, in the caller's pid
 * namespace. */
int driver_pids(const struct cgroup *cgroup, struct arena *arena, pid_t **ret, size_t *ret_n,
		struct err *err) MUST_CHECK;

/* Sends a signal to every process of the group and below. SIGKILL: cgroup.kill (v2), or freeze,
 * kill and thaw (v1), repeated until none is left to signal. An empty group is success. */
int driver_kill(const struct cgroup *cgroup, int signal, struct err *err) MUST_CHECK;

/* Freezes or thaws, and waits (at most 10 s) until the kernel says so. A group that does not freeze
 * in time is thawed again. -ENOTSUP with a clear text where there is no freezer. */
int driver_freeze(const struct cgroup *cgroup, bool freeze, struct err *err) MUST_CHECK;

/* Looks at the files by their paths: every command that shows a status asks. A group that is gone
 * is not frozen. */
int driver_is_frozen(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* Takes a killed process back that was moved into another v1 freezer group, which is frozen: it
 * would end only when that is thawed. Nothing is said about failures: it ends, or not. */
void driver_fetch_frozen(const struct cgroup_place *place, pid_t pid);

/* Kills what is left inside, waits (at most 5 s) for it to go, removes the group and the groups
 * below it. Only what is below the directories, and parents that were made for them and are empty;
 * missing ones are fine. */
int driver_remove(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* The same of a group with nothing inside: else -EBUSY, without a text. */
int driver_remove_empty(const struct cgroup_place *place, struct err *err) MUST_CHECK;

/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime state of one start: processes and descriptors. Steps read the plan and write their own
 * slots here; nothing else changes while a container is being created. Each process has its own
 * copy. */
#pragma once

#include "net/devices.h"
#include "src/cgroup/driver.h"
#include "src/layer/layer.h"
#include "src/layer/layer_serve.h"
#include "src/plan/plan.h"
#include "src/security/filter_compile.h"
#include "src/state/store.h"
#include "src/steps/hooks.h"
#include "src/sys/child.h"
#include "src/sys/signals.h"

enum actor {
	ACTOR_PARENT,
	ACTOR_STAGER,
	ACTOR_INIT,
	ACTOR_COUNT,
	ACTOR_BUILDER = ACTOR_COUNT, /* rows only: see sequence_actor() */
};

enum { START_MAX_NOTES = 32 };

/* The first word of usrun where it is a container's first process (run/reaper.h). */
#define START_REAPER_NAME "usrun-init"

struct start {
	const struct plan *plan;
	struct arena *arena;
	enum actor me;

	/* Parent. */
	struct store *store;
	struct state *state;
	int state_dir;           /* ROOT/<id>, locked */
	bool reserved;           /* ROOT/<id> is ours, so undo may run */
	const char *config_text; /* copied into the state */
	size_t config_len;
	const char *pid_file;
	/* Called before the program runs, so that its output does not interleave. */
	void (*tell_fallbacks)(const struct start *start);
	int pid_file_fd;         /* identity of the file written: others may reuse its name */
	const char *const *undo; /* names of the rows that leave something on the host */
	size_t n_undo;
	struct child stager; /* until it has left */
	struct child init;
	struct signals
		signals; /* blocked in the foreground; they end a start, or are for the program */
	uint64_t start_time;     /* of init, taken while its ids are still the caller's */
	int time_offsets;        /* the stager's file in /proc, opened before it hides; or -1 */
	int init_stat;           /* its /proc/self/stat, opened by itself; -1 without a stager */
	int netns_socket;        /* made by init in its network namespace */
	const char *net_program; /* of the helper */
	int net_member;   /* a socket of the container's network namespace, which the helper gets */
	const char *told; /* tells a person why nothing happens yet */
	int net_answer;   /* of the helper's keeper, once it is ready */
	struct child net_keeper;
	struct child console_keeper;
	struct devices net; /* taken from the host: given back if the start fails */
	struct hooks_output hooks_output;
	mode_t umask;               /* init: the caller's, which its hooks inherit */
	int notify_listener;        /* what the program sends to the service manager */
	struct layer layer;         /* requested by the plan: kept, or read at the end */
	int layer_sock;             /* to the keeper of the overlay server, or -1 */
	const char *layer_unserved; /* why there is no overlay server; NULL: there is one */
	struct child layer_keeper;
	unsigned int *layer_numbers; /* of its parts, by index in the plan; NULL: the index */
	bool *layer_squash;          /* the same: the owners in it say nothing; NULL: as planned */
	bool *layer_mixed;           /* files owned by groups that are unmapped inside; or NULL */
	bool hooks_ran;              /* create-time hooks may have run, so poststop hooks must */

	/* Created by the parent, inherited over the clone. */
	struct cgroup cgroup;
	uint64_t oom_kills;               /* of a cgroup that existed before us */
	struct cgroup_place cgroup_place; /* the plan's, or that of the systemd unit */
	bool joins_itself; /* the child was not born in the v2 cgroup and has to move there */
	bool joins_late;   /* exec: the cgroup has no room for an intermediate child */
	bool outside;      /* exec: clone3() may not put a process into the container's cgroup */
	struct filter_program filter;
	int seccomp_pair[2];           /* both ends of the socket for the listener */
	const char *lsm;               /* active on this host: "apparmor", "selinux" or "" */
	int console_socket;            /* connected, for the terminal */
	int start_listener;            /* where an init that was created waits for `start` */
	int target_pidfd;              /* exec: the container's init */
	bool late_join[PLAN_NS_COUNT]; /* joined only after the user namespace */
	int ns_fds[PLAN_NS_COUNT];     /* NS_JOIN: opened by path in the caller's mount namespace */
	int rootfs;                    /* tree of the rootfs: detached, then mounted */
	int rootfs_place;              /* its directory, which shows others' mounts there; or -1 */
	int layer_top;    /* builder: the directory with the layers; then the parent's; or -1 */
	int rootfs_shown; /* a second copy of the tree, for the parent; or -1 */
	int *mounts;      /* per entry of the plan: detached tree, or -1 */
	int *idmaps;      /* per mapping of the plan: its user namespace, or -1 */

	int lifeline; /* stager, init: hangs up when the parent ends */

	struct restore *restore; /* `restore`: CRIU creates the process; otherwise NULL */

	/* Stager. */
	struct child hooks_runner; /* see step_pidns_join_early() */
	int hooks_sock;            /* to it */
	pid_t hooks_pid;           /* the stager's pid in it, which hooks are given; otherwise 0 */

	/* Init. */
	int console_master, console_slave;
	int start_connection;   /* to `start`, once it has connected */
	const char *exec_path;  /* args[0], found in PATH */
	const char *const *env; /* the plan's, and HOME if it has none; NULL-terminated */
	size_t n_env;
	bool cwd_entered; /* as root, before the ids change */

	/* Fallbacks taken while running; sent to the parent with the next message. */
	const char *notes[START_MAX_NOTES];
	size_t n_notes;
};

/* All descriptors -1. */
void start_init(struct start *start, const struct plan *plan, struct arena *arena);

/* Right after a clone, in the child: drops every descriptor of the host that its rows do not name.
 * Inside, anyone allowed to trace it could take them. */
void start_keep_own(struct start *start);

/* Closes what rows have opened so far, for another attempt; not what the sequence's caller put
 * in. */
void start_close_opened(struct start *start);

/* Closes all but stdio, descriptors passed on to the program, and `own`, some of which may be
 * -1. */
void start_close_others(struct start *start, const int *own, size_t n);

/* The process that was cloned first: the stager or, without one, init. */
const struct child *start_first(const struct start *start);

/* In the parent: waits until fd is readable or `peer` (may be NULL) has ended, at most timeout_ms
 * (-1: no limit). 1, 0: the peer has ended, or -errno; -EINTR if we are asked to end. */
int start_wait(struct start *start, int fd, const struct child *peer, int timeout_ms,
	       struct err *err) MUST_CHECK;

/* Other signals received during the start are for the program. */
void start_forward_signals(struct start *start);

/* Ties this process to its parent's life; fails if the parent has already ended. */
int start_end_with_parent(struct start *start, struct err *err) MUST_CHECK;

/* After an attempt to enter the namespaces of a container's init gave R: whether to try again, as
 * init does not wait for its start yet. Sleeps a moment. */
bool start_target_settles(int r, pid_t init, long long deadline);

/* exec: joins namespaces of the container's init, clone(2)'s flags, or -errno. */
int start_join_target(const struct start *start, unsigned int flags) MUST_CHECK;

/* Records a fallback in words a user understands. */
void start_note(struct start *start, const char *fmt, ...) PRINTF(2, 3);

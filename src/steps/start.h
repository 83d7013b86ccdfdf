/* SPDX-License-Identifier: Apache-2.0 */
/* What has happened so far in one start: processes and descriptors. Steps read the plan and write
 * their own slots here; nothing else changes while a container is made. Each process has its own
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
	ACTOR_BUILDER = ACTOR_COUNT, /* of rows alone: see sequence_actor() */
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
	bool reserved;           /* ROOT/<id> is ours: undo may run */
	const char *config_text; /* to be copied into the state */
	size_t config_len;
	const char *pid_file;
	/* Called before the program runs, whose output it must not be mixed with. */
	void (*tell_fallbacks)(const struct start *start);
	int pid_file_fd;         /* what was written: others may use the name before and after us */
	const char *const *undo; /* names of the rows that leave something on the host */
	size_t n_undo;
	struct child stager; /* until it has left */
	struct child init;
	struct signals
		signals; /* blocked in the foreground; they end a start, or are for the program */
	uint64_t start_time;     /* of init, from the time when its ids were still the caller's */
	int time_offsets;        /* the stager's file in /proc, opened before it hides; or -1 */
	int init_stat;           /* its /proc/self/stat, opened by itself; -1 without a stager */
	int netns_socket;        /* made by init in its network namespace */
	const char *net_program; /* of the helper */
	int net_member;   /* a socket of the container's network namespace, which the helper gets */
	const char *told; /* to a person, why nothing happens yet */
	int net_answer;   /* of the helper's keeper, when it is ready */
	struct child net_keeper;
	struct child console_keeper;
	struct devices net; /* the host's that it got: given back when the start fails */
	struct hooks_output hooks_output;
	mode_t umask;               /* init: the caller's, which its hooks have */
	int notify_listener;        /* what the program says to the service manager */
	struct layer layer;         /* that the plan asks for: kept, or to be read at the end */
	int layer_sock;             /* to the keeper of who serves overlays, or -1 */
	const char *layer_unserved; /* why nobody serves any; NULL: somebody does */
	struct child layer_keeper;
	unsigned int *layer_numbers; /* of its parts, by index in the plan; NULL: the index */
	bool *layer_squash;          /* the same: the owners in it say nothing; NULL: as planned */
	bool *layer_mixed;           /* files of groups that have no number inside; or NULL */
	bool hooks_ran;              /* create-time hooks may have run: poststop hooks are owed */

	/* Made by the parent, inherited over the clone. */
	struct cgroup cgroup;
	uint64_t oom_kills;               /* of a group that was there before us */
	struct cgroup_place cgroup_place; /* the plan's, or where a unit of systemd is */
	bool joins_itself; /* the child was not born in the v2 group, and has to move there */
	bool joins_late;   /* exec: the group has no room for a child of ours that makes another */
	bool outside;      /* exec: clone3() may not put a process into the container's cgroup */
	struct filter_program filter;
	int seccomp_pair[2];           /* the parent's and init's end, for the listener */
	const char *lsm;               /* that works on this host: "apparmor", "selinux" or "" */
	int console_socket;            /* connected, for the terminal */
	int start_listener;            /* where a created init waits for `start` */
	int target_pidfd;              /* exec: the container's init */
	bool late_join[PLAN_NS_COUNT]; /* joined only after the user namespace */
	int ns_fds[PLAN_NS_COUNT];     /* NS_JOIN: opened by path in the caller's mount namespace */
	int rootfs;                    /* tree of the rootfs: detached, then mounted */
	int rootfs_place; /* its directory, where others see what is mounted there; or -1 */
	int layer_top;    /* builder: the directory with the layers; then the parent's; or -1 */
	int rootfs_shown; /* the tree once more, for the parent; or -1 */
	int *mounts;      /* per entry of the plan: detached tree, or -1 */
	int *idmaps;      /* per mapping of the plan: its user namespace, or -1 */

	int lifeline; /* stager, init: hangs up when the parent has ended */

	struct restore *restore; /* of `restore`, whose process is made by CRIU; else NULL */

	/* Stager. */
	struct child hooks_runner; /* see step_pidns_join_early() */
	int hooks_sock;            /* to it */
	pid_t hooks_pid;           /* in it, the stager's, which the hooks are told; else 0 */

	/* Init. */
	int console_master, console_slave;
	int start_connection;   /* to `start`, once it came */
	const char *exec_path;  /* args[0], looked up */
	const char *const *env; /* the plan's, and HOME where it has none; NULL-terminated */
	size_t n_env;
	bool cwd_entered; /* as root, before the ids changed */

	/* Fallbacks taken while running; sent to the parent with the next message. */
	const char *notes[START_MAX_NOTES];
	size_t n_notes;
};

/* All descriptors -1. */
void start_init(struct start *start, const struct plan *plan, struct arena *arena);

/* Right after a clone, in the child: it has what its rows name, and nothing else of the host's.
 * Inside whoever may trace it could take that. */
void start_keep_own(struct start *start);

/* Closes what rows have opened so far, for another try; not what the caller of the sequence has put
 * in. */
void start_close_opened(struct start *start);

/* Closes all but stdio, what the caller has passed on to the program, and `own`, of which some may
 * be -1. */
void start_close_others(struct start *start, const int *own, size_t n);

/* The process that was cloned first: the stager or, without one, init. */
const struct child *start_first(const struct start *start);

/* In the parent: waits until fd has something to read or `peer` (may be NULL) has ended, at most
 * timeout_ms (-1: any time). 1, 0: the peer has ended, or -errno, -EINTR when we are asked to
 * end. */
int start_wait(struct start *start, int fd, const struct child *peer, int timeout_ms,
	       struct err *err) MUST_CHECK;

/* The others that came during the start are for the program. */
void start_forward_signals(struct start *start);

/* Lets this process end with the parent, and fails where that has ended already. */
int start_end_with_parent(struct start *start, struct err *err) MUST_CHECK;

/* Records a fallback in words that a user understands. */
void start_note(struct start *start, const char *fmt, ...) PRINTF(2, 3);

/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime state of one start: processes and descriptors. Steps read the plan and write their own
 * slots here; nothing else changes while a container is created. Each process has its own copy. */
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
	ACTOR_BUILDER = ACTOR_COUNT, /* only in rows: see sequence_actor() */
};

enum { START_MAX_NOTES = 32 };

/* For errors about joined namespaces; the kernel calls the second one ENOMEM. */
#define START_NS_KIND_HINT "the path must be a namespace of kind %s, such as /proc/PID/ns/…"
#define START_NS_ENDED_HINT "a pid namespace takes no process once its first one has ended"

/* argv[0] of usrun as a container's init (run/reaper.h). */
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
	/* Called before the program runs, so that their output does not mix. */
	void (*tell_fallbacks)(const struct start *start);
	int pid_file_fd;         /* identity of the written file, whose name others may reuse */
	const char *const *undo; /* names of the rows that leave something on the host */
	size_t n_undo;
	struct child stager; /* until it has exited */
	struct child init;
	struct signals signals; /* blocked in the foreground; they end a start or are passed on */
	uint64_t start_time;    /* of init, read while its ids are still the caller's */
	int time_offsets;       /* the stager's file in /proc, opened while dumpable; or -1 */
	int init_stat;          /* init's own /proc/self/stat; -1 without a stager */
	int netns_socket;       /* created by init in its network namespace */
	int net_member;         /* a socket in the container's network namespace, for the helper */
	const char *told;       /* what the user was told about a slow start */
	bool told_paused;       /* and that it waits for `resume` */
	int net_answer;         /* from the helper's keeper, once it is ready */
	struct child net_keeper;
	struct child console_keeper;
	struct devices net; /* moved from the host; returned if the start fails */
	struct hooks_output hooks_output;
	mode_t umask;               /* init: the caller's umask, which hooks inherit */
	int notify_listener;        /* receives the program's messages to the service manager */
	struct layer layer;         /* as planned: kept, or read at the end */
	int layer_sock;             /* to the keeper of the overlay server, or -1 */
	struct err *layer_unserved; /* why there is no overlay server; NULL: there is one */
	struct child layer_keeper;
	unsigned int *layer_numbers; /* its parts' numbers, by index in the plan; NULL: the index */
	bool *layer_squash;          /* by the same index: ignore owners in it; NULL: as planned */
	bool *layer_mixed;           /* files owned by groups without a mapping inside; or NULL */
	bool hooks_ran;              /* create-time hooks may have run, so poststop hooks must */

	/* Created by the parent, inherited across the clone. */
	struct cgroup cgroup;
	uint64_t oom_kills;               /* of a cgroup that already existed */
	struct cgroup_place cgroup_place; /* the plan's, or the systemd unit's */
	bool joins_itself; /* the child was not born in the v2 cgroup and must move there */
	bool joins_late;   /* exec: the cgroup has no room for an intermediate child */
	bool outside;      /* exec: clone3() may not place a process in the container's cgroup */
	struct filter_program filter;
	int seccomp_pair[2]; /* both ends of the socket that passes the listener */
	const char *lsm;     /* active on this host: "apparmor", "selinux" or "" */
	bool keys_labelled;  /* see step_label_keys() */
	int console_socket;  /* connected; receives the terminal */
	int start_listener;  /* where a created init waits for `start` */
	int target_pidfd;    /* exec: the container's init */
	const struct cgroup_place *target_place; /* exec: the container's own cgroup */
	bool late_join[PLAN_NS_COUNT];           /* joined only after the user namespace */
	int ns_fds[PLAN_NS_COUNT]; /* NS_JOIN: opened by path in the caller's mount namespace */
	int rootfs;                /* the rootfs tree: detached, then mounted */
	int rootfs_place;          /* its directory, with mounts of others; or -1 */
	int layer_top;    /* builder: the directory of the layers, then the parent's; or -1 */
	int rootfs_shown; /* a second copy of the tree, for the parent; or -1 */
	int *mounts;      /* per entry of the plan: detached tree, or -1 */
	int *idmaps;      /* per mapping of the plan: its user namespace, or -1 */

	int lifeline; /* stager, init: hangs up when the parent exits */

	struct restore *restore; /* `restore`: CRIU creates the process; otherwise NULL */

	/* Stager. */
	struct child hooks_runner; /* see step_pidns_join_early() */
	int hooks_sock;            /* connected to that process */
	pid_t hooks_pid;           /* the stager's pid there, which hooks are given; otherwise 0 */

	/* Init. */
	int console_master, console_slave;
	int start_connection;   /* from `start`, once it has connected */
	const char *exec_path;  /* args[0], found by PATH */
	const char *const *env; /* the plan's, plus HOME if unset; NULL-terminated */
	size_t n_env;
	bool cwd_entered; /* entered as root, before the ids change */

	/* Fallbacks taken at run time; sent to the parent with the next message. */
	const char *notes[START_MAX_NOTES];
	size_t n_notes;
};

/* Sets all descriptors to -1. */
void start_init(struct start *start, const struct plan *plan, struct arena *arena);

/* For a child, right after the clone: closes every host descriptor that its rows do not need. A
 * process allowed to trace it inside could take them. */
void start_keep_own(struct start *start);

/* Closes what rows have opened so far, for another attempt, but not what the sequence's caller
 * passed in. */
void start_close_opened(struct start *start);

/* Closes all descriptors but stdio, those passed on to the program, and `own`, some of which may be
 * -1. */
void start_close_others(struct start *start, const int *own, size_t n);

/* The process cloned first: the stager or, without one, init. */
const struct child *start_first(const struct start *start);

/* For the parent: waits until fd is readable or `peer` (may be NULL) has ended, for at most
 * timeout_ms (-1: no limit). 1, 0: the peer has ended, or -errno; -EINTR if a signal ends the
 * start. */
int start_wait(struct start *start, int fd, const struct child *peer, int timeout_ms,
	       struct err *err) MUST_CHECK;

/* exec: whether the container is paused. */
bool start_is_paused(const struct start *start);

/* Passes other signals received during the start on to the program. */
void start_forward_signals(struct start *start);

/* Makes this process end with its parent; fails if the parent has already ended. */
int start_end_with_parent(struct start *start, struct err *err) MUST_CHECK;

/* After joining the namespaces of a container's init gave r: whether to retry, because init does
 * not wait for its start yet. Sleeps a moment. */
bool start_target_settles(int r, pid_t init, long long deadline);

/* exec: joins the namespaces `flags` (of clone(2)) of the container's init. 0 or -errno. */
int start_join_target(const struct start *start, unsigned int flags) MUST_CHECK;

/* Records a fallback, in words that a user understands. */
void start_note(struct start *start, const char *fmt, ...) PRINTF(2, 3);

/* SPDX-License-Identifier: Apache-2.0 */
/* What survives between commands: ROOT/<id>/, one directory a container.
 *
 *   state.json   struct state, replaced atomically
 *   config.json  a copy of the bundle's, for exec, start and the poststop hooks
 *   notify       the socket that stands for a service manager's, for a foreground run
 *   handler.json a copy of the config that a handler reads in the container
 *   resolv.conf  of the container, and net/ with the socket of its network's helper
 *   console      the socket of the terminal's keeper
 *   start        the socket on which a created init waits for `start`
 *   init         where there is no cgroup to find it by: pid, start time and boot of init once more
 *
 * The directory is 0700 and belongs to the caller. Creators and deleters hold flock(2) on it, so
 * that a held lock proves a living creator. Later commands need only the root and the id: no
 * bundle, no rootfs, no environment but XDG_RUNTIME_DIR. */
#pragma once

#include "src/base/json_write.h"
#include "src/cgroup/driver.h"
#include "src/oci/handler_doc.h"

#include <stdint.h>

enum state_phase { STATE_CREATING = 1, STATE_CREATED, STATE_STARTED };

/* The rootfs, bind-mounted on itself in a shared mount namespace, with all of the container's
 * mounts below. */
struct state_mount {
	struct json_uint id, unique; /* from struct mountfd_ids; unset: none */
	struct json_uint ns;         /* inode of the mount namespace */
	const char *ns_path;         /* path by which it was joined; NULL: the creator's */
};

struct state {
	const char *id, *bundle;     /* absolute */
	const char *rootfs;          /* absolute */
	int phase;                   /* enum state_phase: what the runtime has done */
	struct json_int pid;         /* init, in the runtime's pid namespace; unset before clone */
	struct json_uint start_time; /* field 22 of /proc/PID/stat */
	struct json_uint pid_number; /* pidfd_number(): never reused */
	const char *boot_id;
	const char *created;    /* RFC 3339, UTC */
	struct json_uint owner; /* uid of the creator */
	struct cgroup_place cgroup;
	struct cgroup_unit_ref unit; /* the systemd unit of the cgroup */
	struct state_mount mount;
	JSON_LIST(struct json_pair) annotations;
	JSON_LIST(const char *) rdt_groups; /* to remove, relative to the root of resctrl */
	JSON_LIST(const char *) undo;       /* rows to undo, first to last */
	JSON_LIST(const char *) mounts;     /* targets of mounts added later (`mounts add`) */
	JSON_LIST(const char *) fallbacks;  /* every departure from the config, in words */
	JSON_LIST(const char *)
	namespaces;              /* kinds not shared with the creator ("pid", "mount", …): exec
				  * joins these */
	struct json_int net_pid; /* the network helper's keeper */
	struct json_uint net_start_time;
	struct json_int layer_pid; /* the overlay servers' keeper */
	struct json_uint layer_start_time;
	struct json_int console_pid; /* the terminal's keeper */
	struct json_uint console_start_time;
	const struct handler_kept *handler; /* the handler that runs its program, or NULL */
	struct json_bool poststart_hooks, poststop_hooks, terminal;
	struct json_bool released; /* creating, but it will run even if its creator dies */
	struct json_uint sandbox;  /* pid namespace of the usrun that it ends with */
	/* Not stored. */
	bool abandoned; /* its creator died before finishing (store_is_locked()) */
	bool damaged;   /* only the id is known */
};

struct store;

/* For a state that is still creating while nobody else holds the lock: a container that its creator
 * has released counts as started, any other as abandoned. */
void store_creator_is_gone(struct state *state);

/* ROOT: --root, else $XDG_RUNTIME_DIR/usrun if that is set and not empty (even for root), else
 * /run/usrun if the caller may write there, else /run/user/UID/usrun, else /tmp/usrun-UID. Refused,
 * with the reason: a root that is not the caller's own or that others may write to, and a runtime
 * directory in which another user could replace it. create: creates it, mode 0700 and sticky (which
 * keeps cleaners of runtime directories away). Without create, a missing root is not an error: no
 * container exists. */
int store_open(const char *root, bool create, struct arena *arena, struct store **ret,
	       struct err *err) MUST_CHECK;
/* For who opens it again and again: a command opens it once, and it is closed at the end. */
void store_close(struct store *store);

const char *store_root(const struct store *store);

/* Where the same caller keeps containers without --root, whatever the environment. */
enum { STORE_USUAL = 3 };
void store_usual_roots(struct arena *arena, const char *ret[STORE_USUAL]);

/* Identifies a container on the host: "DEVICE:INODE ID" of the state directory (arena). */
const char *store_mark(const struct store *store, const char *id, struct arena *arena);

/* An id has 1 to 255 letters, digits, "_", "+", "-" and ".", and begins with a letter, a digit or
 * "_"; so "." and ".." are invalid. Every command checks it. */
int store_check_id(const char *id, struct err *err) MUST_CHECK;

/* Creates ROOT/<id> and locks it. If the previous owner is provably dead (phase creating and the
 * lock is free, or another boot), reuse() cleans up and the id is taken over; an id in use is
 * -EEXIST, "container with given ID already exists: <id>". Of concurrent callers exactly one wins.
 * Returns the locked directory, O_CLOEXEC. */
int store_reserve(struct store *store, const char *id,
		  int (*reuse)(struct store *store, const struct state *old, struct err *err),
		  struct err *err) MUST_CHECK;

/* Opens ROOT/<id>, never through a symbolic link. -ENOENT, "container does not exist: <id>". */
int store_open_container(struct store *store, const char *id, struct err *err) MUST_CHECK;

/* Whether the directory contains only what a creator leaves when it is killed before it writes the
 * state. */
bool store_is_cut_off(int dirfd);
/* Whether the mode is that of a container's directory: others leave empty directories too, as in
 * /run/lock. */
bool store_is_private(int dirfd);
/* Whether it contains only files that are not a container's: the root may be shared with others,
 * who may even keep containers a level below. Such a directory is never removed. */
bool store_is_foreign(int dirfd);

/* Locks an open container directory, waiting at most timeout_ms. -EBUSY on timeout; -ENOENT
 * ("container does not exist") if the container was deleted meanwhile. */
int store_lock(int dirfd, int timeout_ms, struct err *err) MUST_CHECK;

/* The same, but kills a holder that does not release the lock in time. -EBUSY if the holder is not
 * visible from this pid namespace. */
int store_lock_by_force(int dirfd, int timeout_ms, struct err *err) MUST_CHECK;

/* Releases the lock, also for processes that have inherited the descriptor. */
void store_unlock(int dirfd);

/* How long a command waits for another one that works on the same container. */
enum { STORE_LOCK_TIMEOUT_MS = 5000, STORE_WRITE = 1 };

/* A change to a container, or its removal: nobody else holds the lock while act() runs, and the
 * state that it receives was read under the lock. */
struct store_change {
	struct arena *arena;
	const char *what;         /* such as "pause": refused during creation; NULL: waits */
	bool awaits_creation;     /* refused only if that takes too long */
	bool force;               /* kills a slow lock holder; goes on without a readable state */
	const struct state *seen; /* only this container, not a later one of its id; or NULL */
	/* Returns STORE_WRITE to have the changed state written. dirfd is -1 if the directory was
	 * gone: by force, with the id reserved, which act() ends by store_remove(). */
	int (*act)(int dirfd, struct state *state, void *data, struct err *err);
	void *data;
};

/* Opens and locks the container, reads its state, lets act() change it, writes it, unlocks. -ENOENT
 * ("container does not exist"), -EBUSY, -ENODATA (damaged), or what act() returned. */
int store_change(struct store *store, const char *id, const struct store_change *change,
		 struct err *err) MUST_CHECK;

/* The same for an open directory, which stays locked. -ENOENT if it has been removed. */
int store_change_open(struct store *store, int dirfd, const char *id,
		      const struct store_change *change, struct err *err) MUST_CHECK;

/* Whether a creator or deleter is at work, or has just removed the directory. Not for the lock
 * holder: asking would release its lock. */
bool store_is_locked(int dirfd);

int store_write(int dirfd, const struct state *state, struct err *err) MUST_CHECK;

/* The same as store_open_container() and store_read(), with half the system calls, for a container
 * that is fully created. False: use those two, which report what is wrong. */
bool store_read_made(struct store *store, const char *id, struct arena *arena, struct state *ret);

/* Reads state.json. -ENODATA, with the file's name, if it is missing, damaged or has another id.
 * Any other error says nothing about the container. */
int store_read(struct store *store, int dirfd, const char *id, struct arena *arena,
	       struct state *ret, struct err *err) MUST_CHECK;

/* Fills in the pid and start time of a damaged container's init, if they were recorded. */
int store_find_init(int dirfd, struct state *ret, struct err *err) MUST_CHECK;

/* Removes everything in the container's directory, state.json last, then the directory: an
 * interrupted removal can be repeated. A missing one is fine. Of a link or a file in its place only
 * the name is removed. */
int store_remove(struct store *store, const char *id, struct err *err) MUST_CHECK;

/* Whether the directory is on a file system that other machines may mount as well. */
bool store_is_shared(int dirfd);

/* Names of all container directories, sorted. */
int store_list(struct store *store, struct arena *arena, const char *const **ret, size_t *ret_n,
	       struct err *err) MUST_CHECK;

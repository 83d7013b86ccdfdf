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

/* The rootfs, mounted on itself among others' mounts, with all of the container's below it. */
struct state_mount {
	struct json_uint id, unique; /* of struct mountfd_ids; unset: there is none */
	struct json_uint ns;         /* inode of the mount namespace */
	const char *ns_path;         /* the path it was joined by, or NULL: the creator's */
};

struct state {
	const char *id, *bundle; /* absolute */
	const char *rootfs;      /* absolute */
	int phase;               /* enum state_phase: what the runtime has done */
	struct json_int pid;     /* init, in the runtime's pid namespace; unset before the clone */
	struct json_uint start_time; /* field 22 of /proc/PID/stat */
	struct json_uint pid_number; /* pidfd_number(): no other process ever has it */
	const char *boot_id;
	const char *created;    /* RFC 3339, UTC */
	struct json_uint owner; /* uid of the creator */
	struct cgroup_place cgroup;
	struct cgroup_unit_ref unit; /* the cgroup is this unit of systemd */
	struct state_mount mount;
	JSON_LIST(struct json_pair) annotations;
	JSON_LIST(const char *) rdt_groups; /* to remove, below the root of resctrl */
	JSON_LIST(const char *) undo;       /* names of the rows to undo, first to last */
	JSON_LIST(const char *) mounts;     /* places of mounts added later (`mounts add`) */
	JSON_LIST(const char *) fallbacks;  /* every departure from the config, in words */
	JSON_LIST(const char *)
	namespaces;              /* kinds the container does not share with its creator
					     * ("pid", "mount", …): what exec joins */
	struct json_int net_pid; /* the network helper's keeper */
	struct json_uint net_start_time;
	struct json_int layer_pid; /* the overlay servers' keeper */
	struct json_uint layer_start_time;
	struct json_int console_pid; /* the terminal's keeper */
	struct json_uint console_start_time;
	const struct handler_kept *handler; /* the one that runs its program, or NULL */
	struct json_bool poststart_hooks, poststop_hooks, terminal;
	struct json_bool released; /* creating, and it will run also when its creator is gone */
	struct json_uint sandbox;  /* it ends with its usrun, which was in this pid namespace */
	/* Not stored. */
	bool abandoned; /* its creator died before it was done (store_is_locked()) */
	bool damaged;   /* only the id is known */
};

struct store;

/* Of a state that is still creating, when nobody else holds the lock: what its creator had released
 * has started, anything else is abandoned. */
void store_creator_is_gone(struct state *state);

/* ROOT: --root, else $XDG_RUNTIME_DIR/usrun when that is set and not empty (even for root), else
 * /run/usrun for a caller that may write there, else /run/user/UID/usrun, else /tmp/usrun-UID. A
 * root that is not the caller's own, or that others may write to, is refused with the reason, and
 * so is a runtime directory in which another user could replace it. create: makes it, 0700 and
 * sticky (cleaners of runtime directories leave it alone). Without create a missing root is no
 * error: no container exists. */
int store_open(const char *root, bool create, struct arena *arena, struct store **ret,
	       struct err *err) MUST_CHECK;
const char *store_root(const struct store *store);

/* What identifies a container on the host: "DEVICE:INODE ID", of the state directory (arena). */
const char *store_mark(const struct store *store, const char *id, struct arena *arena);

/* An id: 1 to 255 of letters, digits, "_", "+", "-" and ".", beginning with a letter, a digit or
 * "_"; not "." or "..". Every command checks it. */
int store_check_id(const char *id, struct err *err) MUST_CHECK;

/* Makes ROOT/<id> and locks it. An id whose creator is provably gone (phase creating and the lock
 * is free, or another boot) is handed to reuse() to clean up first, and taken; one in use is
 * -EEXIST, "container with given ID already exists: <id>". Of many callers at once exactly one
 * wins. Returns the directory, locked, O_CLOEXEC. */
int store_reserve(struct store *store, const char *id,
		  int (*reuse)(struct store *store, const struct state *old, struct err *err),
		  struct err *err) MUST_CHECK;

/* Opens ROOT/<id>, never through a symbolic link: -ENOENT with "container does not exist: <id>". */
int store_open_container(struct store *store, const char *id, struct err *err) MUST_CHECK;

/* Whether the directory contains only what a creator leaves if it is killed before it writes the
 * state. */
bool store_is_cut_off(int dirfd);
/* As a creator makes it: others leave empty directories too, such as /run/lock. */
bool store_is_private(int dirfd);
/* Whether it contains other things, and nothing of a container: the root may be one where others
 * keep theirs too, such as containers a level below. It is never removed. */
bool store_is_foreign(int dirfd);

/* Takes the lock of an open container directory; waits for at most timeout_ms. -EBUSY; -ENOENT
 * ("container does not exist") when the container was deleted while we waited. */
int store_lock(int dirfd, int timeout_ms, struct err *err) MUST_CHECK;

/* The same, but a holder that keeps it longer than that is killed. -EBUSY: the holder is not
 * visible from this pid namespace. */
int store_lock_by_force(int dirfd, int timeout_ms, struct err *err) MUST_CHECK;

/* Releases the lock for all who have inherited the descriptor. */
void store_unlock(int dirfd);

/* How long a command waits for another one that is working on the same container. */
enum { STORE_LOCK_TIMEOUT_MS = 5000, STORE_WRITE = 1 };

/* A change to a container, or its end: nobody else has the lock while act() runs, and the state it
 * gets was read under the lock. */
struct store_change {
	struct arena *arena;
	const char *what; /* "pause": refused while the container is being created; NULL: waits */
	bool awaits_creation; /* refused only if that takes too long */
	bool force; /* ends who has the lock for too long; goes on where no state can be read */
	const struct state *seen; /* only this container, whoever has the id by now; or NULL */
	/* STORE_WRITE: writes the state as act() leaves it. dirfd is -1 if the directory is
	 * gone. */
	int (*act)(int dirfd, struct state *state, void *data, struct err *err);
	void *data;
};

/* Opens the container, locks it, reads its state, lets act() make the change, writes, unlocks.
 * -ENOENT ("container does not exist"), -EBUSY, -ENODATA (damaged), or what act() returned. */
int store_change(struct store *store, const char *id, const struct store_change *change,
		 struct err *err) MUST_CHECK;

/* The same for an open directory, which stays locked. -ENOENT if it was removed. */
int store_change_open(struct store *store, int dirfd, const char *id,
		      const struct store_change *change, struct err *err) MUST_CHECK;

/* Whether a creator or deleter is at work, or has just removed the directory. Not for the holder of
 * the lock: asking would release it. */
bool store_is_locked(int dirfd);

int store_write(int dirfd, const struct state *state, struct err *err) MUST_CHECK;

/* The same as opening the directory and store_read(), in half the calls, for a container that is
 * made. False: that says what there is. */
bool store_read_made(struct store *store, const char *id, struct arena *arena, struct state *ret);

/* Reads state.json. -ENODATA with the file's name if it is missing, damaged or of another id. */
int store_read(struct store *store, int dirfd, const char *id, struct arena *arena,
	       struct state *ret, struct err *err) MUST_CHECK;

/* Fills in pid and start time of a damaged container's init, if they were kept. */
int store_find_init(int dirfd, struct state *ret, struct err *err) MUST_CHECK;

/* Removes everything in the container's directory, state.json last, and the directory: an
 * interrupted removal can be repeated. Missing is fine. If a link or a file is in its place, the
 * name is removed, and nothing followed. */
int store_remove(struct store *store, const char *id, struct err *err) MUST_CHECK;

/* Whether the directory is on a file system that other machines may have mounted, too. */
bool store_is_shared(int dirfd);

/* Names of all container directories, sorted. */
int store_list(struct store *store, struct arena *arena, const char *const **ret, size_t *ret_n,
	       struct err *err) MUST_CHECK;

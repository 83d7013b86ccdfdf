/* SPDX-License-Identifier: Apache-2.0 */
/* `usrun do`: this machine as a sandbox. Pure: turns options and facts into a config.json, and
 * nothing else. `usrun run` runs that to the same effect; from there on a sandbox is planned and
 * started like any other container.
 *
 * The root is an empty tmpfs with a read-only mount for each entry of the host's /; what must not
 * be seen is never mounted. /home, /tmp, /var/tmp and /run are the sandbox's own. The user's
 * options come on top: for the same path the later one wins, and a deeper path wins over one above
 * it, in whatever order they are given. Nothing is created in a directory of the host, not even an
 * empty file to mount on. */
#pragma once

#include "net/net_plan.h"
#include "src/host/machine.h"
#include "src/oci/config.h"

enum do_how { DO_WRITE, DO_READ, DO_HIDE, DO_SCRATCH };

/* A path named by an option, as it was found. */
struct do_path {
	const char *option; /* "--rw", for errors */
	enum do_how how;
	const char *source; /* absolute, links resolved */
	const char *target; /* absolute, clean: where the sandbox sees it */
	bool directory;     /* the source is a directory */
	bool there;         /* the host has a file at target */
	bool squash;        /* DO_SCRATCH: its owners cannot be mapped, and need not be */
};

enum do_home { DO_HOME_TOOLS, DO_HOME_EMPTY, DO_HOME_READ, DO_HOME_SCRATCH };

struct do_rlimit {
	const char *type; /* "RLIMIT_NOFILE" */
	uint64_t soft, hard;
};

struct do_texts {
	const char *const *v;
	size_t n;
};

struct do_request {
	const struct machine *machine;
	enum do_home home;
	const struct do_path *paths; /* in the order of the command line */
	size_t n_paths;
	const struct do_path *hidden; /* hidden by default, if they exist */
	size_t n_hidden;
	const struct do_path *tools; /* from do_home_tools(), if they exist */
	size_t n_tools;
	/* In writable directories: what stays read-only, and the directories above it, each
	 * bind-mounted on itself. */
	const struct do_path *guards;
	size_t n_guards;
	const char *const *devices, *const *device_sources; /* sources: links resolved */
	size_t n_devices;
	struct net_plan net;
	const char *no_net; /* why there is no network although nobody asked for that, or NULL */
	bool terminal, reaper;
	bool no_seccomp, nested;                 /* nested: namespaces may be created inside */
	const struct oci_seccomp *seccomp_given; /* replaces the built-in profile */
	const char *hostname;
	const char *workdir; /* absolute, clean; or NULL */
	bool workdir_there;  /* on the host, if it is shown there */
	struct do_texts args, env, caps;
	const struct do_rlimit *rlimits;
	size_t n_rlimits;
	int64_t memory, cpu_quota, pids; /* 0: no limit */
	bool root;                       /* be root in a copy of this machine */
	bool keep_groups;                /* the caller's supplementary groups, for root, too */
	/* Replaces this machine's tree; root inside, with all of the user's ids. */
	const char *rootfs;     /* absolute, links resolved; or NULL */
	bool overlay;           /* writes do not go to it */
	bool rootfs_resolv;     /* it has an /etc/resolv.conf */
	const char *layer;      /* absolute: where writes are kept; or NULL */
	const char *unserved;   /* why there is no fuse-overlayfs, or NULL */
	bool home_squash;       /* DO_HOME_SCRATCH: like do_path.squash */
	struct do_texts states; /* usrun's state directories, absolute, links resolved */
	bool all_changes;       /* also list changes in the sandbox's own places */
	int64_t layer_size;     /* limit of what is thrown away; 0: the default */
};

/* Whether the program is root in the sandbox, with all of the user's ids. */
static inline bool do_is_root(const struct do_request *request)
{
	return request->root || request->rootfs;
}

enum { DO_CPU_PERIOD = 100000 };

struct do_result {
	const char *text; /* config.json, owned by the caller's json_write */
	size_t len;
	const char **notes; /* surprises for the user, a line each */
	size_t n_notes, cap_notes;
	bool no_resolv; /* no place for the sandbox's own resolv.conf */
};

struct json_write;

/* Builds the config. Errors name the option and say what to do. */
int do_config(struct arena *arena, const struct do_request *request, struct json_write *w,
	      struct do_result *ret, struct err *err) MUST_CHECK;

/* What --home=tools may show of the home directory: the directories of PATH below it, and the trees
 * that programs in them are known to need; never one with credentials. Absolute paths. */
struct do_texts do_home_tools(struct arena *arena, const char *home, const char *path);

/* Whether such a path, with links resolved, may still be shown. */
bool do_home_may_show(const char *home, const char *path);

/* Whether the home directory contains programs and libraries, as daemons' do, which an empty home
 * would hide. */
bool do_home_is_of_system(const char *path);

/* Hidden unless asked for: data of services that a user may happen to be able to read.
 * NULL-terminated. */
extern const char do_hidden[][24];

/* Passwords and keys of the machine, of which the same is true where the caller may read them, as
 * root may. NULL-terminated. */
extern const char do_secrets[][40];

/* What is guarded in a writable directory if it exists, relative to it. Ends with "". */
extern const char do_protected[][24];

/* Whether --unprotect makes it writable, by its own name or that of a directory above it. */
bool do_is_unprotected(const char *name, const struct do_texts *unprotected);

/* Checks that every name means something. */
int do_check_unprotected(const struct do_texts *names, struct err *err) MUST_CHECK;

/* Refuses a path that no place can have: "/", and the sandbox's own file systems. */
int do_check_target(const struct do_path *path, struct err *err) MUST_CHECK;

/* For do_caps(): the capabilities of root in another tree. NULL-terminated. */
extern const char *const do_root_caps[];

/* The config's capabilities, after --cap-add and --cap-drop in their order ("add=NAME",
 * "drop=NAME"). */
int do_caps(struct arena *arena, const char *const *words, size_t n, struct do_texts *ret,
	    struct err *err) MUST_CHECK;

/* Checks that each line of an --env-file (len bytes) is a variable, empty, or a comment. */
int do_env_file_check(const char *file, const char *text, size_t len, struct err *err) MUST_CHECK;

/* The variables passed on from the caller's environment (tree: only those of use in a tree other
 * than this machine's), and those of the options in their order: "env=NAME=value", "env=NAME" (the
 * caller's), "env-file=" with the text of a file. */
struct do_texts do_env(struct arena *arena, bool tree, const char *const *environ,
		       const char *const *words, size_t n);

/* Parses "nofile=1024:4096". */
int do_ulimit(struct arena *arena, const char *word, struct do_rlimit *ret,
	      struct err *err) MUST_CHECK;

/* Parses "1.5" CPUs as microseconds per DO_CPU_PERIOD. */
int do_cpus(const char *text, int64_t *ret, struct err *err) MUST_CHECK;

/* Parses "90", "90s", "5m" or "2h" as milliseconds. */
int do_duration(const char *text, int64_t *ret, struct err *err) MUST_CHECK;

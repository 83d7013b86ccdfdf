/* SPDX-License-Identifier: Apache-2.0 */
/* All decisions about a start, made before anything is done: a pure function of config, facts and
 * options. Const once built; `usrun explain` prints it and the steps read it. A field named why
 * holds the reason for a departure from the config, and is NULL otherwise. */
#pragma once

#include "net/devices.h"
#include "net/net_plan.h"
#include "src/base/str.h"
#include "src/host/facts.h"
#include "src/host/handler.h"
#include "src/oci/config.h"
#include "src/plan/plan_cgroup.h"
#include "userns/idmap_write.h"

/* Each bit turns rows of the sequence on or off. The tests' order checker walks every combination
 * that a plan can have. */
enum plan_flag {
	PLAN_USERNS_NEW = 1 << 0,       /* a new user namespace */
	PLAN_USERNS_JOIN = 1 << 1,      /* joins a user namespace by path */
	PLAN_NS_JOIN = 1 << 2,          /* joins other namespaces by path */
	PLAN_STAGER = 1 << 3,           /* a process between usrun and init */
	PLAN_CGROUP = 1 << 4,           /* a cgroup of its own */
	PLAN_CGROUPNS = 1 << 5,         /* a new cgroup namespace */
	PLAN_MOUNTS_BY_PARENT = 1 << 6, /* usrun opens the mount sources, before the clone */
	PLAN_HOOKS_RUNTIME = 1 << 7,    /* prestart, createRuntime */
	PLAN_HOOKS_CONTAINER = 1 << 8,  /* createContainer */
	PLAN_HOOKS_START = 1 << 9,      /* startContainer */
	PLAN_HOOKS_POSTSTART = 1 << 10,
	PLAN_TERMINAL = 1 << 11,
	PLAN_CONSOLE_SOCKET = 1 << 12, /* the terminal goes to a socket, not to our own loop */
	PLAN_SECCOMP = 1 << 13,
	PLAN_SECCOMP_EARLY = 1 << 14, /* the filter is loaded while capabilities are still held */
	PLAN_WAIT_START = 1 << 15,    /* create: init waits for `start` */
	PLAN_TIME_OFFSETS = 1 << 16,
	PLAN_NET_NEW = 1 << 17,        /* a new network namespace, in which lo is brought up */
	PLAN_MNTNS_NEW = 1 << 18,      /* a new mount namespace: pivot_root */
	PLAN_NET_DEVICES = 1 << 19,    /* host devices move into the network namespace */
	PLAN_CGROUP_UNIT = 1 << 20,    /* the cgroup is a systemd unit, created for the child */
	PLAN_SECCOMP_NOTIFY = 1 << 21, /* an agent receives the filter's listener */
	PLAN_CGROUP_LATE = 1 << 22, /* v1 cgroups are created while init creates its namespaces */
	PLAN_MOUNTS =
		1 << 23, /* mounts, masks and nodes below the rootfs; without PLAN_MNTNS_NEW, in a
			  * namespace shared with others, until the container is deleted */
	PLAN_PIDNS_JOIN = 1 << 24,   /* create: others can see init as soon as it is cloned */
	PLAN_NET_HELPER = 1 << 25,   /* an outside process provides the network */
	PLAN_CONSOLE_KEPT = 1 << 26, /* an outside process keeps the terminal for `attach` */
	PLAN_LAYER = 1 << 27,        /* writes to overlays are kept, or listed at the end */
};
enum { PLAN_FLAG_BITS = 28 };

enum plan_ns { /* index into ns_plan.v and names_namespaces, in the order of joining */
	       PLAN_NS_USER,
	       PLAN_NS_PID,
	       PLAN_NS_NET,
	       PLAN_NS_IPC,
	       PLAN_NS_UTS,
	       PLAN_NS_CGROUP,
	       PLAN_NS_TIME,
	       PLAN_NS_MOUNT,
	       PLAN_NS_COUNT,
};

enum ns_action { NS_KEEP, NS_NEW, NS_JOIN };

struct ns_plan {
	struct {
		enum ns_action action;
		const char *path; /* NS_JOIN */
	} v[PLAN_NS_COUNT];
	unsigned int clone_flags;   /* of the first clone3() */
	unsigned int early_flags;   /* by init itself, at once, while the parent is busy */
	unsigned int unshare_flags; /* after the maps are written, by the stager or init */
	unsigned int join_flags;    /* exec: namespaces of the container's init to enter */
	bool shared_mounts;   /* exec: the mount namespace was not created for the container */
	const char *why_user; /* why a user namespace was added */
	const struct oci_time_offsets *offsets;
};

enum mount_kind {
	MOUNT_FS,   /* a new file system of type fs */
	MOUNT_BIND, /* an existing tree */
	MOUNT_PROC,
	MOUNT_SYSFS,
	MOUNT_CGROUP, /* the container's view of its cgroups */
	MOUNT_MQUEUE,
	MOUNT_REMOUNT, /* changes an earlier mount */
};

/* Tried in the order of the entry's list. */
enum mount_method {
	MOUNT_BY_FSMOUNT,     /* fsopen, fsconfig, fsmount, move_mount */
	MOUNT_BY_BIND,        /* open_tree of the source */
	MOUNT_BY_SCRATCH,     /* an overlay of the source, or a directory of its layer */
	MOUNT_BY_HOST_BIND,   /* open_tree of the host's file system in place of a new one */
	MOUNT_BY_CGROUP_BIND, /* bind mounts of the container's own cgroup directories */
	MOUNT_BY_MOUNT,       /* mount(2): for types unknown to the new calls */
};

struct mount_super {             /* one fsconfig() */
	const char *key, *value; /* value NULL sets a flag */
};

struct mount_entry {
	enum mount_kind kind;
	enum mount_method methods[3];
	size_t n_methods;
	const char *target; /* clean absolute path inside the rootfs */
	const char *source; /* bind: absolute host path; otherwise the name shown in mountinfo */
	const char *inside; /* for a bind of what an earlier mount shows: its path in the rootfs */
	const char *fs;
	uint64_t attr_set, attr_clear;   /* MOUNT_ATTR_* of this mount */
	uint64_t rattr_set, rattr_clear; /* of this mount and all below */
	unsigned long propagation;       /* MS_*, 0: private (binds) or as created */
	unsigned long leaves;            /* the same, before that, by earlier words; or 0 */
	bool recursive;                  /* rbind */
	bool readonly_late;      /* tmpfs with ro: set after the mount points inside were created */
	unsigned int extensions; /* enum mount_extension */
	const struct mount_super *super;
	size_t n_super;
	const char *label; /* of SELinux, for a root that no option gives one; or NULL */
	size_t idmap;      /* 1 + index in rootfs_plan.idmaps; 0: not mapped */
	size_t layer;      /* 1 + index in layer_plan.v; 0: none */
	long config_index; /* mounts[N], or -1 */
};

/* Where writes to overlays go. */
struct layer_plan {
	const char *dir; /* absolute, kept; NULL: a tmpfs, discarded with the container */
	bool shown;      /* list the changes at the end */
	bool user;       /* user.* attributes, because a user namespace allows no others */
	bool served;     /* an outside process may have to serve overlays */
	struct layer_use {
		const char *lower; /* absolute; the target if nothing is below */
		bool empty;
		bool squash; /* all files in it belong to the process's user */
	} * v;
	size_t n, cap;
};

struct mount_idmap {              /* an id mapping for mounts */
	bool joined;              /* use the one of the joined user namespace */
	struct idmap_write write; /* otherwise, the one of a user namespace created for it */
};

struct rootfs_plan {
	const char *path; /* absolute */
	bool readonly;
	bool no_pivot;
	size_t layer;              /* an overlay on top: 1 + index in layer_plan.v */
	unsigned long propagation; /* from the config, 0 if absent */
	const struct mount_entry *mounts;
	size_t n_mounts;
	struct mount_idmap *idmaps;
	size_t n_idmaps;
	const char *const *masked;
	size_t n_masked;
	struct mount_super mask_label; /* of masked directories; key NULL: none */
	const char *const *readonly_paths;
	size_t n_readonly_paths;
};

struct device_plan {
	const char *path; /* "/dev/null" */
	uint32_t mode;    /* type and permissions */
	uint32_t major, minor, uid, gid;
	bool from_config;
};

struct devices_plan {
	bool populate; /* create the default nodes and links: /dev is not a bind from the host */
	bool bind;     /* bind-mount the host's nodes, because mknod is refused */
	bool readonly; /* bind: else root could change the host's modes and owners */
	/* 1 + index in rootfs_plan.mounts of a /dev that usrun itself creates, with its nodes,
	 * before the clone; 0: none. Device nodes on a file system of another user namespace cannot
	 * be opened. */
	size_t by_parent;
	const struct device_plan *v;
	size_t n;
	const char *why;
};

struct rlimit_plan {
	int resource;
	uint64_t soft, hard;
};

/* Limits also restrict the process that sets up the container, so they are set late. Only from
 * outside may they exceed the caller's if there is a user namespace. */
enum limits_setter {
	LIMITS_BY_PARENT, /* on the process, while it waits for its exec */
	LIMITS_BY_INIT, /* by the process itself: without CAP_SYS_RESOURCE nobody may set the limits
			 * of a process with other ids */
	LIMITS_BY_INIT_EARLY, /* the same, before a seccomp filter that may forbid it */
};

struct rdt_plan {
	const char *group;        /* relative to the root of resctrl, "." for that; NULL: none */
	bool own;                 /* named after the container, so created and removed with it */
	const char *const *lines; /* for the schemata file */
	size_t n_lines;
	const char *monitor; /* monitoring group, created and removed; NULL: none */
};

struct process_plan {
	const char *const *args; /* NULL-terminated; NULL if the config has no process */
	const char *const *env;  /* NULL-terminated; a missing HOME is added in the container */
	size_t n_args, n_env;
	const char *cwd;
	uint32_t uid, gid, umask;
	const uint32_t *groups;
	size_t n_groups;
	bool set_groups;   /* setgroups() is possible and wanted */
	bool keep_groups;  /* annotation run.oci.keep_original_groups */
	bool needs_groups; /* the user named them, so a missing one is an error */
	uint64_t caps_bounding, caps_permitted, caps_effective, caps_inheritable, caps_ambient;
	const struct rlimit_plan *rlimits;
	size_t n_rlimits;
	enum limits_setter limits_setter;
	bool no_new_privs;
	bool reaper; /* run.oci.init: usrun is init, and the program its child */
	bool set_oom;
	int oom_score_adj;
	bool terminal;
	uint32_t rows, columns; /* 0 if unset */
	const struct oci_scheduler *scheduler;
	const struct oci_io_priority *io_priority;
	bool priority_by_parent; /* because inside a user namespace neither may be raised */
	const struct oci_memory_policy *memory_policy;
	const struct oci_personality *personality;
	const struct oci_cpu_affinity *affinity; /* exec only */
	const struct oci_seccomp *seccomp;
	const char *seccomp_bpf;      /* a complete program in base64, or NULL */
	const char *seccomp_receiver; /* the agent's socket, or NULL */
	bool seccomp_known_only;      /* unknown system calls are errors */
	const char *apparmor_profile, *selinux_label;
	/* The program is the handler's: the environment is data for it, and has a prefix, so that
	 * neither loader nor libraries obey it. NULL: no handler. */
	const struct handler_kept *handler;
	const char *keyring; /* name of the new session keyring, or NULL */
};

/* A handler runs the container's program (usrun-handlers(7)). */
struct handler_plan {
	const struct handler *handler;   /* NULL: none */
	const struct handler_kept *kept; /* for the state */
	const char *dir;                 /* where its files are in the container */
};

struct plan_options {            /* what the command line adds to the config */
	const char *id, *bundle; /* bundle: absolute */
	bool wait_start;         /* create */
	bool detach, is_exec;
	const char *console_socket;
	const char *pidfd_socket; /* receives a pidfd of the process */
	bool no_pivot, no_new_keyring;
	bool sandbox;      /* from `do`, which wrote the config; ends with usrun, however that ends,
		       * unless detach is set */
	bool any_hostname; /* the config's is nobody's wish */
	unsigned int preserve_fds;
	unsigned int listen_fds;
	const char *listen_ignored; /* why LISTEN_FDS is not passed on, or NULL */
	const char *listen_names;   /* LISTEN_FDNAMES, or NULL */
	const char *notify_socket;  /* NOTIFY_SOCKET, or NULL */
	const char *notify_path;    /* where the container finds our own socket, or NULL */
	const char *watchdog_usec;  /* WATCHDOG_USEC, if notify_path is set, or NULL */
	const char *map;            /* "auto", "single", "subid" */
	const char *cgroup_manager; /* "cgroupfs", "systemd", "disabled", or NULL */
	const char *net;            /* replaces the config's network, or NULL */
	const char *const *publish; /* ports */
	size_t n_publish;
	bool host_loopback, metadata;
	bool no_resolv; /* there is no place for a resolv.conf */
	bool overlay;
	bool tty; /* a terminal, whatever the config says; with detach, one that is kept */
	const struct handler *handler; /* from plan_handler_choose(), with its files; or NULL */
	const char *layer;             /* absolute: where layers are kept, or NULL */
	bool show_changes;             /* list the layer's changes at the end */
	const char *state_dir; /* absolute; set if files of ours are mount sources; or NULL */
};

struct plan_warning {
	const char *text;
};

struct plan {
	uint32_t flags;  /* enum plan_flag */
	uint32_t powers; /* enum power, src/plan/powers.h */
	const struct plan_options *options;
	const struct oci_config *config;
	const struct facts *facts;
	struct ns_plan ns;
	struct idmap_write idmap;
	const char *why_idmap;
	struct rootfs_plan rootfs;
	struct layer_plan layer;
	struct devices_plan devices;
	struct cgroup_plan cgroup;
	struct process_plan process;
	struct rdt_plan rdt;
	struct handler_plan handler;
	const char *hooks_stdout, *hooks_stderr; /* files that hooks append to, or NULL */
	bool notify;                             /* our own socket replaces the service manager's */
	const char *pidfd_receiver;              /* socket that receives a pidfd of init, or NULL */
	struct net_plan net;                     /* replaces the config's */
	bool resolv;                             /* the container gets a resolv.conf from us */
	const struct devices_request *net_devices;
	size_t n_net_devices;
	const char *hostname, *domainname;
	const struct json_pair *sysctl;
	size_t n_sysctl;
	const struct plan_warning
		*warnings; /* every fallback and every departure; kept in the state */
	size_t n_warnings;
};

/* Builds the plan in the arena. Errors name the JSON path and the rule, or the missing power. */
int plan_build(struct arena *arena, const struct oci_config *config, const struct facts *facts,
	       const struct plan_options *options, const struct plan **ret,
	       struct err *err) MUST_CHECK;

/* The process of `exec`: the container's own, modified by the command line. */
struct plan_texts {
	const char *const *v;
	size_t n;
};
struct plan_exec_process {
	const struct oci_process *file; /* replaces the container's own, already checked; or NULL */
	struct plan_texts args, env, caps, groups;
	const char *cwd, *user, *apparmor, *label; /* user: "UID[:GID]" */
	bool tty, no_new_privs;
};
/* Builds and checks the whole process object. own: the container's, or NULL. Errors name the
 * option. */
int plan_exec_process(struct arena *arena, const struct plan_exec_process *asked,
		      const struct oci_process *own, const struct oci_process **ret,
		      struct err *err) MUST_CHECK;

/* The plan of `exec`: another process in a running container. Reads from config only what concerns
 * processes (seccomp, personality, annotations). */
struct plan_exec_request {
	const struct oci_config *config;
	const struct oci_process *process;
	const struct facts *facts;
	const struct plan_options *options;
	const char *const
		*namespaces; /* kinds that the container does not share with its creator */
	size_t n_namespaces;
	const struct handler_kept *handler; /* the container's, or NULL */
	const char *rootfs;                 /* for plan_exec_mounts(): absolute */
	bool removes;                       /* for plan_exec_mounts(): unmount these destinations */
	bool has_cgroup, has_unit, needs_groups;
};
int plan_exec_build(struct arena *arena, const struct plan_exec_request *request,
		    const struct plan **ret, struct err *err) MUST_CHECK;

/* The plan of `mounts`: `mounts` has the array, config is the container's, and the request's
 * process is ignored. */
int plan_exec_mounts(struct arena *arena, const struct plan_exec_request *request,
		     const struct oci_config *mounts, const struct plan **ret,
		     struct err *err) MUST_CHECK;

/* The handler that a config asks for, or that usrun's name (usrun-NAME) means. */
struct plan_handler_choice {
	const char *name;       /* NULL: none */
	const char *annotation; /* the annotation that asked, or NULL: usrun's name */
	bool by_suffix;         /* only for programs that its description accepts */
};
int plan_handler_choose(struct arena *arena, const struct oci_config *config, const char *called_as,
			struct plan_handler_choice *ret, struct err *err) MUST_CHECK;

/* Whether the handler, whose description was read, applies to this program. */
bool plan_handler_takes(const struct plan_handler_choice *choice, const struct handler *handler,
			const struct oci_config *config);

/* Prefix of the variables that a handler gets as data. */
#define PLAN_HANDLER_ENV "container."

/* Cache and memory bandwidth (resctrl): the group, what is written to it, and whether it is removed
 * with the container (only if it is named after it). All zero if the config asks for none. */
struct rdt_plan plan_rdt(struct arena *arena, const struct oci_config *config, const char *id);

/* The facts that a start of this config by this kind of caller needs (mask of enum facts_part). */
unsigned int plan_facts_needed(const struct oci_config *config, const struct plan_options *options);

/* The same for just a process. */
unsigned int plan_process_facts_needed(const struct oci_process *process);

/* The plan as text, for `explain`. Prints only what the steps read. */
void plan_print(struct str *out, const struct plan *plan);

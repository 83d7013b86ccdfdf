/* SPDX-License-Identifier: Apache-2.0 */
/* What checkpoint and restore ask CRIU to do. Pure. */
#pragma once

#include "src/criu/rpc.h"
#include "src/plan/plan.h"

/* The command line's options; the texts are as they were typed. */
struct plan_criu_asked {
	bool pre_dump, leave_running, tcp_established, tcp_close, tcp_skip_in_flight, ext_unix_sk;
	bool shell_job, file_locks, link_remap, lazy_pages, auto_dedup;
	const char *parent, *page_server, *cgroups, *network_lock, *lsm_profile, *lsm_mount_context;
	unsigned int status_fd; /* 0: none */
	const char *const *empty_ns;
	size_t n_empty_ns;
	bool has_iptables; /* this host has iptables-restore, with which CRIU locks a network */
};

/* The options that both have in common. Errors name the option. */
int plan_criu_options(struct arena *arena, const struct plan_criu_asked *asked,
		      const struct oci_config *config, struct rpc_opts *ret,
		      struct err *err) MUST_CHECK;

/* Refuses what CRIU cannot save, or what could not be restored. */
int plan_criu_check(const struct oci_config *config, struct err *err) MUST_CHECK;

/* --manage-cgroups-mode lets CRIU write owner, mode and limits of the groups that processes are in.
 * Refuses what would be others' groups, or the host's: of a dump those that are not at or below the
 * container's place (groups: /proc/PID/cgroup of its first process), of a restore all where it has
 * none of its own. */
int plan_criu_check_groups(const struct rpc_opts *opts, const struct cgroup_place *place,
			   const char *groups, struct err *err) MUST_CHECK;
int plan_criu_check_restore(const struct rpc_opts *opts, const struct plan *plan,
			    struct err *err) MUST_CHECK;

/* External mounts of a dump: those that the config binds (real: where each of its mounts is in
 * the container, NULL: nowhere), and those of file systems that CRIU does not see as a whole. */
void plan_criu_dump_mounts(struct arena *arena, const struct oci_config *config,
			   const char *const *real, const char *mountinfo, struct rpc_opts *ret);

/* The same for a restore: what is to be mounted for each name. place: the container's cgroups;
 * mountinfo is the caller's. */
void plan_criu_restore_mounts(struct arena *arena, const struct plan *plan,
			      const struct cgroup_place *place, const char *mountinfo,
			      struct rpc_opts *ret);

/* Where the first process's standard streams lead. */
enum { PLAN_CRIU_STREAMS = 3 };
struct plan_criu_stream {
	const char *text; /* of /proc/PID/fd/N */
	/* On a mount that the container does not have: both 0 where it does. */
	uint64_t mount, inode;
};

/* The file of the images that tells a restore about them: what other runtimes write, and for a
 * file of the host its name in the images and its path. */
const char *plan_criu_stream_text(struct arena *arena, const struct plan_criu_stream *stream);

/* What would be requested, in words. strays: processes that would not be saved, or NULL. */
void plan_criu_print_dump(struct str *out, const struct rpc_opts *opts,
			  const struct plan_criu_stream *streams, size_t n, const char *strays);
void plan_criu_print_restore(struct str *out, const struct rpc_opts *opts);

/* The name in the images of what such a text is about, or NULL: CRIU restores it by itself.
 * ret_null: it was the null device. */
const char *plan_criu_stream_key(struct arena *arena, const char *text, bool *ret_null);

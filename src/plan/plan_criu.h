/* SPDX-License-Identifier: Apache-2.0 */
/* What checkpoint and restore ask CRIU to do. Pure. */
#pragma once

#include "src/criu/rpc.h"
#include "src/plan/plan.h"

/* The options of the command line; texts as they were typed. */
struct plan_criu_asked {
	bool pre_dump, leave_running, tcp_established, tcp_close, tcp_skip_in_flight, ext_unix_sk;
	bool shell_job, file_locks, link_remap, lazy_pages, auto_dedup;
	const char *parent, *page_server, *cgroups, *network_lock, *lsm_profile, *lsm_mount_context;
	unsigned int status_fd; /* 0: none */
	const char *const *empty_ns;
	size_t n_empty_ns;
	bool has_iptables; /* the host has iptables-restore, with which CRIU locks the network */
};

/* The options that checkpoint and restore share. Errors name the option. */
int plan_criu_options(struct arena *arena, const struct plan_criu_asked *asked,
		      const struct oci_config *config, struct rpc_opts *ret,
		      struct err *err) MUST_CHECK;

/* Refuses what CRIU cannot save, or what could not be restored. */
int plan_criu_check(const struct oci_config *config, struct err *err) MUST_CHECK;

/* --manage-cgroups-mode lets CRIU write owner, mode and limits of the cgroups that processes are
 * in. Refuses cgroups of others or of the host: for a dump those not at or below the container's
 * place (groups: /proc/PID/cgroup of its init), for a restore all if the container has none of its
 * own. */
int plan_criu_check_groups(const struct rpc_opts *opts, const struct cgroup_place *place,
			   const char *groups, struct err *err) MUST_CHECK;
int plan_criu_check_restore(const struct rpc_opts *opts, const struct plan *plan,
			    struct err *err) MUST_CHECK;

/* External mounts of a dump: those that the config binds (real: where in the container each of its
 * mounts is, NULL: nowhere), and those of file systems that CRIU does not see as a whole. */
void plan_criu_dump_mounts(struct arena *arena, const struct oci_config *config,
			   const char *const *real, const char *mountinfo, struct rpc_opts *ret);

/* The same for a restore: what to mount for each name. place: the container's cgroups; mountinfo is
 * the caller's. */
void plan_criu_restore_mounts(struct arena *arena, const struct plan *plan,
			      const struct cgroup_place *place, const char *mountinfo,
			      struct rpc_opts *ret);

/* Targets of the standard streams of the container's init. */
enum { PLAN_CRIU_STREAMS = 3 };
struct plan_criu_stream {
	const char *text; /* of /proc/PID/fd/N */
	/* The host mount it is on; both 0 if the mount is the container's. */
	uint64_t mount, inode;
};

/* The text of the image file that describes the streams to a restore: as other runtimes write it,
 * plus the name in the images and the path for a file of the host. */
const char *plan_criu_stream_text(struct arena *arena, const struct plan_criu_stream *stream);

/* Describes the request in words. strays: processes that would not be saved, or NULL. */
void plan_criu_print_dump(struct str *out, const struct rpc_opts *opts,
			  const struct plan_criu_stream *streams, size_t n, const char *strays);
void plan_criu_print_restore(struct str *out, const struct rpc_opts *opts);

/* The name in the images that such a text refers to, or NULL: CRIU restores the stream by itself.
 * *ret_null: it was the null device. */
const char *plan_criu_stream_key(struct arena *arena, const char *text, bool *ret_null);

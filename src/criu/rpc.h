/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to `criu swrk` and its answers: protocol buffers, encoded and decoded by hand. Pure. The
 * numbers are those of CRIU's rpc.proto. */
#pragma once

#include "src/base/str.h"

#include <stddef.h>
#include <stdint.h>

enum rpc_type {
	RPC_DUMP = 1,
	RPC_RESTORE = 2,
	RPC_PRE_DUMP = 4,
	RPC_NOTIFY = 6,
	RPC_FEATURE_CHECK = 9,
};

enum rpc_cgroups {
	RPC_CGROUPS_IGNORE = 0,
	RPC_CGROUPS_SOFT = 3,
	RPC_CGROUPS_FULL = 4,
	RPC_CGROUPS_STRICT = 5,
	RPC_CGROUPS_DEFAULT = 6,
};

enum rpc_network_lock { RPC_LOCK_IPTABLES = 1, RPC_LOCK_NFTABLES = 2, RPC_LOCK_SKIP = 3 };

struct rpc_pair {
	const char *key, *value;
};

struct rpc_fd {
	const char *key;
	int fd; /* as criu has it */
};

/* Unset numbers are -1, unset texts NULL. */
struct rpc_opts {
	int images_fd, work_fd, status_fd; /* named as in CRIU */
	int pid, log_level, cgroups, network_lock, empty_ns, page_server_port;
	bool leave_running, tcp_established, tcp_close, tcp_skip_in_flight, ext_unix_sk, shell_job;
	bool file_locks, link_remap, lazy_pages, auto_dedup, track_mem;
	bool notify, sibling, orphan_pts, evasive_devices, manage_cgroups;
	const char *log_file, *root, *parent, *page_server, *freezer, *config_file;
	const char *lsm_profile, *lsm_mount_context;
	const struct rpc_pair
		*mounts; /* external: for dump mount point, name; for restore name, source */
	size_t n_mounts;
	const struct rpc_pair *groups; /* controllers and path; controllers NULL: all */
	size_t n_groups;
	const struct rpc_pair *join; /* kind of namespace and path */
	size_t n_join;
	const struct rpc_fd *inherit;
	size_t n_inherit;
	const char *const *external;
	size_t n_external;
};

#define RPC_OPTS_NONE                                                                              \
	{                                                                                          \
		.images_fd = -1, .work_fd = -1, .status_fd = -1, .pid = -1, .log_level = -1,       \
		.cgroups = -1, .network_lock = -1, .empty_ns = -1, .page_server_port = -1          \
	}

struct rpc_request {
	enum rpc_type type;
	const struct rpc_opts *opts; /* or NULL */
	bool mem_track, lazy_pages;  /* RPC_FEATURE_CHECK: the features to check for */
	bool notify_success;         /* for RPC_NOTIFY */
};

/* Encodes the message, which must be sent as one packet. */
void rpc_encode(struct str *out, const struct rpc_request *request);

enum { RPC_SCRIPT_SIZE = 64, RPC_MESSAGE_SIZE = 256, RPC_MAX_PACKET = 64 * 1024 };

struct rpc_response {
	uint32_t type; /* that of the request, or RPC_NOTIFY, which must be answered */
	bool success;
	int pid; /* of the restored process, or from a notification; or 0 */
	int error;
	bool mem_track, lazy_pages;
	char script[RPC_SCRIPT_SIZE];   /* the notification's name */
	char message[RPC_MESSAGE_SIZE]; /* the first error, which is often harmless */
};

/* 0, or -EBADMSG if it is not such a message. Skips unknown fields. */
int rpc_decode(const void *data, size_t len, struct rpc_response *ret) MUST_CHECK;

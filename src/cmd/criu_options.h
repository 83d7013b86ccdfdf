/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by checkpoint and restore: options, and the directories of the images and of CRIU's
 * log. */
#pragma once

#include "src/cmd/cmd.h"
#include "src/plan/plan_criu.h"

struct criu_options {
	struct plan_criu_asked asked;
	const char *image_path, *work_path;
	struct option_list empty_ns;
};

/* Rows of both option tables. T is the command's struct, whose member `criu` this is. */
#define CRIU_OPTIONS_FLAG(T, n, member, text)                                                      \
	{                                                                                          \
		0, n, OPTION_FLAG, offsetof(T, criu.asked.member), "", text                        \
	}
#define CRIU_OPTIONS(T)                                                                            \
	{ 0,           "image-path",                                                               \
	  OPTION_TEXT, offsetof(T, criu.image_path),                                               \
	  "DIR",       "directory of the images (default: ./checkpoint)" },                        \
		{ 0,           "work-path",                                                        \
		  OPTION_TEXT, offsetof(T, criu.work_path),                                        \
		  "DIR",       "directory of the log (default: --image-path)" },                   \
		CRIU_OPTIONS_FLAG(T, "tcp-established", tcp_established,                           \
				  "keep open TCP connections"),                                    \
		CRIU_OPTIONS_FLAG(T, "tcp-close", tcp_close, "close open TCP connections"),        \
		CRIU_OPTIONS_FLAG(T, "ext-unix-sk", ext_unix_sk,                                   \
				  "allow Unix sockets that lead out of the container"),            \
		CRIU_OPTIONS_FLAG(T, "shell-job", shell_job, "allow a terminal of the host"),      \
		CRIU_OPTIONS_FLAG(T, "file-locks", file_locks, "keep file locks"),                 \
		CRIU_OPTIONS_FLAG(T, "link-remap", link_remap,                                     \
				  "keep deleted files that are open"),                             \
		CRIU_OPTIONS_FLAG(T, "lazy-pages", lazy_pages, "copy memory when it is used"),     \
		CRIU_OPTIONS_FLAG(T, "auto-dedup", auto_dedup,                                     \
				  "drop pages of earlier images once copied"),                     \
		{ 0,           "empty-ns",                                                         \
		  OPTION_LIST, offsetof(T, criu.empty_ns),                                         \
		  "network",   "leave the network namespace empty" },                              \
		{ 0,                                                                               \
		  "network-lock",                                                                  \
		  OPTION_TEXT,                                                                     \
		  offsetof(T, criu.asked.network_lock),                                            \
		  "METHOD",                                                                        \
		  "iptables, nftables or skip",                                                    \
		  .choices = "iptables nftables skip" },                                           \
	{                                                                                          \
		0, "manage-cgroups-mode", OPTION_TEXT, offsetof(T, criu.asked.cgroups), "MODE",    \
			"ignore (default), soft, full or strict",                                  \
			.choices = "ignore soft full strict"                                       \
	}

struct criu_dirs {
	int images, work;
	const char *work_path; /* for people */
};

/* make: creates the directory of the images, too, where it is missing. */
int criu_options_open(struct arena *arena, const struct criu_options *o, bool make,
		      struct criu_dirs *ret, struct err *err) MUST_CHECK;

/* What plan_criu_options() turns them into, on this host. */
int criu_options_read(struct arena *arena, const struct criu_options *o,
		      const struct oci_config *config, struct rpc_opts *ret,
		      struct err *err) MUST_CHECK;

/* CRIU needs more rights than an unprivileged user has, even as root of a user namespace. verb:
 * what was asked for. */
int criu_options_check_powers(uint32_t powers, const char *verb, struct err *err) MUST_CHECK;

/* Whether the command is available at all: clients ask by --help. */
int criu_options_available(struct arena *arena, const struct cmd_globals *globals,
			   struct err *err) MUST_CHECK;

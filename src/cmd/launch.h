/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by create and run: from bundle to plan, from plan to container, and undoing it on
 * failure. */
#pragma once

#include "src/cmd/cmd.h"
#include "src/run/walk.h"

#include <stdint.h>

/* Options of both commands; their structs begin with it. */
struct launch_options {
	const char *bundle, *config, *pid_file, *console_socket, *pidfd_socket, *map;
	bool no_pivot, no_new_keyring;
	unsigned int preserve_fds;
	/* For `do`: the config itself, and whether the container must end with usrun in every
	 * case. */
	const char *config_text;
	size_t config_len;
	bool sandbox, any_hostname;
	/* Of run. */
	const char *net;
	struct option_list publish;
	bool host_loopback, metadata, no_resolv, tty;
	const char *overlay; /* "": in memory; a directory; or NULL */
	bool show_changes;   /* the layer is read at the end */
	bool restores;       /* for restore: the images contain the process */
};

#define LAUNCH_MAP_CHOICES "auto single subid keep"

/* Rows of both option tables, to be followed by the command's own. T is the command's struct, whose
 * member `launch` this is. */
#define LAUNCH_OPTIONS(T)                                                                          \
	{ 'b',         "bundle",                                                                   \
	  OPTION_TEXT, offsetof(T, launch.bundle),                                                 \
	  "DIR",       "bundle directory (default: the current one)" },                            \
		{ 'f',         "config",                                                           \
		  OPTION_TEXT, offsetof(T, launch.config),                                         \
		  "FILE",      "use FILE instead of the bundle's config.json" },                   \
		{ 0,           "pid-file",                                                         \
		  OPTION_TEXT, offsetof(T, launch.pid_file),                                       \
		  "FILE",      "write the pid of the container's process to FILE" },               \
		{ 0,           "console-socket",                                                   \
		  OPTION_TEXT, offsetof(T, launch.console_socket),                                 \
		  "SOCKET",    "send the container's terminal to SOCKET" },                        \
		{ 0,           "pidfd-socket",                                                     \
		  OPTION_TEXT, offsetof(T, launch.pidfd_socket),                                   \
		  "SOCKET",    "send a pidfd of the container's process to SOCKET" },              \
		{ 0,           "preserve-fds",                                                     \
		  OPTION_UINT, offsetof(T, launch.preserve_fds),                                   \
		  "N",         "pass N more descriptors, starting at 3" },                         \
		{ 0,           "no-pivot",                                                         \
		  OPTION_FLAG, offsetof(T, launch.no_pivot),                                       \
		  "",          "avoid pivot_root, for a root on a ramdisk" },                      \
		{ 0,           "no-new-keyring",                                                   \
		  OPTION_FLAG, offsetof(T, launch.no_new_keyring),                                 \
		  "",          "keep the caller's session keyring" },                              \
	{                                                                                          \
		0, "map", OPTION_TEXT, offsetof(T, launch.map), "MODE",                            \
			"rootless id mapping: auto, single, subid or keep",                        \
			.choices = LAUNCH_MAP_CHOICES                                              \
	}

struct launch {
	struct arena *arena;
	struct plan_options options;
	struct facts facts;
	const struct oci_config *config;
	const struct plan *plan;
	const char *config_name, *config_text;
	size_t config_len;
	const char *pid_file;
	int manager;             /* of notify_connect(), or -1 */
	int signals;             /* of supervise_block_signals(), or -1 */
	struct restore *restore; /* CRIU creates the process; or NULL */
	struct store *store;
	struct state state;
	struct start start;
	bool explains; /* nothing will be created */
	bool found;    /* the container still existed at the end of a foreground run */
};

/* The absolute path of --overlay=DIR, without links; DIR itself need not exist. */
int launch_layer(struct arena *arena, const char *word, const char **ret,
		 struct err *err) MUST_CHECK;

/* The bundle's absolute path, its config.json, or the text of another one; errors say what helps if
 * they cannot be read. */
int launch_find_bundle(struct arena *arena, const char *bundle, const char **ret,
		       struct err *err) MUST_CHECK;
int launch_read_text(struct arena *arena, const char *path, char **ret, size_t *ret_len,
		     struct err *err) MUST_CHECK;
int launch_read_bundle(struct arena *arena, const char *bundle, char **ret, size_t *ret_len,
		       struct err *err) MUST_CHECK;

/* Bundle to plan. Changes nothing. */
struct launch_as {
	const char *id;
	bool wait_start, detach;
	struct store *store; /* open already, or NULL */
};
int launch_plan(struct arena *arena, const struct cmd_globals *globals,
		const struct launch_options *options, const struct launch_as *as,
		struct launch *ret, struct err *err) MUST_CHECK;

/* The same for `explain`: with the facts of another host or caller, if given. */
int launch_plan_with(struct arena *arena, const struct cmd_globals *globals,
		     const struct launch_options *options, const struct facts *facts,
		     struct launch *ret, struct err *err) MUST_CHECK;

/* Plan to container. Tells a person at the terminal which fallbacks were used, except for `create`;
 * `explain ID` shows them, too. On failure everything has been undone, and poststop hooks have run
 * if other hooks had. */
int launch_start(struct launch *launch, const struct cmd_globals *globals,
		 struct err *err) MUST_CHECK;

/* The whole life of a foreground container: starts it, relays signals and its terminal, and removes
 * it unless it is to be kept. After timeout_ms (0: never) asks it to end, then kills it. Returns
 * the exit status. */
struct launch_foreground {
	bool keep;
	int64_t timeout_ms;
};
int launch_foreground(struct launch *launch, const struct cmd_globals *globals,
		      const struct launch_foreground *how, struct err *err) MUST_CHECK;

/* Refuses to leave a process behind that reads its caller's terminal. */
int launch_check_stdin(const struct plan *plan, const char *command, struct err *err) MUST_CHECK;

/* Removes the container after a foreground run, unless somebody else has: the id may belong to
 * another container by now. */
int launch_delete(struct launch *launch, struct err *err) MUST_CHECK;

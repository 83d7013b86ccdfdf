/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines, read by the tables of cmd.h: --name value, --name=value, -name (Go's spelling), -n
 * value. */
#pragma once

#include "src/base/log.h"
#include "src/cmd/cmd.h"

extern const struct cmd *const options_commands[]; /* all, sorted by name, NULL at the end */
extern const struct option options_globals[];

struct options_global { /* what the global table fills */
	const char *root, *cgroup_manager, *log, *log_format, *log_level, *trace;
	const char *criu;
	const char *called_as; /* not of the table */
	bool debug, systemd_cgroup, version, help;
};

/* Reads options into values (a zeroed struct) and returns how many words were consumed. A word that
 * is not an option ends them (first_only) or is moved behind them. "--" ends them too. */
int options_parse(struct arena *arena, const struct option *table, bool first_only, int argc,
		  char **argv, void *values, bool *ret_help, struct err *err) MUST_CHECK;

const struct cmd *options_find(const char *name);

/* The command that an unknown word may have meant, or NULL. */
const char *options_nearest(const char *name);

/* Text of `usrun --help` and of `usrun COMMAND --help`. */
void options_help(struct str *out);
void options_help_command(struct str *out, const struct cmd *cmd);

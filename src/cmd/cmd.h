/* SPDX-License-Identifier: Apache-2.0 */
/* The commands. Each has a file cmd_<name>.c (resume that of pause) that exports a struct cmd with
 * its option table; main.c and the generators of help, completion and man-page checks read the
 * tables. */
#pragma once

#include "src/base/arena.h"
#include "src/base/str.h"

#include <stdint.h>

/* Exit statuses of our own failures; foreground run and exec return the process's. */
enum {
	CMD_EXIT_FAILURE = 1,
	CMD_EXIT_EXEC_FAILURE = 255, /* exec: any failure of ours, as runc */
};

/* The global options. */
struct cmd_globals {
	const char *root;           /* --root, or NULL */
	const char *cgroup_manager; /* --cgroup-manager, --systemd-cgroup; or NULL */
	const char *criu;           /* --criu, or NULL */
	const char *called_as;      /* the first word of the command line */
};

/* The commit of the sources, all its digits; or "unknown". */
extern const char cmd_commit[];

enum option_kind {
	OPTION_FLAG,  /* takes no value; bool * */
	OPTION_TEXT,  /* const char **; the last one wins */
	OPTION_MAYBE, /* the same, with a value only behind "=": "" without */
	OPTION_LIST,  /* struct option_list *; may repeat */
	/* The same, as "name=value": options whose relative order matters share a list. */
	OPTION_TAGGED,
	OPTION_UINT,  /* unsigned int * */
	OPTION_BOOL,  /* "--tty", "--tty=false"; bool * */
	OPTION_UNSET, /* the opposite: bool *, set to false by the flag */
	/* A flag whose default is neither: int *, 0; 1, or -1 by "--tty=false". */
	OPTION_EITHER,
	/* Accepted (with a value if value_name is set) and ignored, for other runtimes' callers. */
	OPTION_ACCEPTED,
};

struct option_list {
	const char **v;
	size_t n;
};

/* One row of an option table, with its texts in place (src/README.md, "What it costs"); "" is
 * none. */
struct option {
	char letter;   /* 0: none */
	char name[24]; /* without dashes */
	enum option_kind kind;
	uint32_t offset;     /* where the value goes in the command's struct of options */
	char value_name[32]; /* "FILE", for help and man pages */
	char help[64];       /* one line; "": another spelling, not shown */
	char choices[40];    /* legal values, with blanks between them */
	char group[12];      /* heading of this row and of those that follow */
	bool may_be_empty;   /* "" is a value, not an unset variable of a script */
};

struct cmd {
	const char *name;
	const char *summary;          /* one line of `usrun --help` */
	const char *arguments;        /* "ID [SIGNAL]" */
	const struct option *options; /* ends with an empty name */
	size_t options_size;          /* of the struct the offsets are in */
	int min_args, max_args;       /* after the options; max -1: any */
	bool stop_at_first; /* options end at the first positional argument (exec, kill, ps) */
	int exit_failure;   /* CMD_EXIT_FAILURE unless 0 */
	bool starts;        /* walks a sequence, which --trace records */
	/* Says why the command is not available on this host, also for --help; NULL: it always
	 * is. */
	int (*available)(struct arena *arena, const struct cmd_globals *globals, struct err *err);
	/* Returns the exit status, or a negative errno with err filled (main prints it). */
	int (*run)(struct arena *arena, const struct cmd_globals *globals, const void *options,
		   int argc, char **argv, struct err *err);
};

extern const struct cmd cmd_attach, cmd_check, cmd_checkpoint, cmd_completion, cmd_create,
	cmd_delete, cmd_do, cmd_doctor, cmd_events, cmd_exec, cmd_explain, cmd_facts, cmd_features,
	cmd_gc, cmd_kill, cmd_list, cmd_mounts, cmd_pause, cmd_ps, cmd_restore, cmd_resume, cmd_run,
	cmd_spec, cmd_start, cmd_state, cmd_stats, cmd_update;

/* What `--version` prints. Clients parse it: line 1 "usrun version X", then "commit: Y"; no other
 * line has the word "version". */
void cmd_version(struct str *out, bool has_criu);

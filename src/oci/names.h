/* SPDX-License-Identifier: Apache-2.0 */
/* Names and numbers of the specification and of Linux. The decoder, the planner and `features` read
 * the same tables, so usrun announces exactly what it understands. Pure data. */
#pragma once

#include "src/oci/config.h"

extern const struct json_name names_namespaces[];      /* CLONE_NEW*, in the order of joining */
extern const struct json_name names_rlimits[];         /* RLIMIT_* */
extern const struct json_name names_sched_policies[];  /* SCHED_* */
extern const struct json_name names_sched_flags[];     /* SCHED_FLAG_* */
extern const struct json_name names_io_classes[];      /* IOPRIO_CLASS_* */
extern const struct json_name names_memory_modes[];    /* MPOL_* */
extern const struct json_name names_memory_flags[];    /* MPOL_F_* */
extern const struct json_name names_personalities[];   /* PER_* */
extern const struct json_name names_propagations[];    /* MS_* | MS_REC */
extern const struct json_name names_seccomp_actions[]; /* enum oci_seccomp_action */
extern const struct json_name names_seccomp_ops[];     /* enum oci_seccomp_op */
extern const struct json_name names_seccomp_flags[];   /* SECCOMP_FILTER_FLAG_* */
extern const char *const names_seccomp_archs[];        /* "SCMP_ARCH_*", NULL at the end */
extern const char *const names_hook_points[];          /* NULL at the end */
/* The paths in /proc and /sys that containers of `spec` and `do` cannot see, and cannot change;
 * NULL-terminated. */
extern const char *const names_masked_paths[];
extern const char *const names_readonly_paths[];

/* The number of a capability, or -1: "CAP_CHOWN", or "chown" in any case, for command lines. */
int names_capability(const char *name);
/* The name of capability n ("CAP_CHOWN"), or NULL. Numbers start at 0 and have no gaps. */
const char *names_capability_name(int n);

/* The number of a signal, or -1: "TERM", "SIGTERM", "sigterm", "15", "RTMIN+1", "SIGRTMAX-2". */
int names_signal(const char *text);
const char *names_signal_name(int signal); /* "SIGTERM", or NULL */

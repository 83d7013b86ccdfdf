/* SPDX-License-Identifier: Apache-2.0 */
/* All steps. A step belongs to one process, does one thing, and is named after its row: row
 * "idmap-write" is step_idmap_write(). */
#pragma once

#include "src/steps/start.h"

#define STEPS(STEP)                                                                                \
	/* The parent (usrun itself). */                                                           \
	STEP(state_reserve)                                                                        \
	STEP(state_complete)                                                                       \
	STEP(seccomp_compile)                                                                      \
	STEP(seccomp_notify)                                                                       \
	STEP(cgroup_create)                                                                        \
	STEP(cgroup_create_v2)                                                                     \
	STEP(cgroup_create_v1)                                                                     \
	STEP(ns_open)                                                                              \
	STEP(console_connect)                                                                      \
	STEP(console_keep)                                                                         \
	STEP(mounts_open_early)                                                                    \
	STEP(devices_make)                                                                         \
	STEP(idmap_write)                                                                          \
	STEP(oom_set)                                                                              \
	STEP(limits_set)                                                                           \
	STEP(hooks_output)                                                                         \
	STEP(notify_listen)                                                                        \
	STEP(pidfd_send)                                                                           \
	STEP(netdev_move)                                                                          \
	STEP(net_helper)                                                                           \
	STEP(net_resolv)                                                                           \
	STEP(layer_serve)                                                                          \
	STEP(layer_leave)                                                                          \
	STEP(layer_open)                                                                           \
	STEP(net_start)                                                                            \
	STEP(net_await)                                                                            \
	STEP(rdt_create)                                                                           \
	STEP(rdt_join)                                                                             \
	STEP(hooks_prestart)                                                                       \
	STEP(hooks_create_runtime)                                                                 \
	STEP(start_time)                                                                           \
	STEP(stat_open)                                                                            \
	STEP(state_created)                                                                        \
	STEP(state_restored)                                                                       \
	STEP(state_unlock)                                                                         \
	STEP(rootfs_record)                                                                        \
	STEP(hooks_poststart)                                                                      \
	STEP(target_open)                                                                          \
	STEP(affinity_initial)                                                                     \
	STEP(priority_set)                                                                         \
	STEP(pid_file)                                                                             \
	/* The parent during a restore, with CRIU as its stager. */                                \
	STEP(criu_start)                                                                           \
	STEP(criu_exec)                                                                            \
	STEP(criu_namespaces)                                                                      \
	STEP(criu_restore)                                                                         \
	STEP(criu_protect)                                                                         \
	STEP(criu_ready)                                                                           \
	STEP(criu_resume)                                                                          \
	/* The stager, or init in its place. */                                                    \
	STEP(lifeline)                                                                             \
	STEP(cgroup_join)                                                                          \
	STEP(cgroup_unit)                                                                          \
	STEP(cgroup_look)                                                                          \
	STEP(cgroup_attach)                                                                        \
	STEP(cgroup_admit)                                                                         \
	STEP(ns_join)                                                                              \
	STEP(pidns_join_early)                                                                     \
	STEP(userns_create)                                                                        \
	STEP(time_open)                                                                            \
	STEP(ns_join_late)                                                                         \
	STEP(mntns_create)                                                                         \
	STEP(mounts_open)                                                                          \
	STEP(become_root)                                                                          \
	STEP(timens_create)                                                                        \
	STEP(time_offsets)                                                                         \
	STEP(ns_create_early)                                                                      \
	STEP(ns_create)                                                                            \
	STEP(pidns_join)                                                                           \
	STEP(target_enter)                                                                         \
	STEP(labels)                                                                               \
	STEP(seccomp_load_outside)                                                                 \
	/* Init, or the stager in its place. */                                                    \
	STEP(session)                                                                              \
	STEP(session_lead)                                                                         \
	STEP(cgroupns_create)                                                                      \
	STEP(loopback)                                                                             \
	STEP(net_show)                                                                             \
	STEP(net_yield)                                                                            \
	STEP(netns_show)                                                                           \
	STEP(mounts)                                                                               \
	STEP(devices)                                                                              \
	STEP(hooks_create_container)                                                               \
	STEP(paths_mask)                                                                           \
	STEP(console)                                                                              \
	STEP(console_take)                                                                         \
	STEP(console_enter)                                                                        \
	STEP(rootfs_show)                                                                          \
	STEP(pivot_root)                                                                           \
	STEP(rootfs_finish)                                                                        \
	STEP(kernel_settings)                                                                      \
	STEP(cwd)                                                                                  \
	STEP(exec_find)                                                                            \
	STEP(attributes)                                                                           \
	STEP(priority_own)                                                                         \
	STEP(limits_own_early)                                                                     \
	STEP(limits_own)                                                                           \
	STEP(seccomp_load_early)                                                                   \
	STEP(seccomp_load_inside)                                                                  \
	STEP(privs_drop)                                                                           \
	STEP(release)                                                                              \
	STEP(wait_start)                                                                           \
	STEP(hooks_start_container)                                                                \
	STEP(fds_close)                                                                            \
	STEP(seccomp_load)                                                                         \
	STEP(exec)

#define STEP_DECLARED(name) int step_##name(struct start *start, struct err *err) MUST_CHECK;
STEPS(STEP_DECLARED)
#undef STEP_DECLARED

/* The same as numbers, for tables that need no relocation (src/README.md). */
#define STEP_NUMBERED(name) ACT_step_##name,
enum act { ACT_NONE, STEPS(STEP_NUMBERED) ACT_COUNT };
#undef STEP_NUMBERED

extern int (*const steps_by_number[ACT_COUNT])(struct start *start, struct err *err);

/* An fsopen() context for a procfs of the joined pid namespace, for mountfd_fs_create(), from a
 * process inside that has nothing of use to others there. >= 0, or -EPERM if this process has no
 * rights over the namespace. */
int step_pidns_proc(struct start *start, struct err *err) MUST_CHECK;

/* Whether the rights over the joined pid namespace last until init is cloned. */
bool step_ns_pid_comes_last(const struct start *start);

int step_ns_join_pid(struct start *start, struct err *err) MUST_CHECK;

/* Gives the session keyring about to be made the process's label, once: where this process's procfs
 * is out of reach by then, "labels" comes first. */
void step_label_keys(struct start *start);

/* The capability, or none, that an init born into another's pid namespace keeps until its filter is
 * loaded. */
uint64_t step_seccomp_caps(const struct start *start);

/* Part of "release", if a `start` is to follow: the init of a pid namespace ignores signals without
 * a handler, so one that asks a container to end before its start would be lost. The exec resets
 * the handlers. */
void step_wait_hear_signals(void);

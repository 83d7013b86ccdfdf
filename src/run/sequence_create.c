/* SPDX-License-Identifier: Apache-2.0 */
/* THE table: how a container is created, from an empty state directory to the exec of its program.
 * Read it from top to bottom. tests/lib/order.c proves the order for every combination of flags. */
#include "src/run/sequence_rows.h"

static const struct row rows[] = {
	/* The intention is on disk before anything that outlives usrun is created, so that `delete`
	 * always knows what to undo. */
	ACT(PARENT, "state-reserve", step_state_reserve, .gives = M_STATE, .undo = true),
	/* Earlier than the rows whose undo ends the container: undo runs backwards, and the helper
	 * ends with the container and is only waited for. Before descriptors are opened for init,
	 * which its keeper must not inherit; and slirp4netns loads meanwhile. */
	ACT(PARENT, "net-helper", step_net_helper, .when = PLAN_NET_HELPER, .needs = M_STATE,
	    .before = M_CHILD_PID | M_CGROUP | M_CGROUP_V2 | M_LAYER | M_MOUNT_FDS | M_STATE_FULL |
		      M_NET_STARTED,
	    .undo = true),
	/* Before the processes that the server must end with, and before descriptors are opened for
	 * init, which the server must not inherit. */
	ACT(PARENT, "layer-serve", step_layer_serve, .needs = M_STATE,
	    .before = M_CHILD_PID | M_CGROUP | M_CGROUP_V2 | M_LAYER | M_MOUNT_FDS,
	    .gives = M_SERVED, .undo = true),
	/* A mistake in the profile must show before anything is created on the host. */
	ACT(PARENT, "seccomp-compile", step_seccomp_compile, .when = PLAN_SECCOMP,
	    .gives = M_FILTER, .before = M_CHILD_PID | M_CGROUP | M_CGROUP_V2),
	/* Paths of namespaces and of the console refer to the caller's mount namespace. */
	ACT(PARENT, "ns-open", step_ns_open, .before = M_CHILD_PID | M_CGROUP | M_CGROUP_V2),
	ACT(PARENT, "console-connect", step_console_connect, .when = PLAN_CONSOLE_SOCKET,
	    .before = M_CHILD_PID | M_CGROUP | M_CGROUP_V2),
	ACT(PARENT, "hooks-output", step_hooks_output,
	    .before = M_CHILD_PID | M_RUNTIME_HOOKS | M_CGROUP | M_CGROUP_V2),
	/* Init inherits which parts of the layer belong to whom; and the layer may be in use. */
	ACT(PARENT, "layer-open", step_layer_open, .when = PLAN_LAYER, .needs = M_STATE,
	    .before = M_CHILD_PID | M_CGROUP | M_CGROUP_V2, .gives = M_LAYER),
	ACT(PARENT, "cgroup-create", step_cgroup_create, .when = PLAN_CGROUP,
	    .unless = PLAN_CGROUP_UNIT | PLAN_CGROUP_LATE, .needs = M_STATE, .before = M_CHILD_PID,
	    .gives = M_CGROUP, .undo = true),
	/* The v2 cgroup is always created before the clone, which can place the child in it. */
	ACT(PARENT, "cgroup-create", step_cgroup_create_v2, .when = PLAN_CGROUP_LATE,
	    .needs = M_STATE, .before = M_CHILD_PID, .gives = M_CGROUP_V2, .undo = true),
	/* Its socket is a mount source. */
	ACT(PARENT, "notify-listen", step_notify_listen, .needs = M_STATE,
	    .before = M_CHILD_PID | M_MOUNT_FDS),
	ACT(PARENT, "net-resolv", step_net_resolv, .needs = M_STATE,
	    .before = M_CHILD_PID | M_MOUNT_FDS),
	ACT(PARENT, "rdt-create", step_rdt_create, .needs = M_STATE, .before = M_CHILD_PID,
	    .undo = true),
	/* Before the clone, so that the child inherits the mount trees: the caller may reach paths
	 * that the root of the new user namespace cannot. */
	ACT(PARENT, "mounts-open-early", step_mounts_open_early, .when = PLAN_MOUNTS_BY_PARENT,
	    .before = M_CHILD_PID, .gives = M_MOUNT_FDS),
	ACT(PARENT, "devices-make", step_devices_make, .before = M_CHILD_PID, .gives = M_DEV),
	SPAWN(PARENT, STAGER, "spawn", .gives = M_CHILD_PID, .undo = true),

	/* The server ends once no more requests can arrive. */
	ACT(PARENT, "layer-leave", step_layer_leave, .needs = M_CHILD_PID | M_SERVED),

	/* From here on the child dies with usrun: nothing survives a SIGKILL of it. */
	ACT(STAGER, "lifeline", step_lifeline, .gives = M_LIFELINE),
	ACT(STAGER, "ns-create-early", step_ns_create_early, .needs = M_LIFELINE,
	    .before = M_NAMESPACES, .gives = M_EARLY),
	/* In parallel to init's creation of namespaces: saves a quarter of a millisecond of
	 * three. */
	ACT(PARENT, "cgroup-create", step_cgroup_create_v1, .when = PLAN_CGROUP_LATE,
	    .needs = M_STATE | M_CHILD_PID | M_CGROUP_V2, .gives = M_CGROUP, .undo = true),
	SYNC(PARENT, STAGER, "cgroup-made", .when = PLAN_CGROUP_LATE, .needs = M_CGROUP),
	ACT(STAGER, "cgroup-join", step_cgroup_join, .when = PLAN_CGROUP,
	    .unless = PLAN_CGROUP_UNIT, .needs = M_LIFELINE | M_CGROUP, .gives = M_IN_CGROUP),
	/* systemd creates a scope's cgroup for an existing process, and moves it there. */
	ACT(PARENT, "cgroup-unit", step_cgroup_unit, .when = PLAN_CGROUP_UNIT,
	    .needs = M_STATE | M_CHILD_PID, .gives = M_IN_CGROUP, .undo = true),
	SYNC(PARENT, STAGER, "cgroup-entered", .when = PLAN_CGROUP_UNIT, .needs = M_IN_CGROUP),
	ACT(STAGER, "cgroup-look", step_cgroup_look, .when = PLAN_CGROUP_UNIT, .needs = M_IN_CGROUP,
	    .before = M_CGROUPNS),
	/* Processes in the user namespace about to be joined may see the stager already, and may
	 * trace anything in it. The stager becomes undumpable as it joins, and from then on root
	 * owns its files in /proc. */
	ACT(PARENT, "oom-set", step_oom_set, .when = PLAN_USERNS_JOIN, .needs = M_CHILD_PID,
	    .gives = M_OOM),
	ACT(PARENT, "time-open", step_time_open, .when = PLAN_USERNS_JOIN | PLAN_TIME_OFFSETS,
	    .needs = M_CHILD_PID, .before = M_USERNS),
	SYNC(PARENT, STAGER, "scored", .when = PLAN_USERNS_JOIN, .needs = M_OOM),
	/* Joining a user namespace gives up capabilities over the caller's namespaces, so those are
	 * joined first. */
	ACT(STAGER, "ns-join", step_ns_join, .when = PLAN_NS_JOIN, .after = M_IN_CGROUP,
	    .before = M_USERNS, .gives = M_JOINED),
	/* A new user namespace may have no rights over the pid namespace. But after joining it,
	 * every clone of the stager is visible there, with all that it holds of the host. */
	ACT(STAGER, "pidns-join-early", step_pidns_join_early, .when = PLAN_PIDNS_JOIN,
	    .needs = M_JOINED, .before = M_USERNS | M_NAMESPACES),
	ACT(STAGER, "userns-create", step_userns_create, .when = PLAN_USERNS_NEW,
	    .after = M_IN_CGROUP | M_JOINED, .gives = M_USERNS),
	/* The namespaces that the joined user namespace owns. */
	ACT(STAGER, "ns-join-late", step_ns_join_late, .when = PLAN_USERNS_JOIN, .needs = M_OOM,
	    .after = M_IN_CGROUP | M_JOINED, .gives = M_USERNS | M_IDMAP),
	ACT(STAGER, "mntns-create", step_mntns_create, .when = PLAN_MNTNS_NEW, .after = M_USERNS,
	    .gives = M_MNTNS),
	/* Still with the caller's ids: the container's root may not be able to reach the caller's
	 * directories. */
	ACT(STAGER, "mounts-open", step_mounts_open, .unless = PLAN_MOUNTS_BY_PARENT,
	    .after = M_MNTNS | M_USERNS, .before = M_ROOT, .gives = M_MOUNT_FDS),
	ACT(STAGER, "timens-create", step_timens_create, .when = PLAN_TIME_OFFSETS,
	    .after = M_USERNS, .gives = M_TIMENS),
	SYNC(STAGER, PARENT, "userns-created", .when = PLAN_USERNS_NEW | PLAN_STAGER,
	     .needs = M_USERNS),
	SYNC(STAGER, PARENT, "timens-created", .when = PLAN_TIME_OFFSETS, .unless = PLAN_USERNS_NEW,
	     .needs = M_TIMENS),
	/* A stager's namespace exists once it reports so; a cloned one's as soon as clone
	 * returns. */
	ACT(PARENT, "idmap-write", step_idmap_write, .when = PLAN_USERNS_NEW | PLAN_STAGER,
	    .needs = M_CHILD_PID | M_USERNS, .gives = M_IDMAP),
	ACT(PARENT, "idmap-write", step_idmap_write, .when = PLAN_USERNS_NEW, .unless = PLAN_STAGER,
	    .needs = M_CHILD_PID, .gives = M_IDMAP),
	/* Early: once the child has other ids, the caller no longer owns its files in /proc. */
	ACT(PARENT, "oom-set", step_oom_set, .unless = PLAN_USERNS_JOIN, .needs = M_CHILD_PID,
	    .gives = M_OOM),
	ACT(PARENT, "start-time", step_start_time, .unless = PLAN_STAGER, .needs = M_CHILD_PID,
	    .before = M_ROOT, .gives = M_START_TIME),
	/* Early for the same reason, and because offsets can be written only before a process
	 * enters. */
	ACT(PARENT, "time-offsets", step_time_offsets, .when = PLAN_TIME_OFFSETS,
	    .needs = M_CHILD_PID | M_TIMENS, .before = M_INIT_PID | M_ROOT, .gives = M_OFFSETS),
	SYNC(PARENT, STAGER, "idmap-written", .when = PLAN_USERNS_NEW, .needs = M_IDMAP | M_OOM,
	     .after = M_OFFSETS),
	/* Init inherits the stager's score; it is not set separately. */
	SYNC(PARENT, STAGER, "prepared", .when = PLAN_STAGER, .unless = PLAN_USERNS_NEW,
	     .needs = M_OOM, .after = M_OFFSETS),
	ACT(PARENT, "state-complete", step_state_complete, .needs = M_STATE | M_CHILD_PID,
	    .after = M_CGROUP, .before = M_RUNTIME_HOOKS | M_CONTAINER_HOOKS,
	    .gives = M_STATE_FULL),
	ACT(STAGER, "become-root", step_become_root, .after = M_IDMAP | M_IN_CGROUP | M_USERNS,
	    .needs = M_MOUNT_FDS, .gives = M_ROOT),
	/* After become-root: the namespace's root becomes the owner of queues and network
	 * devices. */
	ACT(STAGER, "ns-create", step_ns_create, .needs = M_ROOT | M_EARLY,
	    .after = M_JOINED | M_IN_CGROUP, .gives = M_NAMESPACES),
	SPAWN(STAGER, INIT, "spawn-init", .when = PLAN_STAGER, .unless = PLAN_PIDNS_JOIN,
	      .needs = M_NAMESPACES, .gives = M_INIT_PID),
	ACT(INIT, "stat-open", step_stat_open, .when = PLAN_STAGER, .unless = PLAN_PIDNS_JOIN,
	    .needs = M_INIT_PID, .before = M_INIT_KNOWN, .gives = M_START_TIME),
	/* Init's first message: the kernel tells the parent which process sent it. */
	SYNC(INIT, PARENT, "init-pid", .when = PLAN_STAGER, .unless = PLAN_PIDNS_JOIN,
	     .needs = M_INIT_PID, .before = M_SESSION, .gives = M_INIT_KNOWN,
	     .carries = offsetof(struct start, init_stat)),
	LEAVE(STAGER, PARENT, "stager-exit", .when = PLAN_STAGER, .unless = PLAN_PIDNS_JOIN,
	      .needs = M_INIT_PID, .before = M_SESSION, .gives = M_STAGER_GONE),

	ACT(BUILDER, "session", step_session, .needs = M_NAMESPACES, .gives = M_SESSION),
	/* A cgroup namespace's root is its creator's current cgroup. */
	ACT(BUILDER, "cgroupns-create", step_cgroupns_create, .when = PLAN_CGROUPNS,
	    .needs = M_NAMESPACES, .after = M_IN_CGROUP, .gives = M_CGROUPNS),
	/* Needs CAP_NET_ADMIN, and hooks expect it to be up. */
	ACT(BUILDER, "loopback", step_loopback, .when = PLAN_NET_NEW, .needs = M_NAMESPACES,
	    .before = M_RUNTIME_HOOKS | M_CONTAINER_HOOKS | M_PRIVS_DROPPED | M_FILTERED,
	    .gives = M_LOOPBACK),
	/* Before the program could query it, and early so that the helper starts while init
	 * mounts. */
	ACT(BUILDER, "net-show", step_net_show, .when = PLAN_NET_HELPER,
	    .needs = M_NAMESPACES | M_LOOPBACK, .before = M_PRIVS_DROPPED),
	SYNC(BUILDER, PARENT, "net-shown", .when = PLAN_NET_HELPER, .needs = M_LOOPBACK,
	     .gives = M_NET_SHOWN, .carries = offsetof(struct start, net_member)),
	/* The kernel has woken the parent on init's processor, where it would wait for as long as
	 * init mounts. */
	ACT(BUILDER, "net-yield", step_net_yield, .when = PLAN_NET_HELPER, .needs = M_NET_SHOWN),
	/* Not before init is known, because the helper ends with it. */
	ACT(PARENT, "net-start", step_net_start, .when = PLAN_NET_HELPER,
	    .needs = M_NET_SHOWN | M_STATE_FULL | M_CHILD_PID, .after = M_INIT_KNOWN | M_IDMAP,
	    .gives = M_NET_STARTED),
	ACT(BUILDER, "netns-show", step_netns_show, .when = PLAN_NET_DEVICES,
	    .needs = M_NAMESPACES),
	SYNC(BUILDER, PARENT, "netns-shown", .when = PLAN_NET_DEVICES, .needs = M_NAMESPACES,
	     .carries = offsetof(struct start, netns_socket)),
	/* Hooks, sysfs and sysctls expect the devices there. */
	ACT(PARENT, "netdev-move", step_netdev_move, .when = PLAN_NET_DEVICES,
	    .needs = M_NAMESPACES | M_STATE, .before = M_MOUNTED | M_RUNTIME_HOOKS | M_KERNEL_SET,
	    .gives = M_LINKS),
	SYNC(PARENT, BUILDER, "netdev-moved", .when = PLAN_NET_DEVICES, .needs = M_LINKS),
	/* Mounts in a shared mount namespace outlive us, so what to undo is on disk first. */
	ACT(BUILDER, "rootfs-show", step_rootfs_show, .when = PLAN_MOUNTS, .unless = PLAN_MNTNS_NEW,
	    .needs = M_MOUNT_FDS, .gives = M_SHOWN),
	SYNC(BUILDER, PARENT, "rootfs-shown", .when = PLAN_MOUNTS, .unless = PLAN_MNTNS_NEW,
	     .needs = M_SHOWN, .carries = offsetof(struct start, rootfs_shown)),
	ACT(PARENT, "rootfs-record", step_rootfs_record, .when = PLAN_MOUNTS,
	    .unless = PLAN_MNTNS_NEW, .needs = M_SHOWN | M_STATE, .before = M_MOUNTED,
	    .gives = M_RECORDED),
	SYNC(PARENT, BUILDER, "rootfs-recorded", .when = PLAN_MOUNTS, .unless = PLAN_MNTNS_NEW,
	     .needs = M_RECORDED),
	/* sysfs belongs to a network namespace, cgroup2 shows a cgroup namespace. */
	ACT(BUILDER, "mounts", step_mounts, .when = PLAN_MOUNTS,
	    .needs = M_NAMESPACES | M_MOUNT_FDS | M_DEV,
	    .after = M_CGROUPNS | M_MNTNS | M_RECORDED | M_LAYER | M_SERVED, .gives = M_MOUNTED,
	    .many = true),
	/* A layer in memory outlives its mounts while a process has it open. Before programs of the
	 * config run in this process's place. */
	SYNC(BUILDER, PARENT, "layer-shown", .when = PLAN_LAYER, .needs = M_MOUNTED,
	     .before = M_RUNTIME_HOOKS | M_CONTAINER_HOOKS | M_MASKED | M_PIVOTED,
	     .carries = offsetof(struct start, layer_top)),
	ACT(BUILDER, "devices", step_devices, .when = PLAN_MOUNTS, .needs = M_MOUNTED,
	    .gives = M_DEVICES, .many = true),
	SYNC(BUILDER, PARENT, "mounted", .when = PLAN_HOOKS_RUNTIME, .needs = M_SESSION,
	     .after = M_MOUNTED),
	ACT(PARENT, "hooks-prestart", step_hooks_prestart, .when = PLAN_HOOKS_RUNTIME,
	    .needs = M_NAMESPACES | M_STATE_FULL | M_SESSION, .after = M_MOUNTED,
	    .before = M_RUNTIME_HOOKS | M_PIVOTED),
	ACT(PARENT, "hooks-create-runtime", step_hooks_create_runtime, .when = PLAN_HOOKS_RUNTIME,
	    .needs = M_NAMESPACES | M_STATE_FULL | M_SESSION, .after = M_MOUNTED,
	    .before = M_PIVOTED, .gives = M_RUNTIME_HOOKS),
	SYNC(PARENT, BUILDER, "hooks-done", .when = PLAN_HOOKS_RUNTIME, .needs = M_RUNTIME_HOOKS),
	ACT(BUILDER, "hooks-create-container", step_hooks_create_container,
	    .when = PLAN_HOOKS_CONTAINER, .needs = M_NAMESPACES,
	    .after = M_MOUNTED | M_RUNTIME_HOOKS, .before = M_PIVOTED, .gives = M_CONTAINER_HOOKS),
	/* Nothing read before a hook is trusted after it. So masks and console come now; they need
	 * devices of the host, which become unreachable at the pivot. */
	ACT(BUILDER, "console", step_console, .when = PLAN_TERMINAL, .needs = M_SESSION,
	    .after = M_MOUNTED | M_CONTAINER_HOOKS | M_RUNTIME_HOOKS,
	    .before = M_PIVOTED | M_MASKED, .gives = M_TERMINAL),
	ACT(BUILDER, "paths-mask", step_paths_mask, .when = PLAN_MOUNTS, .needs = M_MOUNTED,
	    .after = M_CONTAINER_HOOKS | M_RUNTIME_HOOKS, .before = M_PIVOTED, .gives = M_MASKED,
	    .many = true),
	/* Hooks may have created the devices whose settings these are. Uses the caller's /proc
	 * where a fresh one cannot be mounted: the container's may be read-only or masked by
	 * now. */
	ACT(BUILDER, "kernel-settings", step_kernel_settings, .needs = M_NAMESPACES,
	    .after = M_CONTAINER_HOOKS | M_RUNTIME_HOOKS | M_LINKS, .before = M_PIVOTED,
	    .gives = M_KERNEL_SET, .many = true),
	/* The procfs of a joined pid namespace does not show our processes. */
	ACT(STAGER, "labels", step_labels, .when = PLAN_PIDNS_JOIN, .needs = M_NAMESPACES,
	    .after = M_CONTAINER_HOOKS, .before = M_PIVOTED | M_PRIVS_DROPPED | M_FILTERED),
	ACT(BUILDER, "pivot-root", step_pivot_root, .needs = M_MOUNT_FDS,
	    .after = M_DEVICES | M_MASKED | M_MOUNTED | M_TERMINAL | M_CONTAINER_HOOKS |
		     M_RUNTIME_HOOKS,
	    .gives = M_PIVOTED, .many = true),
	/* Mount points have all been created by now, so it may become read-only. */
	ACT(BUILDER, "rootfs-finish", step_rootfs_finish, .when = PLAN_MOUNTS,
	    .needs = M_PIVOTED | M_MASKED, .gives = M_FINISHED, .many = true),

	/* The last row in the caller's pid namespace: a process born from here on cannot reach
	 * anything of the host. */
	ACT(STAGER, "pidns-join", step_pidns_join, .when = PLAN_PIDNS_JOIN,
	    .needs = M_PIVOTED | M_KERNEL_SET, .after = M_FINISHED, .gives = M_INSIDE),
	ACT(INIT, "console-take", step_console_take, .when = PLAN_TERMINAL,
	    .unless = PLAN_PIDNS_JOIN, .needs = M_SESSION | M_TERMINAL, .before = M_FILTERED,
	    .gives = M_CONSOLE),
	ACT(BUILDER, "attributes", step_attributes, .needs = M_PIVOTED, .before = M_PRIVS_DROPPED,
	    .gives = M_ATTRIBUTES, .after = M_FINISHED),
	/* Earlier where the filter, loaded next, could forbid it. */
	ACT(INIT, "limits-own-early", step_limits_own_early, .unless = PLAN_PIDNS_JOIN,
	    .needs = M_PIVOTED, .before = M_FILTERED),
	/* Without no_new_privs, loading a filter needs CAP_SYS_ADMIN; an agent must get its
	 * listener while the parent is there; and startContainer hooks are programs from the
	 * image. */
	ACT(INIT, "seccomp-load-early", step_seccomp_load_early,
	    .when = PLAN_SECCOMP | PLAN_SECCOMP_EARLY, .unless = PLAN_PIDNS_JOIN,
	    .needs = M_FILTER | M_KERNEL_SET | M_PIVOTED, .gives = M_FILTERED,
	    .before = M_PRIVS_DROPPED),
	ACT(STAGER, "seccomp-load-outside", step_seccomp_load_outside,
	    .when = PLAN_SECCOMP | PLAN_SECCOMP_EARLY | PLAN_PIDNS_JOIN,
	    .needs = M_FILTER | M_KERNEL_SET | M_INSIDE | M_ATTRIBUTES, .before = M_PRIVS_DROPPED),
	ACT(BUILDER, "privs-drop", step_privs_drop,
	    .needs = M_ATTRIBUTES | M_PIVOTED | M_KERNEL_SET | M_SESSION,
	    .after = M_TERMINAL | M_MASKED | M_INSIDE, .gives = M_PRIVS_DROPPED),

	/* Processes there may trace init, but gain nothing that the container does not have. */
	SPAWN(STAGER, INIT, "spawn-init", .when = PLAN_STAGER | PLAN_PIDNS_JOIN,
	      .needs = M_NAMESPACES | M_INSIDE | M_PRIVS_DROPPED, .gives = M_INIT_PID),
	ACT(INIT, "stat-open", step_stat_open, .when = PLAN_STAGER | PLAN_PIDNS_JOIN,
	    .needs = M_INIT_PID, .before = M_INIT_KNOWN, .gives = M_START_TIME),
	SYNC(INIT, PARENT, "init-pid", .when = PLAN_STAGER | PLAN_PIDNS_JOIN, .needs = M_INIT_PID,
	     .before = M_LEADS, .gives = M_INIT_KNOWN,
	     .carries = offsetof(struct start, init_stat)),
	LEAVE(STAGER, PARENT, "stager-exit", .when = PLAN_STAGER | PLAN_PIDNS_JOIN,
	      .needs = M_INIT_PID, .before = M_LEADS, .gives = M_STAGER_GONE),
	/* Init cannot inherit the session and its terminal. */
	ACT(INIT, "session-lead", step_session_lead, .when = PLAN_PIDNS_JOIN,
	    .needs = M_SESSION | M_INIT_PID, .gives = M_LEADS),
	ACT(INIT, "console-take", step_console_take, .when = PLAN_TERMINAL | PLAN_PIDNS_JOIN,
	    .needs = M_LEADS | M_TERMINAL, .gives = M_CONSOLE, .before = M_FILTERED),
	ACT(INIT, "priority-own", step_priority_own, .when = PLAN_PIDNS_JOIN, .needs = M_LEADS,
	    .before = M_FILTERED | M_CREATED),
	ACT(INIT, "limits-own-early", step_limits_own_early, .when = PLAN_PIDNS_JOIN,
	    .needs = M_LEADS, .before = M_FILTERED | M_CREATED),
	ACT(INIT, "seccomp-load-inside", step_seccomp_load_inside,
	    .when = PLAN_SECCOMP | PLAN_SECCOMP_EARLY | PLAN_PIDNS_JOIN,
	    .needs = M_FILTER | M_INIT_PID | M_PRIVS_DROPPED, .gives = M_FILTERED),
	/* The listener arrives on a socket of its own, because the profile may intercept what the
	 * channel uses. */
	ACT(PARENT, "seccomp-notify", step_seccomp_notify, .when = PLAN_SECCOMP_NOTIFY,
	    .needs = M_FILTER | M_CHILD_PID, .before = M_CREATED, .gives = M_NOTIFIED,
	    .after = M_INIT_KNOWN),
	/* As the container's user: a directory that it may not enter or a program that it may not
	 * run must fail now, not at `start`. */
	ACT(INIT, "cwd", step_cwd, .needs = M_ATTRIBUTES | M_PRIVS_DROPPED | M_PIVOTED,
	    .gives = M_CWD),
	ACT(INIT, "exec-find", step_exec_find, .needs = M_CWD | M_PRIVS_DROPPED | M_PIVOTED,
	    .before = M_CREATED, .gives = M_FOUND),
	/* Before it says "created", init drops the signal sent at our death, because we may exit
	 * right afterwards. Until it hears "recorded" it still ends with us, through its
	 * channel. */
	ACT(INIT, "release", step_release, .needs = M_FOUND | M_PRIVS_DROPPED, .gives = M_RELEASED),
	SYNC(INIT, PARENT, "created", .needs = M_FOUND | M_CWD | M_PRIVS_DROPPED | M_RELEASED,
	     .gives = M_CREATED, .carries = offsetof(struct start, console_master)),
	/* Late, so that the limits do not apply to our own work; from outside, because a process in
	 * a new user namespace cannot raise them. */
	ACT(PARENT, "limits-set", step_limits_set, .needs = M_CREATED | M_CHILD_PID,
	    .gives = M_LIMITS, .after = M_INIT_KNOWN),
	ACT(PARENT, "priority-set", step_priority_set, .needs = M_CREATED | M_CHILD_PID,
	    .before = M_STATE_WRITTEN, .after = M_INIT_KNOWN),
	ACT(PARENT, "rdt-join", step_rdt_join, .needs = M_CREATED | M_CHILD_PID,
	    .before = M_STATE_WRITTEN, .gives = M_RDT, .after = M_INIT_KNOWN),
	ACT(PARENT, "pidfd-send", step_pidfd_send, .needs = M_CREATED | M_CHILD_PID,
	    .before = M_STATE_WRITTEN, .after = M_INIT_KNOWN),
	/* Not before init is known, because the keeper ends with it. */
	ACT(PARENT, "console-keep", step_console_keep, .when = PLAN_CONSOLE_KEPT,
	    .needs = M_CREATED | M_STATE, .before = M_STATE_WRITTEN, .gives = M_KEPT,
	    .after = M_INIT_KNOWN, .undo = true),
	/* The program finds its network ready, and the state is complete, including the helper. */
	ACT(PARENT, "net-await", step_net_await, .when = PLAN_NET_HELPER, .needs = M_NET_STARTED,
	    .before = M_STATE_WRITTEN),
	ACT(PARENT, "state-created", step_state_created,
	    .needs = M_CREATED | M_STATE_FULL | M_LIMITS | M_START_TIME, .gives = M_STATE_WRITTEN,
	    .after = M_INIT_KNOWN),
	SYNC(PARENT, INIT, "recorded", .needs = M_STATE_WRITTEN | M_LIMITS, .after = M_RDT),

	ACT(INIT, "wait-start", step_wait_start, .when = PLAN_WAIT_START,
	    .needs = M_RELEASED | M_STATE_WRITTEN, .gives = M_STARTED),
	ACT(INIT, "hooks-start-container", step_hooks_start_container, .when = PLAN_HOOKS_START,
	    .needs = M_STATE_WRITTEN | M_PIVOTED, .after = M_STARTED | M_FILTERED,
	    .before = M_FDS_CLOSED),
	ACT(INIT, "fds-close", step_fds_close, .needs = M_STATE_WRITTEN, .after = M_STARTED,
	    .gives = M_FDS_CLOSED),
	/* As late as a process can limit itself: the rest neither opens files nor allocates
	 * much. */
	ACT(INIT, "limits-own", step_limits_own, .needs = M_FDS_CLOSED | M_PRIVS_DROPPED,
	    .gives = M_OWN_LIMITS),
	/* Last, so that the profile need not allow our own remaining system calls. */
	ACT(INIT, "seccomp-load", step_seccomp_load, .when = PLAN_SECCOMP,
	    .unless = PLAN_SECCOMP_EARLY, .needs = M_FILTER | M_PRIVS_DROPPED | M_FDS_CLOSED,
	    .after = M_STARTED, .gives = M_FILTERED),
	ACT(INIT, "exec", step_exec,
	    .needs = M_FDS_CLOSED | M_PRIVS_DROPPED | M_RELEASED | M_STATE_WRITTEN,
	    .after = M_FILTERED | M_STARTED),
	ENDS(INIT, PARENT, "exec-succeeded", .unless = PLAN_WAIT_START),
	ACT(PARENT, "state-unlock", step_state_unlock, .when = PLAN_HOOKS_POSTSTART,
	    .unless = PLAN_WAIT_START, .needs = M_STATE_WRITTEN),
	ACT(PARENT, "hooks-poststart", step_hooks_poststart, .when = PLAN_HOOKS_POSTSTART,
	    .unless = PLAN_WAIT_START, .needs = M_STATE_WRITTEN),
};

const struct sequence sequence_create = SEQUENCE(rows);

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Groups of cache and memory bandwidth, in a directory tree that looks like resctrl. A new group is empty there,
# so a hook makes the file that the kernel would have made.

RESCTRL=/sys/fs/resctrl

fake_resctrl() {
	[ "$MODE" = root ] || return 0
	mkdir "$T/fs"
	# Private, or the end of the copy would be that of its peers.
	mount -t tmpfs none "$T/fs"
	mount --make-private "$T/fs"
	mkdir -p "$T/fs/cgroup" "$T/fs/resctrl/shared/mon_groups" "$T/fs/resctrl/mon_groups" "$T/fs/resctrl/info"
	touch "$T"/fs/resctrl/{tasks,schemata} "$T"/fs/resctrl/shared/tasks
	printf '    MB:0= 20;1= 70\n    L3:0=7f0;1=01f\n' >"$T/fs/resctrl/shared/schemata"
	echo 'mask is too wide' >"$T/fs/resctrl/info/last_cmd_status"
	mount --rbind /sys/fs/cgroup "$T/fs/cgroup"
	mount --make-rprivate "$T/fs/cgroup"
	mount --rbind "$T/fs" /sys/fs
}

no_resctrl() {
	[ "$MODE" = root ] || return 0
	umount -l /sys/fs
	umount -l "$T/fs"
}

before_t_rdt_shared_group() { fake_resctrl; }
after_t_rdt_shared_group() { no_resctrl; }
t_rdt_shared_group() {
	root_only 'groups of resctrl belong to root'
	up
	eq 'tasks without a group' "$(cat $RESCTRL/tasks $RESCTRL/shared/tasks)" ''
	down
	cfg '.linux.intelRdt = {closID: "shared"}'
	up
	eq tasks "$(<$RESCTRL/shared/tasks)" "$PID"
	inside /bin/true
	[ "$(<$RESCTRL/shared/tasks)" != "$PID" ] || fail "exec is not in the group"
	down
	[ -d $RESCTRL/shared ] || fail 'a group with a name of its own was removed'
	cfg '.linux.intelRdt += {l3CacheSchema: "L3:0=7f0;1=1f", memBwSchema: "MB:1=70", schemata: ["L3:1=1f"]}'
	up
	eq schemata "$(head -n 1 $RESCTRL/shared/schemata)" '    MB:0= 20;1= 70'
	down
	cfg '.linux.intelRdt.memBwSchema = "MB:1=60"'
	no 'the group shared already exists, with a schema other than "MB:1=60"' create -b "$T/b" "$ID"
	cfg '.linux.intelRdt = {closID: "/"}'
	up
	eq 'default group' "$(<$RESCTRL/tasks)" "$PID"
	down
	cfg '.linux.intelRdt = {closID: "nothere"}'
	no 'linux.intelRdt.closID: the group nothere does not exist' create -b "$T/b" "$ID"
	cfg '.linux.intelRdt = {closID: "new", schemata: ["L3:0=fffff"]}'
	no 'write "L3:0=fffff' create -b "$T/b" "$ID"
	has 'words of the kernel' "$ERR" 'resctrl says: mask is too wide'
	[ ! -e $RESCTRL/new ] || fail 'the group of a failed start is left'
}

before_t_rdt_own_group() { fake_resctrl; }
after_t_rdt_own_group() { no_resctrl; }
t_rdt_own_group() {
	root_only 'groups of resctrl belong to root'
	printf '#!/bin/sh\ntouch %s/%s/tasks %s/shared/mon_groups/%s/tasks || true\n' $RESCTRL "$ID" $RESCTRL "$ID" >"$T/hook"
	chmod 755 "$T/hook"
	cfg --arg h "$T/hook" '.linux.intelRdt = {} | .hooks.createRuntime = [{path: $h, env: ["PATH=/bin:/usr/bin"]}]'
	up
	eq tasks "$(<"$RESCTRL/$ID/tasks")" "$PID"
	rm "$RESCTRL/$ID/tasks"
	mv "$RESCTRL" "$RESCTRL.away"
	touch "$RESCTRL"
	no "open $RESCTRL: not a directory" delete --force "$ID"
	rm "$RESCTRL"
	mv "$RESCTRL.away" "$RESCTRL"
	down
	[ ! -e "$RESCTRL/$ID" ] || fail 'the group of the container is left'
	up
	rm "$RESCTRL/$ID/tasks"
	echo '{' >"$(STATE_OF)/$ID/state.json"
	down
	[ ! -e "$RESCTRL/$ID" ] || fail 'the group of a container with a damaged state is left'
	cfg '.linux.intelRdt = {closID: "shared", enableMonitoring: true}'
	up
	eq tasks "$(<$RESCTRL/shared/tasks)" "$PID"
	eq 'monitoring group' "$(<"$RESCTRL/shared/mon_groups/$ID/tasks")" "$PID"
	rm "$RESCTRL/shared/mon_groups/$ID/tasks"
	down
	[ ! -e "$RESCTRL/shared/mon_groups/$ID" ] || fail 'the monitoring group is left'
	mkdir "$RESCTRL/shared/mon_groups/$ID"
	no "create the group shared/mon_groups/$ID" create -b "$T/b" "$ID"
	rmdir "$RESCTRL/shared/mon_groups/$ID" || fail "a monitoring group that somebody else had made is gone"
	mkdir "$RESCTRL/$ID"
	cfg '.linux.intelRdt = {}'
	no "create the group $ID" create -b "$T/b" "$ID"
	rmdir "$RESCTRL/$ID" || fail "a group that somebody else had made is gone"
}

before_t_rdt_update_all_or_nothing() { fake_resctrl; }
after_t_rdt_update_all_or_nothing() { no_resctrl; }
t_rdt_update_all_or_nothing() {
	root_only 'groups of resctrl belong to root'
	local state="$T/state/$ID/state.json" group=$RESCTRL/$ID
	printf '#!/bin/sh\ntouch %s/tasks\n' "$group" >"$T/hook"
	chmod 755 "$T/hook"
	cfg --arg h "$T/hook" '.linux.intelRdt = {} | .hooks.createRuntime = [{path: $h, env: ["PATH=/bin:/usr/bin"]}]'
	up_limited '.linux.resources.pids.limit = 20'
	no "$group/schemata" update --pids-limit 30 --l3-cache-schema L3:0=00f "$ID"
	eq 'pids, resctrl has refused' "$(own pids pids.max)" 20
	echo L3:0=0ff >"$group/schemata"
	ok update --pids-limit 25 --l3-cache-schema L3:0=0f0 "$ID"
	eq schemata "$(<"$group/schemata")" L3:0=0f0
	eq pids "$(own pids pids.max)" 25
	jq '.unit = "usrun-not-there.scope" | .unitManager = "system"' "$state" >"$T/new"
	cp "$state" "$T/old"
	cat "$T/new" >"$state"
	no systemd update --pids-limit 30 --l3-cache-schema L3:0=00f "$ID"
	eq 'schemata, systemd has refused' "$(<"$group/schemata")" L3:0=0f0
	eq 'pids, systemd has refused' "$(own pids pids.max)" 25
	cat "$T/old" >"$state"
	rm "$group/tasks" "$group/schemata"
	down
}

t_rdt_without_resctrl() {
	[ ! -e $RESCTRL/tasks ] || skip 'this machine has resctrl'
	prog /bin/true
	cfg '.linux.intelRdt = {closID: "x"}'
	no "linux.intelRdt: no resctrl on $RESCTRL" create -b "$T/b" "$ID"
	has hint "$ERR" 'mount -t resctrl'
	cfg '.linux.intelRdt = {closID: "a/b"}'
	no linux.intelRdt.closID create -b "$T/b" "$ID"
}

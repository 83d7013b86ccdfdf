# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Where containers' cgroups go on a host with cgroup v2 alone: every command sees the v2 tree on /sys/fs/cgroup, from
# the group of its caller. hugetlb is the controller that hybrid hosts leave to that tree.

TREE=/sys/fs/cgroup/unified

before_t_tree_of_root() { make_tree; }
before_t_tree_of_user() { make_tree; }
before_t_tree_of_service() { make_tree; }
before_t_tree_of_user_elsewhere() { make_tree; }
before_t_tree_of_exec() { make_tree; }
after_t_tree_of_root() { drop_tree; }
after_t_tree_of_user() { drop_tree; }
after_t_tree_of_service() { drop_tree; }
after_t_tree_of_user_elsewhere() { drop_tree; }
after_t_tree_of_exec() { drop_tree; }

make_tree() {
	[ -w $TREE/cgroup.procs ] || return 0
	control=$(<$TREE/cgroup.subtree_control)
	[ "$control" = hugetlb ] || { echo +hugetlb >$TREE/cgroup.subtree_control; } 2>/dev/null || return 0
	mkdir -p "$TREE/$ID/user/here" "$TREE/$ID/other" "$TREE/$ID/of-root" "$TREE/$ID/box.service"
	echo +hugetlb >"$TREE/$ID/cgroup.subtree_control"
	echo +hugetlb >"$TREE/$ID/user/cgroup.subtree_control"
}

drop_tree() {
	[ -e "$TREE/$ID" ] || return 0
	find "$TREE/$ID" -depth -type d -exec rmdir {} +
	[ "$control" = hugetlb ] || echo -hugetlb >$TREE/cgroup.subtree_control || true
}

# GROUP [WORD...]: usrun is called from there, by the command of the words.
from() {
	root_only
	[ -e "$TREE/$ID" ] || skip "needs the v2 tree in $TREE, with hugetlb"
	local group=$1
	shift
	# shellcheck disable=SC2016 # for the shell inside
	U=(unshare -m --propagation private sh -c 'umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup &&
		echo 0 >"/sys/fs/cgroup/$0/cgroup.procs" && exec "$@"' "$ID/$group" "$@" env "USRUN_TEST=$ID" "$USRUN" --root "$T/state")
}

of_user() {
	cfg '.linux.uidMappings = [{containerID: 0, hostID: 1234, size: 1}] | .linux.gidMappings = .linux.uidMappings
		| .linux.namespaces |= (map(select(.type != "network")) + [{type: "user"}]) | del(.linux.resources)
		| .mounts |= map(.options -= ["gid=5"]) | .process.user = {uid: 0, gid: 0}'
	mkdir -p "$T/state"
	chown 1234 "$T"
	chown -R 1234:1234 "$T/b" "$T/state" "$TREE/$ID/user" "$TREE/$ID/other"
	from "$1" setpriv --reuid 1234 --regid 1234 --clear-groups
}

limit() { cfg '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'; }

# Where the container is, below the group of the test.
is_in() { # GROUP
	eq "group" "$(sed -n "s|^0::/||p" "/proc/$PID/cgroup")" "${1#/}"
}

limit_is() { eq "limit of $1" "$(<"$TREE/${1#/}/hugetlb.2MB.max")" 4194304; } # GROUP

t_tree_of_root() {
	from user/here
	cfg 'del(.linux.resources)'
	limit
	up --arg p "it-$ID/e" '.linux.cgroupsPath = $p'
	is_in "it-$ID/e"
	limit_is "it-$ID/e"
	down
}

t_tree_of_user() {
	root_only "root plays the user"
	of_user user/here
	setpriv --reuid 1234 --regid 1234 --clear-groups sleep 1000 &
	echo $! >"$TREE/$ID/user/here/cgroup.procs"
	limit
	up
	is_in "$ID/user/usrun-$ID"
	limit_is "$ID/user/usrun-$ID"
	down
	up --arg p "it/e" '.linux.cgroupsPath = $p'
	is_in "$ID/user/it/e"
	down
	up 'del(.linux.cgroupsPath, .linux.resources)'
	is_in "$ID/user/here/usrun-$ID"
	down
	kill $!
	wait $! || true
}

# What runc documents for users: a group elsewhere, and the right to move processes there.
t_tree_of_user_elsewhere() {
	root_only "root plays the user"
	of_user of-root
	up '.linux.resources = {pids: {limit: -1}, memory: {limit: -1}}'
	is_in "$ID/of-root"
	down
	limit
	no "needs the cgroup controller" run -b "$T/b" "$ID"
	cfg 'del(.linux.resources)'
	cfg '.linux.cgroupsPath = "it/e"'
	no 'linux.cgroupsPath: "it/e" cannot be created' run -b "$T/b" "$ID"
	cfg --arg p "/$ID/it" '.linux.cgroupsPath = $p'
	no "create the cgroup /sys/fs/cgroup/$ID/it: " run -b "$T/b" "$ID"
	cfg --arg p "/$ID/other/it" '.linux.cgroupsPath = $p'
	chown 1234 "$TREE/$ID/cgroup.procs"
	limit
	up .
	is_in "$ID/other/it"
	limit_is "$ID/other/it"
	down
}

# A unit with Delegate=, and nobody in it but usrun: its limits hold for the container too.
t_tree_of_service() {
	from box.service
	up
	is_in "usrun-$ID"
	down
	setfattr -n user.delegate -v 1 "$TREE/$ID/box.service" 2>/dev/null ||
		python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.delegate", b"1")' "$TREE/$ID/box.service"
	limit
	up
	is_in "$ID/box.service/usrun-$ID"
	limit_is "$ID/box.service/usrun-$ID"
	from of-root # that of the service passes controllers on now
	down
}

t_tree_beside_v1() {
	root_only
	[ -w $TREE/cgroup.procs ] || skip "needs the v2 tree in $TREE"
	grep -qw hugetlb $TREE/cgroup.controllers || skip "needs hugetlb in $TREE"
	local before
	before=$(<$TREE/cgroup.subtree_control)
	limit
	up
	limit_is "usrun-$ID"
	printf '{"hugepageLimits": [{"pageSize": "2MB", "limit": 8388608}]}' >"$T/new"
	ok update -r "$T/new" "$ID"
	eq "after an update" "$(<"$TREE/usrun-$ID/hugetlb.2MB.max")" 8388608
	down
	up '.linux.resources.memory.kernelTCP = 1048576'
	down
	[[ " $before " == *" hugetlb "* ]] || echo -hugetlb >$TREE/cgroup.subtree_control || true
}

# A group that has passed its controllers on takes no process; the one that the container's own is in does.
t_tree_of_exec() {
	from user/here
	cfg 'del(.linux.resources)'
	limit
	up --arg p "it-$ID/e" '.linux.cgroupsPath = $p'
	echo "$PID" >"$TREE/$ID/other/cgroup.procs"
	echo +hugetlb >"$TREE/it-$ID/e/cgroup.subtree_control"
	no 'resource busy' exec "$ID" /bin/true
	has hint "$ERR" 'move it into one'
	mkdir "$TREE/it-$ID/e/below"
	echo "$PID" >"$TREE/it-$ID/e/below/cgroup.procs"
	inside /bin/true
	down
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Control groups, seen from the host's side.

# The directory of a v1 controller, where the caller may make groups.
v1_dir() { # CONTROLLER
	[ -d "/sys/fs/cgroup/$1" ] && [ -w "/sys/fs/cgroup/$1" ] || skip "needs the v1 controller $1 in /sys/fs/cgroup"
	echo "/sys/fs/cgroup/$1"
}

t_cgroups_parents_go() {
	root_only
	local dir
	dir=$(v1_dir pids) || skip "$dir"
	cfg --arg p "/it-$ID/deep/er" '.linux.cgroupsPath = $p'
	up
	[ -d "$dir/it-$ID/deep/er" ] || fail "not made: $dir/it-$ID/deep/er"
	down
	[ ! -e "$dir/it-$ID" ] || fail "left: $dir/it-$ID"
}

t_cgroups_parents_of_others_stay() {
	root_only
	local dir left=
	dir=$(v1_dir pids) || skip "$dir"
	mkdir "$dir/it-$ID"
	cfg --arg p "/it-$ID/deep/er" '.linux.cgroupsPath = $p'
	up
	down
	[ ! -e "$dir/it-$ID/deep" ] || left="left: $dir/it-$ID/deep"
	rmdir "$dir/it-$ID" || left="the group that was there before is gone"
	[ -z "$left" ] || fail "$left"
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Control groups, seen from the host's side.

# The directory of a v1 controller, where the caller may make groups.
v1_dir() { # CONTROLLER
	[ -w "/sys/fs/cgroup/$1" ] || return
	echo "/sys/fs/cgroup/$1"
}

t_cgroups_parents_go() {
	root_only
	local dir
	dir=$(v1_dir pids) || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg --arg p "/it-$ID/deep/er" '.linux.cgroupsPath = $p'
	up
	[ -d "$dir/it-$ID/deep/er" ] || fail "not made: $dir/it-$ID/deep/er"
	down
	[ ! -e "$dir/it-$ID" ] || fail "left: $dir/it-$ID"
}

t_cgroups_parents_of_others_stay() {
	root_only
	local dir left=
	dir=$(v1_dir pids) || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	mkdir "$dir/it-$ID"
	cfg --arg p "/it-$ID/deep/er" '.linux.cgroupsPath = $p'
	up
	down
	[ ! -e "$dir/it-$ID/deep" ] || left="left: $dir/it-$ID/deep"
	rmdir "$dir/it-$ID" || left="the group that was there before is gone"
	[ -z "$left" ] || fail "$left"
}

# A group that is in use is refused, and left to whom it belongs.
t_cgroups_of_others_survive_a_refusal() {
	root_only
	local dir
	dir=$(v1_dir freezer) || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg --arg p "/it-$ID/group" '.linux.cgroupsPath = $p'
	up
	no "container's cgroup is not empty" run -d -b "$T/b" "$ID-2"
	is running || fail "the other container was killed"
	has 'its group' "$(cat "/proc/$PID/cgroup")" "freezer:/it-$ID/group"
	[ -d "$dir/it-$ID/group" ] || fail "its group is gone"
	down
	mkdir -p "$dir/it-$ID/group"
	echo FROZEN >"$dir/it-$ID/group/freezer.state"
	R run -d -b "$T/b" "$ID"
	OUT=$(cat "$dir/it-$ID/group/freezer.state") || true
	rmdir "$dir/it-$ID/group" "$dir/it-$ID" || true
	has refusal "$ERR" "container's cgroup unexpectedly frozen"
	eq 'what was there before' "$OUT" FROZEN
}

# Who was started in the group of a stopped container keeps it.
t_cgroups_of_a_successor_survive_delete() {
	root_only
	cfg --arg p "/it-$ID/group" '.linux.cgroupsPath = $p'
	prog /bin/true
	ok run -d -b "$T/b" "$ID-1"
	soon is_of "$ID-1" stopped || fail "did not end"
	up
	ok delete "$ID-1"
	has warning "$ERR" "keeping the cgroup /it-$ID/group: container $ID is in it now"
	is running || fail "the successor was killed"
	down
}

# Where its process was moved to, and what was bound into it, is not the container's to remove.
t_delete_leaves_what_others_made() {
	root_only
	local dir
	dir=$(v1_dir pids) || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	mkdir "$dir/it-$ID-foreign" "$T/shared"
	cfg --arg s "$T/shared" --arg t "$T" '.mounts += [{destination: "/shared", type: "bind", source: $s, options: ["rbind"]}]'
	up
	inside /bin/touch /shared/file
	echo "$PID" >"$dir/it-$ID-foreign/cgroup.procs"
	ok kill "$ID" KILL
	soon is stopped
	ok delete "$ID"
	rmdir "$dir/it-$ID-foreign" || fail 'the group of others is gone'
	[ -e "$T/shared/file" ] || fail 'the bound directory is empty'
	[ -x "$T/b/rootfs/bin/sh" ] || fail 'the rootfs is empty'
}

# The second finds the groups above its own there, and did not make them; yet it is the last one below them.
t_cgroups_parents_shared_go() {
	root_only
	local dir
	dir=$(v1_dir pids) || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg --arg p "/it-$ID/deep/first" '.linux.cgroupsPath = $p'
	up
	cfg --arg p "/it-$ID/deep/second" '.linux.cgroupsPath = $p'
	ok run -d -b "$T/b" "$ID-2"
	down
	[ -d "$dir/it-$ID/deep/second" ] || fail "gone: $dir/it-$ID/deep/second"
	ok delete --force "$ID-2"
	[ ! -e "$dir/it-$ID" ] || fail "left: $dir/it-$ID"
}

own() { # CONTROLLER FILE: of the container that up() has made with its own path
	cat "/sys/fs/cgroup/$1/it-$ID/$2"
}

up_limited() { # FILTER
	v1_dir memory >/dev/null || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg --arg p "/it-$ID" '.linux.cgroupsPath = $p'
	up "$@"
}

t_update_flags() {
	root_only
	no 'update: no limit given' update "$ID"
	has 'what to name' "$ERR" 'such as --memory 64m'
	up_limited '.linux.resources.memory.limit = 33554432'
	ok update --memory 64m --memory-reservation 32M --pids-limit 11 --cpu-share 512 --cpu-quota 20000 "$ID"
	eq memory "$(own memory memory.limit_in_bytes)" 67108864
	eq reservation "$(own memory memory.soft_limit_in_bytes)" 33554432
	eq pids "$(own pids pids.max)" 11
	eq shares "$(own cpu cpu.shares)" 512
	eq quota "$(own cpu cpu.cfs_quota_us)" 20000
	eq period "$(own cpu cpu.cfs_period_us)" 100000
	ok update --cpu-period 50000 "$ID"
	eq "quota stays" "$(own cpu cpu.cfs_quota_us)" 20000
	eq period "$(own cpu cpu.cfs_period_us)" 50000
	ok update --cpu-quota=-1 --pids-limit=-1 "$ID"
	eq "no quota" "$(own cpu cpu.cfs_quota_us)" -1
	eq "no pids limit" "$(own pids pids.max)" max
	down
}

t_update_waits_for_the_lock() {
	root_only
	local lock status=0
	up_limited '.linux.resources.pids.limit = 10'
	exec {lock}<"$T/state/$ID"
	flock -x "$lock"
	timeout 0.5 "${U[@]}" update --pids-limit 11 "$ID" || status=$?
	eq "exit status of a timeout" "$status" 124
	eq "pids, locked" "$(own pids pids.max)" 10
	exec {lock}<&-
	ok update --pids-limit 11 "$ID"
	eq pids "$(own pids pids.max)" 11
	down
}

t_update_memory_and_swap() {
	root_only
	up_limited '.linux.resources.memory = {limit: 33554432, swap: 67108864}'
	no 'memory and swap together are limited to 67108864: raise that limit, too' update --memory 256m "$ID"
	ok update --memory 256m --memory-swap 512m "$ID" # each above the other's old value
	eq memory "$(own memory memory.limit_in_bytes)" $((256 << 20))
	eq swap "$(own memory memory.memsw.limit_in_bytes)" $((512 << 20))
	ok update --memory 32m --memory-swap 64m "$ID"
	eq "memory, lowered" "$(own memory memory.limit_in_bytes)" $((32 << 20))
	eq "swap, lowered" "$(own memory memory.memsw.limit_in_bytes)" $((64 << 20))
	no "cannot be less than memory.limit" update --memory 32m --memory-swap 16m "$ID"
	ok update --memory=-1 "$ID"
	[ "$(own memory memory.memsw.limit_in_bytes)" -gt $((1 << 60)) ] || fail "the limit of swap is still there"
	down
}

t_update_document() {
	root_only
	local devices
	up_limited .
	devices=$(own devices devices.list)
	echo '{"devices":[{"allow":false,"access":"rwm"}],"memory":{"limit":100663296,"swap":201326592},
		"cpu":{"quota":70000,"period":100000},"pids":{"limit":50}}' >"$T/doc"
	ok update "--resources=$T/doc" "$ID"
	eq memory "$(own memory memory.limit_in_bytes)" 100663296
	eq pids "$(own pids pids.max)" 50
	eq devices "$(own devices devices.list)" "$devices"
	echo '{"pids":{"limit":51}}' | "${U[@]}" update --resources - "$ID" || fail "from standard input: exit status $?"
	eq "pids from standard input" "$(own pids pids.max)" 51
	echo '{"memory":{"limit":4096,"checkBeforeUpdate":true}}' >"$T/doc"
	no "rejecting memory limit 4096 <= usage" update -r "$T/doc" "$ID"
	echo '{"pids":{"limit":"x"}}' >"$T/doc"
	no "pids.limit" update -r "$T/doc" "$ID"
	down
}

# Nonsense is refused before anything is written, and the error names the document or the option.
t_update_names_the_source() {
	root_only
	up_limited .
	echo '{"cpu":{"cpus":"zero"}}' >"$T/doc"
	no "$T/doc:1:16: cpu.cpus: expected a list of numbers" update -r "$T/doc" "$ID"
	if "${U[@]}" update -r - "$ID" <"$T/doc" 2>"$T/words"; then fail "taken from standard input"; fi
	has 'standard input' "$(<"$T/words")" 'standard input:1:16: cpu.cpus: expected a list of numbers'
	no '--cpuset-cpus: expected a list of numbers' update --cpuset-cpus zero "$ID"
	echo '{"hugepageLimits":[{"pageSize":"3MB","limit":0}]}' >"$T/doc"
	no "$T/doc:1:32: hugepageLimits[0].pageSize: expected a huge page size" update -r "$T/doc" "$ID"
	down
}

t_update_all_or_nothing() {
	root_only
	up_limited '.linux.resources.pids.limit = 20 | .linux.resources.memory.limit = 67108864'
	no "cpuset.cpus" update --memory 80m --cpu-share 300 --cpuset-cpus 4000 --pids-limit 30 "$ID"
	eq memory "$(own memory memory.limit_in_bytes)" 67108864
	eq shares "$(own cpu cpu.shares)" 1024
	eq pids "$(own pids pids.max)" 20
	down
}

# systemd does not know the unit, or is not there at all: what the kernel has taken already is put back.
t_update_refused_by_systemd() {
	root_only
	local state="$T/state/$ID/state.json"
	up_limited '.linux.resources.pids.limit = 20 | .linux.resources.memory = {limit: 67108864, swap: 67108864}'
	jq '.unit = "usrun-not-there.scope" | .unitManager = "system"' "$state" >"$T/new"
	cp "$state" "$T/old"
	cat "$T/new" >"$state"
	no "systemd" update --memory 80m --memory-swap 90m --cpu-share 300 --cpu-quota 20000 --pids-limit 30 "$ID"
	eq memory "$(own memory memory.limit_in_bytes)" 67108864
	eq swap "$(own memory memory.memsw.limit_in_bytes)" 67108864
	eq shares "$(own cpu cpu.shares)" 1024
	eq quota "$(own cpu cpu.cfs_quota_us)" -1
	eq pids "$(own pids pids.max)" 20
	cat "$T/old" >"$state"
	down
}

t_update_refused() {
	no "container does not exist" update --memory 64m "$ID"
	up
	no 'expected a size such as 64m' update --memory lots "$ID"
	no "no resctrl group" update --l3-cache-schema "L3:0=f" "$ID"
	ok kill "$ID" KILL
	soon is stopped || fail "did not stop"
	no "container not running" update --memory 64m "$ID"
	down
}

t_limits_fork_bomb() {
	root_only
	up_limited '.linux.resources.pids.limit = 12'
	# shellcheck disable=SC2016 # for the shell inside
	R exec "$ID" sh -c 'while sleep 1000 & do :; done'
	soon eval '[ "$(own pids pids.current)" -le 12 ]' || fail "more than 12: $(own pids pids.current)"
	[ "$(own pids pids.events | sed 's/max //')" -gt 0 ] || fail "the limit was never met"
	down
}

t_limits_devices() {
	root_only
	up_limited '.linux.resources.devices = [{allow: false, access: "rwm"}]'
	mknod "$T/b/rootfs/device" c 10 237
	inside cat /dev/null
	R exec "$ID" cat /device
	has "a device that is not allowed" "$ERR" "Operation not permitted"
	down
}

t_limits_frozen() {
	root_only
	up_limited .
	ok pause "$ID"
	is paused || fail "not paused"
	no "container not running" pause "$ID"
	ok update --pids-limit 9 "$ID"
	eq "pids of a paused container" "$(own pids pids.max)" 9
	ok resume "$ID"
	no "container not paused" resume "$ID"
	down
}

# A fifth of a processor: of the periods that ran, the time used is at most a fifth of each, and as much of those that
# were cut short; a busy machine gives less of the others. What is paused is read, for nothing runs between the readings.
t_limits_cpu_quota() {
	root_only
	local ran used cut
	up_limited '.linux.resources.cpu = {quota: 4000, period: 20000}'
	ok exec -d "$ID" sh -c 'while :; do :; done'
	soon throttled 10 || fail "is not throttled"
	ok pause "$ID"
	cut=$(periods_cut) ran=$(periods_ran) used=$(own cpuacct cpuacct.usage)
	ok resume "$ID"
	soon throttled $((cut + 60)) || fail "is not throttled any more"
	ok pause "$ID"
	cut=$(($(periods_cut) - cut)) ran=$(($(periods_ran) - ran)) used=$(($(own cpuacct cpuacct.usage) - used))
	[ $((used * 100 / (ran * 4000000))) -le 110 ] || fail "$used ns in $ran periods of 4 ms"
	[ $((used * 100 / (cut * 4000000))) -ge 90 ] || fail "only $used ns in $cut periods of 4 ms that were cut short"
	down
}

periods_ran() { own cpu cpu.stat | sed -n 's/^nr_periods //p'; }
periods_cut() { own cpu cpu.stat | sed -n 's/^nr_throttled //p'; }
throttled() { [ "$(periods_cut)" -ge "$1" ]; }

t_events_stats() {
	root_only
	up_limited '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 30}}'
	ok events --stats "$ID"
	eq "memory limit" "$(jq .data.memory.usage.limit <<<"$OUT")" 67108864
	eq "pids" "$(jq -c .data.pids <<<"$OUT")" '{"current":1,"limit":30}'
	eq "id and type" "$(jq -r '.id + " " + .type' <<<"$OUT")" "$ID stats"
	[ "$(jq .data.cpu.usage.total <<<"$OUT")" -gt 0 ] || fail "no processor time: $OUT"
	eq "raw" "$(jq .data.memory.raw.hierarchical_memory_limit <<<"$OUT")" 67108864
	no "must be greater than 0" events --interval 0s "$ID"
	no "expected a duration" events --interval 5 "$ID"
	no "at most 596h" events --interval 597h "$ID"
	ok kill "$ID" KILL
	soon is stopped || fail "did not stop"
	no "container with id $ID is not running" events --stats "$ID"
	down
}

# Lines come until the container has ended, and the kill by the memory limit is one of them.
t_events_oom() {
	root_only
	up_limited '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
	"${U[@]}" events --interval 20ms "$ID" >"$T/events" &
	soon grep -q '"type":"stats"' "$T/events" || fail "no line within 5 s"
	R exec "$ID" sh -c 'x=x; while :; do x=$x$x; done'
	eq "exit status of the hog" "$RC" 137
	has "the reason" "$ERR" "killed by the memory limit (32 MiB) of its cgroup"
	soon grep -qx "{\"type\":\"oom\",\"id\":\"$ID\"}" "$T/events" || fail "no oom: $(tail -n 1 "$T/events")"
	ok kill "$ID" KILL
	wait $! || fail "events: exit status $?"
	eq 'one kill is one line' "$(grep -c '"oom"' "$T/events")" 1
	down
}

# Nobody waits for a detached container.
t_state_tells_of_memory_kills() {
	root_only
	v1_dir memory >/dev/null || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	mkfifo "$T/b/rootfs/go"
	script_ 'read -r _ </go; exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	cfg '.linux.resources.memory.limit = 16777216'
	ok run -d -b "$T/b" "$ID" # which itself tells of a program that is killed until it ends
	echo >"$T/b/rootfs/go"
	soon is stopped
	ok state "$ID"
	eq "kills" "$(jq .oomKills <<<"$OUT")" 1
	ok delete "$ID"
	prog /bin/true
	ok run -d -b "$T/b" "$ID"
	soon is stopped
	ok state "$ID"
	hasnt "nobody was killed" "$OUT" oomKills
	ok delete "$ID"
}

t_limits_memory_hog() {
	root_only
	v1_dir memory >/dev/null || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg '.linux.resources.memory = {limit: 16777216, swap: 16777216}'
	# shellcheck disable=SC2016 # for the shell inside
	script_ 'x=x; while :; do x=$x$x; done'
	R run -b "$T/b" "$ID"
	eq "exit status" "$RC" 137
	has "the reason" "$ERR" "killed by the memory limit (16 MiB) of its cgroup"
	script_ 'kill -9 $$'
	cfg 'del(.linux.resources)'
	R run -b "$T/b" "$ID"
	hasnt "killed by somebody" "$ERR" "memory limit"
}

t_limits_memory_too_small() {
	root_only
	v1_dir memory >/dev/null || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg '.linux.resources.memory = {limit: 65536, swap: 65536}'
	no "killed by the memory limit (64 KiB) of its cgroup" run -b "$T/b" "$ID"
}

t_cgroups_many_rounds() {
	root_only
	local dir i
	dir=$(v1_dir pids) || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg --arg p "/it-$ID/c" '.linux.cgroupsPath = $p'
	prog /bin/true
	for ((i = 0; i < ${USRUN_TIMES:-25}; i++)); do
		ok create -b "$T/b" "$ID"
		down
		[ ! -e "$dir/it-$ID" ] || fail "round $i left $dir/it-$ID"
	done
	[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null)" ] || fail "a cgroup is left"
}

t_stats() {
	root_only
	up_limited '.linux.resources.memory.limit = 67108864'
	ok stats --no-stream "$ID"
	has table "$OUT" "64.0 MiB"
	ok stats --no-stream --format json
	eq "of all" "$(jq -r '.[] | .id + " " + (.pids | tostring)' <<<"$OUT")" "$ID 1"
	"${U[@]}" stats --format json "$ID" >"$T/stats" &
	soon grep -q cpu_percent "$T/stats" || fail "no line within 5 s"
	ok kill "$ID" KILL
	wait $! || fail "stats: exit status $?"
	no "container not running" stats --no-stream "$ID"
	down
}

t_cgroups_delegated() {
	root_only
	local dir=/sys/fs/cgroup/unified/it-$ID
	[ -w /sys/fs/cgroup/unified/cgroup.procs ] || skip "needs the v2 tree in /sys/fs/cgroup/unified"
	cfg --arg p "/it-$ID" '.linux.cgroupsPath = $p | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings | .linux.namespaces += [{type: "user"}]
		| .linux.namespaces |= (map(select(.type != "cgroup")) + [{type: "cgroup"}])
		| .mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)'
	chown -R 200000:200000 "$T/b/rootfs"
	ok explain -b "$T/b"
	has explain "$OUT" "given to 200000:200000, the container's root"
	up
	eq "owner of the group" "$(stat -c %u:%g "$dir")" 200000:200000
	eq "owner of cgroup.procs" "$(stat -c %u "$dir/cgroup.procs")" 200000
	eq "owner of a limit" "$(stat -c %u "$dir/cgroup.max.depth")" 0
	[ ! -d "/sys/fs/cgroup/pids/it-$ID" ] || eq "owner of a v1 group" "$(stat -c %u "/sys/fs/cgroup/pids/it-$ID")" 0
	down
	[ ! -e "$dir" ] || fail "left: $dir"
	cfg '.mounts |= map(if .type == "cgroup" then .options += ["ro"] else . end)'
	up
	eq "owner of one that is read-only inside" "$(stat -c %u "$dir")" 0
	down
	cfg '.mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end) | .linux.namespaces |= map(select(.type != "cgroup"))'
	up
	eq "owner of one that shows the host's tree" "$(stat -c %u "$dir")" 0
	down
}

t_cgroups_delegate_annotation_of_v1() {
	root_only 'a user has no cgroup of v1'
	v1_dir pids >/dev/null || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg '.annotations = {"run.oci.delegate-cgroup": "payload"}'
	no 'annotations["run.oci.delegate-cgroup"]: cgroup v1 cannot be delegated' run -b "$T/b" "$ID"
	cfg '.annotations = {"run.oci.delegate-cgroup": "../up"}'
	no 'annotations["run.oci.delegate-cgroup"]: not a cgroup name' run -b "$T/b" "$ID"
}

# Which files are given away is the kernel's to say; a file in its list may be missing, and so may the list.
t_cgroups_delegated_files() {
	root_only
	local dir=/sys/fs/cgroup/unified/it-$ID list=/sys/kernel/cgroup/delegate
	[ -w /sys/fs/cgroup/unified/cgroup.procs ] || skip "needs the v2 tree in /sys/fs/cgroup/unified"
	cfg --arg p "/it-$ID" '.linux.cgroupsPath = $p | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings | .linux.namespaces += [{type: "user"}]
		| .mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)'
	chown -R 200000:200000 "$T/b/rootfs"
	prog /bin/sleep 1000
	mount -t tmpfs none "${list%/*}"
	printf 'cgroup.procs\ncgroup.no-such-file\ncgroup.max.depth\n' >$list
	R run -d -b "$T/b" "$ID"
	(cd "$dir" && stat -c '%n %u' cgroup.* . | grep 200000 | cut -d ' ' -f 1 | tr '\n' ' ') >"$T/listed" || true
	down
	rm $list
	R run -d -b "$T/b" "$ID"
	(cd "$dir" && stat -c '%n %u' ./* . | grep 200000 | cut -d ' ' -f 1 | tr '\n' ' ') >"$T/unlisted" || true
	down
	umount "${list%/*}"
	eq 'those of the list' "$(<"$T/listed")" 'cgroup.max.depth cgroup.procs . '
	eq 'those of a kernel without a list' "$(<"$T/unlisted")" './cgroup.procs ./cgroup.subtree_control ./cgroup.threads . '
}

# Somebody has moved the process into a frozen group of his own: killed, it would end when that is thawed.
t_cgroups_frozen_elsewhere() {
	root_only
	local dir
	dir=$(v1_dir freezer) || skip "needs the v1 freezer in /sys/fs/cgroup"
	up
	mkdir "$dir/it-$ID"
	echo "$PID" >"$dir/it-$ID/cgroup.procs"
	echo FROZEN >"$dir/it-$ID/freezer.state"
	R delete --force "$ID"
	echo THAWED >"$dir/it-$ID/freezer.state"
	rmdir "$dir/it-$ID"
	eq status "$RC" 0
}

# The same id under another state directory: neither a creation nor a deletion there touches this container.
t_cgroups_of_another_root() {
	root_only
	up
	ok delete --force "$ID"
	up
	RC=0
	"$USRUN" --root "$T/other" delete --force "$ID" 2>"$T/err" || RC=$?
	eq 'exit status' $RC 0
	has note "$(<"$T/err")" "belongs to another state directory"
	is running || fail 'killed by a deletion under another root'
	RC=0
	"$USRUN" --root "$T/other" run -d -b "$T/b" "$ID" >/dev/null 2>"$T/err" </dev/null || RC=$?
	[ $RC != 0 ] || fail 'two containers in one cgroup'
	is running || fail 'killed by a creation under another root'
	# The mark alone counts, also while nobody is inside.
	script_ 'exec sleep 1000'
	ok create -b "$T/b" "$ID-2"
	ok kill "$ID-2" KILL
	soon is_of "$ID-2" stopped
	RC=0
	"$USRUN" --root "$T/other" run -d -b "$T/b" "$ID-2" >/dev/null 2>"$T/err" </dev/null || RC=$?
	[ $RC != 0 ] || fail 'the group of another was taken'
	has error "$(<"$T/err")" "belongs to another container: $ID-2"
	ok delete "$ID-2"
	down
	rm -rf "$T/other"
}

# In one of several hierarchies another has the group already: in the others nothing stays of the one that is refused.
t_cgroups_that_are_anothers_in_one_hierarchy() {
	root_only
	local dir own
	v1_dir unified >/dev/null || skip "needs the v2 tree in /sys/fs/cgroup/unified"
	dir=$(v1_dir memory) || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	own=$dir$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
	own=${own%/}/it-$ID-own
	mkdir -p "$own/it-$ID-taken"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.usrun.owner", b"1:1 another")' "$own/it-$ID-taken"
	cfg --arg p "it-$ID-taken" '.linux.cgroupsPath = $p'
	prog /bin/true
	RC=0
	sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$own" "${U[@]}" run -b "$T/b" "$ID" >"$T/out" 2>"$T/err" </dev/null || RC=$?
	[ $RC != 0 ] || fail 'the group of another was taken'
	has error "$(<"$T/err")" 'belongs to another container: another'
	eq groups "$(cgroups)" "$(printf '%s\n' "$own" "$own/it-$ID-taken")"
	rmdir "$own/it-$ID-taken" "$own"
}

# A state that was damaged may name anything: what does not have the container's mark is not killed.
t_cgroups_of_strangers_survive_a_damaged_state() {
	root_only
	local dir stranger state="$T/state/$ID/state.json"
	dir=$(v1_dir pids) || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	mkdir "$dir/it-$ID-stranger"
	sleep 1000 &
	stranger=$!
	echo $stranger >"$dir/it-$ID-stranger/cgroup.procs"
	up
	jq --arg p "/it-$ID-stranger" '(.cgroupDirs[] | select(.controllers == "pids")).path = $p' "$state" >"$T/new"
	cp "$T/new" "$state"
	ok delete --force "$ID"
	has note "$ERR" 'nothing shows that container'
	kill -0 $stranger 2>/dev/null || fail 'the stranger was killed'
	kill $stranger
	wait $stranger || true
	rmdir "$dir/it-$ID-stranger" || fail 'its group is gone'
	sweep_groups
}

sweep_groups() { # what such a state does not lead to
	local dir
	for dir in $(cgroups); do rmdir "$dir" 2>/dev/null || true; done
}

# A state that names some groups only, or others, and no config to find them by: the mark leads to them.
t_cgroups_of_a_state_with_wrong_places_go() {
	root_only
	local edit state="$T/state/$ID/state.json"
	v1_dir pids >/dev/null || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	for edit in '.cgroupDirs |= map(select(.controllers == "pids"))' '.cgroupDirs[].path = "/nowhere"' '.cgroupDirs[2].path = "/nowhere"' '.cgroupDriver = "none"'; do
		cfg --arg p "/it/deep-$ID/er" '.linux.namespaces |= map(select(.type != "pid")) | .linux.cgroupsPath = $p'
		up
		jq "$edit" "$state" >"$T/new"
		cp "$T/new" "$state"
		rm "$T/state/$ID/config.json"
		ok delete --force "$ID"
		eq "$edit: groups" "$(cgroups)" ''
		[ ! -d "/proc/$PID" ] || grep -q '^State:.Z' "/proc/$PID/status" || fail "$edit: it runs"
	done
}

# A container that owns its group may change the mark; what is in it ends all the same, or delete says that it stays.
t_cgroups_with_a_changed_mark() {
	root_only
	local name=user.usrun.owner mark new group=/sys/fs/cgroup/unified/usrun-$ID
	v1_dir unified >/dev/null || skip "needs the v2 tree in /sys/fs/cgroup/unified"
	for new in gone same other; do
		cfg '.linux.namespaces |= map(select(.type != "pid"))'
		prog /bin/sh -c 'sleep 1000 & exec sleep 1000'
		ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
		soon two_in "$group"
		mark=$(python3 -c 'import os, sys; print(os.getxattr(*sys.argv[1:]).decode())' "$group" $name)
		case $new in
		gone) python3 -c 'import os, sys; os.removexattr(*sys.argv[1:])' "$group" $name ;;
		same) set_mark "${mark% *} of-another" ;;
		other) set_mark "1:1 $ID" ;;
		esac
		kill -KILL "$(<"$T/pid")"
		soon is stopped
		if [ $new = other ]; then
			no 'with processes in it: it was created for' delete "$ID"
			set_mark "$mark"
		fi
		ok delete "$ID"
		eq "$new: groups" "$(cgroups)" ''
	done
}

two_in() { [ "$(wc -l <"$1/cgroup.procs")" = 2 ]; }

set_mark() {
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], sys.argv[3].encode())' "$group" "$name" "$1"
}

# Nothing leads to the groups but their name, which is no proof: that they stay is said, and the state stays to tell.
t_cgroups_without_any_proof_are_named() {
	root_only
	local edit dir state="$T/state/$ID/state.json"
	v1_dir pids >/dev/null || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	for edit in '.cgroupDriver = "none" | .pid = 1' '5'; do
		cfg '.linux.namespaces |= map(select(.type != "pid"))'
		up
		for dir in $(cgroups); do
			python3 -c 'import os, sys; os.removexattr(*sys.argv[1:])' "$dir" user.usrun.owner 2>/dev/null || true
		done
		jq "$edit" "$state" >"$T/new"
		cp "$T/new" "$state"
		mv "$T/state/$ID/config.json" "$T/copy"
		no "its name is that of container $ID" delete --force "$ID"
		[ -d "$T/state/$ID" ] || fail "$edit: the state is gone"
		kill -KILL "$PID" 2>/dev/null || true
		soon no_groups
		ok delete --force "$ID"
	done
}

# The process leads to groups that nothing else names any more.
t_cgroups_that_only_the_process_leads_to() {
	root_only
	local dir state="$T/state/$ID/state.json"
	v1_dir pids >/dev/null || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg --arg p "/it-$ID/deep" '.linux.cgroupsPath = $p'
	up
	lose_all_proof
	ok delete --force "$ID"
	[ -z "$(find /sys/fs/cgroup -path "*it-$ID/deep" 2>/dev/null)" ] || fail 'a group stays without a word'
	soon no_groups # the one above it was made for it, and nothing says so
	# Another process in it goes on: whose it is nobody can say.
	cfg '.linux.namespaces |= map(select(.type != "pid"))'
	prog /bin/sh -c 'sleep 1000 & exec sleep 1000'
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	soon two_in "$(find /sys/fs/cgroup -path "*it-$ID/deep" 2>/dev/null | head -1)"
	lose_all_proof
	no "the process of container $ID was in it" delete --force "$ID"
	[ -d "$T/state/$ID" ] || fail "the state is gone"
	find /sys/fs/cgroup -path "*it-$ID/deep/cgroup.procs" -exec cat {} + 2>/dev/null | sort -u | xargs -r kill -KILL
	soon no_groups
	ok delete --force "$ID"
}

# A path that is outside of the own cgroup namespace is no sign that the group is gone.
t_cgroups_outside_of_the_own_namespace() {
	root_only
	local dir state="$T/state/$ID/state.json" other
	other=$(v1_dir pids)/it-$ID-other || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	cfg --arg p "/it-$ID/deep" '.linux.cgroupsPath = $p'
	up
	lose_all_proof
	mkdir "$other"
	RC=0
	# shellcheck disable=SC2016 # for the shell inside
	sh -c 'echo $$ >"$0/cgroup.procs" && exec unshare -C "$@"' "$other" "${U[@]}" delete --force "$ID" 2>"$T/err" || RC=$?
	soon rmdir "$other"
	eq 'exit status' "$RC" 1
	has 'error' "$(<"$T/err")" "is outside usrun's cgroup namespace"
	[ -n "$(find /sys/fs/cgroup -path "*it-$ID/deep" 2>/dev/null)" ] || fail 'the groups are gone'
	kill -0 "$PID" || fail 'nothing leads to its groups any more'
	ok delete --force "$ID"
	[ -z "$(find /sys/fs/cgroup -path "*it-$ID/deep" 2>/dev/null)" ] || fail 'a group stays without a word'
	soon no_groups
}

lose_all_proof() {
	for dir in $(find /sys/fs/cgroup -path "*it-$ID/deep" 2>/dev/null); do
		python3 -c 'import os, sys; os.removexattr(*sys.argv[1:])' "$dir" user.usrun.owner 2>/dev/null || true
	done
	jq 'del(.cgroupDirs)' "$state" >"$T/new"
	cp "$T/new" "$state"
	rm "$T/state/$ID/config.json"
}

no_groups() { # once their processes have ended
	find /sys/fs/cgroup -depth -type d -path "*$ID*" -exec rmdir {} + 2>/dev/null || true
	[ -z "$(cgroups)" ]
}

# A state that names no groups any more: they are found by their names, and by their mark.
t_cgroups_of_a_state_without_places_go() {
	root_only
	local edit state="$T/state/$ID/state.json"
	for edit in 'del(.cgroupDirs)' '.cgroupDriver = "none"' '.cgroupDriver = "none" | .pid = 1' 'del(.cgroupDirs) | .undo = ["state-reserve"]'; do
		cfg '.linux.namespaces |= map(select(.type != "pid"))'
		up
		jq "$edit" "$state" >"$T/new"
		cp "$T/new" "$state"
		ok delete --force "$ID"
		eq "$edit: groups" "$(cgroups)" ''
		[ ! -d "/proc/$PID" ] || grep -q '^State:.Z' "/proc/$PID/status" || fail "$edit: it runs"
	done
}

# On v1 that includes the directory that holds the hierarchies, which is the container's own.
t_cgroups_are_read_only_as_a_whole() {
	cfg '.mounts |= map(select(.destination != "/sys/fs/cgroup"))
		+ [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid", "noexec", "nodev"]}]'
	up
	R exec "$ID" /bin/mkdir /sys/fs/cgroup/x
	has 'the directory' "$ERR" 'Read-only file system'
	ok exec "$ID" /bin/grep -c ' /sys/fs/cgroup' /proc/mounts
	[ "$OUT" -ge 1 ] || fail "mounts: $OUT"
	down
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Ids of rootless containers; containers inside of user namespaces that others made.
# shellcheck disable=SC2016,SC2034,SC2154 # variables of the shell inside

t_subid_map() {
	local uid=${SUBUIDS%:*} gid=${SUBGIDS%:*} count=${SUBUIDS#*:}
	rootless_only
	many_ids
	caps CHOWN
	sh_run 'cat /proc/self/uid_map; touch /tmp/made /tmp/made1; chown 1:1 /tmp/made1; chown 65536:65536 /tmp/made'
	eq map "$(tr -s '\n ' ' ' <<<"$OUT")" " 0 $(id -u) 1 1 $uid $count "
	eq 'owner of uid 1 outside' "$(stat -c %u:%g "$T/b/rootfs/tmp/made1")" "$uid:$gid"
	eq 'owner of uid 65536 outside' "$(stat -c %u:%g "$T/b/rootfs/tmp/made")" "$((uid + 65535)):$((gid + 65535))"
	sh_run 'chown 0:0 /tmp/made /tmp/made1; rm /tmp/made /tmp/made1'
}

t_run_as_subid() {
	rootless_only
	many_ids
	cfg '.process.user = {uid: 1, gid: 1}'
	sh_run 'id -u; touch /tmp/made'
	eq uid "$OUT" 1
	eq 'owner outside' "$(stat -c %u "$T/b/rootfs/tmp/made")" "${SUBUIDS%:*}"
}

t_map_single() {
	rootless_only
	many_ids
	prog /bin/cat /proc/self/uid_map /proc/self/setgroups
	go --map=single
	eq map "$(tr -s '\n ' ' ' <<<"$OUT")" " 0 $(id -u) 1 deny "
	go --map=subid
	has map "$OUT" "${SUBUIDS%:*}"
	no '--map: expected one of auto, single, subid' run -b "$T/b" --map=bogus "$ID"
}

# What engines send for an image whose root is in other groups.
t_groups_with_a_single_id() {
	rootless_only
	cfg '.process.user.additionalGids = [10, 27]'
	script_ 'id -G; sleep 100'
	ok check --map=single "$T/b"
	has 'what check says' "$OUT" 'dropped: process.user.additionalGids: ignored'
	ok --log-level warning run -d --map=single -b "$T/b" --pid-file "$T/pid" "$ID"
	eq 'said once' "$(grep -c 'additionalGids: ignored' <<<"$ERR")" 1
	ok explain "$ID"
	has 'what explain says' "$OUT" 'additionalGids: ignored, setgroups is denied'
	inside id -g
	eq group "$OUT" 0
	jq '.process' "$T/b/config.json" | jq '.args = ["/bin/id", "-g"]' >"$T/process"
	ok exec --process "$T/process" "$ID"
	eq 'group of exec' "$OUT" 0
	down
}

before_t_map_without_ranges() { [ "$MODE" = root ] || subids 'somebodyelse:100000:65536'; }
after_t_map_without_ranges() { [ "$MODE" = root ] || subids "$user:$SUBUIDS"; }
t_map_without_ranges() {
	rootless_only
	prog /bin/cat /proc/self/uid_map
	no usermod run -b "$T/b" --map=subid "$ID"
	go
	eq 'map by default' "$(tr -s '\n ' ' ' <<<"$OUT")" " 0 $(id -u) 1 "
}

# What systemd's PrivateUsers= makes: subordinate ids that are not mapped where usrun runs are of no use.
t_map_where_ranges_are_not_mapped() {
	rootless_only
	many_ids
	prog /bin/cat /proc/self/uid_map
	U=(unshare --user --map-user="$(id -u)" --map-group="$(id -g)" "$USRUN")
	go
	eq 'map by default' "$(tr -s '\n ' ' ' <<<"$OUT")" " 0 $(id -u) 1 "
	ok explain -b "$T/b"
	has note "$OUT" "the container has a single id"
	has cause "$OUT" "not mapped in the user namespace that usrun runs in"
	has 'way out' "$OUT" "--map=single"
	no 'not mapped in the user namespace' run -b "$T/b" --map=subid "$ID"
	cfg --argjson s "${SUBUIDS%:*}" '.linux |= . + {uidMappings: [{containerID: 0, hostID: $s, size: 10}], gidMappings: [{containerID: 0, hostID: $s, size: 10}]}'
	no 'not mapped in the user namespace' run -b "$T/b" "$ID"
	hasnt hint "$ERR" usermod
}

# In a user namespace with root and one user.
with_two_ids() { # COMMAND...
	local kind
	mkfifo "$T/mapped"
	unshare --user sh -c 'read -r _ <"$0" && exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"' \
		"$T/mapped" "$@" &
	soon sh -c '[ "$(readlink /proc/$0/ns/user)" != "$(readlink /proc/self/ns/user)" ]' $!
	for kind in uid gid; do env printf '0 0 1\n65534 65534 1\n' >"/proc/$!/${kind}_map"; done
	echo >"$T/mapped"
	rm "$T/mapped"
	wait $!
}

before_t_map_of_two_ids() { [ "$MODE" != root ] || subids nobody:300000:1000; }
after_t_map_of_two_ids() { [ "$MODE" != root ] || no_subids; }
t_map_of_two_ids() {
	root_only 'root makes the namespace'
	"$USRUN" spec --rootless --no-terminal -f - | jq --arg id "$ID" '.process.env += ["USRUN_TEST=" + $id]' >"$T/b/config.json"
	prog /bin/cat /proc/self/uid_map
	chown -R nobody "$T"
	U=(with_two_ids "${U[@]}")
	go
	eq 'map by default' "$(tr -s '\n ' ' ' <<<"$OUT")" " 0 65534 1 "
	no 'not mapped in the user namespace' run -b "$T/b" --map=subid "$ID"
}

# A helper that is setuid root gets no right that the bounding set lacks.
before_t_map_with_a_bounded_helper() { [ "$MODE" != root ] || subids nobody:300000:1000; }
after_t_map_with_a_bounded_helper() { [ "$MODE" != root ] || no_subids; }
t_map_with_a_bounded_helper() {
	root_only 'root lowers the bounding set'
	[ -u "$(command -v newuidmap)" ] || skip 'newuidmap is not setuid root here'
	local plain=("${U[@]}") cap
	"$USRUN" spec --rootless --no-terminal -f - | jq --arg id "$ID" '.process.env += ["USRUN_TEST=" + $id]' >"$T/b/config.json"
	prog /bin/cat /proc/self/uid_map
	chown -R nobody "$T"
	for cap in dac_override setuid setgid sys_admin; do
		U=(setpriv --bounding-set=-$cap --reuid nobody --regid nogroup --clear-groups "${plain[@]}")
		go
		eq "map without $cap" "$(tr -s '\n ' ' ' <<<"$OUT")" " 0 65534 1 "
		no 'the bounding set of capabilities' run -b "$T/b" --map=subid "$ID"
		has "way out without $cap" "$ERR" "--map=single"
	done
	U=(setpriv --bounding-set=-sys_time --reuid nobody --regid nogroup --clear-groups "${plain[@]}")
	go
	has 'map where nothing lacks' "$(tr -s '\n ' ' ' <<<"$OUT")" " 1 300000 1000 "
}

before_t_many_ranges() {
	local i lines=()
	[ "$MODE" != root ] || return 0
	for ((i = 0; i < 12; i++)); do lines+=("$user:$((300000 + i * 1000)):$((10 + i))"); done
	subids "# a comment" "${lines[@]}" "other:1:5" "$(id -u $user):500000:3"
}
after_t_many_ranges() { [ "$MODE" = root ] || subids "$user:$SUBUIDS"; }
t_many_ranges() {
	rootless_only
	prog /bin/cat /proc/self/uid_map
	go
	eq 'lines of the map' "$(wc -l <<<"$OUT")" 14
	eq 'last line' "$(tail -n 1 <<<"$OUT" | tr -s ' ')" ' 187 500000 3'
	eq 'last of the named' "$(sed -n 13p <<<"$OUT" | tr -s ' ')" ' 166 311000 21'
}

t_own_mapping_in_config() {
	local uid=$((${SUBUIDS%:*} + 100)) gid=$((${SUBGIDS%:*} + 100))
	rootless_only
	many_ids
	cfg --argjson u "$(id -u)" --argjson g "$(id -g)" --argjson su $uid --argjson sg $gid '
		.linux.uidMappings = [{containerID: 5, hostID: $u, size: 1}, {containerID: 6, hostID: $su, size: 10}] |
		.linux.gidMappings = [{containerID: 5, hostID: $g, size: 1}, {containerID: 6, hostID: $sg, size: 10}] | .process.user = {uid: 5, gid: 5}'
	prog /bin/cat /proc/self/uid_map
	go
	eq map "$(tr -s '\n ' ' ' <<<"$OUT")" " 5 $(id -u) 1 6 $uid 10 "
	cfg '.linux.uidMappings[1].hostID = 7'
	no "uidMappings[1]: the host's uid 7 is not the caller's to map" run -b "$T/b" "$ID"
}

# A user namespace that somebody else has made, and in which nobody is root.
t_joined_user_namespace_without_root() {
	local holder
	unshare --user --map-user=5 --map-group=5 sleep 1000 &
	holder=$!
	soon grep -q . "/proc/$holder/gid_map"
	"$USRUN" spec --rootless --no-terminal -f - | jq --arg p "/proc/$holder/ns/user" --arg id "$ID" '
		.linux.namespaces |= map(if .type == "user" then .path = $p else . end) | .process.user = {uid: 5, gid: 5} |
		.mounts |= map(if .type == "devpts" then .options += ["gid=6"] else . end) |
		.process.env += ["USRUN_TEST=" + $id] | del(.linux.uidMappings, .linux.gidMappings)' >"$T/b/config.json"
	mkdir "$T/more"
	up
	inside /bin/sh -c 'id -u; id -g; cat /proc/self/uid_map'
	eq 'ids and map' "$(tr -s '\n ' ' ' <<<"$OUT")" "5 5 5 $(id -u) 1 "
	ok explain "$ID"
	has 'what was left out' "$OUT" '(/dev/pts): "gid=6" is dropped: the container has no such id'
	jq -n --arg s "$T/more" '[{destination: "/tmp", type: "bind", source: $s, options: ["rbind"]}]' >"$T/mounts.json"
	ok mounts add "$ID" "$T/mounts.json"
	down
	kill "$holder"
	wait "$holder" 2>/dev/null || true
}

t_nested_in_user_namespace() {
	"$USRUN" spec --rootless --no-terminal -f - | jq --arg id "$ID" '.process.env += ["USRUN_TEST=" + $id]' >"$T/b/config.json"
	prog /bin/sh -c 'id -u; cat /proc/self/uid_map; readlink /proc/self/ns/user; ls /proc; cat /proc/self/mountinfo'
	RC=0
	OUT=$(unshare -Ur "${U[@]}" run -b "$T/b" "$ID" 2>"$T/err") || RC=$?
	ERR=$(<"$T/err")
	eq status "$RC" 0
	eq uid "$(head -n 1 <<<"$OUT")" 0
	eq map "$(sed -n 2p <<<"$OUT" | tr -s ' ')" ' 0 0 1'
	[ "$(sed -n 3p <<<"$OUT")" != "$(readlink /proc/self/ns/user)" ] || fail "the user namespace is the host's"
	has /proc "$OUT" meminfo
}

t_nested_in_user_and_mount_namespace() {
	"$USRUN" spec --rootless --no-terminal -f - | jq --arg id "$ID" '.process.env += ["USRUN_TEST=" + $id]' >"$T/b/config.json"
	prog /bin/sh -c 'id -u; ls /proc'
	RC=0
	OUT=$(unshare -Urm "${U[@]}" run -b "$T/b" "$ID" 2>"$T/err") || RC=$?
	ERR=$(<"$T/err")
	eq status "$RC" 0
	eq uid "$(head -n 1 <<<"$OUT")" 0
	has /proc "$OUT" meminfo
}

t_nested_without_own_user_namespace() {
	cfg '.linux.namespaces |= map(select(.type != "user")) | .mounts |= map(select(.type != "cgroup"))
		| (.mounts[].options // empty) |= map(select(startswith("gid=") | not)) | .linux.resources = {} | .linux.namespaces |= map(select(.type != "cgroup"))'
	prog /bin/echo hello
	RC=0
	OUT=$(unshare -Ur "${U[@]}" run -b "$T/b" "$ID" 2>"$T/err") || RC=$?
	ERR=$(<"$T/err")
	eq status "$RC" 0
	eq output "$OUT" hello
}

t_nested_life() {
	"$USRUN" spec --rootless --no-terminal -f - | jq --arg id "$ID" '.process.env += ["USRUN_TEST=" + $id]' >"$T/b/config.json"
	prog /bin/sleep 1000
	unshare -Ur env "U=${U[*]}" "ID=$ID" "T=$T" sh -ec '
		$U create -b "$T/b" "$ID" >/dev/null; $U start "$ID"; $U exec "$ID" /bin/echo from exec
		$U state "$ID" | grep -q running; $U kill "$ID" KILL
		until $U state "$ID" | grep -q stopped; do sleep 0.05; done; $U delete "$ID"' >"$T/out" 2>"$T/err" ||
		fail "failed: $(<"$T/err")"
	eq exec "$(<"$T/out")" 'from exec'
}

t_mappings_without_the_id_of_the_process() {
	rootless_only
	local own
	own=$(stat -c %u "$T/b/config.json")
	cfg --argjson own "$own" '.process.user = {uid: 1000, gid: 0} | .linux.uidMappings = [{containerID: 0, hostID: $own, size: 1}] |
		.linux.gidMappings = [{containerID: 0, hostID: $own, size: 1}]'
	prog /bin/true
	no 'process.user.uid: cannot setuid to unmapped uid 1000' run -b "$T/b" "$ID"
	has hint "$ERR" "list it in linux.uidMappings, as containerID 1000: hostID $own is the caller"
}

# What the process writes belongs to the caller; root and the rest are subordinate ids.
t_map_keep() {
	rootless_only
	local own
	own=$(stat -c %u "$T/b/config.json")
	cfg 'del(.linux.uidMappings, .linux.gidMappings) | .process.user = {uid: 1000, gid: 100}'
	script_ 'id -u; echo x >/tmp/made'
	go --map=keep
	eq id "$OUT" 1000
	eq owner "$(stat -c %u "$T/b/rootfs/tmp/made")" "$own"
	[ -z "$SUBUIDS" ] || {
		prog /bin/sh -c 'while read a b c; do echo $a $c; done </proc/self/uid_map | sort -n | head -2 | tr "\n" ";"'
		go --map=keep
		eq map "$OUT" '0 1000;1000 1;'
	}
}

# Nothing that it creates could have an owner.
t_rootfs_without_id_0() {
	root_only
	cfg '.process.user = {uid: 1000, gid: 1000} | .linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 1000, hostID: 100000, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	no 'value too large for data type' run -b "$T/b" "$ID"
	has hint "$ERR" 'user namespace has no id 0'
}

# A tree that the user may not enter is not one with a link in it, and the message says what to do.
before_t_rootfs_of_another_user() {
	mkdir -m 755 "$T/foreign"
	mkdir -m 700 "$T/closed"
}

t_rootfs_of_another_user() {
	rootless_only
	cfg --arg p "$T/closed" '.root.path = $p'
	no 'in the rootfs: permission denied' run -b "$T/b" "$ID"
	has hint "$ERR" 'must belong to the caller'
	cfg --arg p "$T/foreign" '.root.path = $p'
	no 'in the rootfs: permission denied' run -b "$T/b" "$ID"
	has hint "$ERR" 'must belong to the caller'
	cfg '.root.path = "nowhere"'
	no 'open the rootfs' run -b "$T/b" "$ID"
	has hint "$ERR" 'unpack a root file system there'
}

before_t_closed_places_have_advice() { before_t_rootfs_of_another_user; }

t_closed_places_have_advice() {
	rootless_only
	no 'permission denied' run -b "$T/b" --config "$T/closed/config.json" "$ID"
	has config "$ERR" "may not enter the directory $T/closed (owner 0:0, mode 0700): use a path outside of it"
	no 'open the directory of the bundle' run -b "$T/closed/bundle" "$ID"
	has bundle "$ERR" "may not enter the directory $T/closed (owner 0:0, mode 0700): use a path outside of it"
	no 'create the state directory' --root "$T/foreign/state" run -b "$T/b" "$ID"
	has hint "$ERR" 'name a directory of your own with --root'
}

before_t_refused_paths_have_names() {
	before_t_rootfs_of_another_user
	install -m 600 /dev/null "$T/secret.json"
}

# The directory that blocks, whose it is, and by which number the host knows who asked.
t_refused_paths_have_names() {
	rootless_only
	local root
	no 'permission denied' run -b "$T/b" --config "$T/secret.json" "$ID"
	has file "$ERR" "may not read $T/secret.json (owner 0:0, mode 0600): use a file of your own"
	cp "$T/b/config.json" "$T/as-it-was"
	cfg --arg p "$T/closed/r" '.root.path = $p'
	no 'open the rootfs' run -b "$T/b" "$ID"
	has rootfs "$ERR" "may not enter the directory $T/closed (owner 0:0, mode 0700)"
	cfg --arg p "$T/foreign" '.root.path = $p'
	no 'in the rootfs: permission denied' run -b "$T/b" "$ID"
	has foreign "$ERR" "on the host) may not write to the directory $T/foreign (owner 0:0 on the host, mode 0755)"
	cp "$T/as-it-was" "$T/b/config.json"
	ln -s "$T/closed/x" "$T/b/link"
	cfg --arg p "$T/b/link/y" '.mounts += [{destination: "/mnt", type: "bind", source: $p, options: ["rbind"]}]'
	no 'link/y: permission denied' run -b "$T/b" "$ID"
	has source "$ERR" "may not enter the directory $T/closed (owner 0:0, mode 0700)"
	ok explain -b "$T/b"
	has explain "$OUT" "mount source: $T/b/link/y: uid "
	[ -n "$SUBUIDS" ] || return 0
	cp "$T/as-it-was" "$T/b/config.json"
	mkdir -m 700 "$T/b/rootfs/own" "$T/b/rootfs/own/in"
	cp /bin/busybox "$T/b/rootfs/own/in/p"
	cfg '.process.user = {uid: 7, gid: 7} | .process.args = ["/own/in/p"]'
	no 'permission denied' run -b "$T/b" "$ID"
	root=$(stat -c %u:%g "$T/b/rootfs/own")
	has program "$ERR" "uid 7 ($((${SUBUIDS%%:*} + 6)) on the host) may not enter the directory /own of the container (owner 0:0, on the host $root, mode 0700)"
}

# Groups that root has given to the user, who is elsewhere himself.
given() { find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d ! -name unified ! -name systemd 2>/dev/null; }

before_t_rootless_cgroup_of_his_own() {
	local dir
	[ -d /sys/fs/cgroup/pids ] || return 0
	for dir in $(given); do
		mkdir "$dir/given-$ID"
		[ ! -e "$dir/cpuset.cpus" ] || for file in cpuset.cpus cpuset.mems; do cat "$dir/$file" >"$dir/given-$ID/$file"; done
		chown -R $user "$dir/given-$ID"
	done
}

after_t_rootless_cgroup_of_his_own() {
	local dir
	for dir in $(given); do [ ! -e "$dir/given-$ID" ] || rmdir "$dir/given-$ID"; done
}

t_rootless_cgroup_of_his_own() {
	rootless_only
	[ -w "/sys/fs/cgroup/pids/given-$ID" ] || skip "needs the v1 hierarchies in /sys/fs/cgroup"
	up --arg p "/given-$ID/c" '.linux.cgroupsPath = $p | .linux.resources.pids.limit = 33'
	has "groups" "$(<"/proc/$PID/cgroup")" "pids:/given-$ID/c"
	eq "limit" "$(<"/sys/fs/cgroup/pids/given-$ID/c/pids.max")" 33
	down
	cfg --arg p "/not-given-$ID" '.linux.cgroupsPath = $p'
	no "create the cgroup /sys/fs/cgroup/" run -b "$T/b" "$ID"
	cfg '.linux.cgroupsPath = "relative"'
	no 'linux.cgroupsPath: "relative" cannot be created: the caller'"'"'s own cgroup is not delegated' run -b "$T/b" "$ID"
}

# Login nodes hide other users' processes, and so those with other ids that a user's container has.
hide() { mount -t proc -o "hidepid=$1" proc /proc; }
before_t_rootless_hidepid_1() { hide 1; }
after_t_rootless_hidepid_1() { umount /proc; }
before_t_rootless_hidepid_2() { hide 2; }
after_t_rootless_hidepid_2() { umount /proc; }
before_t_rootless_hidepid_4() { hide 4; }
after_t_rootless_hidepid_4() { umount /proc; }

t_rootless_hidepid_1() { all_commands; }
t_rootless_hidepid_2() { all_commands; }
t_rootless_hidepid_4() { all_commands; }

all_commands() {
	rootless_only
	local user
	for user in 0 5; do
		[ $user = 0 ] || many_ids
		cfg --argjson u $user '.process.user = {uid: $u, gid: $u}'
		script_ 'exit 7'
		R run -b "$T/b" "$ID"
		eq "status of uid $user ($ERR)" "$RC" 7
		prog /bin/sleep 1000
		ok create -b "$T/b" "$ID"
		is created || fail "as uid $user: $(status)"
		ok start "$ID"
		soon is running || fail "as uid $user: $(status)"
		inside /bin/true
		ok ps "$ID"
		has "ps" "$OUT" "$(jq .pid <<<"$("${U[@]}" state "$ID")")"
		ok kill "$ID" KILL
		soon is stopped || fail "as uid $user: $(status)"
		# By now the pid may be that of somebody else, who is hidden as well.
		jq '.pid = 1' "$(STATE_OF)/$ID/state.json" >"$T/new" && cat "$T/new" >"$(STATE_OF)/$ID/state.json"
		is stopped || fail "with the pid of another: $ERR"
		ok delete "$ID"
		ok create -b "$T/b" "$ID"
		ok delete --force "$ID"
		up
		down
	done
	# One that joins is born hidden.
	up '.process.user = {uid: 0, gid: 0}'
	cfg --argjson p "$PID" 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(if .type == "user" or .type == "pid"
		then .path = "/proc/\($p)/ns/\(.type)" else . end)'
	ok create -b "$T/b" "$ID-2"
	is_of "$ID-2" created || fail "one that joins: $ERR"
	ok delete --force "$ID-2"
	down
}

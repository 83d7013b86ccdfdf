# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Namespaces, mounts, devices, sysctl.
# shellcheck disable=SC2016 # variables of the shell inside

LIST_NS='for n in pid net ipc uts mnt cgroup user time; do echo $n $(readlink /proc/self/ns/$n); done'

t_namespaces_are_new() {
	local kind inode
	cfg '.linux.namespaces += [{type: "time"}]'
	sh_run "$LIST_NS"
	while read -r kind inode; do
		[ "$MODE$kind" != rootuser ] || continue
		[ -n "$inode" ] || fail "no $kind namespace shown"
		[ "$inode" != "$(readlink "/proc/self/ns/$kind")" ] || fail "$kind namespace is the host's"
	done <<<"$OUT"
}

t_namespaces_are_shared() {
	local kind inode
	cfg '.linux.namespaces |= map(select(.type == "mount" or .type == "user")) | del(.hostname)'
	[ "$MODE" = root ] || cfg '.mounts |= map(if .type == "sysfs" then {destination: "/sys", type: "none", source: "/sys",
		options: ["rbind", "nosuid", "noexec", "nodev", "ro"]} elif .type == "mqueue" or .type == "cgroup" or .type == "proc"
		then empty else . end) + [{destination: "/proc", type: "none", source: "/proc", options: ["rbind"]}]
		| .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	sh_run "$LIST_NS"
	while read -r kind inode; do
		case $kind in
		mnt) [ "$inode" != "$(readlink /proc/self/ns/mnt)" ] || fail "the mount namespace is the host's" ;;
		user) ;;
		*) eq "$kind namespace" "$inode" "$(readlink "/proc/self/ns/$kind")" ;;
		esac
	done <<<"$OUT"
}

t_user_namespace_of_root() {
	root_only
	chown 200000:200000 "$T/b/rootfs" "$T/b/rootfs"/*
	cfg '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 1000}]
		| .linux.gidMappings = [{containerID: 0, hostID: 200000, size: 999}, {containerID: 1000, hostID: 300000, size: 1}]'
	chmod 711 "$T"
	chown 5:6 "$T/b/rootfs/etc/passwd"
	sh_run 'cat /proc/self/uid_map /proc/self/gid_map; id -u; touch /tmp/made; stat -c "%u" /tmp/made'
	eq output "$(tr -s '\n ' ' ' <<<"$OUT")" ' 0 200000 1000 0 200000 999 1000 300000 1 0 0 '
	eq 'owner outside' "$(stat -c %u "$T/b/rootfs/tmp/made")" 200000
	eq 'owner of what was there' "$(stat -c %u:%g "$T/b/rootfs/etc/passwd")" 5:6
}

t_network_namespace_by_path() {
	local holder net
	if [ "$MODE" = root ]; then
		unshare -n sleep 1000 &
		holder=$!
		soon eval '[ "$(readlink /proc/$holder/ns/net)" != "$(readlink /proc/self/ns/net)" ]'
		net=$(readlink /proc/$holder/ns/net)
		cfg --arg path "/proc/$holder/ns/net" '.linux.namespaces |= map(if .type == "network" then .path = $path else . end)'
		sh_run "$LIST_NS"
		kill $holder
		wait $holder 2>/dev/null || true
	else
		# A namespace that the container's user namespace owns: from a first container, together with its user namespace.
		up
		net=$(readlink "/proc/$PID/ns/net")
		cfg --arg dir "/proc/$PID/ns" '.linux.namespaces |= map(if .type == "network" then .path = $dir + "/net"
			elif .type == "user" then .path = $dir + "/user" else . end)'
		script_ "$LIST_NS"
		ok run -b "$T/b" "$ID-two"
		local out=$OUT
		down
		OUT=$out
	fi
	eq 'network namespace' "$(sed -n 's/^net //p' <<<"$OUT")" "$net"
}

# A second container in all namespaces of a first, but for its own mounts.
t_every_namespace_by_path() {
	local kind
	cfg '.linux.namespaces += [{type: "time"}]'
	up
	script_ "$LIST_NS"
	cfg --arg d "/proc/$PID/ns" '{network: "net", mount: "mnt"} as $names | del(.hostname, .linux.uidMappings, .linux.gidMappings) |
		.linux.namespaces |= map(if .type == "mount" then . else .path = "\($d)/\($names[.type] // .type)" end)'
	R run -b "$T/b" "$ID-2"
	for kind in pid net ipc uts cgroup user time; do
		eq "$kind" "$(sed -n "s/^$kind //p" <<<"$OUT")" "$(readlink "/proc/$PID/ns/$kind")"
	done
	eq 'status of the first' "$(status)" running
	down
}

# What is mounted is seen in the caller's namespace, and goes with the container.
t_no_mount_namespace() {
	local before
	cfg '.linux.namespaces |= map(select(.type != "mount")) | .root.readonly = true | .linux.maskedPaths += ["/proc/version"]
		| .linux.readonlyPaths += ["/hl"]'
	if [ "$MODE" != root ]; then
		no 'mounts: needs a new mount namespace' run -b "$T/b" "$ID"
		return
	fi
	before=$(mounts)
	up
	has 'in the namespace of the caller' "$(cut -d ' ' -f 5 /proc/self/mountinfo)" "$T/b/rootfs/dev/pts"
	eq 'namespace' "$(readlink "/proc/$PID/ns/mnt")" "$(readlink /proc/self/ns/mnt)"
	inside /bin/sh -c 'ls /; cat /proc/version; ls /dev/null /dev/pts/ptmx; readlink /proc/1/ns/mnt'
	hasnt 'root' "$OUT" var
	hasnt 'masked' "$OUT" Linux
	has 'devices' "$OUT" /dev/null
	no 'Read-only file system' exec "$ID" /bin/touch /tmp/../new
	no 'Read-only file system' exec "$ID" /bin/touch /hl/new
	ok explain "$ID"
	has 'the note' "$OUT" "no new mount namespace: until the container is deleted, its mounts are visible in the caller's, below $T/b/rootfs"
	down
	eq 'mounts afterwards' "$(mounts)" "$before"
	sh_run 'echo in front'
	eq 'foreground' "$OUT" 'in front'
	eq 'mounts after a run' "$(mounts)" "$before"
	cfg '.hooks.createContainer = [{path: "/bin/false"}]'
	no createContainer run -b "$T/b" "$ID"
	eq 'mounts after a failure' "$(mounts)" "$before"
}

# Another one has mounted on the rootfs since: that stays.
t_no_mount_namespace_takes_its_own() {
	root_only
	cfg '.linux.namespaces |= map(select(.type != "mount"))'
	up
	jq -e .mountUniqueId "$T/state/$ID/state.json" >/dev/null || skip 'needs Linux 6.8, where no id of a mount is used again'
	umount -l "$T/b/rootfs"
	mount -t tmpfs own "$T/b/rootfs"
	down
	mountpoint -q "$T/b/rootfs" || fail 'what was mounted on the rootfs afterwards is gone'
	umount "$T/b/rootfs"
}

# What is mounted over it may be all that another container has.
t_no_mount_namespace_under_another() {
	local before theirs
	root_only
	cfg '.linux.namespaces |= map(select(.type != "mount"))'
	before=$(mounts)
	up
	ok run -d -b "$T/b" "$ID-2"
	theirs=$(mounts)
	no 'something else is mounted over it' delete --force "$ID"
	eq 'mounts of the other' "$(mounts)" "$theirs"
	eq 'status of the other' "$(ID=$ID-2 status)" running
	has 'the containers' "$("${U[@]}" list -q)" "$ID"
	ok delete --force "$ID-2"
	down
	eq 'mounts afterwards' "$(mounts)" "$before"
	up
	mount -t tmpfs over "$T/b/rootfs"
	no 'something else is mounted over it' delete --force "$ID"
	mountpoint -q "$T/b/rootfs" || fail 'what was mounted over the rootfs is gone'
	umount "$T/b/rootfs"
	down
	eq 'mounts at the end' "$(mounts)" "$before"
}

# The host's root is no place for the mounts of a container.
t_no_mount_namespace_on_the_root() {
	root_only
	cfg '.linux.namespaces |= map(select(.type != "mount")) | .root.path = "/"'
	no 'root.path: / needs a new mount namespace' run -b "$T/b" "$ID"
}

t_mount_namespace_by_path() {
	local before holder
	root_only
	unshare -m --propagation private sleep 1000 &
	holder=$!
	soon eval '[ "$(readlink /proc/'$holder'/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]'
	theirs() { cut -d ' ' -f 3-6 "/proc/$holder/mountinfo" | sort; }
	cfg --arg p "/proc/$holder/ns/mnt" '.linux.namespaces |= map(if .type == "mount" then .path = $p else . end)'
	before=$(theirs)
	up
	eq 'namespace' "$(readlink "/proc/$PID/ns/mnt")" "$(readlink "/proc/$holder/ns/mnt")"
	has 'mounts there' "$(theirs)" "$T/b/rootfs/proc"
	hasnt 'mounts here' "$(mounts)" "$T/b/rootfs"
	# Not the root of the namespace, which is the host's.
	inside /bin/ls /
	hasnt 'root of an exec' "$OUT" var
	has 'root of an exec' "$OUT" hl
	down
	eq 'mounts afterwards' "$(theirs)" "$before"
	up
	kill $holder
	wait $holder || true
	down
	hasnt 'notes' "$ERR" error
}

t_namespace_path_of_wrong_type() {
	local type other
	prog /bin/true
	cp "$T/b/config.json" "$T/good.json"
	while read -r type other; do
		cp "$T/good.json" "$T/b/config.json"
		cfg --arg t "$type" --arg p "/proc/self/ns/$other" '.linux.namespaces |= map(select(.type != $t)) + [{type: $t, path: $p}]'
		[ "$type" != mount ] || cfg 'del(.mounts, .linux.maskedPaths, .linux.readonlyPaths)'
		no linux.namespaces run -b "$T/b" "$ID"
		has "$type" "$ERR" "/proc/self/ns/$other"
		has "$type" "$ERR" "namespace of kind $type"
	done <<-END
		pid uts
		network uts
		ipc uts
		uts ipc
		mount uts
		cgroup uts
		user uts
		time uts
	END
	cp "$T/good.json" "$T/b/config.json"
	cfg '.linux.namespaces |= map(if .type == "network" then .path = "/nothing" else . end)'
	no /nothing run -b "$T/b" "$ID"
}

# The kernel says that there is no memory.
t_joined_pid_namespace_that_has_ended() {
	up
	exec 8<"/proc/$PID/ns/user" 9<"/proc/$PID/ns/pid"
	down
	cfg --arg p "/proc/$BASHPID/fd/9" '.linux.namespaces |= map(if .type == "pid" then .path = $p else . end)'
	[ "$MODE" = root ] || cfg --arg p "/proc/$BASHPID/fd/8" '.linux.namespaces |= map(if .type == "user" then .path = $p else . end)
		| del(.linux.uidMappings, .linux.gidMappings)'
	prog /bin/true
	no 'a pid namespace takes no process once its first one has ended' run -b "$T/b" "$ID"
	cfg '.mounts |= map(select(.type != "proc")) | del(.linux.maskedPaths, .linux.readonlyPaths)'
	no 'a pid namespace takes no process once its first one has ended' run -b "$T/b" "$ID"
	exec 8<&- 9<&-
}

t_joined_namespaces_of_another_user_namespace() {
	root_only 'others may not even join them'
	local type
	up
	cfg '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings'
	chmod 711 "$T"
	chown 200000:200000 "$T/b/rootfs" "$T/b/rootfs"/*
	cp "$T/b/config.json" "$T/good.json"
	for type in pid ipc; do
		cp "$T/good.json" "$T/b/config.json"
		cfg --arg t "$type" --arg p "/proc/$PID/ns/$type" '.linux.namespaces |= map(if .type == $t then .path = $p else . end)'
		no "the $type namespace belongs to another user namespace: join that, too" run -b "$T/b" "$ID-two"
	done
	cfg '.mounts |= map(select(.type != "mqueue"))'
	prog /bin/readlink /proc/self/ns/ipc
	ok run -b "$T/b" "$ID-two"
	eq 'ipc namespace' "$OUT" "$(readlink "/proc/$PID/ns/ipc")"
	down
}

t_loopback_is_there() {
	sh_run 'cat /proc/net/dev'
	has devices "$OUT" lo:
	eq 'number of devices' "$(grep -c : <<<"$OUT")" 1
}

# Options of the mount at DIR in OUT, a /proc/self/mountinfo.
options_of() { awk -v d="$1" '$5 == d {o = $6} END {print o}' <<<"$OUT"; }
type_of() { awk -v d="$1" '$5 == d {sub(/.* - /, ""); t = $1} END {print t}' <<<"$OUT"; }

t_default_mounts() {
	prog /bin/cat /proc/self/mountinfo
	go
	local dir kind word words
	while read -r dir kind words; do
		eq "type of $dir" "$(type_of "$dir")" "$kind"
		for word in $words; do
			[[ ",$(options_of "$dir")," == *",$word,"* ]] || fail "$dir: no $word in $(options_of "$dir")"
		done
	done <<-END
		/proc proc rw nosuid nodev noexec
		/dev tmpfs rw nosuid
		/dev/pts devpts rw nosuid noexec
		/dev/shm tmpfs rw nosuid nodev noexec
		/dev/mqueue mqueue rw nosuid nodev noexec
		/sys sysfs ro nosuid nodev noexec
	END
	hasnt 'option of /dev' "$(options_of /dev)" nodev
	hasnt mountinfo "$OUT" shared:
	hasnt 'mounts of the host' "$OUT" /home
}

t_mount_options() {
	mkdir "$T/src" "$T/src/sub"
	echo hello >"$T/src/file"
	cfg --arg s "$T/src" '.mounts += [
		{destination: "/a", type: "bind", source: $s, options: ["rbind", "ro", "nosuid", "nodev", "noexec"]},
		{destination: "/b", type: "none", source: $s, options: ["bind", "rw", "rslave"]},
		{destination: "/file", type: "bind", source: ($s + "/file"), options: ["bind"]},
		{destination: "/c/deep/er", type: "tmpfs", source: "tmpfs", options: ["size=64k", "mode=1770", "noatime"]}]'
	sh_run 'cat /a/file /file; echo x > /a/new 2>/dev/null && echo written; echo y > /b/new; stat -c %a /c/deep/er
		cat /proc/self/mountinfo'
	eq 'first lines' "$(head -n 3 <<<"$OUT" | tr '\n' ' ')" 'hello hello 1770 '
	eq 'written through /b' "$(<"$T/src/new")" y
	has 'options of /a' "$(options_of /a)" ro,nosuid,nodev,noexec
	has 'options of /c' "$(options_of /c/deep/er)" noatime
}

t_mount_destination_cannot_escape() {
	mkdir "$T/outside"
	ln -s "$T/outside" "$T/b/rootfs/link"
	ln -s /../../../../../../.. "$T/b/rootfs/up"
	cfg --arg d "/up$T/outside" '.mounts += [{destination: "/link/dir", type: "tmpfs", source: "x"}, {destination: $d, type: "tmpfs", source: "x"}]'
	prog /bin/true
	R run -b "$T/b" "$ID"
	[ -z "$(ls -A "$T/outside")" ] || fail "made outside of the rootfs: $(ls -A "$T/outside")"
}

t_readonly_rootfs() {
	cfg '.root.readonly = true'
	sh_run 'echo x > /new 2>/dev/null && echo written; echo x > /dev/shm/ok && cat /proc/self/mountinfo'
	hasnt output "$OUT" written
	has 'options of /' "$(options_of /)" ro
	[ ! -e "$T/b/rootfs/new" ] || fail "written"
	cfg 'del(.root.readonly)'
	sh_run 'echo x > /new && echo written'
	eq 'without the word' "$OUT" written
}

t_masked_and_readonly_paths() {
	mkdir "$T/b/rootfs/secret"
	echo data >"$T/b/rootfs/secret/file"
	echo data >"$T/b/rootfs/plain"
	mkdir "$T/b/rootfs/fixed"
	cfg '.linux.maskedPaths += ["/secret", "/plain", "/not/there"] | .linux.readonlyPaths += ["/fixed", "/not/there"]'
	sh_run 'ls /secret 2>/dev/null; echo /secret/*; cat /plain; echo x > /fixed/new 2>/dev/null && echo written
		echo x > /proc/sys/kernel/domainname 2>/dev/null && echo written; cat /proc/kcore 2>/dev/null | wc -c'
	eq output "$(tr '\n' ' ' <<<"$OUT")" '/secret/* 0 '
}

t_rootfs_propagation() {
	cfg '.linux.rootfsPropagation = "private"'
	sh_run 'cat /proc/self/mountinfo'
	hasnt 'mount of /' "$(awk '$5 == "/"' <<<"$OUT")" shared
}

t_devices_and_links() {
	sh_run 'for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done
		echo x > /dev/null; head -c 4 /dev/zero | od -An -tx1; echo x 2>/dev/null > /dev/full || echo full
		for l in fd stdin stdout stderr ptmx core; do echo $l $(readlink /dev/$l); done
		stat -c "%a %t:%T" /dev/null'
	has output "$OUT" '00 00 00 00'
	has output "$OUT" full
	hasnt output "$OUT" 'no '
	has links "$OUT" 'fd /proc/self/fd'
	has links "$OUT" 'stdin /proc/self/fd/0'
	has links "$OUT" 'stdout /proc/self/fd/1'
	has links "$OUT" 'stderr /proc/self/fd/2'
	[[ "$OUT" == *'ptmx pts/ptmx'* || "$OUT" == *'ptmx /dev/pts/ptmx'* ]] || fail "ptmx: $OUT"
	has 'mode of null' "$OUT" '666 1:3'
}

# The links of /dev point into a /proc that need not be there.
t_links_without_proc() {
	cfg '.mounts |= map(select(.destination != "/proc")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	rmdir "$T/b/rootfs/proc"
	sh_run 'test -e /dev/fd || echo no /dev/fd; test -c /dev/null && echo devices'
	eq output "$(tr '\n' ' ' <<<"$OUT")" 'no /dev/fd devices '
}

t_device_entry() {
	cfg '.linux.devices = [{path: "/dev/mine", type: "c", major: 1, minor: 5, fileMode: 432, uid: 0, gid: 0}]
		| del(.linux.resources)'
	if [ "$MODE" = rootless ]; then
		# mknod is not for users: the host's node of that name, or an error.
		cfg '.linux.devices[0].path = "/dev/zero"'
		sh_run 'head -c 2 /dev/zero | od -An -tx1'
		has output "$OUT" '00 00'
		return
	fi
	sh_run 'stat -c "%a %t:%T %u:%g" /dev/mine; head -c 2 /dev/mine | od -An -tx1'
	has node "$OUT" '660 1:5 0:0'
	has content "$OUT" '00 00'
}

t_device_cgroup() {
	root_only
	caps SYSLOG
	cfg '.linux.devices = [{path: "/dev/log", type: "c", major: 1, minor: 11}]
		| .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 11, access: "r"}]'
	sh_run '( : < /dev/log ) 2>&1 && echo read; ( : > /dev/log ) 2>/dev/null && echo written; echo x > /dev/null && echo null'
	eq 'with r' "$(tr '\n' ' ' <<<"$OUT")" 'read null '
	cfg '.linux.resources.devices = [{allow: false, access: "rwm"}]'
	sh_run '( : < /dev/log ) 2>/dev/null && echo read; echo x > /dev/null && echo null'
	eq 'with nothing' "$OUT" null
}

t_resources() {
	root_only
	cfg '.linux.resources.pids = {limit: 33} | .linux.resources.memory = {limit: 67108864}'
	up
	local file found=
	for file in /sys/fs/cgroup/pids/usrun-"$ID"/pids.max /sys/fs/cgroup/usrun-"$ID"/pids.max; do
		[ ! -e "$file" ] || found=$(<"$file")
	done
	[ -n "$found" ] || skip "no pids controller found"
	eq pids.max "$found" 33
	for file in /sys/fs/cgroup/memory/usrun-"$ID"/memory.limit_in_bytes /sys/fs/cgroup/usrun-"$ID"/memory.max; do
		[ ! -e "$file" ] || eq memory "$(<"$file")" 67108864
	done
	down
}

t_cgroups_path() {
	local first
	root_only
	cfg --arg p "/it-$ID/deep/er" '.linux.cgroupsPath = $p'
	up
	grep -q "/it-$ID/deep/er" "/proc/$PID/cgroup" || fail "not in that cgroup: $(<"/proc/$PID/cgroup")"
	down
	# A relative one: in a place of our choice, which is always the same.
	cfg --arg p "it-$ID/deep" '.linux.cgroupsPath = $p'
	up
	first=$(<"/proc/$PID/cgroup")
	has 'own cgroup' "$first" "/it-$ID/deep"
	down
	up
	eq 'cgroups of the second time' "$(<"/proc/$PID/cgroup")" "$first"
	down
	cfg 'del(.linux.cgroupsPath)'
	up
	has 'without a path' "$(<"/proc/$PID/cgroup")" "/usrun-$ID"
	down
	cfg '.linux.cgroupsPath = "system.slice:usrun:x"'
	no 'linux.cgroupsPath' --cgroup-manager cgroupfs create -b "$T/b" "$ID"
}

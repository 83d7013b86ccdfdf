# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A filter around usrun that refuses one newer system call, as systemd's, Docker's and gVisor's do.

# under_filter CALLS ENOSYS|EPERM: from now on usrun is under such a filter, which a user can only have with no_new_privs; and
# so with a single id.
under_filter() {
	[ -x "${USRUN%/*}/refuse" ] || skip "needs refuse, which is built with usrun"
	U=("${USRUN%/*}/refuse" "$1" "$2" "$(command -v env)" "USRUN_TEST=$ID" "$USRUN")
	[ "$MODE" = rootless ] || U+=(--root "$T/state")
	[ "$MODE" = root ] || cfg --argjson u "$(id -u)" --argjson g "$(id -g)" '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}]
		| .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]'
}

# What works without: other calls do it.
t_refused_and_replaced() {
	local call error hook='{"path": "/bin/sh", "args": ["sh", "-c", "cat >>'"$T"'/hooked"]}'
	cfg --argjson h "$hook" '.hooks.poststart = [$h]'
	for call in clone3 openat2 clone3,openat2 faccessat2 execveat close_range memfd_create statx pidfd_send_signal \
		pidfd_open pidfd_open,pidfd_send_signal $MOUNT_CALLS; do
		[ "$call" != memfd_create ] || [ -z "${OWN:-}" ] || continue # the program is the user's own, which is protected by it
		for error in ENOSYS EPERM; do
			under_filter "$call" $error
			up '.root.readonly = false'
			eq "$call $error: inside" "$(inside /bin/echo yes; echo "$OUT")" yes
			has "$call $error: the hook's input" "$(<"$T/hooked")" "$ID"
			down
			rm "$T/hooked"
		done
	done
}

# Without close_range() descriptors are closed one by one: those that are open, not all that there could be.
t_refused_close_range_is_cheap() {
	root_only 'newuidmap gains nothing under strace'
	command -v strace >/dev/null || skip 'needs strace'
	prog /bin/ls /proc/self/fd
	strace -f -qq -o "$T/trace" -e trace=close_range,close,fcntl -e inject=close_range:error=EPERM "${U[@]}" run -b "$T/b" "$ID" 9</ >"$T/out" ||
		fail 'the run to count calls failed'
	eq 'descriptors inside' "$(tr '\n' ' ' <"$T/out")" '0 1 2 3 '
	[ "$(grep -cE 'close\(|fcntl\(' "$T/trace")" -lt 3000 ] || fail "$(grep -cE 'close\(|fcntl\(' "$T/trace") calls"
}

# Where no process can be opened, each command has /proc/PID.
t_refused_pidfd_life() {
	local calls
	script_ 'trap "exit 3" TERM; echo >/tmp/ready; while :; do sleep 0.1; done'
	cfg '.root.readonly = false'
	for calls in pidfd_open pidfd_open,pidfd_send_signal; do
		under_filter "$calls" ENOSYS
		ok create -b "$T/b" "$ID"
		ok start "$ID"
		soon test -e "$T/b/rootfs/tmp/ready"
		R exec "$ID" /bin/sh -c 'exit 7'
		eq "$calls: exit status of exec" "$RC" 7
		"${U[@]}" events --interval 100ms "$ID" >"$T/events" 2>&1 &
		[ "$MODE" = rootless ] || soon test -s "$T/events"
		ok kill "$ID" TERM
		soon is stopped
		soon eval "! kill -0 $!"
		ok delete "$ID"
		rm "$T/b/rootfs/tmp/ready"
	done
	sh_run 'echo in front'
	eq 'foreground' "$OUT" 'in front'
}

# What stands for a pidfd here is none to who asks for one.
t_refused_pidfd_is_not_sent() {
	up '.root.readonly = false'
	under_filter pidfd_open ENOSYS
	no 'pidfd_open' exec -d --pidfd-socket "$T/nobody" "$ID" /bin/sleep 1000
	has 'what was asked' "$ERR" '--pidfd-socket'
	down
}

t_refused_is_noted() {
	under_filter clone3,openat2 ENOSYS
	up '.root.readonly = false'
	ok explain "$ID"
	has 'the notes' "$OUT" 'clone3, openat2'
	down
}

# podman's default profile refuses it, and nothing else that a sandbox is made with.
t_refused_sethostname() {
	under_filter sethostname EPERM
	ok --log-level warning do --net=none -- uname -n
	eq 'the name' "$OUT" "$(uname -n)"
	has 'a warning' "$ERR" "the host name inside is the caller's"
	no '--hostname: set "other": operation not permitted' do --net=none --hostname other -- uname -n
	has 'a hint' "$ERR" 'the seccomp filter under which usrun runs refuses it'
}

# Links of the image lead to no file of the host without openat2, either.
t_refused_openat2_stays_inside() {
	mkdir -p "$T/outside" "$T/b/rootfs/in"
	echo host >"$T/outside/file"
	ln -s "$T/outside" "$T/b/rootfs/absolute"
	ln -s ../../../../../../../../.."$T/outside" "$T/b/rootfs/up"
	ln -s /in "$T/b/rootfs/inner"
	under_filter openat2 ENOSYS
	cfg '.root.readonly = false | .mounts += [{destination: "/absolute/x", type: "tmpfs", source: "tmpfs"},
		{destination: "/up/y", type: "tmpfs", source: "tmpfs"}, {destination: "/inner/z", type: "tmpfs", source: "tmpfs"}]'
	sh_run 'cut -d " " -f 5 /proc/self/mountinfo'
	has 'mounts' "$OUT" "/in/z"
	has 'mounts' "$OUT" "$T/outside/x"
	has 'mounts' "$OUT" "$T/outside/y"
	eq 'what is outside' "$(ls "$T/outside")" file
}

MOUNT_CALLS='open_tree move_mount fsopen fsconfig fsmount'

# mount(2) makes the same mounts, and no other: each of its calls missing alone, then all of them.
t_refused_mount_calls() {
	local calls error wanted all=${MOUNT_CALLS// /,}
	mkdir -p "$T/in/below" "$T/b/rootfs"/{in,tree,copied,again} "$T/b/rootfs/var/log"
	echo text >"$T/file"
	echo kept >"$T/b/rootfs/copied/file"
	touch "$T/b/rootfs/in.file"
	ln -s /nowhere "$T/link"
	cfg --arg t "$T" '.root.readonly = true | .linux.maskedPaths += ["/etc/group", "/etc/passwd", "/root", "/var"] | .linux.readonlyPaths += ["/hl"] |
		.mounts += [{destination: "/in", type: "bind", source: ($t + "/in"), options: ["bind", "ro", "nosuid", "nodev", "noexec"]},
		{destination: "/in.file", type: "bind", source: ($t + "/file"), options: ["bind", "ro", "noatime"]},
		{destination: "/tree", type: "bind", source: $t, options: ["rbind", "rslave"]},
		{destination: "/tmp", type: "tmpfs", source: "of tmp", options: ["nosuid", "size=64k", "mode=1711"]},
		{destination: "/tmp/link", type: "bind", source: ($t + "/link"), options: ["copy-symlink"]},
		{destination: "/tmp/in", type: "bind", source: "/dev/null", options: ["bind"]},
		{destination: "/copied", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "ro", "size=64k"]},
		{destination: "/again", type: "bind", source: ($t + "/b/rootfs/copied"), options: ["bind", "nodev"]}]'
	# shellcheck disable=SC2016 # for the shell inside
	script_ 'cut -d " " -f 4- /proc/self/mountinfo | sed "s/ master:[0-9]*//; s/ - / /; s/size=[0-9]*k,nr_inodes=[0-9]*//"
		cat /in.file /etc/group /copied/file /again/file; readlink /tmp/link; stat -c "%a %n" /tmp /tmp/in /dev /dev/* /root
		touch /in/a /copied/a /new /hl/a /root/a 2>&1; echo changed >/in.file; ls /root /tree /proc/fs | wc -l'
	under_filter swapon EPERM # and a single id, as with the other filter
	R run -b "$T/b" "$ID"
	wanted="$OUT $(grep -v ^usrun: <<<"$ERR")" # its notes differ
	has 'the mounts' "$wanted" '/tmp rw,nosuid'
	for calls in $MOUNT_CALLS $all $all,mount_setattr; do
		for error in ENOSYS EPERM; do
			under_filter "$calls" $error
			R run -b "$T/b" "$ID"
			diff <(echo "$wanted") <(echo "$OUT $(grep -v ^usrun: <<<"$ERR")") ||
				fail "$calls $error: what is with them (<), and without"
		done
	done
	R run --no-pivot -b "$T/b" "$ID"
	diff <(echo "$wanted" | grep -v '^/[^ ]* / ') <(echo "$OUT $(grep -v ^usrun: <<<"$ERR")" | grep -v '^/[^ ]* / ') || fail 'without pivot_root'
}

# Where the host's is locked read-only (a user namespace in Docker), the kernel gives only one that is so from the start.
t_refused_fsopen_below_a_readonly_sys() {
	root_only 'mounts /sys read-only'
	local calls
	cfg '.linux.namespaces |= map(select(.type != "user"))
		| .linux.namespaces |= (map(select(.type != "network")) + [{type: "network"}])'
	# shellcheck disable=SC2016 # for the shells inside
	script_ 'ls /sys/class/net; grep -c " /sys/fs/cgroup" /proc/self/mountinfo'
	cfg '.mounts |= map(select(.type != "cgroup"))'
	for calls in fsopen fsconfig fsmount; do
		under_filter $calls ENOSYS
		U=(unshare -m sh -c 'mount -o remount,bind,ro /sys && exec unshare -Urm "$@"' sh "${U[@]}")
		R run -b "$T/b" "$ID"
		eq "$calls: what a sysfs of its own shows" "$OUT" $'lo\n0'
	done
}

# What needs a detached mount cannot be had, and is named, with who may have refused it.
t_refused_is_named() {
	root_only 'mounts from outside a user namespace'
	local call error
	cfg '.root.readonly = false | .linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 200000, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 200000:200000 "$T/b/rootfs"
	prog /bin/true
	for call in move_mount fsopen fsconfig fsmount; do
		under_filter $call ENOSYS
		ok run -b "$T/b" "$ID"
	done
	cfg '.linux.devices = [{path: "/dev/some", type: "c", major: 1, minor: 3}]'
	for call in open_tree fsopen fsconfig fsmount; do
		for error in ENOSYS EPERM; do
			under_filter $call $error
			no "$call: function not implemented: a filter around usrun (such as Docker's default seccomp profile) or a kernel before 5." \
				run -b "$T/b" "$ID"
			has "$call $error" "$ERR" "this is $(uname -r)"
			hasnt "$call $error" "$ERR" 'outer container'
		done
	done
}

# mount(2) sets the same flags, of the same mounts.
t_refused_mount_setattr() {
	local error wanted below=/proc/self
	mkdir -p "$T/in/below" "$T/b/rootfs/in" "$T/b/rootfs/file" "$T/b/rootfs/own"
	echo text >"$T/file"
	touch "$T/b/rootfs/in.file"
	cfg --arg t "$T" '.root.readonly = true | .linux.maskedPaths += ["/etc/group", "/root"] | .linux.readonlyPaths += ["/hl"] |
		.mounts += [{destination: "/in", type: "bind", source: ($t + "/in"), options: ["bind", "ro", "nosuid", "nodev", "noexec"]},
		{destination: "/in.file", type: "bind", source: ($t + "/file"), options: ["bind", "ro", "noatime"]},
		{destination: "/own", type: "tmpfs", source: "tmpfs", options: ["ro", "size=64k"]}]'
	# shellcheck disable=SC2016 # for the shell inside
	script_ 'cut -d " " -f 4- /proc/self/mountinfo | sed "s/ - \([^ ]*\).*/ \1/"; echo changed >/in.file; touch /in/a /own/a /new /hl/a; cat /etc/group'
	under_filter swapon EPERM # and a single id, as with the other filter
	R run -b "$T/b" "$ID"
	wanted="$OUT $(grep -v ^usrun: <<<"$ERR")" # its notes differ
	has 'flags' "$wanted" '/in ro,nosuid,nodev,noexec'
	for error in ENOSYS EPERM; do
		under_filter mount_setattr $error
		R run -b "$T/b" "$ID"
		diff <(echo "$wanted") <(echo "$OUT $(grep -v ^usrun: <<<"$ERR")") || fail "$error: what mount_setattr does (<), and what was done without it (>)"
		cp "$T/b/config.json" "$T/kept.json"
		up
		ok explain "$ID"
		has "$error: the note" "$OUT" 'mount_setattr is refused'
		down
		cp "$T/kept.json" "$T/b/config.json"
	done
}

# The trees of a user namespace's bind mounts were opened outside of it.
t_refused_mount_setattr_from_outside() {
	root_only 'mounts from outside a user namespace'
	mkdir "$T/in"
	cfg --arg t "$T" '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 1000}] |
		.linux.gidMappings = .linux.uidMappings | .mounts += [{destination: "/in", type: "bind", source: ($t + "/in"), options: ["bind", "ro", "nodev"]}]'
	mkdir "$T/b/rootfs/in"
	chown -R 200000:200000 "$T/b/rootfs"
	script_ 'grep " /in " /proc/self/mountinfo | cut -d " " -f 6,7'
	under_filter mount_setattr ENOSYS
	R run -b "$T/b" "$ID"
	eq 'flags, and no peers' "$OUT" 'ro,nodev,relatime -'
}

# Flags of a mount that is not there are no success.
t_refused_mount_setattr_of_no_mount() {
	cfg '.mounts += [{destination: "/hl", type: "none", source: "none", options: ["remount", "bind", "ro"]}]'
	prog /bin/true
	no 'mounts[' run -b "$T/b" "$ID"
	under_filter mount_setattr ENOSYS
	no 'an earlier entry must have mounted something there' run -b "$T/b" "$ID"
}

# Where its flags cannot be set a mount is not left in a container that runs, writable.
t_refused_mount_setattr_of_a_live_mount() {
	local before
	mkdir "$T/src"
	up '.root.readonly = false'
	before=$(cut -d ' ' -f 5 "/proc/$PID/mountinfo")
	jq -n --arg s "$T/src" '[{destination: "/new", type: "bind", source: $s, options: ["rbind", "rro"]}]' >"$T/mounts"
	under_filter mount_setattr ENOSYS
	no 'on /new in the container: mount_setattr' mounts add "$ID" "$T/mounts"
	eq 'mounts' "$(cut -d ' ' -f 5 "/proc/$PID/mountinfo")" "$before"
	down
}

# The flags of a whole tree are set one by one, those of a name with a blank, too.
t_refused_mount_setattr_of_a_tree() {
	root_only 'mounts a tree'
	local error
	under_filter mount_setattr ENOSYS # or it is skipped, before anything is mounted
	mkdir -p "$T/tree/a b" "$T/tree/plain"
	mount -t tmpfs below "$T/tree/a b"
	mkdir "$T/tree/a b/deep"
	mount -t tmpfs deep "$T/tree/a b/deep"
	cfg --arg t "$T/tree" '.mounts += [{destination: "/hl", type: "bind", source: $t, options: ["rbind", "rro", "rnodev"]}]'
	script_ 'touch /hl/plain/f "/hl/a b/f" "/hl/a b/deep/f" 2>&1 | grep -c Read-only; grep " /hl" /proc/self/mountinfo | grep -c " ro,.*nodev"'
	for error in ENOSYS EPERM; do
		under_filter mount_setattr $error
		R run -b "$T/b" "$ID"
		[ "$(tr '\n' ' ' <<<"$OUT")" = '3 3 ' ] || break
	done
	umount "$T/tree/a b/deep" "$T/tree/a b"
	eq 'read-only, and flags' "$(tr '\n' ' ' <<<"$OUT")" '3 3 '
}

# One that another hides cannot be reached, and would be writable once that is gone.
t_refused_mount_setattr_of_a_hidden_mount() {
	root_only 'mounts a tree'
	under_filter mount_setattr ENOSYS
	mkdir -p "$T/tree/below"
	mount -t tmpfs below "$T/tree/below"
	mount -t tmpfs over "$T/tree/below"
	cfg --arg t "$T/tree" '.mounts += [{destination: "/hl", type: "bind", source: $t, options: ["rbind", "rro"]}]'
	prog /bin/true
	R run -b "$T/b" "$ID"
	umount "$T/tree/below"
	umount "$T/tree/below"
	[ "$RC" = 1 ] || fail "exit status $RC"
	has 'error' "$ERR" 'mount_setattr: function not implemented'
	has 'error' "$ERR" 'a kernel before 5.12'
}

# A new sysfs belongs to the owner of the network namespace: the host's is bound, with all that is mounted there.
t_refused_mount_setattr_of_the_hosts_sys() {
	rootless_only
	cfg '.linux.namespaces |= map(select(.type != "network"))'
	script_ 'grep " /sys" /proc/self/mountinfo | cut -d " " -f 6 | grep -vc "^ro,"'
	under_filter mount_setattr ENOSYS
	R run -b "$T/b" "$ID"
	eq 'mounts that are not read-only' "$OUT" 0
}

# The numbers of its processes would be those of others there.
t_refused_proc_of_others() {
	prog /bin/true
	if [ "$MODE" = root ]; then U=(unshare -pf "${U[@]}"); else U=(unshare -Urpf "${U[@]}"); fi
	no '/proc shows another pid namespace: this process is 1, and ' run -b "$T/b" "$ID"
	has hint "$ERR" 'mount -t proc proc /proc'
	no '/proc shows another pid namespace' create -b "$T/b" "$ID"
	no '/proc shows another pid namespace' do -- true
}

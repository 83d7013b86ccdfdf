# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# podman, as root and as a user, with usrun and with the cgroup driver of systemd.
command -v podman >/dev/null || return 0

podman_of() { # USER ARG...
	local home=/root runtime_dir=/run
	if [ "$1" != root ]; then
		home=/home/$1 runtime_dir=/run/user/1000
	fi
	runuser -u "$1" -- env HOME=$home XDG_RUNTIME_DIR=$runtime_dir DBUS_SESSION_BUS_ADDRESS=unix:path=$runtime_dir/bus \
		podman --runtime /usr/local/bin/usrun --cgroup-manager systemd "${@:2}" </dev/null
}

engine() { # USER
	local user=$1 pid group
	podman_of "$user" import -q /run/box.tar localhost/box >$OUT 2>&1
	say $? "podman, $user: import" "$(cat $OUT)"
	podman_of "$user" run -d --name engine --pull never --network none --memory 64m --pids-limit 30 --cpus 0.5 \
		localhost/box /bin/sleep 1000 >$OUT 2>&1
	say $? "podman, $user: run" "$(cat $OUT)"
	read -r pid runtime < <(podman_of "$user" inspect --format '{{.State.Pid}} {{.OCIRuntime}}' engine)
	eq "podman, $user: runtime" "$runtime" /usr/local/bin/usrun
	group=$(group_of "${pid:-0}")
	echo "   $group"
	eq "podman, $user: memory" "$(cat "$group/memory.max")" 67108864
	eq "podman, $user: pids" "$(cat "$group/pids.max")" 30
	eq "podman, $user: cpu" "$(cat "$group/cpu.max")" '50000 100000'
	podman_of "$user" exec engine /bin/sh -c 'echo hello' >$OUT 2>&1
	eq "podman, $user: exec" "$(cat $OUT)" hello
	podman_of "$user" update --memory 96m engine >$OUT 2>&1
	eq "podman, $user: updated memory" "$(cat "$group/memory.max")" 100663296
	podman_of "$user" stop -t 1 engine >$OUT 2>&1
	say $? "podman, $user: stop" "$(cat $OUT)"
	podman_of "$user" rm engine >$OUT 2>&1
	say $? "podman, $user: rm" "$(cat $OUT)"
	eq "podman, $user: no unit is left" "$(units "$user" 'libpod-*')" ''
}

bundle root . true
tar -C $B/rootfs -cf /run/box.tar .
engine root
engine dev

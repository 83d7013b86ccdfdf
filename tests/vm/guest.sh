#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# In the machine, as root: every limit is read back from the kernel and its effect is seen, by the driver of
# cgroupfs and that of systemd, and as a user in the user's own slice.
layout=$(cat /mnt/tests/layout)
failed=0
cp /mnt/tests/usrun /usr/local/bin/usrun
echo "usrun-vm: begin $layout: $(systemctl --version | head -n 1), $(uname -r)"

say() { # STATUS NAME [WORDS]
	if [ "$1" = 0 ]; then
		echo "ok $2"
	else
		failed=$((failed + 1))
		echo "FAIL $2: ${*:3}"
	fi
}
eq() { # NAME GOT WANTED
	[ "$2" = "$3" ]
	say $? "$1" "got '$2', wanted '$3'"
}

as() { # USER COMMAND...
	if [ "$1" = root ]; then
		"${@:2}"
	else
		runuser -u "$1" -- env XDG_RUNTIME_DIR=/run/user/1000 "${@:2}"
	fi
}

bundle() { # USER DIR JQ ARG...: a bundle with limits
	local dir=$2 filter=$3 words=() word rootless=()
	shift 3
	for word; do words+=(--args "$word"); done
	rm -rf "$dir"
	mkdir -p "$dir/rootfs/bin"
	cp /bin/busybox "$dir/rootfs/bin/"
	for word in sh sleep cat dd true; do ln -s busybox "$dir/rootfs/bin/$word"; done
	[ "$user" = root ] || rootless=(--rootless)
	usrun spec "${rootless[@]}" --no-terminal -b "$dir" "${words[@]}"
	jq "$filter" "$dir/config.json" >"$dir/new" && mv "$dir/new" "$dir/config.json"
	chown -R "$user" "$dir"
}

file() { # PID CONTROLLER FILE: of its group
	if [ "$layout" = v2 ]; then
		cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")/$3" 2>&1
	else
		cat "/sys/fs/cgroup/$2$(sed -n "s/^[0-9]*:[^:]*\b$2\b[^:]*://p" "/proc/$1/cgroup")/$3" 2>&1
	fi
}

memory=memory.max pids=pids.max quota=cpu.max quota_text='20000 100000'
[ "$layout" = v2 ] || memory=memory.limit_in_bytes quota=cpu.cfs_quota_us quota_text=20000
LIMITS='.linux.resources += {memory: {limit: 67108864}, pids: {limit: 20}, cpu: {quota: 20000, period: 100000}}'

limits() { # NAME USER GLOBAL...
	local name=$1 pid group
	user=$2
	shift 2
	local U=(as "$user" usrun "$@")
	bundle "$user" /tmp/b "$LIMITS" sleep 1000
	"${U[@]}" run -d -b /tmp/b --pid-file /tmp/pid.$user limits >/tmp/out 2>&1 </dev/null
	say $? "$name: run" "$(cat /tmp/out)"
	pid=$(cat /tmp/pid.$user 2>/dev/null) || return
	group=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
	echo "   $group"
	eq "$name: memory" "$(file "$pid" memory $memory)" 67108864
	eq "$name: pids" "$(file "$pid" pids $pids)" 20
	eq "$name: cpu" "$(file "$pid" cpu $quota)" "$quota_text"
	"${U[@]}" exec limits dd if=/dev/zero of=/dev/null bs=128M count=1 >/tmp/out 2>&1 </dev/null
	eq "$name: a memory hog is killed" $? 137
	grep -q 'memory limit (64 MiB)' /tmp/out
	say $? "$name: and that is said" "$(cat /tmp/out)"
	"${U[@]}" exec limits sh -c 'i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done' >/tmp/out 2>&1 </dev/null
	grep -q "can't fork" /tmp/out
	say $? "$name: a fork bomb is stopped" "$(tail -n 1 /tmp/out)"
	"${U[@]}" update --memory 96m limits >/tmp/out 2>&1
	say $? "$name: update" "$(cat /tmp/out)"
	if [ "$user" = root ]; then systemctl daemon-reload; else as $user systemctl --user daemon-reload; fi
	eq "$name: memory after a reload of systemd" "$(file "$pid" memory $memory)" 100663296
	"${U[@]}" delete -f limits >/tmp/out 2>&1
	say $? "$name: delete" "$(cat /tmp/out)"
	eq "$name: nothing is left" "$(find /sys/fs/cgroup -name '*limits*')" ''
}

rounds() { # NAME USER GLOBAL...
	local name=$1 i wrong=0
	user=$2
	shift 2
	bundle "$user" /tmp/b . true
	for ((i = 0; i < 20; i++)); do as "$user" usrun "$@" run -b /tmp/b "round$i" >/dev/null 2>&1 </dev/null || wrong=$((wrong + 1)); done
	eq "$name: 20 rounds" "$wrong" 0
	eq "$name: no group" "$(find /sys/fs/cgroup -name '*round*')" ''
	if [ "$user" = root ]; then i=$(systemctl list-units --all --no-legend 'usrun-*.scope'); else i=$(as "$user" systemctl --user list-units --all --no-legend 'usrun-*'); fi
	eq "$name: no unit" "$i" ''
}

limits 'root, cgroupfs' root
limits 'root, systemd' root --systemd-cgroup
rounds 'root, systemd' root --systemd-cgroup
if [ "$layout" = v2 ]; then
	limits 'user, systemd' dev
	rounds 'user, systemd' dev
	user=dev
	bundle dev /tmp/b "$LIMITS" true
	bundle dev /tmp/b . true
	out=$(as dev systemd-run --user --quiet --wait --pipe -p Delegate=yes sh -c '
		usrun --cgroup-manager cgroupfs run -b /tmp/b free </dev/null
		echo "status $?, $(cat "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.type")"' 2>&1)
	eq 'user in a delegated group: runs, and the group stays what it was' "$out" 'status 0, domain'
	bundle dev /tmp/b "$LIMITS" true
	as dev usrun --cgroup-manager cgroupfs run -b /tmp/b none >/tmp/out 2>&1 </dev/null
	eq 'user without a group of its own: refused' $? 1
	grep -q 'needs the cgroup controller' /tmp/out
	say $? 'user without a group of its own: says why' "$(cat /tmp/out)"
fi
echo "usrun-vm: $failed failed"

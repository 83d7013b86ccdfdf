# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What cgroup v2 alone has: limits that systemd has no property for (huge pages), or only at the start of a unit (the
# memory limit ends the container as a whole), and groups given to the container.
[ "$layout" = v2 ] || return 0

start() { # USER FILTER GLOBAL...: the group of a container in $group
	bundle "$1" "$2" sleep 1000
	as "$1" usrun "${@:3}" run -d -b $B --pid-file $B/pid unified >$OUT 2>&1 </dev/null
	say $? "$column: run" "$(cat $OUT)"
	group=$(group_of "$(cat $B/pid)")
}

whole() { # COLUMN USER GLOBAL...
	local column="$1, memory.oom.group" user=$2 global=("${@:3}")
	start "$user" '.linux.resources += {memory: {limit: 67108864}, unified: {"memory.oom.group": "1"}}' "${global[@]}"
	systemctl_of "$user" daemon-reload
	eq "$column: after a reload" "$(cat "$group/memory.oom.group")" 1
	as "$user" usrun "${global[@]}" exec unified dd if=/dev/zero of=/dev/null bs=128M count=1 >/dev/null 2>&1 </dev/null
	for ((i = 0; i < 600; i++)); do
		[ -e "/proc/$(cat $B/pid)" ] || break
		sleep 0.1
	done
	eq "$column: all of the container is killed" \
		"$(as "$user" usrun "${global[@]}" state unified | jq -r .status)" stopped
	as "$user" usrun "${global[@]}" delete unified
	gone "$column" "$user" unified
}

huge() { # COLUMN USER GLOBAL...
	local column="$1, huge pages" user=$2 global=("${@:3}")
	start "$user" '.linux.resources += {hugepageLimits: [{pageSize: "2MB", limit: 2097152}]}' "${global[@]}"
	systemctl_of "$user" daemon-reload
	eq "$column: after a reload" "$(cat "$group/hugetlb.2MB.max")" 2097152
	as "$user" usrun "${global[@]}" delete -f unified
}

# A container's root that is another user on the host: it is given the group, by who may give anything away.
delegated() { # COLUMN USER GLOBAL...
	local column="$1, delegation" user=$2 global=("${@:3}")
	local ids='[{containerID: 0, hostID: 100000, size: 1000}]'
	bundle "$user" ".linux.uidMappings = $ids | .linux.gidMappings = $ids
		| .linux.namespaces |= (map(select(.type != \"user\" and .type != \"cgroup\")) + [{type: \"user\"}, {type: \"cgroup\"}])
		| .mounts |= map(if .destination == \"/sys/fs/cgroup\" then .options -= [\"ro\"] else . end)" \
		sh -c 'mkdir /sys/fs/cgroup/below && echo made'
	ln -s busybox $B/rootfs/bin/mkdir
	chown -R --no-dereference 100000 $B/rootfs
	as "$user" usrun "${global[@]}" run -b $B unified >$OUT 2>&1 </dev/null
	if [ "$user" = root ]; then
		eq "$column: the container makes a group" "$(cat $OUT)" made
	else
		has "$column: the container's root is refused" $OUT "can't create directory '/sys/fs/cgroup/below': Permission denied"
	fi
	gone "$column" "$user" unified
}

# The processes are below the group with the limits, and so is a further one, which the kernel keeps out of that.
below() { # COLUMN USER GLOBAL...
	local column="$1, group inside" user=$2 global=("${@:3}")
	start "$user" '.annotations += {"run.oci.delegate-cgroup": "payload"} | .linux.resources += {memory: {limit: 67108864}}' "${global[@]}"
	eq "$column: name" "${group##*/}" payload
	eq "$column: limit" "$(cat "${group%/*}/memory.max")" 67108864
	as "$user" usrun "${global[@]}" exec -d --pid-file $B/pid2 unified sleep 1000 >$OUT 2>&1 </dev/null
	say $? "$column: exec" "$(cat $OUT)"
	eq "$column: exec joins it" "$(group_of "$(cat $B/pid2)")" "$group"
	as "$user" usrun "${global[@]}" delete -f unified >$OUT 2>&1
	say $? "$column: delete" "$(cat $OUT)"
	gone "$column" "$user" unified
}

whole v2-fs root
whole v2-systemd root --systemd-cgroup
whole v2-systemd-user dev
huge v2-fs root
huge v2-systemd root --systemd-cgroup
bundle dev '.linux.resources += {hugepageLimits: [{pageSize: "2MB", limit: 2097152}]}' true
as dev usrun run -b $B none >$OUT 2>&1 </dev/null
eq 'v2-systemd-user, huge pages: refused' $? 1
has 'v2-systemd-user, huge pages: says why' $OUT 'the requested cgroup controller `hugetlb` is not available'
delegated v2-fs root
delegated v2-systemd root --systemd-cgroup
delegated v2-systemd-user dev
as dev systemd-run --user --collect --quiet --wait --pipe -p Delegate=yes usrun --cgroup-manager cgroupfs run -b $B none >$OUT 2>&1 </dev/null
has 'v2-fs-user, delegation: refused inside' $OUT "can't create directory '/sys/fs/cgroup/below': Permission denied"
below v2-fs root
below v2-systemd root --systemd-cgroup
below v2-systemd-user dev

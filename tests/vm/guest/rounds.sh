# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Containers come and go: no group, no unit and no connection to systemd is left.

connections() { # to systemd's own socket, and to the buses
	grep -c -e /systemd/private -e bus_socket -e '/bus$' /proc/net/unix
}

rounds() { # COLUMN USER GLOBAL...
	local column=$1 user=$2 global=("${@:3}") i wrong=0 before
	bundle "$user" . true
	before=$(connections)
	for ((i = 0; i < rounds; i++)); do
		as "$user" usrun "${global[@]}" run -b $B "round$i" >/dev/null 2>$OUT </dev/null || wrong=$((wrong + 1))
	done
	eq "$column: $rounds rounds" "$wrong" 0
	gone "$column: $rounds rounds" "$user" round
	eq "$column: $rounds rounds: failed units" "$(systemctl_of "$user" list-units --failed --no-legend)" ''
	eq "$column: $rounds rounds: connections" "$(connections)" "$before"
}

# A second container that would have the same group or unit is refused, and the first one lives on.
taken() { # COLUMN USER GLOBAL...
	local column=$1 user=$2 global=("${@:3}")
	bundle "$user" . sleep 1000
	as "$user" usrun --root $B/one "${global[@]}" run -d -b $B taken >$OUT 2>&1 </dev/null
	say $? "$column: taken: the first" "$(cat $OUT)"
	if as "$user" usrun --root $B/two "${global[@]}" run -d -b $B taken >$OUT 2>&1 </dev/null; then
		say 1 "$column: taken: the second" 'was not refused'
	fi
	eq "$column: taken: nothing is left of it" "$(as "$user" usrun --root $B/two list -q)" ''
	eq "$column: taken: the first lives on" "$(as "$user" usrun --root $B/one state taken | jq -r .status)" running
	as "$user" usrun --root $B/one delete -f taken >$OUT 2>&1
	gone "$column: taken" "$user" taken
}

# The creator was killed before it heard that the unit is somebody else's: its state names that unit.
abandoned() { # COLUMN USER GLOBAL...
	local column="$1: abandoned" user=$2 global=("${@:3}")
	bundle "$user" . sleep 1000
	as "$user" usrun --root $B/one "${global[@]}" run -d -b $B owner >$OUT 2>&1 </dev/null
	say $? "$column: the first" "$(cat $OUT)"
	as "$user" mkdir -m 700 $B/one/second
	as "$user" jq '.id = "second" | .phase = "creating" | .cgroupDirs = [] | del(.pid, .startTime)' \
		$B/one/owner/state.json >$B/second.json
	as "$user" cp $B/second.json $B/one/second/state.json
	as "$user" usrun --root $B/one delete --force second >$OUT 2>&1
	say $? "$column: delete" "$(cat $OUT)"
	has "$column: delete" $OUT ': container owner is in it'
	eq "$column: the first lives on" "$(as "$user" usrun --root $B/one state owner | jq -r .status)" running
	as "$user" usrun --root $B/one delete -f owner >$OUT 2>&1
	gone "$column" "$user" owner
}

# systemd had tried to remove the group of the unit while one was still in it.
untrimmed() { # COLUMN USER GLOBAL...
	local column="$1: untrimmed" user=$2 global=("${@:3}") group
	bundle "$user" '.annotations["run.oci.systemd.subgroup"] = "container"' sleep 1000
	as "$user" usrun "${global[@]}" run -d -b $B --pid-file $B/pid untrimmed >$OUT 2>&1 </dev/null
	say $? "$column: run" "$(cat $OUT)"
	group=$(group_of "$(cat $B/pid)")
	case $group in
	*/usrun-untrimmed.scope/container) ;;
	*) say 1 "$column: a group in that of the unit" "$group" ;;
	esac
	as "$user" usrun "${global[@]}" kill untrimmed KILL
	for ((i = 0; i < 600; i++)); do
		[ -d "${group%/container}" ] || break
		sleep 0.1
	done
	as "$user" mkdir -p "$group"
	as "$user" usrun "${global[@]}" delete untrimmed >$OUT 2>&1
	say $? "$column: delete" "$(cat $OUT)"
	gone "$column" "$user" untrimmed
}

rounds "$layout-fs" root
rounds "$layout-systemd" root --systemd-cgroup
[ "$layout" != v2 ] || rounds v2-systemd-user dev
taken "$layout-fs" root
taken "$layout-systemd" root --systemd-cgroup
[ "$layout" != v2 ] || taken v2-systemd-user dev
[ "$layout" != v2 ] || untrimmed v2-systemd root --systemd-cgroup
[ "$layout" != v2 ] || untrimmed v2-systemd-user dev
abandoned "$layout-systemd" root --systemd-cgroup

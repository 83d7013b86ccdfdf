# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What each option of checkpoint and restore does. need_criu() and counter() are in test_checkpoint.sh.

# Of the machine's hierarchies: CRIU must never write to them.
groups_of_host() { stat -c '%A %u %g %n' /sys/fs/cgroup /sys/fs/cgroup/*/ | sort; }

# A counter in cgroups that it has made below its own.
counter_below() {
	cfg '(.mounts[] | select(.type == "cgroup") | .options) |= map(if . == "ro" then "rw" else . end) |
		.linux.resources = {}'
	# shellcheck disable=SC2016
	prog /bin/sh -c 'for d in /sys/fs/cgroup/pids /sys/fs/cgroup/unified /sys/fs/cgroup; do
			[ -e $d/cgroup.procs ] || continue
			mkdir $d/sub && echo $$ >$d/sub/cgroup.procs || exit
			[ ! -e $d/sub/pids.max ] || echo 33 >$d/sub/pids.max
		done
		i=0; while :; do i=$((i + 1)); echo $i >>/tmp/n; sleep 0.02; done'
	"${U[@]}" run -d -b "$T/b" "$ID" >>"$T/log" 2>&1 </dev/null || fail "run: $(cat "$T/log")"
	soon counted 3
}

again() { # OPTION...: restores what was checkpointed into img
	"${U[@]}" restore -d -b "$T/b" --image-path "$T/img" "$@" "$ID" >>"$T/log" 2>&1 </dev/null || fail "restore: $(cat "$T/log")"
	local before
	before=$(lines)
	soon counted $((before + 2))
	none_missing
}

t_checkpoint_manage_cgroups_mode() {
	need_criu
	local host mode groups
	host=$(groups_of_host)
	for mode in soft full ignore; do
		counter_below
		groups=$(groups_of "$(pid_of)")
		has 'groups below' "$groups" /sub
		ok checkpoint --manage-cgroups-mode=$mode --image-path "$T/img" "$ID"
		eq "the host's cgroups after the checkpoint" "$(groups_of_host)" "$host"
		again -manage-cgroups-mode $mode
		eq "the host's cgroups after the restore" "$(groups_of_host)" "$host"
		if [ $mode = ignore ]; then
			hasnt 'group' "$(groups_of "$(pid_of)")" /sub
		else
			eq groups "$(groups_of "$(pid_of)")" "$groups"
			inside /bin/sh -c 'cat /sys/fs/cgroup/sub/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids/sub/pids.max'
			eq 'limit below' "$OUT" 33
			inside cat /proc/1/cgroup
			eq 'as the container sees it' "$(cut -d : -f 3 <<<"$OUT" | grep sub | sort -u)" /sub
		fi
		down
		rm -r "$T/img" "$T/b/rootfs/tmp/n"
	done
	counter_below
	ok checkpoint --manage-cgroups-mode strict --image-path "$T/img" "$ID"
	no 'the container'\''s own is made before' restore -d -b "$T/b" --manage-cgroups-mode strict --image-path "$T/img" "$ID"
	has hint "$ERR" 'soft or full'
	again --manage-cgroups-mode soft
	down
	# In the caller's cgroup, with all of the host's beside it.
	rm -r "$T/img" "$T/b/rootfs/tmp/n"
	U+=(--cgroup-manager disabled)
	counter
	for mode in soft full strict; do
		no "is not the container's own" checkpoint --manage-cgroups-mode $mode --image-path "$T/img" "$ID"
	done
	eq status "$(status)" running
	ok checkpoint --image-path "$T/img" "$ID"
	no "is not the container's own" restore -d -b "$T/b" --manage-cgroups-mode full --image-path "$T/img" "$ID"
	eq "the host's cgroups" "$(groups_of_host)" "$host"
	again
	eq "the host's cgroups" "$(groups_of_host)" "$host"
	down
}

process_is_gone() { ! kill -0 "$1" 2>/dev/null; } # PID
# CRIU of this test: of its PATH, which it hands on.
no_criu() { ! grep -lsz "^PATH=.*/of-$ID:" /proc/[0-9]*/environ >"$T/found"; }

# What waits in a hook is half restored.
t_restore_that_is_killed() {
	need_criu
	PATH=$PATH:/of-$ID
	counter
	ok checkpoint --image-path "$T/img" "$ID"
	# shellcheck disable=SC2016
	cfg --arg t "$T" '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo $$ >\($t)/hook; exec sleep 1000"]}]'
	"${U[@]}" restore -d -b "$T/b" --image-path "$T/img" "$ID" >>"$T/log" 2>&1 </dev/null &
	local usrun=$! half
	soon test -s "$T/hook"
	half=$(jq .pid "$(STATE_OF)/$ID/state.json")
	kill -0 "$half" || fail "process $half is not there: $(cat "$T/log")"
	kill -KILL "$usrun"
	soon process_is_gone "$half" || fail "process $half is left of a restore that was killed"
	soon no_criu || fail "CRIU is left: $(cat "$T/found")"
	soon process_is_gone "$(cat "$T/hook")" || fail 'its hook is left'
	eq status "$(status)" stopped
	down
	cfg 'del(.hooks)'
	again
	down
}

# An open connection to this port of the host.
has_peer() { awk -v p=":$(printf %04X "$1")" '$3 ~ p"$" && $4 == "01" { found = 1 } END { exit !found }' /proc/net/tcp; } # PORT

# It waits for a server that never answers: the container is held, and is let go.
t_checkpoint_that_is_killed() {
	need_criu
	PATH=$PATH:/of-$ID
	counter
	local port=$((20000 + RANDOM % 10000)) server usrun before
	/bin/busybox nc -l -p $port -e /bin/sleep 1000 >/dev/null 2>&1 </dev/null &
	server=$!
	sleep 0.2
	"${U[@]}" checkpoint --image-path "$T/img" --page-server 127.0.0.1:$port "$ID" >>"$T/log" 2>&1 </dev/null &
	usrun=$!
	soon has_peer $port
	kill -KILL "$usrun"
	soon no_criu || fail "CRIU is left: $(cat "$T/found")"
	before=$(lines)
	soon counted "$before" || fail 'the container is held by nobody'
	kill -KILL "$server"
	eq status "$(status)" running
	ok checkpoint --image-path "$T/img2" "$ID"
	mv "$T/img2" "$T/img3"
	rm -rf "$T/img"
	mv "$T/img3" "$T/img"
	again
	down
}

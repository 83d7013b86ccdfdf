# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Every limit, by every driver: read back from the kernel, and its effect seen; changed; and there after systemd has
# been reloaded, which writes its own properties to the files again.

# shellcheck source=effects.sh
. ./effects.sh
CONFIG=$(
	cat <<'JQ'
.linux.resources += {
	memory: {limit: 67108864, swap: 134217728, reservation: 33554432}, pids: {limit: 20},
	cpu: {quota: 50000, period: 100000, shares: 2048, cpus: "1"},
	blockIO: {throttleWriteBpsDevice: [{major: 254, minor: 0, rate: 1048576}]}}
| .root.readonly = false
JQ
)

# LIMIT|CONTROLLER|file of v1|its text|file of v2|its text
FIRST='memory.limit|memory|memory.limit_in_bytes|67108864|memory.max|67108864
memory.swap|memory|memory.memsw.limit_in_bytes|134217728|memory.swap.max|67108864
memory.reservation|memory|memory.soft_limit_in_bytes|33554432|memory.low|33554432
pids.limit|pids|pids.max|20|pids.max|20
cpu.quota|cpu|cpu.cfs_quota_us|50000|cpu.max|50000 100000
cpu.shares|cpu|cpu.shares|2048|cpu.weight|174
cpu.cpus|cpuset|cpuset.cpus|1|cpuset.cpus|1
blockIO.throttleWriteBps|blkio|blkio.throttle.write_bps_device|254:0 1048576|io.max|254:0 rbps=max wbps=1048576 riops=max wiops=max'
UPDATED='memory.limit|memory|memory.limit_in_bytes|100663296|memory.max|100663296
memory.swap|memory|memory.memsw.limit_in_bytes|167772160|memory.swap.max|67108864
memory.reservation|memory|memory.soft_limit_in_bytes|33554432|memory.low|33554432
pids.limit|pids|pids.max|30|pids.max|30
cpu.quota|cpu|cpu.cfs_quota_us|20000|cpu.max|20000 100000
cpu.shares|cpu|cpu.shares|2048|cpu.weight|174
cpu.cpus|cpuset|cpuset.cpus|1|cpuset.cpus|1
blockIO.throttleWriteBps|blkio|blkio.throttle.write_bps_device|254:0 1048576|io.max|254:0 rbps=max wbps=1048576 riops=max wiops=max'

read_back() { # NAME PID ROWS: the table has what is new
	local limit controller v1 v1_text v2 v2_text got
	while IFS='|' read -r limit controller v1 v1_text v2 v2_text; do
		if [ "$layout" = v2 ]; then
			v1=$v2 v1_text=$v2_text
		fi
		got=$(cat "$(group_of "$2" "$controller")/$v1" 2>&1)
		eq "$1: $limit" "$got" "$v1_text"
		[ "${last[$limit]:-}" = "$got" ] || note "$limit" "${last[$limit]:+then }$got"
		last[$limit]=$got
	done <<<"$3"
}

note() { # LIMIT TEXT: in the table
	notes[$1]+=${notes[$1]:+; }$2
}

place() { # ID: where the containers of a user go whom a group was given
	local above=${enter%/*}
	[ -z "$enter" ] || echo " | .linux.cgroupsPath = \"${above#/sys/fs/cgroup}/$1\""
}

inside() { # [OPTION] -- ARG...: an exec in the container of the column; its output in $OUT
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	as "$user" usrun "${global[@]}" exec "${options[@]}" limits "${@:2}" >$OUT 2>&1 </dev/null
}

memory_holds() {
	inside -- dd if=/dev/zero of=/dev/null bs=256M count=1
	eq "$column: a memory hog is killed" $? 137
	has "$column: and that is said" $OUT "memory limit ($1 MiB)"
	note memory.limit "256 MiB: killed (137)"
}

# Where the disk is slow and the quota small the kernel may give up on what is on its way there.
swap_holds() {
	local try fits=137
	for try in 1 2 3; do
		inside -- dd if=/dev/zero of=/dev/null bs=80M count=1
		fits=$?
		[ $fits != 0 ] || break
	done
	eq "$column: more than the limit fits, with swap (try $try)" $fits 0
	note memory.swap '80 MiB fit, 256 do not'
}

# The container counts itself; the inner shell ends where it cannot fork, and what it has started is then ended
# without a fork.
BOMB='
(i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done)
set -- /proc/[0-9]*; echo "had $#"
for p; do [ "${p#/proc/}" -le $$ ] || kill -9 "${p#/proc/}"; done'

pids_hold() { # LIMIT
	inside -- sh -c "$BOMB"
	has "$column: a fork bomb is refused" $OUT "can't fork"
	has "$column: at the limit" $OUT "had $(($1 - 1))" # and the inner shell
	note pids.limit "fork refused at $1"
}

used_us() { # PID: processor time of the group
	if [ "$layout" = v2 ]; then
		sed -n 's/^usage_usec //p' "$(group_of "$1" cpu)/cpu.stat"
	else
		echo $(($(cat "$(group_of "$1" cpuacct)/cpuacct.usage") / 1000))
	fi
}

quota_counts() { # PID: time used, periods, and those in which the quota was used up; all at one time
	local group
	group=$(group_of "$1" cpu)
	if [ "$layout" = v2 ]; then
		sed -n 's/^usage_usec //p; s/^nr_periods //p; s/^nr_throttled //p' "$group/cpu.stat" | xargs
	else
		sed -n '1s/...$//p; s/^nr_periods //p; s/^nr_throttled //p' "$group/cpuacct.usage" "$group/cpu.stat" | xargs
	fi
}

# A loop could take a processor whole. The kernel counts the periods: a machine that is slow itself has fewer of them
# in which the quota was used up, and no quota is exceeded by that.
quota_holds() { # PID PERCENT
	local used periods full quota=$(($2 * 1000)) before
	inside -d --pid-file $B/loop -- sh -c 'while :; do :; done'
	read -r -a before < <(quota_counts "$1")
	sleep 4
	read -r used periods full < <(quota_counts "$1")
	used=$((used - before[0])) periods=$((periods - before[1])) full=$((full - before[2]))
	kill -9 "$(cat $B/loop)"
	within "$column: a loop has at most $2 % of $periods periods, and that in $full of them (µs)" \
		"$used" $((full * quota * 9 / 10)) $((periods * quota * 11 / 10))
	within "$column: periods with the quota used up" "$full" 5 "$periods"
	note cpu.quota "a loop had $((used / (periods > 0 ? periods : 1) / 1000)) %"
}

processors_hold() {
	inside -- grep Cpus_allowed_list /proc/self/status
	eq "$column: processors" "$(cut -f 2 $OUT)" 1
	note cpu.cpus "may run on 1 only"
}

devices_hold() { # WHEN
	if [ "$user" != root ]; then
		notes[devices]='not enforced: takes root'
		return
	fi
	inside -- sh -c ': </dev/null && : </message'
	has "$column: a device is refused $1" $OUT 'Operation not permitted'
	note devices "refused $1"
}

disk_holds() { # 3 MiB at 1 MiB/s
	local start=$(now) took
	inside -- dd if=/dev/zero of=/file bs=256k count=12 oflag=direct
	took=$(($(now) - start))
	within "$column: writing 3 MiB takes (ms)" $took 2500 15000
	note blockIO.throttleWriteBps "3 MiB took $took ms"
}

# The limit binds forks, and nobody who joins: the container's own process runs.
no_processes_hold() { # USER GLOBAL...
	bundle "$1" ".linux.resources.pids.limit = 0$(place limits)" sh -c 'echo runs'
	as "$1" usrun "${@:2}" run -b $B limits >$OUT 2>&1 </dev/null
	eq "$column: a limit of no process" "$(cat $OUT)" runs
}

# The kernel's count goes with the group, which systemd removes once it is empty: it may be quicker than who wants to
# tell of the last kill. Without systemd nobody is.
oom_is_said() {
	local i ran=0 watched=0 least=3 kills memory='.linux.resources.memory = {limit: 16777216, swap: 16777216}'
	case $column in *-systemd*) least=1 ;; esac
	bundle "$user" "$memory$(place limits)" sh -c '[ ! -e /later ] || sleep 4; exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	for i in 1 2 3; do
		as "$user" usrun "${global[@]}" run -b $B limits >$OUT 2>&1 </dev/null
		eq "$column: killed, $i" $? 137
		! grep -qF 'memory limit (16 MiB)' $OUT || ran=$((ran + 1))
	done
	within "$column: run tells of the memory limit, times" $ran $least 3
	: >$B/rootfs/later
	for i in 1 2 3; do
		as "$user" usrun "${global[@]}" run -d -b $B limits >$OUT 2>&1 </dev/null
		say $? "$column: run -d, $i" "$(cat $OUT)"
		as "$user" usrun "${global[@]}" events limits >$B/events 2>&1 </dev/null
		! grep -qxF '{"type":"oom","id":"limits"}' $B/events || watched=$((watched + 1))
		kills=$(as "$user" usrun "${global[@]}" state limits | jq .oomKills)
		ended limits
	done
	within "$column: events tells of the kill, times" $watched $least 3
	[ $least = 1 ] || eq "$column: state tells of it" "$kills" 1
	note 'memory.limit, said' "run: $ran of 3; events: $watched of 3; oomKills of state: $kills"
}

values() { # PID: of all limits
	local controller v1 v2
	while IFS='|' read -r _ controller v1 _ v2 _; do
		[ "$layout" = v2 ] || v2=$v1
		cat "$(group_of "$1" "$controller")/$v2"
	done <<<"$FIRST"
	[ "$layout" != v2 ] || cat "$(group_of "$1")/memory.high"
}

away() { # [BACK]: the sockets of the user's systemd, or of the system's
	local socket sockets='/run/systemd/private /run/dbus/system_bus_socket'
	[ "$user" = root ] || sockets='/run/user/1000/systemd/private /run/user/1000/bus'
	for socket in $sockets; do
		if [ $# = 0 ]; then mv "$socket" "$socket.away"; else mv "$socket.away" "$socket"; fi
	done
}

# A value that the kernel takes and systemd does not (it has no property for that on v1), and a systemd that is out of
# reach: nothing is changed.
refusal_holds() { # PID
	local before
	case $column in *-systemd*) ;; *) return ;; esac
	before=$(values "$1")
	if [ "$layout" = v2 ]; then
		echo '{"unified": {"memory.high": "0"}, "pids": {"limit": 25}, "memory": {"limit": 104857600}}' >$B/wanted
		as "$user" usrun "${global[@]}" update -r $B/wanted limits >$OUT 2>&1
		eq "$column: update, refused by systemd" $? 1
		has "$column: and that is said" $OUT 'systemd did not change the unit'
		eq "$column: nothing has changed" "$(values "$1")" "$before"
	fi
	away
	as "$user" usrun "${global[@]}" update --pids-limit 25 --memory 100m --cpu-quota 30000 limits >$OUT 2>&1
	eq "$column: update without systemd" $? 1
	has "$column: and that is said, too" $OUT 'systemd/private: no such path'
	away back
	eq "$column: nothing has changed, still" "$(values "$1")" "$before"
	note update 'refused, or without systemd: nothing changed'
}

limits() { # COLUMN USER GLOBAL...
	local column=$1 user=$2 global=("${@:3}") pid limit
	local -A notes=() last=()
	bundle "$user" "$CONFIG$(place limits)" sh -c 'while :; do sleep 1000; done' # which reaps
	mknod -m 666 $B/rootfs/message c 1 11
	as "$user" usrun "${global[@]}" run -d -b $B --pid-file $B/pid limits >$OUT 2>&1 </dev/null
	say $? "$column: run" "$(cat $OUT)"
	pid=$(cat $B/pid 2>/dev/null) || return
	echo "   $(group_of "$pid" memory)"
	read_back "$column" "$pid" "$FIRST"
	swap_holds
	memory_holds 64
	pids_hold 20
	quota_holds "$pid" 50
	processors_hold
	devices_hold 'at first'
	disk_holds
	refusal_holds "$pid"
	as "$user" usrun "${global[@]}" update --memory 96m --memory-swap 160m --pids-limit 30 --cpu-quota 20000 limits >$OUT 2>&1
	say $? "$column: update" "$(cat $OUT)"
	systemctl_of "$user" daemon-reload
	systemctl daemon-reload
	read_back "$column, updated and reloaded" "$pid" "$UPDATED"
	devices_hold 'after a reload'
	pids_hold 30
	quota_holds "$pid" 20
	memory_holds 96
	as "$user" usrun "${global[@]}" delete -f limits >$OUT 2>&1
	say $? "$column: delete" "$(cat $OUT)"
	gone "$column" "$user" limits
	no_processes_hold "$user" "${global[@]}"
	shares_hold
	reservation_holds
	huge_pages_hold
	not_here
	oom_is_said
	gone "$column, all of them" "$user" limits
	for limit in "${TABLE[@]}"; do
		echo "cell $limit|$column|${notes[$limit]:-no unit to keep in step}"
	done
}

TABLE=(memory.limit 'memory.limit, said' memory.swap memory.reservation pids.limit cpu.quota cpu.shares cpu.cpus
	blockIO.throttleWriteBps blockIO.weight hugepageLimits rdma devices update)
enter=
busybox mkswap /dev/vdc >$OUT 2>&1 && busybox swapon /dev/vdc >$OUT 2>&1
say $? 'swap' "$(cat $OUT)"
limits "$layout-fs" root
limits "$layout-systemd" root --systemd-cgroup
if [ "$layout" = v2 ]; then
	limits v2-systemd-user dev
	# a user with a group that was given to him, and processes beside those of the containers
	as dev systemd-run --user --quiet --unit given -p Delegate=yes -p DelegateSubgroup=own sleep infinity
	enter=$(group_of "$(systemctl_of dev show -P MainPID given)")
	case $enter in
	*/given.service/own) limits v2-fs-user dev --cgroup-manager cgroupfs ;;
	*) say 1 'a group that was given to the user' "$enter" ;;
	esac
	enter=
	systemctl_of dev stop given
fi
busybox swapoff /dev/vdc

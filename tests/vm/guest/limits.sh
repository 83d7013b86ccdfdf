# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Every limit, by every driver: read back from the kernel, and its effect seen; changed; and there after systemd has
# been reloaded, which writes its own properties to the files again.

CONFIG=$(
	cat <<'JQ'
.linux.resources += {
	memory: {limit: 67108864, swap: 134217728, reservation: 33554432}, pids: {limit: 20},
	cpu: {quota: 50000, period: 100000, shares: 2048, cpus: "1"},
	blockIO: {throttleWriteBpsDevice: [{major: 254, minor: 0, rate: 1048576}]}}
| .root.readonly = false
JQ
)

PLACE= # filter that names the group, where it is not ours to choose

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
	note memory.limit "hog killed (137)"
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

quota_holds() { # PID PERCENT: of one processor, which a loop could take whole
	local before start used percent
	inside -d --pid-file $B/loop -- sh -c 'while :; do :; done'
	before=$(used_us "$1") start=$(now)
	sleep 3
	used=$(($(used_us "$1") - before))
	percent=$((used / ($(now) - start) / 10))
	kill -9 "$(cat $B/loop)"
	within "$column: a loop has $2 % of a processor" "$percent" $(($2 * 9 / 10)) $(($2 * 11 / 10))
	note cpu.quota "a loop had $percent %"
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
	within "$column: writing 3 MiB takes (ms)" $took 2500 5000
	note blockIO.throttleWriteBps "3 MiB took $took ms"
}

# Swap takes what does not fit, until that is full as well.
swap_holds() {
	inside -- dd if=/dev/zero of=/dev/null bs=100M count=1
	eq "$column: 100 MiB fit into memory and swap" $? 0
	note memory.swap '100 MiB fit with it'
}

# Two loops on one processor, the other container with an eighth of the shares.
shares_hold() { # PID
	local before other_before own other
	as "$user" usrun "${global[@]}" update --cpu-quota -1 limits >$OUT 2>&1
	jq '.linux.resources.cpu = {shares: 256, cpus: "1"} | if .linux.cgroupsPath then .linux.cgroupsPath += "-other" else . end' \
		$B/config.json >$B/other.json
	as "$user" usrun "${global[@]}" run -d -b $B --config $B/other.json --pid-file $B/other limits-other >$OUT 2>&1 </dev/null
	say $? "$column: a second container" "$(cat $OUT)"
	inside -d --pid-file $B/loop -- sh -c 'while :; do :; done'
	as "$user" usrun "${global[@]}" exec -d --pid-file $B/loop2 limits-other sh -c 'while :; do :; done' </dev/null
	before=$(used_us "$1") other_before=$(used_us "$(cat $B/other)")
	sleep 4
	own=$(($(used_us "$1") - before)) other=$(($(used_us "$(cat $B/other)") - other_before))
	kill -9 "$(cat $B/loop)" "$(cat $B/loop2)"
	as "$user" usrun "${global[@]}" delete -f limits-other
	within "$column: of 2048 and 256 shares, the first has (tenths)" $((own * 10 / (other + 1))) 25 120
	note cpu.shares "had $((own * 10 / (other + 1)))/10 of one with 256"
}

# Where systemd does not take the limits, the files have the old ones: its next reload would bring those back.
refused_update() { # PID
	local dir=/run/systemd bus=/run/dbus/system_bus_socket
	case " ${global[*]} $user " in
	*' cgroupfs '*) return ;;
	*' dev '*) dir=/run/user/1000/systemd bus=/run/user/1000/bus ;;
	*--systemd-cgroup*) ;;
	*) return ;;
	esac
	mv $dir/private $dir/private.away
	mv $bus $bus.away
	as "$user" usrun "${global[@]}" update --memory 80m --memory-swap 160m --pids-limit 25 limits >$OUT 2>&1
	eq "$column: an update that systemd does not take" $? 1
	mv $dir/private.away $dir/private
	mv $bus.away $bus
	read_back "$column, not updated" "$1" "$UPDATED"
}

# The limit binds forks, and nobody who joins: the container's own process runs.
no_processes_hold() { # USER GLOBAL...
	bundle "$1" ".linux.resources.pids.limit = 0$PLACE" sh -c 'echo runs'
	as "$1" usrun "${@:2}" run -b $B limits >$OUT 2>&1 </dev/null
	eq "$column: a limit of no process" "$(cat $OUT)" runs
}

limits() { # COLUMN USER GLOBAL...
	local column=$1 user=$2 global=("${@:3}") pid limit
	local -A notes=() last=()
	bundle "$user" "$CONFIG$PLACE" sh -c 'while :; do sleep 1000; done' # which reaps
	mknod -m 666 $B/rootfs/message c 1 11
	as "$user" usrun "${global[@]}" run -d -b $B --pid-file $B/pid limits >$OUT 2>&1 </dev/null
	say $? "$column: run" "$(cat $OUT)"
	pid=$(cat $B/pid 2>/dev/null) || return
	echo "   $(group_of "$pid" memory)"
	read_back "$column" "$pid" "$FIRST"
	swap_holds
	memory_holds 64
	note memory.reservation 'counts when the machine runs short: not provoked'
	pids_hold 20
	quota_holds "$pid" 50
	processors_hold
	devices_hold 'at first'
	disk_holds
	as "$user" usrun "${global[@]}" update --memory 96m --memory-swap 160m --pids-limit 30 --cpu-quota 20000 limits >$OUT 2>&1
	say $? "$column: update" "$(cat $OUT)"
	systemctl_of "$user" daemon-reload
	systemctl daemon-reload
	read_back "$column, updated and reloaded" "$pid" "$UPDATED"
	refused_update "$pid"
	devices_hold 'after a reload'
	pids_hold 30
	quota_holds "$pid" 20
	memory_holds 96
	shares_hold "$pid"
	as "$user" usrun "${global[@]}" delete -f limits >$OUT 2>&1
	say $? "$column: delete" "$(cat $OUT)"
	gone "$column" "$user" limits
	no_processes_hold "$user" "${global[@]}"
	while IFS='|' read -r limit _; do
		echo "cell $limit|$column|${notes[$limit]}"
	done <<<"$FIRST"
	echo "cell devices|$column|${notes[devices]}"
}

# On the second disk, which no limit is for.
dd if=/dev/zero of=/mnt/tests/swap bs=1M count=96 status=none
chmod 600 /mnt/tests/swap
mkswap /mnt/tests/swap >/dev/null && swapon /mnt/tests/swap
say $? 'swap'

# A service with a group of its own lends it to a user, who goes without systemd there.
lent_limits() {
	local unit=/system.slice/lent.service
	local PLACE=" | .linux.cgroupsPath = \"$unit/limits\""
	systemd-run --quiet --unit lent --property User=dev --property Delegate=yes --property DelegateSubgroup=self sleep 10000
	echo '+cpu +cpuset +io +memory +pids' >/sys/fs/cgroup$unit/cgroup.subtree_control
	lent=/sys/fs/cgroup$unit/self
	limits v2-fs-user dev --cgroup-manager cgroupfs
	lent=
	systemctl stop lent
}

limits "$layout-fs" root
limits "$layout-systemd" root --systemd-cgroup
if [ "$layout" = v2 ]; then
	limits v2-systemd-user dev
	lent_limits
fi
swapoff /mnt/tests/swap

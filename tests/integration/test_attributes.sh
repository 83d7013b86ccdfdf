# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# When and where the container's process runs, and what the kernel keeps about it.

# Of /proc/PID/stat: nice, priority and policy. Where nice has no meaning it is the caller's.
schedule_of() { awk '{print ($41 == 0 || $41 == 3 ? $19 : "-"), $40, $41}' <<<"$1"; }

# Nobody but root lowers the niceness that the tests have been given.
needs_no_niceness() { [ "$MODE" = root ] || [ "$(nice)" = 0 ] || skip "needs a niceness of 0, not $(nice)"; }

t_schedulers() {
	local policy
	needs_no_niceness
	prog /bin/cat /proc/self/stat
	while read -r policy wanted; do
		cfg --argjson s "$policy" '.process.scheduler = $s'
		go
		eq "$policy" "$(schedule_of "$OUT")" "$wanted"
	done <<-'END'
		{"policy":"SCHED_OTHER","nice":3} 3 0 0
		{"policy":"SCHED_BATCH","nice":7} 7 0 3
		{"policy":"SCHED_IDLE"} - 0 5
		{"policy":"SCHED_OTHER","flags":["SCHED_FLAG_RESET_ON_FORK"]} 0 0 0
	END
}

t_scheduler_flags() {
	command -v chrt >/dev/null || skip 'needs chrt'
	needs_no_niceness
	cfg '.process.scheduler = {policy: "SCHED_BATCH", flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	up
	has 'with a flag' "$(chrt -p "$PID")" 'SCHED_BATCH|SCHED_RESET_ON_FORK'
	down
	cfg 'del(.process.scheduler.flags)'
	up
	hasnt 'without' "$(chrt -p "$PID")" RESET_ON_FORK
	down
	cfg '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 10000000, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	[ "$MODE" = root ] || return 0
	up
	# For the kernel a period of 0 is the deadline.
	has 'without a period' "$(chrt -p "$PID" | tr -d '\n')" 'parameters: 1000000/10000000/10000000'
	down
}

t_scheduler_flags_are_named() {
	local policy='set SCHED_OTHER, nice 0, priority 0'
	needs_no_niceness
	prog /bin/true
	cfg '.process.scheduler = {policy: "SCHED_OTHER", flags: ["SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_RESET_ON_FORK"]}'
	R create -b "$T/b" "$ID"
	if [ "$RC" != 0 ]; then # many distributions' kernels have none
		has 'the flags' "$ERR" "process.scheduler: $policy, flags SCHED_FLAG_UTIL_CLAMP_MIN SCHED_FLAG_RESET_ON_FORK: "
		has 'what to do' "$ERR" 'CONFIG_UCLAMP_TASK'
	fi
	down
	[ "$MODE" = rootless ] || return 0
	cfg '.process.scheduler = {policy: "SCHED_RR", priority: 6, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	no 'process.scheduler: set SCHED_RR, nice 0, priority 6, flags SCHED_FLAG_RESET_ON_FORK: ' create -b "$T/b" "$ID"
}

# Groups of version 1 have no time for realtime unless they are given some.
realtime_budget() {
	[ ! -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ] || [ "$MODE" = rootless ] ||
		cfg '.linux.resources.cpu = {realtimePeriod: 1000000, realtimeRuntime: 50000}'
}

t_realtime_schedulers() {
	local policy
	realtime_budget
	prog /bin/cat /proc/self/stat
	while read -r policy wanted; do
		cfg --argjson s "$policy" '.process.scheduler = $s'
		if [ "$MODE" = rootless ]; then
			no ': process.scheduler: set SCHED_' create -b "$T/b" "$ID"
			has hint "$ERR" CAP_SYS_NICE
			continue
		fi
		go
		eq "$policy" "$(schedule_of "$OUT")" "$wanted"
	done <<-'END'
		{"policy":"SCHED_FIFO","priority":5} - 5 1
		{"policy":"SCHED_RR","priority":6,"flags":["SCHED_FLAG_RESET_ON_FORK"]} - 6 2
		{"policy":"SCHED_DEADLINE","runtime":1000000,"deadline":10000000,"period":20000000} - 0 6
	END
}

# In a user namespace of its own no process may raise its priority; usrun may, from outside.
t_realtime_in_a_user_namespace() {
	root_only
	cfg '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
		.linux.gidMappings = .linux.uidMappings | .process.scheduler = {policy: "SCHED_RR", priority: 4}'
	realtime_budget
	chown -R 100000:100000 "$T/b/rootfs"
	prog /bin/cat /proc/self/stat
	go
	eq policy "$(schedule_of "$OUT")" '- 4 2'
}

t_io_priorities() {
	command -v ionice >/dev/null || skip 'needs ionice'
	local class wanted
	while read -r class wanted; do
		cfg --argjson c "$class" '.process.ioPriority = $c'
		up
		eq "$class" "$(ionice -p "$PID")" "$wanted"
		down
	done <<-'END'
		{"class":"IOPRIO_CLASS_BE","priority":6} best-effort: prio 6
		{"class":"IOPRIO_CLASS_IDLE","priority":0} idle
	END
	cfg '.process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 3}'
	if [ "$MODE" = rootless ]; then
		no 'process.ioPriority: set IOPRIO_CLASS_RT' create -b "$T/b" "$ID"
	else
		up
		eq RT "$(ionice -p "$PID")" 'realtime: prio 3'
		down
	fi
}

t_personality() {
	[ "$(uname -m)" = x86_64 ] || skip 'needs x86_64'
	prog /bin/uname -m
	cfg '.linux.personality = {domain: "LINUX32"}'
	go
	eq LINUX32 "$OUT" i686
	cfg '.linux.personality = {domain: "LINUX"}'
	go
	eq LINUX "$OUT" x86_64
	cfg '.linux.personality.flags = ["X"]'
	no linux.personality.flags create -b "$T/b" "$ID"
}

# A daemon that is pinned does not pin what it starts.
t_affinity_of_the_caller_ends_with_it() {
	[ "$(nproc)" -ge 2 ] || skip 'needs two CPUs'
	local all
	all=$(awk '/^Cpus_allowed_list/ {print $2}' /proc/self/status)
	prog /bin/grep Cpus_allowed_list /proc/self/status
	U=(taskset -c "${all%%[-,]*}" "${U[@]}")
	go
	eq run "${OUT##*[[:space:]]}" "$all"
	up
	inside /bin/grep Cpus_allowed_list /proc/self/status
	eq exec "${OUT##*[[:space:]]}" "$all"
	down
}

# CPUs are of processes that exec starts, not of the container's own.
t_affinity_of_exec() {
	[ "$(nproc)" -ge 2 ] || skip 'needs two CPUs'
	cfg '.process.execCPUAffinity = {initial: "0", final: "1"}'
	up
	eq 'init' "$(awk '/^Cpus_allowed_list/ {print $2}' "/proc/$PID/status")" \
		"$(awk '/^Cpus_allowed_list/ {print $2}' /proc/self/status)"
	inside /bin/grep Cpus_allowed_list /proc/self/status
	eq final "${OUT##*[[:space:]]}" 1
	jq '.process | .args = ["/bin/grep", "Cpus_allowed_list", "/proc/self/status"] |
		.execCPUAffinity = {initial: "1"}' "$T/b/config.json" >"$T/process.json"
	ok exec --process "$T/process.json" "$ID"
	eq initial "${OUT##*[[:space:]]}" 1
	jq '.execCPUAffinity = {initial: "", final: "0"}' "$T/process.json" >"$T/empty.json"
	ok exec --process "$T/empty.json" "$ID"
	eq 'an empty initial' "${OUT##*[[:space:]]}" 0
	jq '.execCPUAffinity.final = ""' "$T/process.json" >"$T/empty.json"
	ok exec --process "$T/empty.json" "$ID"
	eq 'an empty final' "${OUT##*[[:space:]]}" 1
	jq '.execCPUAffinity = {final: "4096"}' "$T/process.json" >"$T/bad.json"
	no process.execCPUAffinity.final exec --process "$T/bad.json" "$ID"
	jq '.execCPUAffinity = {final: "1-x"}' "$T/process.json" >"$T/bad.json"
	no execCPUAffinity.final exec --process "$T/bad.json" "$ID"
	down
}

t_memory_policy() {
	prog /bin/sed -n '/heap\|stack/p' /proc/self/numa_maps
	[ -e /proc/self/numa_maps ] || skip 'needs NUMA in the kernel'
	local policy
	while read -r policy wanted; do
		cfg --argjson p "$policy" '.linux.memoryPolicy = $p'
		go
		eq "$policy" "$(cut -d ' ' -f 2 <<<"$OUT" | sort -u | head -n 1)" "$wanted"
	done <<-'END'
		{"mode":"MPOL_DEFAULT"} default
		{"mode":"MPOL_BIND","nodes":"0"} bind:0
		{"mode":"MPOL_INTERLEAVE","nodes":"0","flags":["MPOL_F_STATIC_NODES"]} interleave=static:0
		{"mode":"MPOL_PREFERRED","nodes":"0"} prefer:0
		{"mode":"MPOL_LOCAL"} local
	END
	cfg '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1000"}'
	no 'linux.memoryPolicy: set MPOL_BIND for nodes "1000": ' create -b "$T/b" "$ID"
	cfg '.linux.memoryPolicy.flags = ["MPOL_F_STATIC_NODES"]'
	no 'linux.memoryPolicy: set MPOL_BIND for nodes "1000", flags MPOL_F_STATIC_NODES: ' create -b "$T/b" "$ID"
}

t_oom_score_below_the_callers() {
	echo 300 >/proc/self/oom_score_adj
	cfg '.process.oomScoreAdj = -5'
	prog /bin/cat /proc/self/oom_score_adj
	if [ "$MODE" = rootless ]; then
		go --keep
		eq 'kept' "$OUT" 300
		ok explain "$ID"
		has fallback "$OUT" 'process.oomScoreAdj -5: lowering it'
		ok delete "$ID"
	else
		U=(setpriv --bounding-set -sys_resource --inh-caps -sys_resource "${U[@]}")
		no "process.oomScoreAdj: -5 is below the caller's 300" create -b "$T/b" "$ID"
		has hint "$ERR" CAP_SYS_RESOURCE
	fi
}

t_time_offsets() {
	[ -e /proc/self/ns/time ] || skip 'no time namespaces'
	cfg '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {monotonic: {secs: 86400}, boottime: {secs: 172800, nanosecs: 5}}'
	prog /bin/cat /proc/uptime /proc/self/timens_offsets
	go
	[ "$(sed -n '1s/[. ].*//p' <<<"$OUT")" -ge 172800 ] || fail "uptime is $OUT"
	eq offsets "$(sed 1d <<<"$OUT" | tr -s ' \t\n' ' ')" 'monotonic 86400 0 boottime 172800 5 '
	if [ -n "$SUBUIDS" ]; then # no root that is the caller: the files of its processes are not the caller's
		[ "$MODE" = rootless ] || chown -R "${SUBUIDS%:*}" "$T/b/rootfs"
		cfg --argjson u "${SUBUIDS%:*}" --argjson n 1000 '.linux.uidMappings = [{containerID: 0, hostID: $u, size: $n}] |
			.linux.gidMappings = .linux.uidMappings | .linux.namespaces |= (map(select(.type != "user")) + [{type: "user"}])'
		go
		eq 'offsets of others' "$(sed 1d <<<"$OUT" | tr -s ' \t\n' ' ')" 'monotonic 86400 0 boottime 172800 5 '
	fi
	cfg 'del(.linux.namespaces[] | select(.type == "time"))'
	no linux.timeOffsets create -b "$T/b" "$ID"
}

t_sysctls() {
	cfg '.linux.sysctl = {"net.ipv4.ip_forward": "1", "net/ipv4/conf/lo/forwarding": "1", "kernel.shmmax": "1234567",
		"fs.mqueue.msg_max": "11", "kernel.domainname": "dom.example"}'
	script_ 'cd /proc/sys; cat net/ipv4/ip_forward net/ipv4/conf/lo/forwarding kernel/shmmax fs/mqueue/msg_max kernel/domainname'
	go
	eq sysctls "$(tr '\n' ' ' <<<"$OUT")" '1 1 1234567 11 dom.example '
	local key
	for key in kernel.hostname kernel.pid_max vm.swappiness net/../kernel/pid_max; do
		cfg --arg k "$key" '.linux.sysctl = {($k): "1"}'
		no linux.sysctl create -b "$T/b" "$ID"
	done
	cfg '.linux.sysctl = {"net.ipv4.no_such_thing": "1"}'
	no 'linux.sysctl["net.ipv4.no_such_thing"]' create -b "$T/b" "$ID"
	cfg '.linux.sysctl = {"kernel.shmmax": "1"} | del(.linux.namespaces[] | select(.type == "ipc"))'
	no 'needs a ipc namespace' create -b "$T/b" "$ID"
}

t_host_and_domain_name() {
	cfg '.hostname = "box" | .domainname = "example.org"'
	script_ 'hostname; cat /proc/sys/kernel/domainname'
	go
	eq names "$(tr '\n' ' ' <<<"$OUT")" 'box example.org '
	[ "$(uname -n)" != box ] || fail 'the host has the name now'
	cfg 'del(.linux.namespaces[] | select(.type == "uts"))'
	no hostname create -b "$T/b" "$ID"
}

t_umask() {
	script_ 'umask; mkdir /tmp/d; stat -c %a /tmp/d'
	cfg '.process.user.umask = 63'
	go
	eq umask "$(tr '\n' ' ' <<<"$OUT")" '0077 700 '
	rm -r "$T/b/rootfs/tmp/d"
	cfg '.process.user.umask = 0'
	go
	eq 'no bit' "$(tr '\n' ' ' <<<"$OUT")" '0000 777 '
	rm -r "$T/b/rootfs/tmp/d"
	cfg 'del(.process.user.umask)'
	(umask 077 && go)
	eq 'default umask' "$(tr '\n' ' ' <"$T/out")" '0022 755 '
}

t_keyring() {
	[ -e /proc/keys ] || skip 'needs /proc/keys'
	prog /bin/cat /proc/keys
	cfg '.linux.maskedPaths = []'
	go
	has keyring "$OUT" "$ID"
	ok run -b "$T/b" --no-new-keyring "$ID-2"
	hasnt keyring "$OUT" "$ID-2"
}

# As engines send it for the host's pid namespace: no fresh procfs can be had, and the container's is read-only.
t_sysctls_with_the_hosts_proc() {
	cfg '.linux.sysctl = {"net.ipv4.ping_group_range": "0 0"} | del(.linux.namespaces[] | select(.type == "pid"))
		| (.mounts[] | select(.destination == "/proc")) = {destination: "/proc", type: "bind", source: "/proc", options: ["rbind"]}
		| .linux.readonlyPaths = ["/proc/sys"]'
	sh_run 'cat /proc/sys/net/ipv4/ping_group_range; echo 1 2>/dev/null >/proc/sys/net/ipv4/ping_group_range || echo read-only'
	eq range "$(tr '\t\n' '  ' <<<"$OUT")" '0 0 read-only '
}

# A namespace that is joined by path, and is the caller's own or that of the first process.
t_the_hosts_namespaces_are_not_changed() {
	root_only 'namespaces of root'
	# shellcheck disable=SC2016 # for the shell inside
	OUT=$(unshare -uni bash -c '
		T=$1 && shift
		plain=$(<"$T/b/config.json")
		ttl() { cat /proc/sys/net/ipv4/ip_default_ttl; }
		before=$(ttl) name=$(uname -n) max=$(cat /proc/sys/kernel/msgmax)
		run() { jq --arg k "$1" --arg p "$2" "del(.hostname) | (.linux.namespaces[] | select(.type == \$k)).path = \$p | $3" <<<"$plain" >"$T/b/config.json"
			shift 3; "$@" 2>&1; echo "rc $?"; }
		run network /proc/self/ns/net ".linux.sysctl = {\"net.ipv4.ip_default_ttl\": \"77\"}" "$@"
		run uts /proc/self/ns/uts ".hostname = \"hijack\"" "$@"
		run uts /proc/self/ns/uts ".domainname = \"hijack\"" "$@"
		run ipc /proc/self/ns/ipc ".linux.sysctl = {\"kernel.msgmax\": \"4097\"}" "$@"
		run network /proc/self/ns/net . "$@"
		echo "$([ "$before $name $max" = "$(ttl) $(uname -n) $(cat /proc/sys/kernel/msgmax)" ] && echo unchanged)"
	' bash "$T" "${U[@]}" run -b "$T/b" "$ID")
	has all "$OUT" unchanged
	eq refused "$(grep -c "is the host's, which would change" <<<"$OUT")" 4
	eq 'results' "$(grep -c 'rc 0' <<<"$OUT")" 1
}

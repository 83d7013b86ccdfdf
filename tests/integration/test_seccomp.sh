# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Filters as a program of the container sees them.

profile() { # JSON
	cfg --argjson p "$1" '.linux.seccomp = $p'
}

NOTIFY='{"defaultAction":"SCMP_ACT_ALLOW","listenerMetadata":"some words","syscalls":[
	{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_NOTIFY"}]}'

agent() {
	python3 -c '' 2>/dev/null || skip "needs python3"
	mkfifo "$T/ready"
	USRUN_TEST=$ID python3 "$(dirname "${BASH_SOURCE[0]}")/seccomp_agent.py" "$T/agent" "$T/agent.json" >"$T/ready" 2>"$T/agent.err" &
	AGENT=$!
	read -r _ <"$T/ready"
	rm "$T/ready"
}

t_seccomp_agent() {
	agent
	profile "$NOTIFY"
	cfg --arg s "$T/agent" '.linux.seccomp.listenerPath = $s'
	script_ 'mkdir /tmp/x; echo status $?; [ -d /tmp/x ] || echo none'
	go
	has errno "$ERR" 'No message of desired type'
	has status "$OUT" 'status 1'
	has directory "$OUT" none
	wait "$AGENT" || fail "agent: $(cat "$T/agent.err")"
	eq status "$(jq -r .state.status "$T/agent.json")" creating
	eq id "$(jq -r .state.id "$T/agent.json")" "$ID"
	eq descriptors "$(jq -c .fds "$T/agent.json")" '["seccompFd"]'
	eq metadata "$(jq -r .metadata "$T/agent.json")" 'some words'
	[ "$(jq .pid "$T/agent.json")" -gt 1 ] || fail "pid: $(cat "$T/agent.json")"
	eq versions "$(jq -r '[.ociVersion, .state.ociVersion] | unique | join(" ")' "$T/agent.json")" 1.3.0
}

t_seccomp_agent_of_annotation() {
	agent
	profile "$NOTIFY"
	cfg --arg s "$T/agent" 'del(.linux.seccomp.listenerMetadata) | .annotations["run.oci.seccomp.receiver"] = $s | .process.noNewPrivileges = false'
	script_ 'mkdir /tmp/x; echo status $?'
	go
	has status "$OUT" 'status 1'
	wait "$AGENT" || fail "agent: $(cat "$T/agent.err")"
}

t_seccomp_agent_for_exec() {
	profile "$NOTIFY"
	cfg --arg s "$T/agent" '.linux.seccomp.listenerPath = $s'
	agent
	up
	kill "$AGENT"
	wait "$AGENT" || true
	rm -f "$T/agent" "$T/agent.json" # it may have been ended before it wrote
	agent
	inside /bin/sh -c 'mkdir /tmp/x; echo status $?'
	has status "$OUT" 'status 1'
	wait "$AGENT" || fail "agent: $(cat "$T/agent.err")"
	eq status "$(jq -r .state.status "$T/agent.json")" running
	eq pid "$(jq -r .state.pid "$T/agent.json")" "$PID"
	down
}

t_seccomp_agent_missing() {
	profile "$NOTIFY"
	no 'listenerPath' run -b "$T/b" "$ID"
	cfg --arg s "$T/agent" '.linux.seccomp.listenerPath = $s'
	no 'connect to the agent' run -b "$T/b" "$ID"
}

# Nobody has to listen where no rule asks.
t_seccomp_agent_of_no_rule() {
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}'
	cfg '.linux.seccomp.listenerPath = "/no/such/agent"'
	script_ 'mkdir /tmp/x 2>&1; echo status $?'
	go
	has status "$OUT" 'status 1'
	has 'default errno' "$OUT" 'Operation not permitted'
}

t_seccomp_flags() {
	local flag flags
	ok features
	flags=$(jq -r '.linux.seccomp.supportedFlags[]' <<<"$OUT")
	prog /bin/grep Seccomp: /proc/self/status
	for flag in $flags; do
		profile "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"$flag\"]}"
		go
		eq "$flag" "$OUT" $'Seccomp:\t2'
	done
	has flags "$flags" SECCOMP_FILTER_FLAG_LOG
}

t_seccomp_unknown_names() {
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["no_such_call"],"action":"SCMP_ACT_ERRNO"}]}'
	up
	ok explain "$ID"
	has explain "$OUT" no_such_call
	down
	ok check "$T/b"
	has check "$OUT" 'dropped: linux.seccomp.syscalls: skipped system calls that are unknown here: no_such_call'
	cfg '.annotations["run.oci.seccomp_fail_unknown_syscall"] = "1"'
	no no_such_call run -b "$T/b" "$ID"
	R check "$T/b"
	has 'check where it is forbidden' "$OUT" ': impossible: linux.seccomp.syscalls: skipped system calls'
}

# ld [0]; jeq #mkdir: errno 1; allow: for x86-64 only, where mkdir is number 83.
t_seccomp_raw_program() {
	[ "$(uname -m)" = x86_64 ] || skip "the program is for x86-64"
	cfg '.annotations["run.oci.seccomp_bpf_data"] = "IAAAAAAAAAAVAAABUwAAAAYAAAABAAUABgAAAAAA/38="'
	script_ 'mkdir /tmp/x; echo status $?; grep Seccomp: /proc/self/status'
	go
	has status "$OUT" 'status 1'
	has filter "$OUT" $'Seccomp:\t2'
	cfg '.annotations["run.oci.seccomp_bpf_data"] = "no base64!"'
	no seccomp_bpf_data run -b "$T/b" "$ID"
}

t_labels_without_lsm() {
	[ "$(cat /sys/kernel/security/lsm 2>/dev/null)" = '' ] && [ ! -e /sys/module/apparmor ] ||
		skip "this host has security modules"
	cfg '.process.apparmorProfile = "some-profile" | .process.selinuxLabel = "some:label" | .linux.mountLabel = "some:label"'
	up
	ok explain "$ID"
	has explain "$OUT" 'this host has no AppArmor'
	has explain "$OUT" 'process.selinuxLabel'
	has explain "$OUT" 'linux.mountLabel'
	down
}

# Its filter is loaded before the ids change, and the runtime looks at its own directory after that.
t_seccomp_early_filter_without_getcwd() {
	many_ids
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["getcwd"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}'
	cfg '.process.noNewPrivileges = false | .process.cwd = "/tmp" | .process.user = {uid: 1000, gid: 1000}'
	prog /bin/ls /proc/self/cwd/../bin/ls
	go
	up
	inside /bin/grep Seccomp: /proc/self/status
	has filter "$OUT" $'Seccomp:\t2'
	down
}

# Of capabilities access(2) takes only root's into account.
t_seccomp_old_profile_and_capabilities() {
	root_only 'of a user the file would be the own one'
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["faccessat2"],"action":"SCMP_ACT_ERRNO"}]}'
	cp /bin/busybox "$T/b/rootfs/bin/id"
	chmod 700 "$T/b/rootfs/bin/id"
	cfg '.process.noNewPrivileges = false | .process.user = {uid: 1000, gid: 1000} | .process.capabilities |=
		(map_values(["CAP_DAC_OVERRIDE"]) + {bounding: ["CAP_DAC_OVERRIDE"], effective: ["CAP_DAC_OVERRIDE"], permitted: ["CAP_DAC_OVERRIDE"],
		inheritable: ["CAP_DAC_OVERRIDE"], ambient: ["CAP_DAC_OVERRIDE"]})'
	prog id -u
	go
	eq user "$OUT" 1000
	chmod 600 "$T/b/rootfs/bin/id"
	no 'permission denied' run -b "$T/b" "$ID"
}

# A profile that is older than these calls, with EPERM for what it does not know.
t_seccomp_early_filter_of_old_profile() {
	local leaked pid
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["faccessat2","close_range"],"action":"SCMP_ACT_ERRNO"}]}'
	cfg '.process.noNewPrivileges = false |
		.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "ls /proc/self/fd > /tmp/hook"]}]'
	exec {leaked}<"$T/b/config.json"
	script_ 'ls /proc/self/fd; cat /tmp/hook'
	go
	eq descriptors "$(xargs <<<"$OUT")" '0 1 2 3 0 1 2 3' # the fourth is the directory that ls reads
	ok create -b "$T/b" --pid-file "$T/pid" "$ID"
	pid=$(<"$T/pid")
	[ "$MODE" = rootless ] || soon has_fds "$pid" 4 || fail "the waiting init has $(ls -l "/proc/$pid/fd")"
	ok delete --force "$ID"
	exec {leaked}<&-
	cp /bin/busybox "$T/b/rootfs/bin/no-x-bit"
	chmod 644 "$T/b/rootfs/bin/no-x-bit"
	prog no-x-bit
	no '"/bin/no-x-bit": permission denied' run -b "$T/b" "$ID"
}

# A hook of the image is no way around the filter.
t_seccomp_binds_start_hooks() {
	local flag
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_KILL"}]}'
	prog /bin/true
	for flag in false true; do
		cfg --argjson f "$flag" '.process.noNewPrivileges = $f |
			.hooks.startContainer = [{path: "/bin/mkdir", args: ["mkdir", "/tmp/made"]}]'
		no 'startContainer hook #0 (/bin/mkdir): killed by signal 31' run -b "$T/b" "$ID"
		[ ! -e "$T/b/rootfs/tmp/made" ] || fail "noNewPrivileges $flag: the hook made its directory"
	done
}

# An agent that refuses what the runtime itself talks by: only sendmmsg is left to it.
t_seccomp_agent_refuses_sendmsg() {
	agent
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat","sendmsg"],"action":"SCMP_ACT_NOTIFY"}]}'
	cfg --arg s "$T/agent" '.linux.seccomp.listenerPath = $s'
	script_ 'mkdir /tmp/x; echo status $?'
	go
	has status "$OUT" 'status 1'
	wait "$AGENT" || fail "agent: $(cat "$T/agent.err")"
}

# Under the filter from early on, and the limits of a caller without CAP_SYS_RESOURCE are init's own to set.
t_seccomp_agent_and_own_limits() {
	agent
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_NOTIFY"},
		{"names":["prlimit64","setrlimit"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}'
	cfg --arg s "$T/agent" '.linux.seccomp.listenerPath = $s |
		.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 200, hard: 300}] | .process.noNewPrivileges = true'
	prog /bin/cat /proc/self/limits
	[ "$MODE" = rootless ] || U=(setpriv --bounding-set -sys_resource --inh-caps -sys_resource "${U[@]}")
	go
	eq nofile "$(awk '/^Max open files/ {print $4, $5}' <<<"$OUT")" '200 300'
	wait "$AGENT" || fail "agent: $(cat "$T/agent.err")"
}

# The filter is there before the process of an exec is, except where its profile would not let us make one.
t_seccomp_and_the_clone_of_exec() {
	local answer status='grep -E "^(CapPrm|Seccomp):" /proc/self/status'
	cfg '.process.noNewPrivileges = false'
	for answer in '"SCMP_ACT_ERRNO","errnoRet":1' '"SCMP_ACT_ERRNO","errnoRet":38' '"SCMP_ACT_KILL_PROCESS"'; do
		profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["clone","clone3","fork","vfork"],"action":'"$answer"'}]}'
		prog /bin/sleep 1000
		ok run -d -b "$T/b" "$ID"
		inside /bin/sh -c "exec $status"
		has "$answer" "$OUT" "$(printf 'Seccomp:\t2')"
		eq "capabilities with $answer" "$(grep CapPrm <<<"$OUT")" "$(grep CapPrm "/proc/$("${U[@]}" state "$ID" | jq .pid)/status")"
		down
	done
}

t_seccomp_agent_for_exec_in_created() {
	root_only "the init of a created container cannot be joined by a user"
	profile "$NOTIFY"
	cfg --arg s "$T/agent" '.linux.seccomp.listenerPath = $s'
	agent
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	kill "$AGENT"
	wait "$AGENT" || true
	rm -f "$T/agent" "$T/agent.json" # it may have been ended before it wrote
	agent
	inside /bin/true
	wait "$AGENT" || fail "agent: $(cat "$T/agent.err")"
	eq status "$(jq -r .state.status "$T/agent.json")" created
	down
}

t_seccomp_many_unknown_names() {
	profile "$(jq -n '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: [range(60) | "no_such_\(.)_"], action: "SCMP_ACT_ERRNO"}]}')"
	up
	ok explain "$ID"
	has first "$OUT" no_such_0_
	has last "$OUT" no_such_59_
	down
}

# ld [0]; jeq #mkdir: ask the agent; allow.
t_seccomp_raw_program_with_agent() {
	[ "$(uname -m)" = x86_64 ] || skip "the program is for x86-64"
	cfg '.annotations["run.oci.seccomp_bpf_data"] = "IAAAAAAAAAAVAAABUwAAAAYAAAAAAMB/BgAAAAAA/38="'
	no 'listenerPath is not set' run -b "$T/b" "$ID"
	agent
	cfg --arg s "$T/agent" '.annotations["run.oci.seccomp.receiver"] = $s'
	script_ 'mkdir /tmp/x; echo status $?'
	go
	has errno "$ERR" 'No message of desired type'
	has status "$OUT" 'status 1'
	wait "$AGENT" || fail "agent: $(cat "$T/agent.err")"
	eq status "$(jq -r .state.status "$T/agent.json")" creating
}

# The filter comes before usrun has let go of the process, which would then die with usrun, and nobody would know.
t_seccomp_that_refuses_prctl() {
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["prctl"],"action":"SCMP_ACT_ERRNO",
		"args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"}]}]}'
	cfg '.process.noNewPrivileges = false'
	prog /bin/sleep 1000
	no 'outlive usrun' run -d -b "$T/b" "$ID"
	has hint "$ERR" noNewPrivileges
	cfg '.process.noNewPrivileges = true'
	up
	is running
	down
}

# Nobody would hear of it once init waits.
t_seccomp_filter_that_forbids_to_wait() {
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["accept4"],"action":"SCMP_ACT_ERRNO"}]}'
	cfg '.process.noNewPrivileges = false'
	prog /bin/true
	go
	no 'linux.seccomp: accept4' create -b "$T/b" "$ID"
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["accept4"],"action":"SCMP_ACT_KILL_PROCESS"}]}'
	no 'exited without an error message' create -b "$T/b" "$ID"
}

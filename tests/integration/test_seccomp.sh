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
	python3 "$(dirname "${BASH_SOURCE[0]}")/seccomp_agent.py" "$T/agent" "$T/agent.json" >"$T/ready" 2>"$T/agent.err" &
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
	rm "$T/agent" "$T/agent.json"
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

t_seccomp_unknown_names() {
	profile '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["no_such_call"],"action":"SCMP_ACT_ERRNO"}]}'
	up
	ok explain "$ID"
	has explain "$OUT" no_such_call
	down
	cfg '.annotations["run.oci.seccomp_fail_unknown_syscall"] = "1"'
	no no_such_call run -b "$T/b" "$ID"
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
	cfg '.process.apparmorProfile = "some-profile"'
	up
	ok explain "$ID"
	has explain "$OUT" 'this host has no AppArmor'
	down
}

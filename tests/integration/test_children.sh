# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Processes that a start has made, and those that it has not.

# Whoever executes usrun may have left it children: they are neither waited for nor ended, and the failure of a
# start does not depend on them.
t_a_child_of_the_caller_is_left_alone() {
	prog /bin/true
	cfg '.linux.namespaces |= map(if .type == "uts" then .path = "/proc/self/ns/net" else . end)'
	RC=0
	bash -c 'sleep 1000 >/dev/null 2>&1 & echo $! >"$1"; shift; exec "$@"' - "$T/other" \
		timeout 120 "${U[@]}" run -b "$T/b" "$ID" >"$T/out" 2>"$T/err" </dev/null || RC=$?
	ERR=$(<"$T/err")
	eq 'exit status, 124 if it waits for a child that is not its own' "$RC" 1
	has error "$ERR" 'linux.namespaces: join the uts namespace'
	kill "$(<"$T/other")" || fail "it ended a child that is not its own"
	no 'container does not exist' state "$ID"
}

# What the caller of `run` sends while a hook of the host hangs ends the start, and everything is taken back.
t_a_signal_ends_a_start() {
	local signal rc
	cfg '.hooks.createRuntime = [{path: "/bin/sleep", args: ["sleep", "1000"]}]'
	prog /bin/true
	for signal in TERM INT; do
		# shellcheck disable=SC2016 # for the inner shell, which does not ignore SIGINT as one in the background does
		env --default-signal=INT "${U[@]}" run -b "$T/b" --pid-file "$T/pid" "$ID" >"$T/out" 2>"$T/err" </dev/null &
		soon pgrep -P $! -x sleep >/dev/null || fail "the hook does not run"
		kill -$signal $!
		rc=0
		wait $! || rc=$?
		eq "exit status after $signal" $rc $((128 + $(kill -l $signal)))
		no 'container does not exist' state "$ID"
		[ ! -e "$T/pid" ] || fail "a pid file is left"
	done
}

# A channel that ends is no success: the program has not been executed.
t_a_death_in_exec_is_a_failure() {
	prog /bin/sleep 1000
	cfg '.process.noNewPrivileges = true | .linux.seccomp =
		{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["execve"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	no 'killed by signal 31 (SIGSYS)' run -b "$T/b" "$ID"
	no 'container does not exist' state "$ID"
	no 'killed by signal 31 (SIGSYS)' run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	[ ! -e "$T/pid" ] || fail "a pid file is left"
	no 'container does not exist' state "$ID"
	ok create -b "$T/b" "$ID"
	R start "$ID"
	# Who has reaped it first, so that nobody can tell, is the first process of this system.
	[ "$RC" = 0 ] || has error "$ERR" 'its init was killed meanwhile'
	soon is stopped
	down
}

# An exec of a profile that kills it.
t_a_death_in_exec_of_exec_is_a_failure() {
	up
	jq '.process.noNewPrivileges = true | .linux.seccomp =
		{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["execve"], action: "SCMP_ACT_KILL_PROCESS"}]}' \
		"$T/b/config.json" >"$T/new.json"
	STATE_DIR=$(STATE_OF)/$ID
	cp "$T/new.json" "$STATE_DIR/config.json"
	no 'killed by signal 31 (SIGSYS)' exec "$ID" /bin/true
	no 'killed by signal 31 (SIGSYS)' exec -d --pid-file "$T/exec.pid" "$ID" /bin/true
	[ ! -e "$T/exec.pid" ] || fail "a pid file is left"
	down
}

# A process that is cloned into a pid namespace of others is closed to them from its first moment on.
t_a_newcomer_in_a_pod_is_hidden() {
	local user=
	up
	cfg --arg ns "/proc/$PID/ns" '.linux.namespaces |= map(if .type == "pid" then .path = $ns + "/pid" else . end)'
	[ "$MODE" = root ] || user=".linux.namespaces |= map(if .type == \"user\" then .path = \"/proc/$PID/ns/user\" else . end) |
		del(.linux.uidMappings, .linux.gidMappings)"
	[ -z "$user" ] || cfg "$user"
	prog /bin/true
	strace -f -qq -o "$T/trace" -e trace=prctl,clone3 "${U[@]}" run -b "$T/b" "$ID-2" >"$T/out" 2>"$T/err" ||
		fail "run: $(<"$T/err")"
	# The second process that clones is the stager; what it passes cannot be read any more.
	awk '/SUID_DUMP_DISABLE/ { hidden[$1] = 1 } /clone3\(/ && !first { first = $1 }
		/clone3\(/ && $1 != first { made = 1; if (!($1 in hidden)) exit 1 } END { exit !made }' "$T/trace" ||
		fail "it can be traced when it is cloned: $(grep -E "DUMP|clone3" "$T/trace")"
	down
}

# What the command has open on the host is closed before a process of exec is where others may trace it.
t_exec_takes_no_descriptor_along() {
	up
	strace -f -qq -y -o "$T/trace" -e trace=setns,close_range,clone3 "${U[@]}" exec "$ID" /bin/true >"$T/out" 2>"$T/err" ||
		fail "exec: $(<"$T/err")"
	awk '/close_range\(/ { last[$1] = $0 } /setns\(/ { joined = 1; if (last[$1] !~ /, 4294967295, 0\)/) exit 1 } END { exit !joined }' \
		"$T/trace" || fail "descriptors stay open: $(<"$T/trace")"
	down
}

# What process $1 has open, but for stdio: one link a line.
opened() {
	local fd
	for fd in $(find "/proc/$1/fd" -mindepth 1 -printf '%f\n' 2>/dev/null); do
		[ "$fd" -le 2 ] || readlink "/proc/$1/fd/$fd" || true
	done
}

has_socket_alone() { # PID: which closes what it has spoken to create by just when that ends
	[[ "$(opened "$1")" =~ ^socket:\[[0-9]+\]$ ]]
}

# A number that the caller has passed nothing by is not the container's: what we opened may be there.
t_waiting_init_has_its_socket_alone() {
	local n
	prog /bin/true
	for n in 0 4 40; do
		"${U[@]}" create --preserve-fds "$n" --pid-file "$T/pid" -b "$T/b" "$ID" </dev/null >"$T/out" 2>"$T/err" 10<&- 11<&- || fail "$(<"$T/err")"
		soon has_socket_alone "$(<"$T/pid")" || fail "--preserve-fds $n: $(opened "$(<"$T/pid")")"
		ok start "$ID"
		soon is stopped
		ok delete "$ID"
	done
	RC=0
	prog /bin/sh -c 'exec ls /proc/self/fd'
	OUT=$("${U[@]}" run --preserve-fds 4 -b "$T/b" "$ID" 5</etc/passwd 2>&1) || fail "$OUT"
	eq 'descriptors of the program' "$(tr '\n' ' ' <<<"$OUT")" '0 1 2 3 5 '
}

# At a hook of the runtime init waits with nothing of the state, nor of what the parent has open else.
t_init_at_a_hook_has_its_own_alone() {
	root_only "a user's hook may not look at init, which is not dumpable"
	printf '#!/bin/sh\npid=$(grep -o "\\"pid\\": *[0-9]*" | tr -dc 0-9)\nreadlink /proc/$pid/fd/* >%s\nreadlink /proc/self/fd/* >%s\nexit 0\n' \
		"$T/of-init" "$T/of-hook" >"$T/hook"
	chmod 755 "$T/hook"
	cfg --arg h "$T/hook" '.hooks = {createRuntime: [{path: $h}]}'
	prog /bin/true
	ok --log "$T/log" run --preserve-fds 9 -b "$T/b" "$ID"
	[ -s "$T/of-init" ] || fail 'the hook saw nothing'
	hasnt 'descriptors of init' "$(<"$T/of-init")" "$(STATE_OF)"
	hasnt 'descriptors of init' "$(<"$T/of-init")" "$T/log"
	hasnt 'descriptors of init' "$(<"$T/of-init")" '[signalfd]'
	hasnt 'descriptors of init' "$(<"$T/of-init")" '[pidfd]'
	hasnt 'descriptors of the hook' "$(<"$T/of-hook")" "$(STATE_OF)"
	hasnt 'descriptors of the hook' "$(<"$T/of-hook")" "$T/log"
}

# The caller's words are nobody's inside; a title says what the process is.
t_waiting_init_shows_a_title() {
	prog /bin/true
	CALLER=secret "${U[@]}" create --pid-file "$T/pid" -b "$T/b" "$ID" </dev/null >"$T/out" 2>"$T/err" || fail "$(<"$T/err")"
	eq 'command line' "$(tr -d '\0' <"/proc/$(<"$T/pid")/cmdline")" "usrun:[init] $ID"
	[ "$MODE" = rootless ] || eq environment "$(tr -d '\0' <"/proc/$(<"$T/pid")/environ")" ''
	down
}

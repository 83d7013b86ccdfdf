# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# checkpoint and restore. USRUN_CRIU names a criu that works here (tests/migrate/fetch gets one); else that of PATH.

# CRIU is needed, and has to work on this kernel.
need_criu() {
	root_only 'CRIU needs root'
	local criu=${USRUN_CRIU:-criu} version
	version=$("$criu" --version 2>/dev/null) || skip 'needs criu'
	version=${version#Version: }
	[ "${version%%.*}" -ge 4 ] 2>/dev/null || skip "needs criu 4, this is $version"
	"$criu" check >"$T/check" 2>&1 || skip "criu does not work on this kernel: $(tail -n 1 "$T/check")"
	U+=(--criu "$criu")
	mkdir "$T/b/rootfs/run"
}

# A container that counts, a line every 20 ms, into a file of the rootfs.
counter() { # [JQ...]
	[ $# = 0 ] || cfg "$@"
	# shellcheck disable=SC2016
	prog /bin/sh -c 'i=0; while :; do i=$((i + 1)); echo $i >>/tmp/n; sleep 0.02; done'
	"${U[@]}" run -d -b "$T/b" "$ID" >>"$T/log" 2>&1 </dev/null || fail "run: $(cat "$T/log")"
	soon counted 3
}

in_a_user_namespace() {
	chown -R 100000:100000 "$T/b/rootfs"
	cfg '.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
}

lines() { { cat "$T/b/rootfs/tmp/n" 2>/dev/null || true; } | wc -l; }
counted() { [ "$(lines)" -gt "$1" ]; } # N
none_missing() {
	local numbers
	numbers=$(cat "$T/b/rootfs/tmp/n")
	eq 'numbers counted' "$numbers" "$(seq "$(wc -l <<<"$numbers")")"
}

pid_of() {
	ok state "$ID"
	jq .pid <<<"$OUT"
}

groups_of() { sort "/proc/$1/cgroup"; } # PID
mounts_of() { cut -d ' ' -f 4-6 "/proc/$1/mountinfo" | sort; } # PID

t_checkpoint_and_restore() {
	need_criu
	local groups mounts pid
	mkdir "$T/vol"
	# Two mounts of one directory, of which one is read-only.
	counter --arg v "$T/vol" '.mounts += [
		{destination: "/run/rw", type: "bind", source: $v, options: ["bind", "rw"]},
		{destination: "/run/ro", type: "bind", source: $v, options: ["bind", "ro", "nosuid"]}] |
		.linux.resources.pids.limit = 20'
	pid=$(pid_of)
	groups=$(groups_of "$pid") mounts=$(mounts_of "$pid")
	ok checkpoint --image-path "$T/img" "$ID"
	no 'container does not exist' state "$ID"
	none_missing
	local before
	before=$(lines)
	"${U[@]}" restore -d -b "$T/b" --image-path "$T/img" --work-path "$T/work" --pid-file "$T/pid" -no-subreaper "$ID" \
		>>"$T/log" 2>&1 </dev/null || fail "restore: $(cat "$T/log")"
	pid=$(pid_of)
	eq 'pid file' "$(cat "$T/pid")" "$pid"
	soon counted $((before + 2))
	none_missing
	eq cgroups "$(groups_of "$pid")" "$groups"
	eq mounts "$(mounts_of "$pid")" "$mounts"
	inside cat /proc/self/cgroup
	eq 'cgroup namespace' "$(cut -d : -f 3 <<<"$OUT" | sort -u)" /
	no 'Read-only file system' exec "$ID" touch /run/ro/file
	inside touch /run/rw/file
	eq 'standard input' "$(readlink "/proc/$pid/fd/0")" /dev/null
	eq 'standard output' "$(readlink "/proc/$pid/fd/1")" "$T/log"
	ok pause "$ID"
	eq status "$(status)" paused
	ok resume "$ID"
	# What was restored can be checkpointed again.
	before=$(lines)
	ok checkpoint --image-path "$T/img2" --leave-running "$ID"
	eq status "$(status)" running
	soon counted $((before + 2))
	ok checkpoint --image-path "$T/img3" "$ID"
	ok restore -d -b "$T/b" --image-path "$T/img3" "$ID"
	before=$(lines)
	soon counted $((before + 2))
	none_missing
	ok kill "$ID" KILL
	soon is stopped
	ok delete "$ID"
}

# In the foreground it ends with the status of the process; below another state directory it is another host's.
t_restore_in_the_foreground() {
	need_criu
	counter
	ok checkpoint --image-path "$T/img" "$ID"
	local rc=0 other=("$USRUN" --root "$T/other" --criu "${USRUN_CRIU:-criu}")
	"${other[@]}" restore -b "$T/b" --image-path "$T/img" "$ID-2" >>"$T/log" 2>>"$T/log" </dev/null &
	soon sh -c '"$@" 2>/dev/null | grep -q running' sh "${other[@]}" state "$ID-2"
	"${other[@]}" kill "$ID-2" KILL
	wait $! || rc=$?
	eq status "$rc" 137
	eq 'standard error' "$(cat "$T/log")" ''
	eq 'state directory' "$(ls "$T/other")" ''
}

t_checkpoint_of_a_paused_container() {
	need_criu
	counter
	ok pause "$ID"
	ok checkpoint --image-path "$T/img" --leave-running "$ID"
	eq status "$(status)" paused
	ok checkpoint --image-path "$T/img" "$ID"
	ok restore -d -b "$T/b" --image-path "$T/img" "$ID"
	eq status "$(status)" running
	local before
	before=$(lines)
	soon counted "$before"
	down
}

t_restore_runs_hooks() {
	need_criu
	local kind
	for kind in prestart createRuntime poststart poststop; do
		cfg --arg k $kind --arg t "$T" '.hooks[$k] = [{path: "/bin/sh",
			args: ["sh", "-c", "echo \($k) $(grep -o \"\\\"pid\\\":[0-9]*\") >>\($t)/hooks"]}]'
	done
	counter
	ok checkpoint --image-path "$T/img" "$ID"
	eq 'hooks of a checkpoint' "$(cut -d ' ' -f 1 "$T/hooks" | xargs)" 'prestart createRuntime poststart poststop'
	rm "$T/hooks"
	ok restore -d -b "$T/b" --image-path "$T/img" "$ID"
	local pid
	pid=$(pid_of)
	eq hooks "$(tr -d '"' <"$T/hooks" | xargs)" "prestart pid:$pid createRuntime pid:$pid poststart pid:$pid"
	down
	cfg '.hooks.createRuntime[0].args[2] = "echo no >&2; exit 3"'
	no 'createRuntime' restore -d -b "$T/b" --image-path "$T/img" "$ID"
	no 'container does not exist' state "$ID"
}

exec_finds_connection() { "${U[@]}" exec "$ID" cat /proc/net/tcp 2>/dev/null | grep -q ' 01 '; }

t_checkpoint_that_fails_leaves_it_running() {
	need_criu
	# A connection, which is not kept without being asked for.
	prog /bin/sh -c '/bin/busybox nc -l -p 5000 -e /bin/sleep 1000 & sleep 0.1
		while ! /bin/busybox nc 127.0.0.1 5000 </dev/zero; do sleep 0.05; done'
	"${U[@]}" run -d -b "$T/b" "$ID" >>"$T/log" 2>&1 </dev/null || fail "run: $(cat "$T/log")"
	soon exec_finds_connection
	no 'Connected TCP socket' checkpoint --image-path "$T/img" "$ID"
	has 'the log' "$ERR" "$T/img/dump.log"
	has 'a hint' "$ERR" '--tcp-established'
	eq status "$(status)" running
	soon exec_finds_connection
	ok checkpoint --image-path "$T/img" --tcp-established "$ID"
	# The images are damaged: nothing is restored, and nothing stays.
	cp -r "$T/img" "$T/bad"
	rm "$T"/bad/core-*.img
	no 'criu:' restore -d -b "$T/b" --image-path "$T/bad" --tcp-established "$ID"
	has 'the log' "$ERR" "$T/bad/restore.log"
	hasnt 'a reserved word' "${ERR,,}" 'no such file or directory'
	no 'container does not exist' state "$ID"
	ok restore -d -b "$T/b" --image-path "$T/img" --tcp-established "$ID"
	eq status "$(status)" running
	down
}

moves_to_another_terminal() { # HOW
	need_criu
	command -v python3 >/dev/null || skip 'needs python3'
	[ "$1" = shell-job ] || cfg '.process.terminal = true'
	prog /bin/sh
	python3 "$(dirname "${BASH_SOURCE[0]}")/checkpoint.py" "$1" "$T" "$ID" "${U[@]}" || fail 'the terminal is not the same again'
}

t_checkpoint_with_a_terminal() {
	moves_to_another_terminal socket
	down
}
t_checkpoint_terminal_of_a_user_namespace() {
	root_only 'CRIU needs root'
	in_a_user_namespace
	moves_to_another_terminal socket
	down
}
t_checkpoint_in_the_foreground() { moves_to_another_terminal foreground; }
t_checkpoint_shell_job() { moves_to_another_terminal shell-job; }

t_checkpoint_needs_criu() {
	no 'is not installed' --criu nosuchcriu checkpoint --help
	has 'the options all the same' "$OUT" --leave-running
	no 'is not installed' --criu nosuchcriu restore --help
	no '--criu: execute /nonexistent' --criu /nonexistent checkpoint --help
	ok --criu /bin/busybox checkpoint --help
	has help "$OUT" --leave-running
	ok --criu nosuchcriu --version
	hasnt version "$OUT" +CRIU
	ok --criu /bin/busybox --version
	has version "$OUT" +CRIU
	ok --criu nosuchcriu features
	eq features "$(jq -r '.annotations."org.opencontainers.runc.checkpoint.enabled"' <<<"$OUT")" false
	ok --criu /bin/busybox features
	eq features "$(jq -r '.annotations."org.opencontainers.runc.checkpoint.enabled"' <<<"$OUT")" true
	no 'flag needs an argument' --criu /bin/busybox restore --lsm-mount-context
	# Something else than criu.
	up
	local words='criu exited without an answer'
	[ "$MODE" = root ] || words='criu cannot checkpoint for this user: it needs CAP_SYS_ADMIN'
	no "$words" --criu /bin/true checkpoint --image-path "$T/img" "$ID"
	eq status "$(status)" running
	# One that says at length why it does not start.
	{
		echo '#!/bin/sh'
		printf 'echo "Error (criu/sockets.c:216): sockets: Diag module missing (-%s)" >&2\n' 1 2 3 4 5 6 7 8 9
		echo 'echo "Error (criu/kerndat.c:1922): kerndat_has_nftables_concat failed when initializing kerndat." >&2'
	} >"$T/criu"
	chmod 755 "$T/criu"
	[ "$MODE" != root ] || no 'modprobe nf_tables' --criu "$T/criu" checkpoint --image-path "$T/img" "$ID"
	no '--manage-cgroups-mode: expected one of' --criu /bin/true checkpoint --manage-cgroups-mode none "$ID"
	[ "$MODE" != root ] || words='--parent-path: expected a path relative'
	no "$words" --criu /bin/true checkpoint --image-path "$T/img" --parent-path /abs "$ID"
	down
	ok create -b "$T/b" "$ID"
	no 'container cannot be checkpointed in created state' --criu /bin/true checkpoint --image-path "$T/img" "$ID"
	[ "$MODE" != root ] || no 'container with given ID already exists' --criu /bin/true restore -d -b "$T/b" --image-path "$T/img" "$ID"
	down
	no "--image-path: open the directory \"$T/none/img\"" --criu /bin/true restore -d -b "$T/b" --image-path "$T/none/img" --work-path "$T/none/work" "$ID"
	[ ! -e "$T/none" ] || fail 'restore has made a directory'
	words='criu exited without an answer'
	[ "$MODE" = root ] || words='it needs CAP_SYS_ADMIN'
	no "$words" --criu /bin/true restore -d -b "$T/b" --image-path "$T/img" "$ID"
	no 'container does not exist' state "$ID"
}

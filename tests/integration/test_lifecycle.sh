# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Which operation is legal when, in the words that clients match; and what happens around hooks.

can_pause() { "${U[@]}" pause "$ID" 2>/dev/null && "${U[@]}" resume "$ID"; }

t_unknown_container() {
	local op
	for op in state start pause resume ps delete 'kill ID KILL'; do
		# shellcheck disable=SC2086 # words
		set -- ${op/ID/$ID}
		[ $# -gt 1 ] || set -- "$1" "$ID"
		no 'container does not exist' "$@"
		eq "status of $op" "$RC" 1
	done
	no 'exec failed: container does not exist' exec "$ID" true
	eq 'status of exec' "$RC" 255
	ok delete --force "$ID"
}

t_id_in_use() {
	up
	no 'container with given ID already exists' create -b "$T/b" --pid-file "$T/pid" "$ID"
	eq 'the pid file of the first' "$(<"$T/pid")" "$PID"
	eq status "$(status)" running
	down
}

t_wrong_state() {
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	no 'container with given ID already exists' create -b "$T/b" "$ID"
	no 'container not paused' resume "$ID"
	ok start "$ID"
	no 'cannot start an already running container' start "$ID"
	no "cannot delete container $ID that is not stopped: running" delete "$ID"
	no 'container not paused' resume "$ID"
	if can_pause; then
		ok pause "$ID"
		eq status "$(status)" paused
		no 'cannot start a container in the paused state' start "$ID"
		no "cannot delete container $ID that is not stopped: paused" delete "$ID"
		no 'cannot exec in a paused container (use --ignore-paused to override)' exec "$ID" true
		no 'container not running' pause "$ID"
		ok resume "$ID"
	fi
	ok kill "$ID" KILL
	soon is stopped
	no 'container with given ID already exists' create -b "$T/b" "$ID"
	no 'cannot start a container that has stopped' start "$ID"
	no 'container not running' kill "$ID" KILL
	no 'container not running' pause "$ID"
	no 'cannot exec in a stopped container' exec "$ID" true
	ok state "$ID"
	eq pid "$(jq .pid <<<"$OUT")" 0
	ok delete "$ID"
	no 'container does not exist' delete "$ID"
}

t_create_without_a_process() {
	cfg 'del(.process)'
	ok create -b "$T/b" "$ID"
	eq status "$(status)" created
	no 'config.json: process: missing' start "$ID"
	soon is stopped
	ok delete "$ID"
	no 'config.json: process: needed' run -b "$T/b" "$ID"
}

# What was made is what is run: later changes of the bundle do not count.
t_config_changes_after_create() {
	local point
	for point in poststart poststop; do
		cfg --arg p "$point" --arg t "$T" '.hooks[$p] = [{path: "/bin/sh", args: ["sh", "-c", "echo first > \($t)/\($p)"]}]'
	done
	cfg '.process.env += ["WHICH=first"]'
	script_ 'echo $WHICH > /tmp/ran; exec sleep 1000'
	ok create -b "$T/b" "$ID"
	echo '{}' >"$T/b/config.json"
	ok start "$ID"
	soon test -s "$T/b/rootfs/tmp/ran"
	eq program "$(<"$T/b/rootfs/tmp/ran")" first
	eq poststart "$(<"$T/poststart")" first
	rm "$T/b/config.json"
	inside /bin/sh -c 'echo $WHICH'
	eq exec "$OUT" first
	mv "$T/b" "$T/moved"
	ok kill "$ID" KILL
	soon is stopped
	ok delete "$ID"
	eq poststop "$(<"$T/poststop")" first
	mv "$T/moved" "$T/b"
}

# create makes the environment and runs nothing; start needs no more than the id, and runs the program once.
t_create_and_start() {
	local pid kind
	mkdir "$T/b/rootfs/place"
	cfg '.hostname = "made" | .mounts += [{destination: "/place", type: "tmpfs", source: "made"}]'
	script_ 'echo ran >>/place/ran; exec sleep 1000'
	ok create -b "$T/b" --pid-file "$T/pid" "$ID"
	pid=$(<"$T/pid")
	shown "$pid"
	for kind in pid net ipc uts mnt cgroup; do
		[ "$(readlink "/proc/$pid/ns/$kind")" != "$(readlink "/proc/self/ns/$kind")" ] || fail "no $kind namespace"
	done
	has mounts "$(<"/proc/$pid/mountinfo")" ' /place '
	[ "$MODE" = rootless ] || has cgroup "$(<"/proc/$pid/cgroup")" "$ID"
	inside /bin/sh -c 'hostname; ls /place; cat /proc/1/cmdline'
	eq 'host name' "$(head -n 1 <<<"$OUT")" made
	hasnt 'the program has run' "$OUT" ran
	hasnt 'the program runs' "$OUT" sleep
	(cd / && ok start "$ID")
	inside /bin/sh -c 'until [ -s /place/ran ]; do sleep 0.02; done'
	no 'already running' start "$ID"
	inside /bin/cat /place/ran
	eq runs "$OUT" ran
	eq pid "$(jq .pid < <("${U[@]}" state "$ID"))" "$pid"
	down
}

t_failed_create_leaves_no_pid_file() {
	prog /bin/nothing
	no /bin/nothing create -b "$T/b" --pid-file "$T/pid" "$ID"
	[ ! -e "$T/pid" ] || fail 'a pid file is left'
	prog /bin/true
	cfg '.hooks.createContainer = [{path: "/bin/false"}]'
	no createContainer create -b "$T/b" --pid-file "$T/pid" "$ID"
	[ ! -e "$T/pid" ] || fail 'a pid file is left'
	cfg 'del(.hooks)'
	no 'open the directory of the pid file' create -b "$T/b" --pid-file "$(printf 'a/%.0s' {1..2100})$ID.pid" "$ID"
	[ ! -e "$ID.pid" ] || fail 'a pid file is in another directory'
	go # the id is free
}

note_hooks() { # POINT...: each writes its name, and what it is told, to $T/order
	local point
	for point; do
		cfg --arg p "$point" --arg t "$T" '.hooks[$p] = [{path: "/bin/sh", args: ["sh", "-c",
			"sed -n \"s/.*\\\"status\\\": *\\\"\\([a-z]*\\).*/\($p) \\1/p\" | tr -d \"\\n\" >> \($t)/order; echo >> \($t)/order"]}]'
	done
}

t_failing_poststart_stops_it() {
	note_hooks poststop
	cfg '.hooks.poststart = [{path: "/bin/true"}, {path: "/bin/sh", args: ["sh", "-c", "echo no >&2; exit 4"]}, {path: "/bin/touch", args: ["touch", "'"$T"'/third"]}]'
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	no 'error running poststart hook #1 (/bin/sh): exit status 4, output: no' start "$ID"
	[ ! -e "$T/third" ] || fail 'a later hook was run'
	no 'container does not exist' state "$ID"
	eq poststop "$(<"$T/order")" 'poststop stopped'
	rm "$T/order"
	no 'error running poststart hook #1' run --detach -b "$T/b" "$ID"
	eq 'poststop of run' "$(<"$T/order")" 'poststop stopped'
	no 'container does not exist' state "$ID"
	no 'error running poststart hook #1' run -b "$T/b" "$ID"
	no 'container does not exist' state "$ID"
}

t_failing_start_container_stops_it() {
	note_hooks poststop
	cfg '.hooks.startContainer = [{path: "/bin/false"}] | .hooks.poststart = [{path: "/bin/touch", args: ["touch", "'"$T"'/poststart"]}]'
	prog /bin/touch /tmp/ran
	ok create -b "$T/b" "$ID"
	no 'error running startContainer hook #0 (/bin/false): exit status 1' start "$ID"
	soon is stopped
	[ ! -e "$T/b/rootfs/tmp/ran" ] || fail 'the program was run'
	[ ! -e "$T/poststart" ] || fail 'a poststart hook was run'
	ok delete "$ID"
	eq poststop "$(<"$T/order")" 'poststop stopped'
}

t_failing_create_hook_runs_poststop() {
	local point
	for point in prestart createRuntime createContainer; do
		rm -f "$T/order"
		cfg 'del(.hooks)'
		note_hooks poststop
		cfg --arg p "$point" '.hooks[$p] = [{path: "/bin/false"}]'
		prog /bin/true
		no "error running $point hook #0" create -b "$T/b" "$ID"
		eq "poststop after $point" "$(<"$T/order")" 'poststop stopped'
	done
}

# The program runs when poststart hooks do; the container is gone when poststop hooks do.
t_hooks_see_what_is() {
	cfg --arg t "$T" --arg u "${U[*]}" --arg id "$ID" '
		.hooks.poststart = [{path: "/bin/sh", args: ["sh", "-c", "cp /proc/$(sed -n \"s/.*\\\"pid\\\": *\\([0-9]*\\).*/\\1/p\")/cmdline \($t)/cmdline; \($u) state \($id) >\($t)/seen"], env: ["PATH=/bin:/usr/bin", "XDG_RUNTIME_DIR=\($t)/xdg"]}] |
		.hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "\($u) state \($id) >\($t)/after 2>&1; find /sys/fs/cgroup -name \"*\($id)*\" >\($t)/groups"], env: ["PATH=/bin:/usr/bin", "XDG_RUNTIME_DIR=\($t)/xdg"]}]'
	cfg --arg t "$T" --arg u "${U[*]}" --arg id "$ID" '.hooks.createRuntime = [{path: "/bin/sh",
		args: ["sh", "-c", "\($u) state \($id) >\($t)/early; \($u) start \($id) >\($t)/refused 2>&1 || true"], env: ["PATH=/bin:/usr/bin", "XDG_RUNTIME_DIR=\($t)/xdg"]}]'
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	eq 'state in createRuntime' "$(jq -r .status "$T/early")" creating
	has 'start in createRuntime' "$(<"$T/refused")" 'still being created'
	ok start "$ID"
	eq 'command line' "$(tr '\0' ' ' <"$T/cmdline")" '/bin/sleep 1000 '
	eq 'state in poststart' "$(jq -r .status "$T/seen")" running
	ok kill "$ID" KILL
	soon is stopped
	ok delete "$ID"
	has 'state in poststop' "$(<"$T/after")" 'container does not exist'
	eq 'groups in poststop' "$(<"$T/groups")" ''
}

# A hook that does not read its input, or that leaves somebody behind, does not hold anybody up.
t_careless_hooks() {
	cfg --arg t "$T" '.annotations.long = ("x" * 200000) | .hooks.createRuntime = [{path: "/bin/true"},
		{path: "/bin/sh", args: ["sh", "-c", "sleep 1000 & echo $! >\($t)/left"]}] | .hooks.poststop = [{path: "/bin/true"}]'
	prog /bin/true
	U=(timeout 120 "${U[@]}")
	go
	eq output "$OUT$ERR" ''
	kill "$(<"$T/left")" || fail 'what the hook has left was ended'
}

t_hooks_have_no_more_descriptors() {
	cfg '.hooks.createRuntime = [{path: "/bin/ls", args: ["ls", "/proc/self/fd"]}, {path: "/bin/false"}] |
		.hooks.createRuntime[0] = {path: "/bin/sh", args: ["sh", "-c", "ls /proc/self/fd; grep -E ^Sig[BI] /proc/self/status; exit 1"]}'
	prog /bin/true
	trap '' PIPE USR2
	no 'hook #0' create -b "$T/b" "$ID" 7</dev/null
	trap - PIPE USR2
	has output "$ERR" 'output: 0 1 2 3 SigBlk: 0000000000000000 SigIgn: 0000000000000000'
}

# A creation that does not end: its hook waits for ever.
t_delete_by_force_ends_a_creation() {
	cfg --arg t "$T" '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo >\($t)/hook; exec sleep 1000"]}]'
	prog /bin/true
	{ "${U[@]}" create -b "$T/b" "$ID" </dev/null >/dev/null 2>&1 || true; } &
	soon test -e "$T/hook" || fail "the hook does not run"
	no 'another command is working on the container' delete "$ID"
	ok delete --force "$ID"
	has message "$ERR" 'which worked on the container'
	wait
}

t_delete_by_force_runs_poststop() {
	note_hooks poststop
	prog /bin/sleep 1000
	ok run --detach -b "$T/b" "$ID"
	ok delete --force "$ID"
	eq running "$(<"$T/order")" 'poststop stopped'
	ok create -b "$T/b" "$ID"
	ok delete "$ID"
	eq created "$(wc -l <"$T/order")" 2
	prog /bin/true
	go
	eq 'after run' "$(wc -l <"$T/order")" 3
	ok delete --force "$ID"
	eq 'nothing there' "$(wc -l <"$T/order")" 3
}

# createContainer hooks run in the container's namespaces, before its root is changed.
t_create_container_hook_mounts() {
	mkdir "$T/b/rootfs/place"
	cfg '.hooks.createContainer = [{path: "/bin/sh", args: ["sh", "-c", "mount -t tmpfs hook place && echo made >place/file && pwd >place/cwd"], env: ["PATH=/bin:/usr/bin:/sbin:/usr/sbin"]}]'
	prog /bin/cat /place/file /place/cwd
	go
	eq 'seen by the program' "$(head -n 1 <<<"$OUT")" made
	eq 'left on the host' "$(ls -A "$T/b/rootfs/place")" ''
}

# Descriptors to be passed on may have gaps; what usrun itself opens there must not get in.
t_preserved_descriptors_with_gaps() {
	script_ 'ls /proc/self/fd | tr "\n" " "; cat <&5'
	echo five >"$T/five"
	go --preserve-fds 3 3<&- 4<&- 5<"$T/five"
	eq descriptors "$(tr '\n' ' ' <<<"$OUT")" '0 1 2 3 5 five '
	up
	ok exec --preserve-fds 3 "$ID" /bin/sh -c 'ls /proc/self/fd | tr "\n" " "; cat <&5' 3<&- 4<&- 5<"$T/five"
	eq 'descriptors of exec' "$(tr '\n' ' ' <<<"$OUT")" '0 1 2 3 5 five '
	go_leaky() { ok exec "$ID" /bin/ls /proc/self/fd 5<"$T/five" 9<"$T/five"; }
	go_leaky
	eq 'nothing else' "$(tr '\n' ' ' <<<"$OUT")" '0 1 2 3 '
	down
}

# As `no`, by a program whose rows can be made to fail. One called usrun-NAME would ask for a handler.
FAILING=${USRUN%/*}/failing-usrun
no_failing() { # TEXT ARG...
	local usual=("${U[@]}")
	U=("${U[@]/#"$USRUN"/$FAILING}")
	no "$@"
	U=("${usual[@]}")
}

# A failure of any step, in whichever process, is told by its name, and takes everything back.
t_failure_of_every_step() {
	local step left n=0
	[ -x "$FAILING" ] || skip "no program whose rows fail (tests/integration/failing.c)"
	cfg --argjson nice "$(nice)" '.hooks = ({} | reduce ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop") as $p
		(.; .[$p] = [{path: "/bin/true"}])) | .process.noNewPrivileges = true |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"} | .process.oomScoreAdj = 500 |
		.process.scheduler = {policy: "SCHED_BATCH", nice: $nice}'
	prog /bin/sleep 1000
	ok explain --steps -b "$T/b"
	local steps
	steps=$(sed -n '/^steps/,$p' <<<"$OUT" | sed -n 's/^  \(parent\|init\|stager\)  *\([a-z][a-z-]*\)$/\2/p')
	has steps " $(tr '\n' ' ' <<<"$steps")" ' hooks-start-container '
	for step in $steps; do
		[ "$step" != exec-succeeded ] || continue
		export USRUN_FAIL_AT=$step
		no_failing "injected at $step" run --detach -b "$T/b" "$ID"
		unset USRUN_FAIL_AT
		n=$((n + 1))
		no 'container does not exist' state "$ID"
	done
	left=$(leaks) || fail "left behind: $left"
	[ $n -gt 40 ] || fail "only $n steps"
}

t_failure_of_every_step_of_exec() {
	local step
	[ -x "$FAILING" ] || skip "no program whose rows fail (tests/integration/failing.c)"
	cfg '.process.noNewPrivileges = true | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"}'
	up
	USRUN_FAIL_AT=session ok exec "$ID" /bin/true # nobody's environment stops a program as it is installed
	for step in seccomp-compile target-open affinity-initial lifeline oom-set target-enter session attributes \
		limits-own-early privs-drop cwd exec-find release rdt-join pidfd-send priority-set limits-set fds-close \
		limits-own seccomp-load exec pid-file; do
		export USRUN_FAIL_AT=$step
		no_failing "injected at $step" exec --detach --pid-file "$T/exec.pid" "$ID" /bin/sleep 1000
		unset USRUN_FAIL_AT
		[ ! -e "$T/exec.pid" ] || fail "$step: a pid file is left"
		eq "$step: processes" "$(processes | wc -l)" 1
		eq "$step: status" "$(status)" running
	done
	inside /bin/true
	down
}

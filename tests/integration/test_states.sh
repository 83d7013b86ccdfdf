# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Every command in every state: what it may do there, and that a refusal changes nothing.

refused() { # WORDS...: each command, where @ is the id, fails, and the state stays as it is
	local before words word
	ok state "$ID"
	before=$OUT
	for words; do
		case ${words%% *} in
		create | run) word='with given ID already exists' ;;
		kill | events | stats) word='not running' ;;
		start) word='cannot start a' ;;
		delete) word='that is not stopped' ;;
		resume) word='not paused' ;;
		exec) word='cannot exec in a' ;;
		*) word='not running' ;;
		esac
		case $before:${words%% *} in
		*'"creating"'*:start | *'"creating"'*:pause | *'"creating"'*:resume | *'"creating"'*:exec | *'"creating"'*:update)
			word='still being created' ;;
		esac
		# shellcheck disable=SC2086 # words
		no "$word" ${words/@/$ID}
		ok state "$ID"
		eq "state after $words" "$OUT" "$before"
	done
}

allowed() { # STATUS WORDS...: each command succeeds, and the status stays
	local status=$1 words
	shift
	for words; do
		# shellcheck disable=SC2086 # words
		ok ${words/@/$ID}
		eq "status after $words" "$(status)" "$status"
	done
}

# A create in the background, which goes on when $T/go is there.
held_create() {
	cfg --arg t "$T" --arg id "$ID" '.hooks.createRuntime = [{path: "/bin/sh", env: ["PATH=/bin:/usr/bin", "USRUN_TEST=" + $id],
		args: ["sh", "-c", "touch \($t)/held; while [ ! -e \($t)/go ]; do sleep 0.02; done"]}]'
	prog /bin/sleep 1000
	"${U[@]}" create -b "$T/b" "$ID" >/dev/null 2>"$T/create.err" </dev/null &
	CREATOR=$!
	soon test -e "$T/held" || fail "not held: $(<"$T/create.err")"
}

t_states_creating() {
	held_create
	eq status "$(status)" creating
	refused "create -b $T/b @" "run -b $T/b @" 'start @' 'kill @ KILL' 'kill --all @ KILL' 'pause @' 'resume @' \
		'exec @ true' 'update --pids-limit 9 @' 'events --stats @' 'stats --no-stream @'
	ok list -q
	eq list "$OUT" "$ID"
	# A deletion waits for the creator.
	"${U[@]}" delete "$ID" 2>"$T/delete.err" &
	local deleter=$!
	sleep 0.1
	eq 'status with a deleter' "$(status)" creating
	kill -0 $deleter || fail "the deletion has ended: $(<"$T/delete.err")"
	touch "$T/go"
	wait $CREATOR || fail "create: $(<"$T/create.err")"
	wait $deleter || fail "delete: $(<"$T/delete.err")"
	no 'does not exist' state "$ID"
}

t_start_waits_for_the_creation() {
	held_create
	"${U[@]}" start "$ID" 2>"$T/start.err" &
	local starter=$!
	sleep 0.2
	kill -0 $starter || fail "the start has ended: $(<"$T/start.err")"
	touch "$T/go"
	wait $CREATOR || fail "create: $(<"$T/create.err")"
	wait $starter || fail "start: $(<"$T/start.err")"
	is running
	down
}

t_states_created() {
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	refused "create -b $T/b @" "run -b $T/b @" 'resume @'
	allowed created 'state @' 'kill @ 0' 'list' 'ps @'
	if can_pause; then
		allowed created 'exec @ true' 'update --pids-limit 9 @' 'events --stats @'
		ok pause "$ID"
		eq status "$(status)" paused
		no 'paused' start "$ID"
		ok resume "$ID"
		eq status "$(status)" created
	fi
	ok start "$ID"
	eq status "$(status)" running
	down
}

t_states_running() {
	up
	refused "create -b $T/b @" "run -b $T/b @" 'start @' 'delete @' 'resume @'
	allowed running 'state @' 'kill @ 0' 'list' 'ps @' 'exec @ true'
	can_pause || { down; return; }
	allowed running 'update --pids-limit 9 @' 'events --stats @'
	ok pause "$ID"
	refused "create -b $T/b @" "run -b $T/b @" 'start @' 'delete @' 'pause @' 'exec @ true'
	allowed paused 'state @' 'kill @ 0' 'list' 'ps @' 'update --pids-limit 8 @' 'events --stats @'
	ok kill "$ID" KILL
	soon is stopped || fail 'a paused one is not killed'
	down
}

t_states_stopped() {
	up
	ok kill "$ID" KILL
	soon is stopped
	refused "create -b $T/b @" "run -b $T/b @" 'start @' 'kill @ KILL' 'kill @ 0' 'pause @' 'resume @' 'exec @ true' \
		'update --pids-limit 9 @' 'events --stats @' 'stats --no-stream @'
	allowed stopped 'state @' 'list' 'ps @'
	ok delete "$ID"
	no 'does not exist' delete "$ID"
	ok delete --force "$ID"
}

# However a process ends, its container is stopped.
t_every_end_is_stopped() {
	local how
	cfg '.linux.namespaces |= map(select(.type != "pid"))' # signals of its own do not kill an init
	# shellcheck disable=SC2016 # for the shell inside
	for how in 'exit 0' 'exit 3' 'kill -SEGV $$' 'kill -KILL $$' 'exec /proc/self/nothing'; do
		script_ "$how"
		ok create -b "$T/b" "$ID"
		ok start "$ID"
		soon is stopped || fail "$how: $(status)"
		ok delete "$ID"
	done
}

# Who has no descriptor left to look with cannot know whether a container has ended.
t_states_unknown() {
	local n
	up
	for ((n = 4; n < 12; n++)); do
		RC=0
		(ulimit -n $n && exec "${U[@]}" delete --force "$ID") >/dev/null 2>"$T/err" </dev/null || RC=$?
		if [ $RC = 0 ]; then
			[ ! -d "/proc/$PID" ] || grep -q '^State:.Z' "/proc/$PID/status" ||
				fail "$n descriptors: forgotten, and it runs"
			up
		else
			soon is running || down
			[ -d "$(STATE_OF)/$ID" ] || up
		fi
	done
	RC=0
	(ulimit -n 5 && exec "${U[@]}" state "$ID") >"$T/out" 2>"$T/err" </dev/null || RC=$?
	[ $RC != 0 ] || has 'what is known' "$(<"$T/out")" '"running"'
	down
}

# The init of a pid namespace gets only those signals that it asks for.
t_states_created_ends_by_a_signal() {
	local signal
	prog /bin/sleep 1000
	for signal in TERM INT HUP QUIT; do
		ok create -b "$T/b" "$ID"
		ok kill "$ID" $signal
		soon is stopped || fail "$signal: $(status)"
		ok delete "$ID"
	done
	# The program gets none of the handlers.
	ok create -b "$T/b" --pid-file "$T/pid" "$ID"
	ok start "$ID"
	eq handlers "$(grep SigCgt "/proc/$(<"$T/pid")/status")" $'SigCgt:\t0000000000000000'
	down
}

# In the host's pid namespace others live on when init has ended.
t_states_kill_what_is_left() {
	root_only 'needs a cgroup'
	cfg '.linux.namespaces |= map(select(.type != "pid"))'
	script_ 'sleep 1000 & exec sleep 0.1'
	ok run -d -b "$T/b" "$ID"
	soon is stopped || fail "$(status)"
	no 'not running' kill "$ID" TERM
	ok kill "$ID" KILL
	soon no_ps || fail "left: $OUT"
	no 'not running' kill "$ID" KILL
	ok delete "$ID"
}

no_ps() {
	ok ps --format json "$ID"
	[ "$OUT" = '[]' ]
}

# The parent of what exec has left may never reap it, as the first process of many containers that run tests.
t_states_zombie_of_exec() {
	command -v python3 >/dev/null || skip 'needs python3'
	prog /bin/sleep 1000
	cat >"$T/parent" <<-'END'
		import ctypes, subprocess, sys
		PR_SET_CHILD_SUBREAPER = 36
		ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
		usrun, bundle, id = sys.argv[1].split(), sys.argv[2], sys.argv[3]
		quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		subprocess.run(usrun + ["run", "-d", "-b", bundle, id], check=True, **quiet)
		subprocess.run(usrun + ["exec", "-d", id, "/bin/true"], check=True, **quiet)
		print("ready", flush=True)
		sys.stdin.read()
	END
	mkfifo "$T/in"
	python3 "$T/parent" "${U[*]}" "$T/b" "$ID" >"$T/ready" 2>"$T/parent.err" <"$T/in" &
	exec 9>"$T/in"
	soon grep -q ready "$T/ready" || fail "not ready: $(<"$T/parent.err")"
	ok delete --force "$ID"
	has note "$ERR" 'until the parent of a zombie'
	exec 9>&-
	wait $!
}

# Its cgroup, in which the process would be made, is gone as well.
t_states_exec_meets_delete() {
	local delayed
	up
	strace -o "$T/trace" -e trace=clone3 -e inject=clone3:delay_enter=1500000:when=1 "${U[@]}" exec "$ID" /bin/true 2>"$T/late" &
	delayed=$!
	soon grep -qs '^clone3' "$T/trace" || fail 'exec does not start'
	down
	! wait $delayed || fail 'exec succeeds'
	ERR=$(<"$T/late")
	has exec "$ERR" "container not running: $ID: its init has just exited"
}

has_no_memory() {
	[ -z "$(tr -d '\0' <"/proc/$1/cmdline")" ]
}

# Where init is not dumpable, as that of a sandbox, its user can no longer look at it either.
t_states_ending_sandbox() {
	local parent init
	ok do --detach --net=none --name "$ID" -- sleep 1000
	"${U[@]}" exec "$ID" sleep 999 >/dev/null 2>&1 &
	parent=$!
	soon pgrep -P "$parent" -x sleep >/dev/null || fail 'exec does not start'
	init=$("${U[@]}" state "$ID" | jq .pid)
	kill -STOP "$parent"
	ok kill "$ID" KILL
	soon has_no_memory "$init" || fail 'it does not end'
	R exec "$ID" true
	has exec "$ERR" "container not running: $ID: its init has just exited"
	ok ps "$ID"
	ok ps --format json "$ID"
	kill -CONT "$parent"
	wait "$parent" || true
	soon is stopped || fail 'it does not stop'
	ok delete "$ID"
}

# Where nobody can tell whether the machine has booted since, the id is that of the container that runs.
t_boot_id_that_cannot_be_read() {
	up
	RC=0
	strace -f -o "$T/trace" -P /proc/sys/kernel/random/boot_id -e inject=open,openat:error=EMFILE \
		"${U[@]}" create -b "$T/b" "$ID" </dev/null >"$T/out" 2>&1 || RC=$?
	has 'trace' "$(<"$T/trace")" INJECTED
	[ "$RC" != 0 ] || fail 'the id was taken'
	has 'error' "$(<"$T/out")" 'container with given ID already exists'
	eq 'status' "$(status)" running
	down
}

# Pids, groups and units of another boot are others' by now: nothing that has them is touched, and the state goes.
t_state_of_another_boot() {
	local how group groups pid mark
	for how in '' --force; do
		up
		pid=$PID
		jq '.bootId = "00000000-0000-0000-0000-000000000000"' "$(STATE_OF)/$ID/state.json" >"$T/json"
		cat "$T/json" >"$(STATE_OF)/$ID/state.json"
		[ ! -e "$(STATE_OF)/$ID/init" ] || echo "$(cut -d ' ' -f 1-2 "$(STATE_OF)/$ID/init") 00000000-0000-0000-0000-000000000000" >"$(STATE_OF)/$ID/init"
		groups=$(cgroups)
		# With their marks they would be its own.
		for group in $groups; do
			mark=$(python3 -c 'import os, sys; os.removexattr(sys.argv[1], "user.usrun.owner")' "$group" 2>&1) || has mark "$mark" 'No data available'
		done
		eq status "$(status)" stopped
		# shellcheck disable=SC2086 # empty, or one option
		ok delete $how "$ID"
		no 'does not exist' state "$ID"
		! gone "$pid" || fail "delete $how: who has the pid was killed"
		eq "delete $how: groups" "$(cgroups)" "$groups"
		kill -KILL "$pid"
		soon gone "$pid"
		for group in $(sort -r <<<"$groups"); do soon rmdir "$group"; done
	done
}
gone() { [ ! -e "/proc/$1/stat" ] || grep -q ') Z ' "/proc/$1/stat"; } # PID

# A deletion that finds nothing and looks for what is left by the id, while somebody creates a container of that id.
t_delete_force_spares_a_newer_container() {
	local tracer
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID" # now there is a directory of states
	down
	strace -f -qq -o "$T/trace" -e trace=getdents64 -e inject=getdents64:delay_enter=1000000:when=1 \
		"${U[@]}" delete --force "$ID" >"$T/delete" 2>&1 </dev/null &
	tracer=$!
	soon test -e "$(STATE_OF)/$ID" # it has reserved the id, and now looks for what is left
	ok run -d -b "$T/b" "$ID"
	wait $tracer || fail "$(<"$T/delete")"
	is running
	down
}

# Whoever has been told that the container is created may end it, before its init has closed what it no longer needs.
t_end_at_the_first_moment() {
	local tracer
	root_only 'a traced usrun has no newuidmap'
	prog /bin/true
	strace -f -qq -o "$T/trace" -e trace=close_range -e inject=close_range:delay_enter=700000 \
		"${U[@]}" create -b "$T/b" "$ID" >/dev/null 2>&1 </dev/null &
	tracer=$!
	soon is created
	ok kill "$ID" TERM
	soon is stopped
	down
	wait $tracer || true
}

# The program runs also when whoever has started it is killed meanwhile, here while a hook runs.
t_start_that_is_killed() {
	prog /bin/sleep 1000
	cfg '.hooks = {startContainer: [{path: "/bin/sh", args: ["sh", "-c", "until [ -e /tmp/go ]; do sleep 0.02; done"]}]}'
	ok create --pid-file "$T/pid" -b "$T/b" "$ID"
	"${U[@]}" start "$ID" 2>/dev/null &
	soon grep -q . "/proc/$(<"$T/pid")/task/$(<"$T/pid")/children" # the hook
	kill -KILL $!
	wait $! || true
	touch "$T/b/rootfs/tmp/go"
	soon grep -qz '^1000$' "/proc/$(<"$T/pid")/cmdline"
	is running || fail "it runs, and its state is $("${U[@]}" state "$ID" | jq -r .status)"
	ok kill "$ID" KILL
	soon is stopped
	down
}

# Nobody of usrun is there when a waiting init ends; but as long as it is not reaped, the kernel tells how it ended.
t_end_of_a_waiting_init_is_told() {
	local signal words
	command -v python3 >/dev/null || skip 'needs python3'
	prog /bin/true
	for signal in KILL TERM; do
		[ $signal = KILL ] && words='killed by SIGKILL' || words="ended by SIG$signal"
		python3 - "$signal" "$T" "$ID" "${U[@]}" >"$T/told" 2>&1 <<-'END'
			import ctypes, os, signal, subprocess, sys, time
			name, top, ident, usrun = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
			signal.alarm(60)
			ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
			subprocess.run([*usrun, "create", "-b", top + "/b", "--pid-file", top + "/pid", ident], check=True, stdin=subprocess.DEVNULL)
			pid = int(open(top + "/pid").read())
			os.kill(pid, getattr(signal, "SIG" + name))
			os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
			for command in ("start", "explain"):
			    print(subprocess.run([*usrun, command, ident], capture_output=True, text=True, stdin=subprocess.DEVNULL))
			os.waitpid(pid, 0)
			print(subprocess.run([*usrun, "start", ident], capture_output=True, text=True, stdin=subprocess.DEVNULL))
			subprocess.run([*usrun, "delete", ident], check=True)
		END
		has "$signal: who knows" "$(sed -n 3p "$T/told")" 'that reaped it knows how'
		[ "$MODE" = root ] || continue # the kernel may keep it from a user, whose process it was
		has "$signal: start" "$(sed -n 1p "$T/told")" "its init exited while waiting for \`start\`, $words"
		has "$signal: explain" "$(sed -n 2p "$T/told")" "while it waited for its start: $words"
	done
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Two commands at one container at the same time: one of them is first, and nothing happens twice.

noting() { # POINT...: hooks that add a line to $T/POINT
	local point
	for point; do
		# shellcheck disable=SC2016 # of jq
		cfg --arg p "$point" --arg t "$T" '.hooks[$p] = [{path: "/bin/sh", args: ["sh", "-c", "echo x >>\($t)/\($p)"]}]'
	done
}

noted() { # POINT: how often its hook has run
	{ cat "$T/$1" 2>/dev/null || true; } | wc -l
}

# The exit statuses of two commands, in words where @ is the id, that begin together, in FIRST and SECOND.
both() { # WORDS WORDS
	local one two
	# shellcheck disable=SC2086 # words
	timeout 120 "${U[@]}" ${1/@/$ID} >"$T/out1" 2>"$T/err1" </dev/null &
	one=$!
	# shellcheck disable=SC2086 # words
	timeout 120 "${U[@]}" ${2/@/$ID} >"$T/out2" 2>"$T/err2" </dev/null &
	two=$!
	FIRST=0 SECOND=0
	# What is executed while the container is being paused goes on when it is resumed.
	while [[ "$1$2" == *pause*exec* || "$1$2" == *exec*pause* ]] && kill -0 $one $two 2>/dev/null; do
		sleep 0.1
		"${U[@]}" resume "$ID" 2>/dev/null || true
	done
	wait $one || FIRST=$?
	wait $two || SECOND=$?
	no_hang "$1 (with $2)" $FIRST "$T/err1"
	no_hang "$2 (with $1)" $SECOND "$T/err2"
}

no_hang() { # WHAT STATUS ERR: neither timed out nor crashed
	case $2 in 124 | 132 | 134 | 135 | 136 | 139) fail "$1: $2: $(<"$3")" ;; esac
}

rounds() { # DEFAULT: a sample, or with USRUN_SWEEP set 200
	if [ -n "${USRUN_SWEEP:-}" ]; then echo 200; else echo "$1"; fi
}

# Nothing is left, and each hook has run once for each life.
ended() { # WORDS LIVES
	ok delete --force "$ID"
	eq "$1: states" "$(ls -A "$(STATE_OF)")" ''
	eq "$1: poststop hooks" "$(noted poststop)" "$2"
}

t_together_two_starts() {
	local i started
	noting poststart poststop
	prog /bin/sleep 1000
	for ((i = 1; i <= $(rounds 10); i++)); do
		ok create -b "$T/b" "$ID"
		both 'start @' 'start @'
		started=$((!FIRST + !SECOND))
		eq 'successful starts' $started 1
		has 'the other' "$(cat "$T/err1" "$T/err2")" 'cannot start an already running container'
		is running || fail "not running"
		eq 'poststart hooks' "$(noted poststart)" $i
		ended 'two starts' $i
	done
}

t_together_every_pair() {
	local commands=('start @' 'kill @ KILL' 'pause @' 'resume @' 'update --pids-limit 99 @' 'exec @ /bin/true' 'delete @' 'delete --force @')
	local i j round lives=0 before
	noting poststart poststop
	prog /bin/sleep 1000
	for ((round = 0; round < $(rounds 1); round++)); do
		for ((i = 0; i < ${#commands[@]}; i++)); do
			for ((j = i; j < ${#commands[@]}; j++)); do
				[ "$(((i + j) % 2))" = 0 ] || before=created
				[ "$(((i + j) % 2))" = 1 ] || before=running
				rm -f "$T/poststart"
				ok create -b "$T/b" "$ID"
				[ $before = created ] || ok start "$ID"
				both "${commands[i]}" "${commands[j]}"
				[ "$(noted poststart)" -le 1 ] || fail "${commands[i]} with ${commands[j]}: poststart ran $(noted poststart) times"
				lives=$((lives + 1))
				ended "${commands[i]} with ${commands[j]}, $before" $lives
			done
		done
	done
}

# The end of a run in the foreground, with each command that may come just then.
t_together_end_of_run() {
	local words i lives=0 run
	noting poststop
	prog /bin/sleep 1000
	for words in 'kill @ KILL' 'delete --force @' 'pause @' 'update --pids-limit 99 @' 'exec @ /bin/true' 'delete @'; do
		for ((i = 0; i < $(rounds 2); i++)); do
			"${U[@]}" run -b "$T/b" "$ID" >/dev/null 2>"$T/run.err" </dev/null &
			run=$!
			soon is running || fail "not running: $(<"$T/run.err")"
			both 'kill @ KILL' "$words"
			[ "$words" != 'pause @' ] || "${U[@]}" kill "$ID" KILL 2>/dev/null || true
			wait $run || true
			lives=$((lives + 1))
			ended "the end of run with $words" $lives
		done
	done
}

# A runtime that comes back late finds another container under its id.
t_together_late_end_of_run() {
	local late now
	noting poststop
	prog /bin/sleep 1000
	"${U[@]}" run -b "$T/b" "$ID" >/dev/null 2>"$T/run.err" </dev/null &
	late=$!
	soon is running || fail "not running: $(<"$T/run.err")"
	kill -STOP $late
	ok delete --force "$ID"
	eq 'hooks of the first' "$(noted poststop)" 1
	up
	now=$PID
	kill -CONT $late
	wait $late || true
	eq 'what the late one says' "$(<"$T/run.err")" ''
	is running || fail "the new container was killed"
	eq pid "$("${U[@]}" state "$ID" | jq .pid)" "$now"
	eq 'hooks of the second' "$(noted poststop)" 1
	down
	eq hooks "$(noted poststop)" 2
}

# A start that waits for a hook in the container: delete --force does not wait for that.
t_together_delete_of_a_slow_start() {
	local begun start
	noting poststop
	cfg '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo >/tmp/hook; exec sleep 1000"]}]'
	prog /bin/true
	ok create -b "$T/b" "$ID"
	"${U[@]}" start "$ID" >/dev/null 2>"$T/start.err" </dev/null &
	start=$!
	soon test -e "$T/b/rootfs/tmp/hook" || fail "the hook does not run: $(<"$T/start.err")"
	begun=$SECONDS
	ok delete --force "$ID"
	[ $((SECONDS - begun)) -lt 60 ] || fail "took $((SECONDS - begun)) s"
	wait $start || true
	eq hooks "$(noted poststop)" 1
}

# A pause that comes after exec has looked: it waits for the end of that, and says so.
t_together_pause_of_an_exec() {
	local exec rc=0 how
	root_only 'a traced usrun has no newuidmap'
	up
	for how in resumed interrupted; do
		strace -qq -o "$T/trace" -e trace=socketpair -e inject=socketpair:delay_enter=2000000:when=1 \
			"${U[@]}" exec "$ID" /bin/true >"$T/exec" 2>&1 </dev/null &
		exec=$!
		soon test -s "$T/trace" || fail "$how: exec does not begin: $(<"$T/exec")"
		ok pause "$ID"
		soon grep -q 'waiting until it is resumed' "$T/exec" || fail "$how: says nothing: $(<"$T/exec")"
		[ $how = resumed ] || kill -TERM "$(<"/proc/$exec/task/$exec/children")"
		[ $how = interrupted ] || ok resume "$ID"
		rc=0 SECONDS=0
		wait $exec || rc=$?
		[ $how = resumed ] || eq 'exit status, interrupted' $rc $((128 + 15))
		[ $how = interrupted ] || eq 'exit status, resumed' $rc 0
		[ $SECONDS -lt 9 ] || fail "$how: takes $SECONDS s"
		rm "$T/trace"
	done
	ok resume "$ID"
	down
}

# What exec wants to enter has gone since: its cgroups, too, where they are v1's.
t_together_delete_of_an_exec() {
	local exec
	root_only 'a traced usrun has no newuidmap'
	[ -d /sys/fs/cgroup/freezer ] || skip 'with v2 alone, exec is born in the cgroup'
	up
	strace -f -qq -o "$T/trace" -e trace=openat -e inject=openat:delay_enter=2000000:when=1 \
		"${U[@]}" exec "$ID" /bin/true >"$T/exec" 2>&1 </dev/null &
	exec=$!
	soon eval "grep -zsq '^usrun:.stager. $ID' /proc/[0-9]*/cmdline" || fail "no stager: $(<"$T/exec")"
	ok delete --force "$ID"
	wait $exec && fail 'succeeded'
	has 'what exec says' "$(<"$T/exec")" "usrun: container not running: $ID: its init has just exited"
}

# Whoever looks at all containers holds the lock of each for a moment, which is long where the processor is lost.
t_together_looked_at_too_early() {
	local maker dir
	root_only 'a traced usrun has no newuidmap'
	prog /bin/true
	dir=$(STATE_OF)/$ID
	strace -f -qq -o "$T/trace" -e trace=mkdirat,flock -e inject=flock:delay_enter=1000000:when=1 \
		"${U[@]}" create -b "$T/b" "$ID" >"$T/create" 2>&1 </dev/null &
	maker=$!
	soon test -d "$dir"
	flock "$dir" sleep 2 &
	soon is created || fail "$(<"$T/create")"
	down
	wait $maker $! || true
}

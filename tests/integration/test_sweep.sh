# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Kills usrun at system call N, for many N: delete --force then removes what was made.

# Runs usrun under strace until it has ended; the container, if it lives, is traced further.
traced() { # STRACE-OPTION... -- USRUN-ARGUMENT...
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	{ timeout -k 1 20 strace -D -qq "${options[@]}" -E "USRUN_TEST=$ID" "${U[@]:2}" "$@" >/dev/null 2>"$T/err" </dev/null; } 2>/dev/null
}

sweep() { # ARG...: usrun's command, without the id
	local how=() most n step left calls rc
	# Under ptrace newuidmap gets no privileges.
	[ "$MODE" = root ] || how=(--map=single)
	prog /bin/sleep 1000
	traced -ff -o "$T/trace" -- "$@" -b "$T/b" "${how[@]}" "$ID" || fail "does not run under strace: $(<"$T/err")"
	down
	most=0
	for calls in "$T"/trace.*; do
		n=$(wc -l <"$calls")
		[ "$n" -le "$most" ] || most=$n
	done
	rm "$T"/trace.*
	step=$((most / 12 + 1))
	[ -z "${USRUN_SWEEP:-}" ] || step=1
	for ((n = 2; n <= most; n += step)); do
		rc=0
		echo "killed at call $n of $most of usrun $*"
		traced -f -o /dev/null -e trace=all -e "inject=all:signal=KILL:when=$n" -- "$@" -b "$T/b" "${how[@]}" "$ID" || rc=$?
		[ "$rc" != 124 ] || fail "killed at call $n of $most: hangs"
		ok list
		ok delete --force "$ID"
		left=$(leaks) || fail "killed at call $n of $most: left behind: $left"
		R create -b "$T/b" "${how[@]}" "$ID"
		[ "$RC" = 0 ] || fail "killed at call $n of $most: create after delete fails: $ERR"
		ok delete --force "$ID"
	done
}

t_sweep_create() { sweep create; }
t_sweep_run() { sweep run -d; }

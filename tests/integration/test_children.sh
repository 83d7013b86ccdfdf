# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Processes that a start has made, and those that it has not.

# Whoever executes usrun may have left it children: they are neither waited for nor ended, and the failure of a
# start does not depend on them.
t_a_child_of_the_caller_is_left_alone() {
	local began=$SECONDS
	prog /bin/true
	cfg '.linux.namespaces |= map(if .type == "uts" then .path = "/proc/self/ns/net" else . end)'
	RC=0
	bash -c 'sleep 1000 >/dev/null 2>&1 & echo $! >"$1"; shift; exec "$@"' - "$T/other" \
		"${U[@]}" run -b "$T/b" "$ID" >"$T/out" 2>"$T/err" </dev/null || RC=$?
	ERR=$(<"$T/err")
	eq 'exit status' "$RC" 1
	has error "$ERR" 'linux.namespaces: join the uts namespace'
	[ $((SECONDS - began)) -lt 8 ] || fail "it waited for a child that is not its own"
	kill "$(<"$T/other")" || fail "it ended a child that is not its own"
	no 'container does not exist' state "$ID"
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The program's own file cannot be written from a container (CVE-2019-5736).

# A copy that the caller owns: the case in which the container's root could write it.
own_binary() {
	local word
	cp "$USRUN" "$T/own"
	chmod 755 "$T/own"
	for word in "${!U[@]}"; do
		[ "${U[word]}" != "$USRUN" ] || U[word]=$T/own
	done
	SUM=$(sha256sum <"$T/own")
}

# The attack: keep the file of a process of usrun open, and write once nobody runs it any more.
try_to_write() { # FD
	if { printf x >>"/proc/self/fd/$1"; } 2>"$T/refused"; then
		fail "the file of a process of usrun could be written"
	fi
	eq 'the program' "$(sha256sum <"$T/own")" "$SUM"
}

try_to_write_by_init() {
	prog /bin/sleep 1000
	ok create -b "$T/b" --pid-file "$T/pid" "$ID"
	exec 9<"/proc/$(<"$T/pid")/exe"
	down
	try_to_write 9
	exec 9<&-
}

t_own_binary_of_init() {
	root_only "of a user's init nobody may see the file"
	own_binary
	try_to_write_by_init
}

t_own_binary_of_run() {
	own_binary
	prog /bin/sleep 1000
	"${U[@]}" run -b "$T/b" --pid-file "$T/pid" "$ID" &
	soon is running
	exec 9<"/proc/$!/exe"
	down
	wait || true
	try_to_write 9
	exec 9<&-
}

count_execs() { # ARG...: programs that usrun becomes before it does anything
	strace -o "$T/trace" -e trace=execve,execveat "${U[@]}" "$@" >/dev/null 2>&1 || true
	grep -c 'own", \|AT_EMPTY_PATH' "$T/trace" || true
}

t_own_binary_costs_nothing_elsewhere() {
	own_binary
	eq 'state' "$(count_execs state "$ID")" 1
	eq 'create' "$(count_execs create -b "$T/nothing" "$ID")" 2
	root_only 'needs a read-only mount'
	unshare -m bash -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && "$@"' bash "$T/own" \
		strace -o "$T/trace" -e trace=execve,execveat "$T/own" create -b "$T/nothing" "$ID" >/dev/null 2>&1 || true
	eq 'on a read-only mount' "$(grep -c 'own", \|AT_EMPTY_PATH' "$T/trace")" 1
}

# With CAP_DAC_OVERRIDE root writes to the files of all users.
t_own_binary_of_another_user() {
	root_only
	own_binary
	chown 1000:1000 "$T/own"
	eq 'create' "$(count_execs create -b "$T/nothing" "$ID")" 2
	chmod 555 "$T/own"
	eq 'not even its owner may write' "$(count_execs create -b "$T/nothing" "$ID")" 2
	try_to_write_by_init
}

# A build has more for debuggers than for the kernel; a copy of it would take most of the start.
t_own_binary_is_copied_without_what_is_never_mapped() {
	rootless_only
	own_binary
	head -c 64M /dev/zero >>"$T/own"
	prog /bin/sleep 1000
	"${U[@]}" run -b "$T/b" --pid-file "$T/pid" "$ID" &
	soon is running
	[ "$(stat -L -c %s "/proc/$!/exe")" -lt 64000000 ] || fail 'all of the file was copied'
	down
	wait || true
}

# A user's container has no id that could write what is root's, in a directory of root's.
t_roots_binary_costs_a_user_nothing() {
	rootless_only
	[ -z "${OWN:-}" ] || skip 'the program is the user'"'"'s own'
	strace -o "$T/trace" -e trace=execve,execveat "$USRUN" create -b "$T/nothing" "$ID" >/dev/null 2>&1 || true
	eq 'create' "$(grep -c '^exec' "$T/trace")" 1
}

# vm.memfd_noexec=2 refuses them all.
t_programs_in_memory_are_forbidden() {
	root_only
	unshare -pf --mount-proc bash -c 'echo 2 >/proc/sys/vm/memfd_noexec' 2>/dev/null || skip "needs vm.memfd_noexec (Linux 6.3)"
	prog /bin/echo ran
	# shellcheck disable=SC2016 # for the inner shell
	OUT=$(unshare -pf --mount-proc bash -c 'echo 2 >/proc/sys/vm/memfd_noexec; "$@"' bash "${U[@]}" run -b "$T/b" "$ID")
	eq 'what it printed' "$OUT" ran
}

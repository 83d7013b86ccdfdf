# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# usrun as the first process of a container (annotation run.oci.init).

t_init_reaps_and_gives_the_status() {
	cfg '.annotations["run.oci.init"] = "1"'
	# shellcheck disable=SC2016
	sh_run 'echo $$; tr "\0" " " </proc/1/cmdline'
	eq 'pid and title' "$(tr -s '\n ' ' ' <<<"$OUT")" '2 usrun-init /bin/sh /bin/sh -c echo $$; tr "\0" " " </proc/1/cmdline '
	# What a process leaves behind is reaped, also while the program is busy.
	# shellcheck disable=SC2016
	sh_run '(sleep 0 &); i=0; while grep -q "(sleep)" /proc/[0-9]*/stat && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done; echo $((i < 300))'
	eq 'nothing is left' "$OUT" 1
	script_ 'exit 7'
	R run -b "$T/b" "$ID"
	eq status "$RC" 7
	# shellcheck disable=SC2016
	script_ 'kill -KILL $$'
	R run -b "$T/b" "$ID"
	eq killed "$RC" 137
	prog /no/such
	no 'exec: "/no/such": stat /no/such: no such file or directory' run -b "$T/b" "$ID"
	printf '#!/no/interpreter\n' >"$T/b/rootfs/bin/script"
	chmod 755 "$T/b/rootfs/bin/script"
	prog /bin/script
	R run -b "$T/b" "$ID"
	eq interpreter "$RC $ERR" '127 usrun: exec /bin/script: its interpreter or loader is not in the container'
}

# A filter may know fork(2) alone.
t_init_starts_the_program_under_its_filter() {
	cfg '.annotations["run.oci.init"] = "1" | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [{names: ["vfork"], action: "SCMP_ACT_ERRNO", errnoRet: 1}]}'
	sh_run 'echo it ran'
	eq output "$OUT" 'it ran'
}

# A first process would not notice either.
t_init_passes_signals_on() {
	cfg '.annotations["run.oci.init"] = "1"'
	up
	ok kill "$ID" TERM
	soon is stopped || fail 'SIGTERM is lost'
	down
	prog /bin/sleep 1000
	"${U[@]}" run -b "$T/b" "$ID" >"$T/out" 2>&1 </dev/null &
	local pid=$! rc=0
	soon is running
	soon inside sh -c 'ps | grep -q "sleep 100[0]$"'
	kill -INT $pid
	wait $pid || rc=$?
	eq status $rc 130
}

# The program has the terminal, and nothing of usrun's can be traced.
t_init_leaves_the_terminal_to_the_program() {
	cfg '.annotations["run.oci.init"] = "1" | .process.terminal = true'
	# shellcheck disable=SC2016
	script_ 'echo "tty $(tty)"; cut -d" " -f6,7 /proc/$$/stat; echo "first $(cut -d" " -f7 /proc/1/stat)"; cat /proc/1/environ >/dev/null 2>&1 && echo seen; readlink /proc/1/exe && echo seen; true'
	under_script "${U[*]} run -b $T/b $ID"
	eq status "$RC" 0
	has tty "$OUT" 'tty /dev/pts/0'
	has session "$OUT" '2 34816'
	has 'no terminal of the first process' "$OUT" 'first 0'
	hasnt tracing "$OUT" seen
}

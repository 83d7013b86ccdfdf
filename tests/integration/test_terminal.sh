# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A person's terminal and the container's. terminals.py has the cases; USRUN_TERMINALS=--full asks for all.

t_terminals() {
	local here
	here=$(dirname "${BASH_SOURCE[0]}")
	command -v python3 >/dev/null || skip 'needs python3'
	prog /bin/sleep 1000
	# shellcheck disable=SC2086 # empty, or one option
	python3 "$here/terminals.py" "$T/b" "$ID" ${USRUN_TERMINALS:-} -- "${U[@]}" >"$T/cases" 2>&1 ||
		fail "$(tail -n 30 "$T/cases")"
	[ -z "${USRUN_TERMINALS:-}" ] || grep '^| ' "$T/cases"
}

t_attach() {
	local here
	here=$(dirname "${BASH_SOURCE[0]}")
	command -v python3 >/dev/null || skip 'needs python3'
	PYTHONDONTWRITEBYTECODE=1 python3 "$here/attach.py" "$T/b" "$ID" -- "${U[@]}" >"$T/cases" 2>&1 ||
		fail "$(tail -n 15 "$T/cases")"
}

# Left behind, it would read the terminal of whoever started it, beside the shell.
t_detach_with_a_terminal_as_input() {
	local words='standard input is your terminal'
	prog /bin/sleep 1000
	from_terminal run -d -b "$T/b" "$ID"
	[ "$RC" != 0 ] || fail 'run -d: succeeded'
	has 'run -d' "$OUT" "$words"
	has 'run -d' "$OUT" '</dev/null'
	from_terminal create -b "$T/b" "$ID"
	[ "$RC" != 0 ] || fail 'create: succeeded'
	has create "$OUT" "$words"
	ok run -d -b "$T/b" "$ID"
	from_terminal exec -d "$ID" /bin/sleep 1000
	[ "$RC" != 0 ] || fail 'exec -d: succeeded'
	has 'exec -d' "$OUT" "$words"
	ok exec -d "$ID" /bin/sleep 1000
	down
}

# There the terminal is made by another process than the one whose it is.
t_a_terminal_in_a_pod() {
	up
	cfg --arg ns "/proc/$PID/ns" '.process.terminal = true | .linux.namespaces |= map(if .type == "pid" then .path = $ns + "/pid" else . end)'
	[ "$MODE" = root ] || cfg --arg ns "/proc/$PID/ns" 'del(.linux.uidMappings, .linux.gidMappings)
		| .linux.namespaces |= map(if .type == "user" then .path = $ns + "/user" else . end)'
	script_ 'echo through >/dev/tty; tty; read -r pid name rest </proc/self/stat; set -- $rest; echo "leads $(($4 == pid)) has $(($5 != 0))"'
	from_terminal run -b "$T/b" "$ID-2"
	eq 'exit status' "$RC" 0
	has 'terminal' "$(tr -d '\r\004\010\000' <<<"${OUT//^D/}" | tr '\n' ' ')" 'through /dev/pts/0 leads 1 has 1'
	down
}

# What usrun says to a person comes before the first line of the container, not between its lines.
t_notes_come_first() {
	local i
	cfg '.process.user.additionalGids = [7]' # cannot be had with a single id, which is noted
	script_ 'for i in 1 2 3 4 5 6 7 8; do echo line; done'
	rootless_only
	for ((i = 0; i < 10; i++)); do
		from_terminal run --map=single -b "$T/b" "$ID"
		eq 'status' "$RC" 0
		has 'notes' "$OUT" 'usrun: '
		hasnt 'notes behind the first line' "${OUT#*line}" 'usrun: '
	done
}

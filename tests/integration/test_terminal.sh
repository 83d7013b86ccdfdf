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
		fail "$(tail -n 15 "$T/cases")"
}

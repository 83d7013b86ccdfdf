# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The command lines of crun's and runc's documentation: examples.py has the rows.

t_examples_of_the_peers() {
	local here tool
	here=$(dirname "${BASH_SOURCE[0]}")
	for tool in python3 script; do command -v $tool >/dev/null || skip "needs $tool"; done
	python3 "$here/examples.py" "$T/b" "$ID" "${U[@]}" >"$T/rows" 2>&1 || fail "$(grep -v ': ok$' "$T/rows")"
	[ -z "${USRUN_EXAMPLES:-}" ] || cat "$T/rows"
}

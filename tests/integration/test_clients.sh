# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What engines do to a runtime: clients.py has the rows.

t_clients() {
	local here
	here=$(dirname "${BASH_SOURCE[0]}")
	command -v python3 >/dev/null || skip 'needs python3'
	python3 "$here/clients.py" "$T/b" "$ID" -- "${U[@]}" >"$T/rows" 2>&1 || fail "$(grep -v ': ok$' "$T/rows")"
}

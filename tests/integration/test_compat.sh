# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the manual page says about differences to crun and runc: compat.py has the rows.

t_compat() {
	local here
	here=$(dirname "${BASH_SOURCE[0]}")
	root_only 'the peers are tried as root'
	command -v python3 >/dev/null || skip 'needs python3'
	python3 "$here/compat.py" "$here/usrun-compat.5" "$here" "$T/b" "$ID" "${U[@]}" >"$T/rows" 2>&1 || fail "$(<"$T/rows")"
}

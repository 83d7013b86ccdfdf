# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Containers come and go: no group, no unit and no connection to systemd is left.

connections() { # to systemd's own socket, and to the buses
	grep -c -e /systemd/private -e bus_socket -e '/bus$' /proc/net/unix
}

rounds() { # COLUMN USER GLOBAL...
	local column=$1 user=$2 global=("${@:3}") i wrong=0 before
	bundle "$user" . true
	before=$(connections)
	for ((i = 0; i < rounds; i++)); do
		as "$user" usrun "${global[@]}" run -b $B "round$i" >/dev/null 2>$OUT </dev/null || wrong=$((wrong + 1))
	done
	eq "$column: $rounds rounds" "$wrong" 0
	gone "$column: $rounds rounds" "$user" round
	eq "$column: $rounds rounds: failed units" "$(systemctl_of "$user" list-units --failed --no-legend)" ''
	eq "$column: $rounds rounds: connections" "$(connections)" "$before"
}

rounds "$layout-fs" root
rounds "$layout-systemd" root --systemd-cgroup
[ "$layout" != v2 ] || rounds v2-systemd-user dev

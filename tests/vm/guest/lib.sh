# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the parts share. A fork takes some 12 ms in an emulated machine.
failed=0
B=/var/tmp/bundle # on the disk, which a limit is for
# shellcheck disable=SC2034 # of the parts
OUT=/run/out

say() { # STATUS NAME [WORDS]
	if [ "$1" = 0 ]; then
		echo "ok $2"
	else
		failed=$((failed + 1))
		echo "FAIL $2: ${*:3}"
	fi
}

eq() { # NAME GOT WANTED
	[ "$2" = "$3" ]
	say $? "$1" "got '$2', wanted '$3'"
}

within() { # NAME GOT FROM TO
	[ "$2" -ge "$3" ] && [ "$2" -le "$4" ]
	say $? "$1" "got $2, wanted $3 to $4"
}

has() { # NAME FILE TEXT
	grep -qF -- "$3" "$2"
	say $? "$1" "no '$3' in: $(tail -n 3 "$2")"
}

now() { # milliseconds of the machine's clock
	local up
	read -r up _ </proc/uptime
	echo $((${up%.*} * 1000 + 10#${up#*.} * 10))
}

as() { # USER COMMAND...; from the group $enter, if that is set
	local command=(env XDG_RUNTIME_DIR=/run/user/1000 "${@:2}")
	if [ "$1" = root ]; then
		"${@:2}"
	elif [ -z "${enter:-}" ]; then
		runuser -u "$1" -- "${command[@]}"
	else # runuser stays, as root: with such a process in a group no user passes cpuset on (EPERM)
		# shellcheck disable=SC2016 # for the shell that enters
		sh -c 'echo $$ >"$0/cgroup.procs" && exec setpriv --reuid "$@"' "$enter" "$1" --regid "$1" --init-groups \
			"${command[@]}"
	fi
}

systemctl_of() { # USER ARG...
	if [ "$1" = root ]; then systemctl "${@:2}"; else as "$1" systemctl --user "${@:2}"; fi
}

bundle() { # USER FILTER ARG...: $B, with the config changed by jq
	local user=$1 filter=$2 words=() word rootless=()
	shift 2
	for word; do words+=(--args "$word"); done
	rm -rf "$B"
	mkdir -p "$B/rootfs/bin"
	cp /bin/busybox "$B/rootfs/bin/"
	for word in sh sleep cat dd true grep; do ln -s busybox "$B/rootfs/bin/$word"; done
	[ "$user" = root ] || rootless=(--rootless)
	usrun spec "${rootless[@]}" --no-terminal -b "$B" "${words[@]}"
	jq "$filter" "$B/config.json" >"$B/new" && mv "$B/new" "$B/config.json"
	chown -R "$user" "$B"
}

group_of() { # PID [CONTROLLER]: directory of its group
	if [ "$layout" = v2 ]; then
		echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
	else
		echo "/sys/fs/cgroup/$2$(sed -n "s/^[0-9]*:[^:]*\b$2\b[^:]*://p" "/proc/$1/cgroup")"
	fi
}

units() { # USER GLOB: what systemd knows of them, failed ones too
	systemctl_of "$1" list-units --all --no-legend --plain "$2"
}

gone() { # NAME USER WORD: no group and no unit has it in its name
	eq "$1: no group is left" "$(find /sys/fs/cgroup -name "*$3*")" ''
	eq "$1: no unit is left" "$(units "$2" "*$3*")" ''
}

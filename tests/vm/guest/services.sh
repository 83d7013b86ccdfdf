# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A container as a service of systemd: of root's (root), of one with User= (other), and of the
# user's own systemd (user).
[ "$layout" = v2 ] || return 0

unit() { # KIND NAME LINE...: of the [Service] section
	local dir=/run/systemd/system
	if [ "$1" = user ]; then
		dir=/run/user/1000/systemd/user
		as dev mkdir -p $dir
	fi
	{
		# The first process of a pid namespace ignores SIGTERM, unless it has a handler: SIGKILL comes soon.
		printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nDelegate=yes\nTimeoutStopSec=5\n'
		[ "$1" != other ] || printf 'User=dev\nEnvironment=XDG_RUNTIME_DIR=/run/user/1000\n'
		printf '%s\n' "${@:3}"
	} >"$dir/$2.service"
	manager "$1" daemon-reload
}

manager() { # KIND ARG...: systemctl of whose the unit is
	case $1 in
	user) systemctl_of dev "${@:2}" ;;
	*) systemctl "${@:2}" ;;
	esac
}

property() { # KIND NAME PROPERTY
	manager "$1" show --value -p "$3" "$2.service"
}

journal() { # KIND NAME: what the unit's processes have said
	journalctl --sync
	case $1 in
	user) journalctl -q -o cat "_SYSTEMD_USER_UNIT=$2.service" ;;
	*) journalctl -q -o cat "_SYSTEMD_UNIT=$2.service" ;;
	esac
}

wait_for() { # SECONDS COMMAND...
	local end=$(($(now) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(now)" -lt $end ] || return 1
		sleep 0.3
	done
}

is() { # KIND NAME PROPERTY VALUE
	[ "$(property "$1" "$2" "$3")" = "$4" ]
}

# The container's program, and not one of before.
runs() { # USER ID [OTHER]
	local pid
	pid=$(as "$1" usrun state "$2" 2>/dev/null | jq -r 'select(.status == "running").pid')
	[ -n "$pid" ] && [ "$pid" != "${3:-}" ] && init=$pid
}

# With the machine's programs.
MACHINE='.mounts += [{destination: "/usr", source: "/usr", type: "bind", options: ["rbind", "ro"]}]'
with_machine() { # USER FILTER ARG...
	bundle "$1" "$MACHINE | $2" "${@:3}"
	ln -s usr/lib "$B/rootfs/lib"
	ln -s usr/lib64 "$B/rootfs/lib64"
}

foreground() { # KIND USER
	local id=service-$1 first
	bundle "$2" . /bin/sh -c 'trap "exit 0" TERM; echo it is up; while :; do sleep 1; done'
	unit "$1" "$id" MemoryMax=64M "$(sed -n '/^\[Service\]/,/^\.Ed/p' ../usrun-run.1 |
		sed "/^[.[]/d; s,/srv/web,$B,; s/\bweb\b/$id/")"
	manager "$1" start "$id" >$OUT 2>&1
	say $? "$1: start" "$(cat $OUT)"
	wait_for 60 runs "$2" "$id"
	say $? "$1: it runs" "$(journal "$1" "$id")"
	case $(group_of "$init") in
	*"$id.service"/*) say 0 "$1: it stays in the unit" ;;
	*) say 1 "$1: it stays in the unit" "$(group_of "$init")" ;;
	esac
	eq "$1: whose limit holds" "$(cat "/sys/fs/cgroup$(property "$1" "$id" ControlGroup)/memory.max")" 67108864
	wait_for 20 eval "journal $1 $id | grep -q '^it is up\$'"
	say $? "$1: its lines are the unit's" "$(journal "$1" "$id")"

	first=$init
	kill -9 "$(property "$1" "$id" MainPID)"
	wait_for 60 runs "$2" "$id" "$first"
	say $? "$1: killed, it is started again" "$(journal "$1" "$id")"
	[ ! -e "/proc/$first" ]
	say $? "$1: the first one has ended" "$first lives"
	manager "$1" stop "$id" >$OUT 2>&1
	say $? "$1: stop" "$(cat $OUT)"
	[ ! -e "/proc/$init" ]
	say $? "$1: stop ends it" "$init lives"
	eq "$1: stop leaves no container" "$(as "$2" usrun list -q | grep -x "$id")" ''
	eq "$1: stop leaves no group" "$(find /sys/fs/cgroup -name "*$id*")" ''
	eq "$1: nor a failed unit" "$(property "$1" "$id" ActiveState)" inactive
}

ready() { # KIND USER
	local id=ready-$1
	with_machine "$2" . /bin/sh -c 'sleep 1; /usr/bin/systemd-notify --ready --status="up since now"; exec sleep 600'
	unit "$1" "$id" Type=notify NotifyAccess=all WatchdogSec=8 TimeoutStartSec=120 "ExecStart=/usr/local/bin/usrun run -b $B $id"
	manager "$1" start "$id" >$OUT 2>&1
	say $? "$1: READY=1 ends the start" "$(cat $OUT; journal "$1" "$id")"
	eq "$1: STATUS= arrives" "$(property "$1" "$id" StatusText)" 'up since now'
	wait_for 60 is "$1" "$id" Result watchdog
	say $? "$1: who is silent is ended by the watchdog" "$(property "$1" "$id" Result)"
	manager "$1" reset-failed "$id"
	as "$2" usrun delete --force "$id" >$OUT 2>&1
	say $? "$1: and deleted" "$(cat $OUT)"
}

forking() { # KIND USER
	local id=forking-$1 file=$B/pid
	bundle "$2" . /bin/sleep 600
	unit "$1" "$id" Type=forking "PIDFile=$file" "ExecStart=/usr/local/bin/usrun run --detach --pid-file $file -b $B $id" \
		"ExecStopPost=-/usr/local/bin/usrun delete --force $id" StandardInput=null
	manager "$1" start "$id" >$OUT 2>&1
	say $? "$1: forking: start" "$(cat $OUT; journal "$1" "$id")"
	runs "$2" "$id"
	eq "$1: forking: the main process is the container's" "$(property "$1" "$id" MainPID)" "$init"
	manager "$1" stop "$id" >$OUT 2>&1
	say $? "$1: forking: stop" "$(cat $OUT)"
	[ ! -e "/proc/$init" ]
	say $? "$1: forking: stop ends it" "$init lives"
	eq "$1: forking: no container is left" "$(as "$2" usrun list -q | grep -x "$id")" ''
}

activated() { # KIND USER
	local id=socket-$1 dir=/run/systemd/system
	# shellcheck disable=SC2016 # for the shell inside
	bundle "$2" . /bin/sh -c 'echo "$LISTEN_FDS of $LISTEN_PID: $(busybox readlink /proc/self/fd/3)"; exec sleep 600'
	unit "$1" "$id" "ExecStart=/usr/local/bin/usrun run -b $B $id"
	[ "$1" != user ] || dir=/run/user/1000/systemd/user
	printf '[Socket]\nListenStream=/run/user/1000/%s\nSocketMode=0666\n' "$id" >"$dir/$id.socket"
	manager "$1" daemon-reload
	manager "$1" start "$id.socket" && manager "$1" start "$id" >$OUT 2>&1
	say $? "$1: socket activation: start" "$(cat $OUT)"
	wait_for 30 eval "journal $1 $id | grep -q '^1 of 1: socket:'"
	say $? "$1: socket activation: the program has the socket" "$(journal "$1" "$id")"
	manager "$1" stop "$id.socket" "$id" >$OUT 2>&1
	say $? "$1: socket activation: stop" "$(cat $OUT)"
	as "$2" usrun delete --force "$id" >$OUT 2>&1 # it has ignored SIGTERM
	rm -f "$dir/$id.socket"
}

for kind in root other user; do
	user=dev init=
	[ $kind != root ] || user=root
	foreground $kind $user
	if [ -n "${only:-}" ] || [ $kind = user ]; then # the others by hand: a minute each
		ready $kind $user
		forking $kind $user
		activated $kind $user
	fi
	rm -f /run/systemd/system/*-$kind.service /run/user/1000/systemd/user/*-$kind.service
	manager $kind daemon-reload
done

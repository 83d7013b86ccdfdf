# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A service of type notify: the program tells, through usrun, that it is ready.

# A service manager: writes down what it hears, one datagram a line. It closes descriptors that come along.
manager() { # SOCKET
	[ -x /usr/bin/python3 ] || skip 'needs /usr/bin/python3'
	cat >"$T/manager.py" <<-'END'
		import os, socket, sys
		name = sys.argv[1]
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind("\0" + name[1:] if name[0] == "@" else name)
		print("listening", flush=True)
		while True:
		    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
		    print(data.decode().strip().replace("\n", " "), len(fds), flush=True)
		    for fd in fds:
		        os.close(fd)
	END
	timeout 120 /usr/bin/python3 "$T/manager.py" "$1" >"$T/heard" 2>&1 &
	MANAGER=$!
	soon grep -q listening "$T/heard"
}

# The program of the container, which is python where the host's file system can be the container's.
speaker() {
	cat >"$T/speak.py" <<-'END'
		import os, socket, sys
		path = os.environ["NOTIFY_SOCKET"]
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.connect(path)
		s.send(b"READY=1\nSTATUS=from " + path.encode() + b"\nMAINPID=1\n")
		s.send(b"MAINPID=1")
		r, w = os.pipe()
		socket.send_fds(s, [b"BARRIER=1"], [w])
		os.close(w)
		os.read(r, 1)
		s.send(b"STOPPING=1")
		sys.exit(7)
	END
	cfg --arg t "$T" '.mounts += (["/usr", "/lib", "/lib64"] | map({destination: ., type: "bind", source: ., options: ["rbind", "ro"]})) +
		[{destination: "/speak.py", type: "bind", source: ($t + "/speak.py"), options: ["bind", "ro"]}]'
	prog /usr/bin/python3 /speak.py
}

t_notify_socket() {
	manager "$T/manager"
	speaker
	U=(env "NOTIFY_SOCKET=$T/manager" "${U[@]}")
	R run -b "$T/b" "$ID"
	eq 'exit status' "$RC" 7
	soon grep -q STOPPING "$T/heard"
	kill $MANAGER
	eq heard "$(tail -n +2 "$T/heard" | tr '\n' ';')" "READY=1 STATUS=from $T/manager/notify 0;BARRIER=1 1;STOPPING=1 0;"
}

# The program answers in time only if it knows the time.
t_notify_watchdog() {
	manager "$T/manager"
	# shellcheck disable=SC2016 # for the shell inside
	script_ 'echo "<$WATCHDOG_USEC><$WATCHDOG_PID>"'
	U=(env "NOTIFY_SOCKET=$T/manager" WATCHDOG_USEC=3000000 "${U[@]}")
	go
	eq "handed on" "$OUT" "<3000000><>"
	U=(env WATCHDOG_PID=1 "${U[@]}")
	go
	eq "of another process" "$OUT" "<><>"
	# shellcheck disable=SC2016 # for the shell inside
	OUT=$(sh -c 'exec env WATCHDOG_PID=$$ "$@"' sh "${U[@]:2}" run -b "$T/b" "$ID") || fail "exit status $?"
	eq "of usrun" "$OUT" "<3000000><>"
	kill $MANAGER
}

# Who leaves a container behind says which process the service is, and does not return before.
t_notify_socket_of_a_detached_container() {
	local how
	manager "$T/manager"
	speaker
	sed -i 's/^import.*/&, time\ntime.sleep(0.3)/; s/^sys.exit.*/time.sleep(1000)/; /BARRIER/d; /os.read/d' "$T/speak.py"
	U=(env "NOTIFY_SOCKET=$T/manager" "${U[@]}")
	for how in run create; do
		: >"$T/heard"
		if [ $how = run ]; then
			ok run --detach --pid-file "$T/pid" -b "$T/b" "$ID"
		else
			ok create --pid-file "$T/pid" -b "$T/b" "$ID"
			eq "heard before the start" "$(<"$T/heard")" ''
			ok start "$ID"
		fi
		eq "heard when $how has ended" "$(tr -d '\0' <"$T/heard" | head -2 | tr '\n' ';')" \
			"READY=1 STATUS=from $T/manager/notify MAINPID=$(<"$T/pid") 0;BARRIER=1 1;"
		down
	done
	kill $MANAGER
}

# On a busy machine init may answer late: what it says of the socket is not taken for something else.
t_notify_socket_of_a_late_init() {
	manager "$T/manager"
	prog /bin/sh -c 'exit 0'
	U=(env "NOTIFY_SOCKET=$T/manager" "${U[@]}")
	ok create --pid-file "$T/pid" -b "$T/b" "$ID"
	kill -STOP "$(<"$T/pid")"
	"${U[@]}" start "$ID" >"$T/said" 2>&1 &
	sleep 2.5 # it used to wait for two seconds
	kill -CONT "$(<"$T/pid")"
	wait $! || fail "start: $(<"$T/said")"
	down
	kill $MANAGER
}

# Nobody is to be told: of a start without the variable, and of a program that ends.
t_notify_socket_that_says_nothing() {
	manager "$T/manager"
	prog /bin/sh -c 'exit 0'
	NOTIFY_SOCKET=$T/manager ok create -b "$T/b" "$ID"
	ok start "$ID"
	down
	prog /bin/sh -c 'echo $NOTIFY_SOCKET; ls -l /proc/self/fd | grep -c socket:'
	NOTIFY_SOCKET=$T/manager ok run --detach -b "$T/b" "$ID"
	has output "$OUT" "$T/manager/notify
0"
	soon is stopped
	down
	kill $MANAGER
	eq heard "$(<"$T/heard")" listening
}

# The program of another user, and a manager with an abstract name.
t_notify_socket_of_another_user() {
	many_ids
	manager "@$ID"
	speaker
	cfg '.process.user = {uid: 1000, gid: 1000}'
	U=(env "NOTIFY_SOCKET=@$ID" "${U[@]}")
	R run -b "$T/b" "$ID"
	eq 'exit status' "$RC" 7
	soon grep -q STOPPING "$T/heard"
	kill $MANAGER
	has heard "$(<"$T/heard")" 'STATUS=from /run/notify/notify'
}

t_notify_socket_is_the_engines() {
	prog /bin/env
	cfg '.process.env += ["NOTIFY_SOCKET=/run/own"]'
	U=(env "NOTIFY_SOCKET=/no/such/socket" "${U[@]}")
	go
	eq variable "$(grep NOTIFY <<<"$OUT")" NOTIFY_SOCKET=/run/own
	cfg 'del(.process.env[] | select(startswith("NOTIFY")))'
	prog /bin/ls /no/such/socket
	ok --log-level warning run -b "$T/b" "$ID"
	eq 'socket without a manager' "$OUT" notify
	has warning "$ERR" 'NOTIFY_SOCKET: connect to /no/such/socket'
	prog /bin/sh -c 'env > /tmp/env'
	ok run --detach -b "$T/b" "$ID"
	soon is stopped
	hasnt 'detached' "$(<"$T/b/rootfs/tmp/env")" NOTIFY
	down
}

# A manager that does not read must not hold up the container.
t_notify_to_a_busy_manager() {
	[ -x /usr/bin/python3 ] || skip 'needs /usr/bin/python3'
	speaker
	sed -i 's/.*BARRIER.*/for _ in range(2000): s.send(b"WATCHDOG=1")/; /os.read/d' "$T/speak.py"
	/usr/bin/python3 -c '
import signal, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
signal.pause()' "$T/manager" >"$T/heard" &
	MANAGER=$!
	soon grep -q listening "$T/heard"
	U=(env "NOTIFY_SOCKET=$T/manager" "${U[@]}")
	SECONDS=0
	R run -b "$T/b" "$ID"
	eq 'exit status' "$RC" 7
	[ $SECONDS -lt 60 ] || fail "took $SECONDS s"
	kill $MANAGER
}

# Whose queue is full for a while, as that of systemd is when it reloads: readiness gets there nevertheless.
t_notify_to_a_manager_that_reloads() {
	local how
	[ -x /usr/bin/python3 ] || skip 'needs /usr/bin/python3'
	speaker
	sed -i 's/.*READY=1.*/for _ in range(2000): s.send(b"WATCHDOG=1")\ns.send(b"READY=1")/; s/.*BARRIER.*/import time; time.sleep(4)/; /os.read/d' "$T/speak.py"
	U=(env "NOTIFY_SOCKET=$T/manager" "${U[@]}")
	for how in '' --detach; do
		rm -f "$T/manager" "$T/heard"
		/usr/bin/python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
time.sleep(2)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    print(data.decode().replace("\n", " "), len(fds), flush=True)
    for fd in fds:
        socket.close(fd)' "$T/manager" >"$T/heard" &
		MANAGER=$!
		soon grep -qs listening "$T/heard"
		R run $how -b "$T/b" "$ID"
		soon grep -q READY=1 "$T/heard" || fail "run $how: the manager was not told"
		[ -z "$how" ] || soon grep -q BARRIER=1 "$T/heard" || fail 'usrun did not wait until the manager had read it'
		[ -z "$how" ] || down
		kill $MANAGER
	done
}

# Its root may make every mount writable, but the socket is all that it has got.
t_notify_leaves_nothing() {
	root_only 'mounts inside'
	caps SYS_ADMIN DAC_OVERRIDE CHOWN FOWNER
	# shellcheck disable=SC2016 # for the shell inside
	script_ 'mount -o remount,bind,rw "$NOTIFY_SOCKET"; rm -f "$NOTIFY_SOCKET"; mkdir -p "$NOTIFY_SOCKET/below"
		mkdir "${NOTIFY_SOCKET%/*}/more"; echo tried'
	cfg 'del(.linux.seccomp)'
	U=(env NOTIFY_SOCKET=@none "${U[@]}")
	R run --keep -b "$T/b" "$ID"
	has output "$OUT" tried
	[ -z "$(find "$(STATE_OF)/$ID" -mindepth 1 -type d)" ] || fail "directories of the container in $(STATE_OF)/$ID"
	ok delete "$ID"
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The network that `run --net` gives. Root lets the user have /dev/net/tun, as most hosts do.

give_tun() { # [MINOR]
	[ -e /dev/net/tun ] || return 0
	mkdir "$T/tun"
	mount -t tmpfs tun "$T/tun"
	mknod -m 666 "$T/tun/tun" c 10 "${1:-200}"
	mount --bind "$T/tun/tun" /dev/net/tun
}
take_tun() {
	[ -e /dev/net/tun ] || return 0
	umount /dev/net/tun "$T/tun"
}

# A test with it is called for each of them.
needs() { # slirp4netns|pasta
	command -v "$1" >/dev/null || skip "needs $1"
	[ -r /dev/net/tun ] && [ -w /dev/net/tun ] || skip "needs /dev/net/tun"
}
slirp() { needs slirp4netns; }

# A server on this host that says hello to each; its port in PORT, its process in SERVER.
serve() { # ADDRESS
	rm -f "$T/port"
	python3 - "$1" "$T/port" <<'P' &
import os, socket, sys
s = socket.create_server((sys.argv[1], 0))
with open(sys.argv[2] + ".new", "w") as f:
    f.write(str(s.getsockname()[1]))
os.rename(sys.argv[2] + ".new", sys.argv[2])
while True:
    c, _ = s.accept()
    c.sendall(b"hello\n")
    c.close()
P
	SERVER=$!
	trap 'kill $SERVER' EXIT
	soon test -s "$T/port" || fail 'the server does not start'
	PORT=$(<"$T/port")
}

# What a published port answers, or nothing.
ask_port() { # PORT
	python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
print(s.makefile().read())' "$1" 2>/dev/null
}
is_answered() { [ "$(ask_port "$1" || true)" = "$2" ]; } # PORT TEXT
free_port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

own_address() {
	command -v ip >/dev/null || skip 'needs ip (iproute2)'
	ip -4 -o address show scope global up | sed -n '1s/.* inet \([0-9.]*\).*/\1/p'
}

helpers() { titled '[a-z0-9]*'; }
no_helpers() { [ -z "$(helpers)" ]; }

before_t_net_slirp4netns() { give_tun; }
after_t_net_slirp4netns() { take_tun; }
t_net_slirp4netns() {
	a_network slirp4netns
	# It outlives the helper: its removal takes longer than the rest of the end.
	script_ 'cat /sys/class/net/tap0/tun_flags'
	go --net=slirp4netns
	eq 'a device that stays' "$((OUT & 0x800))" $((0x800))
}

before_t_net_pasta() { give_tun; }
after_t_net_pasta() { take_tun; }
t_net_pasta() {
	needs pasta
	# It repeats and loses what comes with the end of a connection.
	under_script 'pasta --version' # that of trixie loses its answer to a pipe
	[[ $OUT =~ 202[4-9]|20[3-9] ]] || skip "needs a pasta of 2024 or later, not ${OUT%%$'\n'*}"
	a_network pasta
}

a_network() { # HELPER
	needs "$1"
	local address
	address=$(own_address)
	[ -n "$address" ] || skip 'this host has no address'
	serve 0.0.0.0
	script_ "busybox nc -w 20 $address $PORT </dev/null; ip link; ip route get 169.254.169.254 oif tap0; cat /etc/resolv.conf
		cat /proc/sys/net/ipv4/ping_group_range
		busybox nc -w 20 169.254.169.254 80 </dev/null 2>&1
		timeout 20 busybox nc -w 20 10.0.2.2 $PORT </dev/null 2>&1; true"
	go "--net=$1"
	has 'a server' "$OUT" hello
	has MTU "$OUT" 'mtu 65520'
	# Also for who asks for the device, as every program may.
	has 'metadata' "$OUT" 'local 169.254.169.254 '
	has 'no way there' "$OUT" '169.254.169.254): Connection refused'
	has 'nameserver' "$OUT" 'nameserver 10.0.2.3'
	hasnt 'ping' "$OUT" $'1\t0'
	eq 'loopback of the host' "$(grep -c hello <<<"$OUT")" 1
	eq 'in the rootfs' "$(<"$T/b/rootfs/etc/resolv.conf")" ''
	# The sandbox of the helper, as root, where mounts are shared.
	grep -q ' /dev/net/tun ' /proc/self/mountinfo || [ -n "$OWN" ] || fail 'a mount of the host is gone'
	go "--net=$1" --host-loopback --metadata
	eq 'loopback of the host' "$(grep -c hello <<<"$OUT")" 2
	hasnt 'metadata' "$OUT" 'local 169.254.169.254 '
}

# A chain of links, whose end is nowhere yet, and leads out of the image on the host.
before_t_net_resolv_links() { give_tun; }
after_t_net_resolv_links() { take_tun; }
t_net_resolv_links() {
	slirp
	ln -s ../one/link "$T/b/rootfs/etc/resolv.conf"
	mkdir "$T/b/rootfs/one"
	ln -s /run/resolve/end.conf "$T/b/rootfs/one/link"
	sh_run_net 'cat /etc/resolv.conf'
	has nameserver "$OUT" 'nameserver 10.0.2.3'
}
sh_run_net() {
	script_ "$1"
	go --net=slirp4netns
}

before_t_net_publish() { give_tun; }
after_t_net_publish() { take_tun; }
t_net_publish() { a_port slirp4netns; }

before_t_net_publish_pasta() { give_tun; }
after_t_net_publish_pasta() { take_tun; }
t_net_publish_pasta() { a_port pasta; }

# Answers to this host go to its loopback.
before_t_net_publish_udp() { give_tun; }
after_t_net_publish_udp() { take_tun; }
t_net_publish_udp() {
	slirp
	PORT=$(free_port)
	"${U[@]}" do -d --name "$ID" --net=slirp4netns --host-loopback -p "127.0.0.1:$PORT:8081/udp" -- python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 8081))
while True: s.sendto(b"inside", s.recvfrom(9)[1])' >/dev/null 2>&1 </dev/null || fail 'the sandbox does not start'
	soon answers_udp "$PORT" || fail "the port $PORT is not answered"
	down
}
answers_udp() { # PORT
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
s.sendto(b"x", ("127.0.0.1", int(sys.argv[1]))); sys.exit(s.recv(9) != b"inside")' "$1" 2>/dev/null
}

# The container's root is neither the user nor may the user give it a directory.
before_t_net_publish_subordinate() { give_tun; }
after_t_net_publish_subordinate() { take_tun; }
t_net_publish_subordinate() {
	local helper
	rootless_only
	many_ids
	touch "$T/b/rootfs/etc/resolv.conf" # which that root could not
	for helper in slirp4netns pasta; do
		needs $helper
		cfg ".linux.uidMappings = [{containerID: 0, hostID: ${SUBUIDS%:*}, size: 1000}] |
			.linux.gidMappings = [{containerID: 0, hostID: ${SUBGIDS%:*}, size: 1000}]"
		script_ 'busybox nc -ll -p 80 -e echo inside'
		publish --net=$helper -- 80
		soon is_answered "$PORT" inside || fail "$helper: the port $PORT is not answered"
		down
	done
}

# What stays outside leaves the caller's directory.
before_t_net_leaves_directory() { give_tun; }
after_t_net_leaves_directory() { take_tun; }
t_net_leaves_directory() {
	local helper pid
	prog /bin/sleep 1000
	mkdir "$T/here"
	cd "$T/here"
	for helper in slirp4netns pasta; do
		needs $helper
		ok run -d -b "$T/b" --net=$helper "$ID"
		for pid in $(helpers); do
			[ "$(readlink "/proc/$pid/cwd")" != "$T/here" ] || fail "$helper: $pid is there: $(ps -ww -o args= -p "$pid")"
		done
		down
	done
}

# With it running in a container; its number in PORT.
publish() { # OPTION... -- PORT-INSIDE
	local inside=${*: -1}
	for _ in 1 2 3 4 5; do # another may take it meanwhile
		PORT=$(free_port)
		R run -d -b "$T/b" "${@:1:$#-2}" -p "127.0.0.1:$PORT:$inside" "$ID"
		[ "$RC" != 0 ] || break
	done
	eq run "$RC" 0
}

a_port() { # HELPER
	needs "$1"
	serve 127.0.0.1
	script_ 'busybox nc -ll -p 80 -e echo inside'
	no 'it is in use' run -d -b "$T/b" "--net=$1" -p "127.0.0.1:$PORT:80" "$ID"
	has hint "$ERR" "ss -ltnp"
	publish "--net=$1" -- 80
	soon is_answered "$PORT" inside || fail "the port $PORT is not answered"
	ok explain "$ID"
	[ -n "$(helpers)" ] || fail 'no helper has the container in its title'
	in_its_sandbox "$1"
	down
	no_helpers || fail 'delete leaves a helper'
}

# Processes with that title; the program itself is the one that has its device among its words.
titled() { # TITLE
	{ grep -lzs "^usrun:\[$1\] $ID" /proc/[0-9]*/cmdline || true; } | cut -d / -f 3 | sort -n
}
program_of() { # HELPER
	local pid
	for pid in $(titled "$1"); do
		! tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qx tap0 || echo "$pid"
	done
}
in_its_sandbox() { # HELPER
	local pid
	pid=$(program_of "$1")
	[ -n "$pid" ] || fail "no process of $1"
	grep -q '^Seccomp:[[:space:]]2' "/proc/$pid/status" || fail "$1 has no filter"
	grep -q '^NoNewPrivs:[[:space:]]1' "/proc/$pid/status" || fail "$1 may get more privileges"
	# CAP_NET_BIND_SERVICE, and CAP_SYS_ADMIN of pasta in the container's user namespace.
	grep -q "^CapPrm:[[:space:]]00000000002*0*400\$" "/proc/$pid/status" || fail "$(grep Cap "/proc/$pid/status")"
	[ "$MODE" = root ] || return 0
	# A descriptor of a directory would lead out of it.
	eq directories "$(find -L "/proc/$pid/fd" -mindepth 1 -maxdepth 1 -type d)" ''
	[ ! -e "/proc/$pid/root/usr" ] || fail "$1 sees /usr"
}

# Its root is a subordinate id, to which a user cannot give a directory.
before_t_net_publish_keep() { give_tun; }
after_t_net_publish_keep() { take_tun; }
t_net_publish_keep() {
	local helper
	rootless_only
	many_ids
	for helper in slirp4netns pasta; do
		needs $helper
		cfg 'del(.linux.uidMappings, .linux.gidMappings) | .process.user = {uid: 1000, gid: 100}'
		script_ 'busybox nc -ll -p 8080 -e echo inside'
		publish --map=keep --net=$helper -- 8080
		soon is_answered "$PORT" inside || fail "$helper: the port $PORT is not answered"
		in_its_sandbox $helper
		down
	done
}

before_t_net_publish_refused() { give_tun; }
after_t_net_publish_refused() { take_tun; }
t_net_publish_refused() {
	slirp
	local start
	prog /bin/true
	no 'publish the tcp port 8080: the host has no address 192.0.2.77' run -b "$T/b" --net=slirp4netns \
		-p 192.0.2.77:8080:80 "$ID"
	! command -v pasta >/dev/null || no 'the host has no address 192.0.2.77' run -b "$T/b" --net=pasta \
		-p 192.0.2.77:8080:80 "$ID"
	no '--publish: expected [IPv4:]HOSTPORT:PORT' run -b "$T/b" --net=slirp4netns -p http "$ID"
	no 'only --net=slirp4netns and --net=pasta can publish a port' run -b "$T/b" --net=none -p 8080:80 "$ID"
	rootless_only
	start=$(</proc/sys/net/ipv4/ip_unprivileged_port_start)
	((start > 1)) || skip 'any user may have any port here'
	no "unprivileged users may only publish ports from $start up (net.ipv4.ip_unprivileged_port_start)" run -b "$T/b" \
		--net=slirp4netns -p 1:80 "$ID"
}

# The helper ends with the container, whoever has been killed; and with its keeper.
before_t_net_helper_ends() { give_tun; }
after_t_net_helper_ends() { take_tun; }
t_net_helper_ends() {
	local helper
	for helper in slirp4netns pasta; do
		needs $helper
		prog /bin/sleep 1000
		cfg --arg n $helper '.annotations = {"run.usrun.net": $n}'
		up
		[ -n "$(helpers)" ] || fail 'no helper'
		kill -KILL "$PID"
		soon no_helpers || fail "$helper outlives the container"
		down
		up
		kill -KILL "$(titled net)"
		soon no_helpers || fail "$helper outlives its keeper"
		is running || fail 'the container ends with its helper'
		down
	done
}

# What is between it and its keeper holds nothing up when it is killed.
before_t_net_pasta_ends() { give_tun; }
after_t_net_pasta_ends() { take_tun; }
t_net_pasta_ends() {
	needs pasta
	local i n
	cfg '.annotations = {"run.usrun.net": "pasta"}'
	for i in 1 2 3; do
		up
		n=$(titled pasta | sed -n "${i}p")
		kill -KILL "$n"
		soon no_pasta || fail "process $i of pasta: others outlive it"
		down
		no_helpers || fail 'delete leaves a helper'
	done
}
no_pasta() { [ -z "$(titled pasta)" ]; }

# As a user with a single id, which newuidmap is not needed for: traced, it has no privileges.
traced() { # STRACE-OPTION... -- ARG...: usrun traced, with its processes; result in RC
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	[ "$MODE" = root ] || cfg --argjson u "$(id -u)" --argjson g "$(id -g)" '.process.user = {uid: $u, gid: $g} |
		.linux.uidMappings = [{containerID: $u, hostID: $u, size: 1}] |
		.linux.gidMappings = [{containerID: $g, hostID: $g, size: 1}]'
	RC=0
	strace -f -qq -o "$T/trace" "${options[@]}" "${U[@]}" "$@" >"$T/out" 2>&1 </dev/null || RC=$?
}

# Whatever kills usrun, a later delete finds the keeper in the state, and waits for it.
before_t_net_recorded_first() { give_tun; }
after_t_net_recorded_first() { take_tun; }
t_net_recorded_first() {
	slirp
	local helper words
	for helper in slirp4netns pasta; do
		needs $helper
		prog /bin/true
		traced -s 4000 -e trace=write,setns -- run -b "$T/b" --net=$helper "$ID"
		eq run "$RC" 0
		words=$(grep -n 'write.*netPid\|setns(' "$T/trace" | sed 's/^[0-9]*:[0-9]* *\([a-z]*\)(.*/\1/' | head -n 2)
		eq "the state, and then $helper joins" "$words" $'write\nsetns'
	done
}

# It loads while the namespaces are created, and is held until they are there.
before_t_net_early() { give_tun; }
after_t_net_early() { take_tun; }
t_net_early() {
	slirp
	rootless_only
	prog /bin/sleep 1000
	cfg '.annotations = {"run.usrun.net": "slirp4netns"}'
	up
	[[ $(ps -ww -o args= -p "$(titled slirp4netns)") =~ \ [0-9]+\ tap0$ ]] || fail 'it was not told a process'
	eq 'processes between it and usrun' "$(titled net | wc -l)" 1
	down
	no_helpers || fail 'delete leaves a helper'
}

# Whatever prevents that, it is started again, in the usual way.
before_t_net_not_early() { give_tun; }
after_t_net_not_early() { take_tun; }
t_net_not_early() {
	slirp
	rootless_only
	local real
	real=$(command -v slirp4netns)
	script_ 'cat /sys/class/net/tap0/mtu'
	mkdir "$T/bin"
	printf '#!/bin/sh\nmkdir %s || exec %s "$@"\nexit 3\n' "$T/once" "$real" >"$T/bin/slirp4netns"
	chmod 755 "$T/bin" "$T/bin/slirp4netns"
	PATH=$T/bin:$PATH ok run -b "$T/b" --net=slirp4netns "$ID"
	eq 'one that ends at first' "$OUT" 65520
	rmdir "$T/once"
	printf '#!/bin/sh\nsleep 1\nexec %s "$@"\n' "$real" >"$T/bin/slirp4netns"
	PATH=$T/bin:$PATH ok run -b "$T/b" --net=slirp4netns "$ID"
	eq 'a slow one' "$OUT" 65520
	printf '#!%s\nimport os, socket, sys\nsocket.socketpair()\nos.execv("%s", sys.argv)\n' "$(command -v python3)" "$real" \
		>"$T/bin/slirp4netns"
	PATH=$T/bin:$PATH ok run -b "$T/b" --net=slirp4netns "$ID"
	eq 'one with sockets of its own' "$OUT" 65520
	# Its traces would be in the way of the second: the device is configured.
	cat >"$T/bin/slirp4netns" <<-END
		#!/bin/sh
		for a; do shift; case \$a in --ready-fd=*) ;; *) set -- "\$@" "\$a" ;; esac; done
		$real "\$@" 2>/dev/null &
		sleep 0.5
		kill -KILL \$!
		{ wait \$!; } 2>/dev/null
		echo no luck at the end >&2
		exit 3
	END
	PATH=$T/bin:$PATH no 'the network of the container: slirp4netns: no luck at the end' run -b "$T/b" --net=slirp4netns "$ID"
	printf '#!/bin/sh\nkill -SYS $$\n' >"$T/bin/slirp4netns"
	PATH=$T/bin:$PATH no "it exited without an error message (signal $(kill -l SYS))" run -b "$T/b" --net=slirp4netns "$ID"
	printf '#!/bin/sh\necho no such luck >&2\nexit 3\n' >"$T/bin/slirp4netns"
	PATH=$T/bin:$PATH no 'the network of the container: slirp4netns: no such luck' run -b "$T/b" --net=slirp4netns "$ID"
	no_helpers || fail 'a helper is left'
}

# Nobody waits without an end for the process that joins its namespaces.
before_t_net_guide_stopped() { give_tun; }
after_t_net_guide_stopped() { take_tun; }
t_net_guide_stopped() {
	slirp
	rootless_only
	local real guide
	real=$(command -v slirp4netns)
	prog /bin/true
	mkdir "$T/bin"
	printf '#!/bin/sh\ntouch %s; sleep 2; exec %s "$@"\n' "$T/begun" "$real" >"$T/bin/slirp4netns"
	chmod 755 "$T/bin" "$T/bin/slirp4netns"
	PATH=$T/bin:$PATH "${U[@]}" run -b "$T/b" --net=slirp4netns "$ID" &
	soon test -e "$T/begun" || fail 'slirp4netns is not started'
	guide=$(titled net | tail -n 1)
	kill -STOP "$guide"
	sleep 3
	kill -KILL $!
	wait $! || true
	soon no_helpers || fail "left: $(helpers)"
	ok delete --force "$ID"
}

# A start that fails while it is held waits for its end.
before_t_net_early_for_nothing() { give_tun; }
after_t_net_early_for_nothing() { take_tun; }
t_net_early_for_nothing() {
	slirp
	prog /no/such/program
	no 'no such file' run -b "$T/b" --net=slirp4netns "$ID"
	no_helpers || fail 'a helper is left'
	cfg '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["read"], action: "SCMP_ACT_NO"}]}'
	no seccomp run -b "$T/b" --net=slirp4netns "$ID"
	no_helpers || fail 'a helper is left'
}

# Killed between its fork and the moment in which that is told to end with it: setpgid() is what comes before.
before_t_net_keeper_killed_early() { give_tun; }
after_t_net_keeper_killed_early() { take_tun; }
t_net_keeper_killed_early() {
	slirp
	local helper tracer child
	for helper in slirp4netns pasta 'proxy:sleep 1000'; do # the last has nothing else to tell it
		[ "${helper%:*}" = proxy ] || needs $helper
		prog /bin/sleep 1000
		rm -f "$T/trace"
		traced -e trace=setpgid -e inject=setpgid:signal=STOP -- run -d -b "$T/b" "--net=$helper" "$ID" &
		tracer=$!
		soon grep -qs 'stopped by SIGSTOP' "$T/trace" || fail "no helper: $(<"$T/out")"
		child=$(sed -n 's/ *--- stopped by SIGSTOP.*//p' "$T/trace")
		eq 'parent of the helper' "$(ps -o ppid= -p "$child" | tr -d ' ')" "$(titled net | head -n 1)"
		kill -KILL "$(titled net | head -n 1)"
		kill -CONT "$child"
		soon is_over $tracer || fail "$helper outlives its keeper" # which is traced
		wait $tracer || true
		has 'the start fails' "$(<"$T/out")" 'its keeper was killed'
		no_helpers || fail "$helper outlives its keeper"
	done
}
is_over() { ! kill -0 "$1" 2>/dev/null; } # PID

# In a user namespace without id 0, as the user itself.
before_t_net_own_id() { give_tun; }
after_t_net_own_id() { take_tun; }
t_net_own_id() {
	rootless_only
	local helper
	cfg --argjson u "$(id -u)" --argjson g "$(id -g)" '.process.user = {uid: $u, gid: $g} |
		.linux.uidMappings = [{containerID: $u, hostID: $u, size: 1}] |
		.linux.gidMappings = [{containerID: $g, hostID: $g, size: 1}]'
	for helper in slirp4netns pasta; do
		needs $helper
		script_ 'id -u; ip addr; cat /etc/resolv.conf; busybox nc -ll -p 8080 -e echo inside'
		publish --net=$helper -- 8080
		soon is_answered "$PORT" inside || fail "$helper: the port $PORT is not answered"
		in_its_sandbox $helper
		down
	done
}

t_net_without_helper() {
	script_ 'ip -o link | wc -l; readlink /proc/self/ns/net'
	go --net=none
	eq 'devices' "$(sed -n 1p <<<"$OUT")" 1
	go --net=host
	eq 'namespace' "$(sed -n 2p <<<"$OUT")" "$(readlink /proc/self/ns/net)"
	no '--net: expected none, host' run -b "$T/b" --net=bridge "$ID"
}

t_net_missing_helper() {
	[ ! -x /usr/local/bin/slirp4netns ] || skip 'slirp4netns is in /usr/local'
	prog /bin/true
	cfg 'del(.linux.namespaces[] | select(.type == "pid")) | del(.mounts[] | select(.type == "proc"))'
	no 'needs a pid namespace of its own' run -b "$T/b" --net=slirp4netns "$ID"
}

# An engine has a network of its own for the container.
# Found, but of another machine, or without its interpreter.
t_net_helper_that_cannot_be_executed() {
	local helper
	mkdir "$T/bin"
	for helper in slirp4netns pasta; do
		printf '#!/nonexistent\n' >"$T/bin/$helper"
		chmod 755 "$T/bin/$helper"
		prog /bin/true
		RC=0 ERR=$(PATH=$T/bin:$PATH "${U[@]}" run -b "$T/b" --net=$helper "$ID" 2>&1 </dev/null) || RC=$?
		eq "$helper" "$RC $ERR" "1 usrun: the network of the container: $helper: start $T/bin/$helper: no such path"
	done
}

t_net_annotation_is_for_run() {
	script_ 'ip -o link | wc -l'
	cfg '.annotations = {"run.usrun.net": "host"}'
	ok create -b "$T/b" "$ID"
	ok explain "$ID"
	has explain "$OUT" 'annotations["run.usrun.net"]: only `usrun run` supports it, ignored'
	down
	cfg '.annotations = {"run.usrun.net": "sometimes"}'
	no 'annotations["run.usrun.net"]: expected none, slirp4netns or pasta' run -b "$T/b" "$ID"
}

# What an image says of itself becomes annotations: it runs nothing on the host.
t_net_annotation_opens_nothing() {
	local net
	script_ 'ip -o link | wc -l'
	for net in "proxy:touch '$T/ran'" host /proc/self/ns/net; do
		cfg --arg n "$net" '.annotations["run.usrun.net"] = $n'
		no "annotations[\"run.usrun.net\"]: expected none, slirp4netns or pasta, got \"$net\"" run -b "$T/b" "$ID"
		has hint "$ERR" 'use --net'
	done
	[ ! -e "$T/ran" ] || fail 'a command of the annotation ran'
	cfg '.annotations["run.usrun.net.publish"] = "8080:80 x"'
	go --net=none # and not with its ports
	eq 'devices' "$OUT" 1
	no '--publish: only --net=slirp4netns' run -b "$T/b" --net=none -p bundle "$ID"
	no '--publish: expected [IPv4:]HOSTPORT:PORT[/udp], such as 8080:80, got "x"' run -b "$T/b" --net=pasta \
		-p bundle "$ID"
	cfg '.annotations["run.usrun.net"] = "pasta"'
	ok explain -b "$T/b"
	has 'ignored' "$OUT" 'annotations["run.usrun.net.publish"]: ignored without the option -p bundle'
	hasnt 'ports' "$OUT" 8080
}

# The example of the manual, as it stands there.
t_net_proxy() {
	command -v python3 >/dev/null || skip 'needs python3'
	sed -n '/^import asyncio/,/^asyncio.run/{s/\\er/\\r/g; s/\\en/\\n/g; p}' "$(dirname "$USRUN")/usrun-run.1" >"$T/allow.py"
	serve 127.0.0.1
	# shellcheck disable=SC2016 # for the shell inside
	script_ 'for name in $NAMES; do
			printf "CONNECT $name HTTP/1.1\\r\\nHost: $name\\r\\n\\r\\n" | busybox nc -w 20 127.0.0.1 3128
		done
		busybox nc -w 20 192.0.2.1 80 </dev/null 2>&1; env'
	cfg --arg n "127.0.0.1:$PORT localhost:$PORT" '.process.env += ["NAMES=" + $n, "http_proxy=own"]'
	R run -b "$T/b" --net="proxy:python3 '$T/allow.py' 127.0.0.1:$PORT" "$ID"
	has 'allowed' "$OUT" $'HTTP/1.1 200 OK\r\n\r\nhello'
	has 'refused' "$OUT" 'HTTP/1.1 403 Forbidden'
	eq 'answers' "$(grep -c hello <<<"$OUT")" 1
	has 'no other way' "$OUT" 'Network is unreachable'
	has 'environment' "$OUT" 'HTTPS_PROXY=http://127.0.0.1:3128'
	has "the config's" "$OUT" 'http_proxy=own'
}

t_net_proxy_that_ends() {
	prog /bin/sleep 3
	ok run -b "$T/b" --net=proxy:false "$ID"
	has 'false' "$ERR" "$ID: the proxy has ended (exit status 1): the container has no network"
	ok run -b "$T/b" --net=proxy:/nosuch/proxy "$ID"
	has 'none there' "$ERR" "$ID: the proxy has ended (exit status 127): the container has no network"
	prog /bin/true
	ok run -b "$T/b" --net='proxy:sleep 1000' "$ID"
	hasnt 'that ends with the container' "$ERR" 'the proxy has ended'
}

# A server with a port, as the manual has it, with another number; and what it gives otherwise.
before_t_net_do() { give_tun; }
after_t_net_do() { take_tun; }
t_net_do() {
	slirp
	local pid script
	mkdir "$T/proj"
	cd "$T/proj" || fail 'no directory'
	echo hello >file
	mkdir -p "$T/bin/slirp4netns" # no program
	PATH=$T/bin:$PATH ok do -- sh -c 'cat /etc/resolv.conf; ip addr'
	has nameserver "$OUT" 'nameserver 10.0.2.3'
	has address "$OUT" 'inet 10.0.2.100/24'
	serve 127.0.0.1
	script="ip route get 169.254.169.254 oif tap0; for a in 127.0.0.1 10.0.2.2; do
		timeout 20 busybox nc -w 10 \$a $PORT </dev/null 2>&1; done; true"
	ok do -- sh -c "$script"
	has metadata "$OUT" 'local 169.254.169.254 '
	hasnt 'loopback of the host' "$OUT" hello
	ok do --metadata --host-loopback -- sh -c "$script"
	hasnt metadata "$OUT" 'local 169.254.169.254 '
	eq 'loopback of the host' "$(grep -c hello <<<"$OUT")" 1
	ok do --net=none -- ip -o link
	eq devices "$(wc -l <<<"$OUT")" 1
	command -v python3 >/dev/null || skip 'needs python3'
	for _ in 1 2 3 4 5; do # another may take it meanwhile
		PORT=$(free_port)
		"${U[@]}" do --name "$ID" -p "127.0.0.1:$PORT:8000" -- python3 -m http.server \
			>"$T/out" 2>&1 </dev/null &
		pid=$!
		soon is_over_or_served $pid || fail "$(<"$T/out")"
		! kill -0 $pid 2>/dev/null || break
	done
	is_served || fail "$(<"$T/out")"
	kill -KILL $pid # and nothing of it stays
	wait $pid || true
	soon no_helpers || fail 'a helper outlives its sandbox'
	! is_served || fail 'the server goes on'
	R delete --force "$ID"
}
is_served() {
	python3 -c 'import sys, urllib.request
sys.exit(urllib.request.urlopen("http://127.0.0.1:%s/file" % sys.argv[1], timeout=60).read() != b"hello\n")' \
		"$PORT" 2>/dev/null
}
is_over_or_served() { ! kill -0 "$1" 2>/dev/null || is_served; } # PID

# Its default where none can be had, which is said; what was asked for is another matter.
before_t_net_do_without() {
	[ -e /dev/net/tun ] || return 0
	mkdir "$T/tun"
	mount -t tmpfs tun "$T/tun"
	mknod -m 600 "$T/tun/tun" c 10 200
	mount --bind "$T/tun/tun" /dev/net/tun
}
after_t_net_do_without() { take_tun; }
t_net_do_without() {
	rootless_only
	command -v slirp4netns >/dev/null || skip 'needs slirp4netns'
	cd "$T" || fail 'no directory'
	ok do -- ip -o link
	eq devices "$(wc -l <<<"$OUT")" 1
	from_terminal do -- true
	has reason "$OUT" 'no network inside: /dev/net/tun: '
	has 'what ends the line' "$OUT" 'choose --net=none'
	from_terminal do --net=none -- true
	hasnt 'a line about it' "$OUT" 'no network'
	no '--publish: no network inside: /dev/net/tun: ' do -p 8080:80 -- true
	no 'the network of the container: slirp4netns: ' do --net=slirp4netns -- true
	eq status "$RC" 125
	has hint "$ERR" '`ls -l /dev/net/tun` shows 0666'
	no '--net: expected none, host' do --net=bridge -- true
	command -v pasta >/dev/null || return 0
	no 'the network of the container: pasta: ' do --net=pasta -- true
	has 'hint of pasta' "$ERR" '`ls -l /dev/net/tun` shows 0666'
}

# A device with the right mode that nothing is behind.
before_t_net_do_dead_tun() { give_tun 250; }
after_t_net_do_dead_tun() { take_tun; }
t_net_do_dead_tun() {
	slirp
	cd "$T" || fail 'no directory'
	ok do -- ip -o link
	eq devices "$(wc -l <<<"$OUT")" 1
	from_terminal do -- true
	has reason "$OUT" 'no network inside: /dev/net/tun: '
}

# The proxy of the manual, for a sandbox.
t_net_do_proxy() {
	command -v python3 >/dev/null || skip 'needs python3'
	sed -n '/^import asyncio/,/^asyncio.run/{s/\\er/\\r/g; s/\\en/\\n/g; p}' "$(dirname "$USRUN")/usrun-run.1" >"$T/allow.py"
	serve 127.0.0.1
	cat >"$T/ask.py" <<'P'
import os, socket, sys
host, port = os.environ["HTTPS_PROXY"].removeprefix("http://").split(":")
for name in sys.argv[1:]:
    s = socket.create_connection((host, int(port)), 20)
    s.sendall(b"CONNECT %s HTTP/1.1\r\n\r\n" % name.encode())
    print(s.makefile().read())
P
	cd "$T" || fail 'no directory'
	ok do --net="proxy:python3 '$T/allow.py' 127.0.0.1:$PORT" -- python3 ask.py "127.0.0.1:$PORT" "localhost:$PORT"
	has allowed "$OUT" hello
	has refused "$OUT" '403 Forbidden'
	eq answers "$(grep -c hello <<<"$OUT")" 1
}

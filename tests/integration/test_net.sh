# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The network that `run --net` gives. Root lets the user have /dev/net/tun, as most hosts do.

give_tun() {
	[ -e /dev/net/tun ] || return 0
	mkdir "$T/tun"
	mount -t tmpfs tun "$T/tun"
	mknod -m 666 "$T/tun/tun" c 10 200
	mount --bind "$T/tun/tun" /dev/net/tun
}
take_tun() {
	[ -e /dev/net/tun ] || return 0
	umount /dev/net/tun "$T/tun"
}

slirp() {
	command -v slirp4netns >/dev/null || skip 'needs slirp4netns'
	[ -r /dev/net/tun ] && [ -w /dev/net/tun ] || skip "needs /dev/net/tun"
}

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

helpers() { grep -lzs "^usrun:\[\(net\|slirp4netns\)\] $ID" /proc/[0-9]*/cmdline | cut -d / -f 3; }
no_helpers() { [ -z "$(helpers || true)" ]; }

# Directories that slirp4netns has open.
slirp_dirs() {
	local pid
	pid=$(grep -lzs "^usrun:\[slirp4netns\] $ID" /proc/[0-9]*/cmdline | cut -d / -f 3)
	[ -e "/proc/$pid/fd/0" ] || echo 'cannot be seen'
	find -L "/proc/$pid/fd" -mindepth 1 -maxdepth 1 -type d
}

before_t_net_slirp4netns() { give_tun; }
after_t_net_slirp4netns() { take_tun; }
t_net_slirp4netns() {
	slirp
	local address
	address=$(own_address)
	[ -n "$address" ] || skip 'this host has no address'
	serve 0.0.0.0
	script_ "busybox nc -w 20 $address $PORT </dev/null; ip link; ip route; cat /etc/resolv.conf
		cat /proc/sys/net/ipv4/ping_group_range
		busybox nc -w 20 169.254.169.254 80 </dev/null 2>&1; busybox nc -w 20 10.0.2.2 $PORT </dev/null 2>&1; true"
	go --net=slirp4netns
	has 'a server' "$OUT" hello
	has MTU "$OUT" 'mtu 65520'
	has 'metadata' "$OUT" 'blackhole 169.254.0.0/16'
	has 'no way there' "$OUT" '169.254.169.254): Invalid argument'
	has 'nameserver' "$OUT" 'nameserver 10.0.2.3'
	hasnt 'ping' "$OUT" $'1\t0'
	eq 'loopback of the host' "$(grep -c hello <<<"$OUT")" 1
	eq 'in the rootfs' "$(<"$T/b/rootfs/etc/resolv.conf")" ''
	# The sandbox of slirp4netns, as root, where mounts are shared.
	grep -q ' /dev/net/tun ' /proc/self/mountinfo || [ -n "$OWN" ] || fail 'a mount of the host is gone'
	go --net=slirp4netns --host-loopback --metadata
	eq 'loopback of the host' "$(grep -c hello <<<"$OUT")" 2
	hasnt 'metadata' "$OUT" blackhole
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
t_net_publish() {
	slirp
	local port
	serve 127.0.0.1
	script_ 'busybox nc -ll -p 80 -e echo inside'
	no 'it is in use' run -d -b "$T/b" --net=slirp4netns -p "127.0.0.1:$PORT:80" "$ID"
	has hint "$ERR" "ss -ltnp"
	for _ in 1 2 3 4 5; do # another may take it meanwhile
		port=$(free_port)
		R run -d -b "$T/b" --net=slirp4netns -p "127.0.0.1:$port:80" "$ID"
		[ "$RC" != 0 ] || break
	done
	eq 'run' "$RC" 0
	soon is_answered "$port" inside || fail "the port $port is not answered"
	ok explain "$ID"
	[ -n "$(helpers)" ] || fail 'no helper has the container in its title'
	# A descriptor of the directory would lead out of its sandbox.
	eq 'directories' "$(slirp_dirs)" ''
	down
	no_helpers || fail 'delete leaves a helper'
}

# Its root is a subordinate id, to which a user cannot give a directory.
before_t_net_publish_keep() { give_tun; }
after_t_net_publish_keep() { take_tun; }
t_net_publish_keep() {
	rootless_only
	slirp
	many_ids
	local port
	cfg 'del(.linux.uidMappings, .linux.gidMappings) | .process.user = {uid: 1000, gid: 100}'
	script_ 'busybox nc -ll -p 8080 -e echo inside'
	for _ in 1 2 3 4 5; do # another may take it meanwhile
		port=$(free_port)
		R run -d -b "$T/b" --map=keep --net=slirp4netns -p "127.0.0.1:$port:8080" "$ID"
		[ "$RC" != 0 ] || break
	done
	eq 'run' "$RC" 0
	soon is_answered "$port" inside || fail "the port $port is not answered"
	down
}

before_t_net_publish_refused() { give_tun; }
after_t_net_publish_refused() { take_tun; }
t_net_publish_refused() {
	slirp
	local start
	prog /bin/true
	no 'publish the tcp port 8080: the host has no address 192.0.2.77' run -b "$T/b" --net=slirp4netns \
		-p 192.0.2.77:8080:80 "$ID"
	no '--publish: expected [IPv4:]HOSTPORT:PORT' run -b "$T/b" --net=slirp4netns -p http "$ID"
	no 'only --net=slirp4netns can publish a port' run -b "$T/b" --net=none -p 8080:80 "$ID"
	rootless_only
	start=$(</proc/sys/net/ipv4/ip_unprivileged_port_start)
	((start > 1)) || skip 'any user may have any port here'
	no "users may have ports from $start on (net.ipv4.ip_unprivileged_port_start)" run -b "$T/b" \
		--net=slirp4netns -p 1:80 "$ID"
}

# The helper ends with the container, whoever has been killed; and with its keeper.
before_t_net_helper_ends() { give_tun; }
after_t_net_helper_ends() { take_tun; }
t_net_helper_ends() {
	slirp
	prog /bin/sleep 1000
	cfg '.annotations = {"run.usrun.net": "slirp4netns"}'
	up
	[ "$(helpers | wc -l)" = 2 ] || fail "helpers: $(helpers)"
	kill -KILL "$PID"
	soon no_helpers || fail 'a helper outlives the container'
	down
	up
	kill -KILL "$(grep -lzs "^usrun:\[net\] $ID" /proc/[0-9]*/cmdline | cut -d / -f 3)"
	soon no_helpers || fail 'slirp4netns outlives its keeper'
	is running || fail 'the container ends with its helper'
	down
}

# In a user namespace without id 0, as the user itself.
before_t_net_own_id() { give_tun; }
after_t_net_own_id() { take_tun; }
t_net_own_id() {
	rootless_only
	slirp
	cfg --argjson u "$(id -u)" --argjson g "$(id -g)" '.process.user = {uid: $u, gid: $g} |
		.linux.uidMappings = [{containerID: $u, hostID: $u, size: 1}] |
		.linux.gidMappings = [{containerID: $g, hostID: $g, size: 1}]'
	sh_run_net 'id -u; ip addr; cat /etc/resolv.conf'
	has 'own id' "$OUT" "$(id -u)"
	has 'address' "$OUT" 'inet 10.0.2.100/24'
	has 'nameserver' "$OUT" 'nameserver 10.0.2.3'
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
t_net_annotation_is_for_run() {
	script_ 'ip -o link | wc -l'
	cfg '.annotations = {"run.usrun.net": "host"}'
	ok create -b "$T/b" "$ID"
	ok explain "$ID"
	has explain "$OUT" 'annotations["run.usrun.net"]: for `usrun run` alone, and ignored'
	down
	cfg '.annotations = {"run.usrun.net": "sometimes"}'
	no 'annotations["run.usrun.net"]: expected none or slirp4netns' run -b "$T/b" "$ID"
}

# What an image says of itself becomes annotations: it runs nothing on the host.
t_net_annotation_opens_nothing() {
	local net
	script_ 'ip -o link | wc -l'
	for net in "proxy:touch '$T/ran'" host /proc/self/ns/net; do
		cfg --arg n "$net" '.annotations["run.usrun.net"] = $n'
		no "annotations[\"run.usrun.net\"]: expected none or slirp4netns, got \"$net\"" run -b "$T/b" "$ID"
		has hint "$ERR" 'the option --net'
	done
	[ ! -e "$T/ran" ] || fail 'a command of the annotation ran'
	cfg '.annotations["run.usrun.net.publish"] = "8080:80"'
	go --net=none # and not with its ports
	eq 'devices' "$OUT" 1
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

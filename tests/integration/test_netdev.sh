# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Network devices that move into the container. The "host" is a network namespace of the test's own.

net_host() { # COMMAND...: in a new network namespace, with the functions of the tests
	command -v ip >/dev/null || skip 'needs ip (iproute2)'
	export -f in_host
	export T ID USRUN MODE
	unshare -n ip link add probe0 type veth peer name probe1 2>/dev/null || skip 'needs veth devices'
	unshare -n bash -c 'set -eEuo pipefail; in_host "$@"' bash "${U[@]}"
}

t_net_devices() {
	root_only
	in_host() {
		ip link add eth7 mtu 1400 address 02:00:00:00:00:07 type veth peer name peer7
		ip link add eth8 type veth peer name peer8
		ip address add 192.0.2.7/24 dev eth7
		ip address add 192.0.2.8/32 dev eth7 noprefixroute
		ip address add 2001:db8::7/64 dev eth7 nodad
		ip address add 169.254.7.7/16 scope link dev eth7
		ip link set eth7 up
		ip link set peer7 up
		"$@" run -b "$T/b" "$ID" >"$T/inside"
		"$@" run -b "$T/b" "$ID" >"$T/again" 2>&1 && exit 1
		return 0
	}
	cfg '.linux.netDevices = {eth7: {name: "net0"}, eth8: {name: "slot%d"}}'
	script_ 'ip addr; ip link'
	net_host || fail "$(<"$T/again")"
	local inside
	inside=$(<"$T/inside")
	has 'renamed' "$inside" ' net0@'
	has 'numbered' "$inside" ' slot0@'
	has 'address' "$inside" 'inet 192.0.2.7/24 '
	has 'second address' "$inside" 'inet 192.0.2.8/32 '
	has 'IPv6 address' "$inside" 'inet6 2001:db8::7/64 '
	hasnt 'link-local address' "$inside" 169.254.7.7
	has 'MTU' "$inside" 'mtu 1400'
	has 'hardware address' "$inside" 02:00:00:00:00:07
	has 'state' "$(grep ' slot0@' <<<"$inside")" ',UP'
	has 'gone' "$(<"$T/again")" 'linux.netDevices["eth7"]: find it on the host'
}

t_net_device_name_is_taken() {
	root_only
	in_host() {
		ip link add eth7 type veth peer name peer7
		unshare -n sleep 1000 & other=$!
		trap 'kill $other' EXIT
		until [ "$(readlink "/proc/$other/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
		nsenter -t $other -n ip link add net0 type veth peer name net1
		jq --arg p "/proc/$other/ns/net" '(.linux.namespaces[] | select(.type == "network")).path = $p |
			.linux.netDevices = {eth7: {name: "net0"}}' "$T/b/config.json" >"$T/b/c" && mv "$T/b/c" "$T/b/config.json"
		"$@" run -b "$T/b" "$ID" >"$T/out" 2>&1 && exit 1
		ip link show dev eth7 >"$T/left"
		jq '.linux.netDevices = {eth7: {name: "net%d"}}' "$T/b/config.json" >"$T/b/c" && mv "$T/b/c" "$T/b/config.json"
		"$@" run -b "$T/b" "$ID" >"$T/numbered"
	}
	prog /bin/ip link
	net_host
	has error "$(<"$T/out")" 'linux.netDevices["eth7"]: the container already has a network device net0'
	has 'still there' "$(<"$T/left")" eth7
	has numbered "$(<"$T/numbered")" ' net2@'
}

# What was moved before the start failed is given back as it was.
t_net_devices_come_back() {
	root_only
	in_host() {
		ip link add eth7 type veth peer name peer7
		ip address add 192.0.2.7/24 dev eth7
		ip link set eth7 up
		ip -o address show dev eth7 scope global | tr -s ' ' >"$T/before"
		"$@" create -b "$T/b" "$ID" >"$T/out" 2>&1 && exit 1
		ip -o address show dev eth7 scope global | tr -s ' ' >"$T/after"
		ip link show dev eth7 >"$T/link"
	}
	prog /no/such/program
	cfg '.linux.netDevices = {eth7: {name: "net0"}, nothere: {}}'
	net_host
	has error "$(<"$T/out")" 'linux.netDevices["nothere"]: find it on the host'
	eq addresses "$(cut -d ' ' -f 2- <"$T/after")" "$(cut -d ' ' -f 2- <"$T/before")"
	has state "$(<"$T/link")" ',UP'
	cfg 'del(.linux.netDevices.nothere)'
	net_host
	has error "$(<"$T/out")" '/no/such/program'
	eq addresses "$(cut -d ' ' -f 2- <"$T/after")" "$(cut -d ' ' -f 2- <"$T/before")"
}

t_net_devices_need_rights_and_a_namespace() {
	prog /bin/true
	cfg '.linux.netDevices = {eth7: {}}'
	[ "$MODE" = root ] || no 'linux.netDevices: the caller may not move devices' create -b "$T/b" "$ID"
	[ "$MODE" = root ] || has hint "$ERR" CAP_NET_ADMIN
	[ "$MODE" = rootless ] || no 'linux.netDevices["eth7"]: find it on the host' create -b "$T/b" "$ID"
	cfg '.linux.netDevices = {lo: {name: "lo7"}}'
	[ "$MODE" = rootless ] || no 'cannot leave their namespace' create -b "$T/b" "$ID"
	cfg 'del(.linux.namespaces[] | select(.type == "network"))'
	no 'linux.netDevices' create -b "$T/b" "$ID"
}

# The network namespace belongs to the container's user namespace; rights over it are those of its maker.
t_net_devices_in_a_user_namespace() {
	root_only
	in_host() {
		ip link add eth7 type veth peer name peer7
		ip address add 192.0.2.7/24 dev eth7
		"$@" run -b "$T/b" "$ID" >"$T/inside"
		ip link add eth8 type veth peer name peer8
		ip link set eth8 up
		jq '.process.args = ["/no/such/program"] | .linux.netDevices = {eth8: {}}' "$T/b/config.json" >"$T/b/c" && mv "$T/b/c" "$T/b/config.json"
		"$@" create -b "$T/b" "$ID" >"$T/out" 2>&1 && exit 1
		ip link show dev eth8 >"$T/link"
	}
	cfg '.linux.netDevices = {eth7: {name: "net0"}} | .linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$T/b/rootfs"
	prog /bin/ip address
	net_host
	has address "$(<"$T/inside")" 'inet 192.0.2.7/24 '
	has error "$(<"$T/out")" /no/such/program
	has 'given back' "$(<"$T/link")" ',UP'
}

# The name that is written is the one that was checked, in whichever form: a dot of a device's name is a slash here.
t_sysctl_of_a_device_with_a_dot() {
	root_only
	in_host() {
		ip link add up.1 type veth peer name peer7
		"$@" run -b "$T/b" "$ID" >"$T/inside"
	}
	cfg '.linux.netDevices = {"up.1": {}} | .linux.sysctl = {"net.ipv4.conf.up/1.forwarding": "1"}'
	script_ 'cat /proc/sys/net/ipv4/conf/up.1/forwarding'
	net_host
	eq forwarding "$(<"$T/inside")" 1
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What a configuration, an option, a hook, an agent or another user's file does to usrun itself.
# shellcheck disable=SC2016 # variables of the shell inside

within() { # SECONDS WHAT: since SECONDS was set to 0; a busy machine takes longer, what hangs takes for ever
	((SECONDS <= 20 * $1)) || fail "$2: took $SECONDS s"
}

# The bundle's config.json is none: an error, at once.
bomb() { # WHAT
	SECONDS=0
	no config.json run -b "$T/b" "$ID"
	within 5 "$1"
	[ "${#ERR}" -lt 4096 ] || fail "$1: an error of ${#ERR} bytes"
}

t_configs_that_are_bombs() {
	local good at size open
	good=$(jq -c . "$T/b/config.json")
	: >"$T/b/config.json"
	bomb 'an empty file'
	for open in '[' '{"a":'; do
		python3 -c 'import sys; print(sys.argv[1] * 200000)' "$open" >"$T/b/config.json"
		bomb "200,000 times $open"
		python3 -c 'import sys; print("{\"annotations\":" + sys.argv[1] * 200000)' "$open" >"$T/b/config.json"
		bomb "200,000 times $open in a member"
	done
	printf '%s\0%s' "${good:0:100}" "${good:100}" >"$T/b/config.json"
	bomb 'a NUL'
	size=${#good}
	for ((at = 1; at < size; at += size / 12)); do
		echo "${good:0:at}" >"$T/b/config.json"
		bomb "cut at byte $at"
	done
	for at in '.process = []' '.mounts = {}' '.process.args = "x"' '.linux = 7' '.process.user.uid = 73786976294838206464' \
		'.linux.resources = {pids: {limit: 73786976294838206464}}' '.process.rlimits = [{type: "RLIMIT_CORE", soft: 1e30, hard: 1}]'; do
		jq "$at" <<<"$good" >"$T/b/config.json"
		bomb "$at"
	done
	# As long as it may be, and longer: whether it is taken or not, it takes no time.
	for size in 3000000 30000000; do
		SECONDS=0
		python3 -c 'import json, sys
config = json.loads(sys.argv[1]); config["annotations"] = {"long": "x" * int(sys.argv[2])}; config["process"]["args"] = ["/bin/true"]
print(json.dumps(config))' "$good" $size >"$T/b/config.json"
		R run -b "$T/b" "$ID"
		[ "$RC" = 0 ] || has "$size" "$ERR" config.json
		within 10 "$size bytes"
	done
}

# A namespace is of its kind, and is entered with the rights of the caller only.
t_namespaces_of_others() {
	local kind what
	prog /bin/true
	echo x >"$T/file"
	mkfifo "$T/fifo"
	cp "$T/b/config.json" "$T/plain.json"
	for kind in network ipc uts pid mount user; do
		ln -sfn /proc/1/ns/mnt "$T/link"
		[ $kind != mount ] || ln -sfn /proc/1/ns/net "$T/link"
		for what in "$T/file" "$T/fifo" "$T/link" "$T" /dev/null /proc/1/ns /proc/1/status; do
			cp "$T/plain.json" "$T/b/config.json"
			cfg --arg k $kind --arg p "$what" '.linux.namespaces |= map(select(.type != $k)) + [{type: $k, path: $p}]
				| if $k == "user" then del(.linux.uidMappings, .linux.gidMappings) else . end'
			SECONDS=0
			no "linux.namespaces" run -b "$T/b" "$ID"
			within 5 "$kind by $what"
		done
	done
	cp "$T/plain.json" "$T/b/config.json"
	[ "$MODE" = rootless ] || return 0
	cfg '.linux.namespaces |= map(if .type == "network" then .path = "/proc/1/ns/net" else . end)'
	no 'permission denied' run -b "$T/b" "$ID"
}

# An agent that takes the listener and then sleeps holds up the container, but not who ends it.
ends() { ! kill -0 "$1" 2>/dev/null; } # PID

t_agent_that_never_answers() {
	local calls agent run
	python3 -c '' 2>/dev/null || skip 'needs python3'
	USRUN_TEST=$ID python3 -c 'import os, socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o666); s.listen(8); kept = []
while True:
    peer, _ = s.accept()
    while True:
        data, fds, _, _ = socket.recv_fds(peer, 65536, 4)
        kept += fds
        if not data:
            break' "$T/agent" &
	agent=$!
	soon accepts "$T/agent"
	prog /bin/mkdir /tmp/x
	for calls in '["mkdir", "mkdirat"]' '["write", "writev"]' '["sendmsg", "sendto"]' '["execve", "execveat"]'; do
		cfg --arg s "$T/agent" --argjson c "$calls" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: $s,
			syscalls: [{names: $c, action: "SCMP_ACT_NOTIFY"}]}'
		SECONDS=0
		"${U[@]}" run -b "$T/b" "$ID" </dev/null >"$T/out" 2>"$T/err" &
		run=$!
		sleep 1
		ok delete --force "$ID"
		soon ends $run || fail "$calls: usrun does not end"
		within 25 "$calls"
		left=$(leaks_of_containers) || fail "$calls: left behind: $left"
	done
	kill $agent
}

# Listens, but accepts nobody, with no room for one more connection; or accepts, and reads nothing.
hanging() { # SOCKET ROOM
	python3 -c 'import os, socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o666); s.listen(int(sys.argv[2]))
peers = []
while sys.argv[2] == "0":
    peers.append(socket.socket(socket.AF_UNIX)); peers[-1].setblocking(False)
    if peers[-1].connect_ex(sys.argv[1]):
        break
open(sys.argv[1] + ".hangs", "w").close()
time.sleep(200)' "$1" "$2" &
	soon test -e "$1.hangs"
}

# All at once, because each of them waits for its time.
t_listeners_that_hang() {
	local helpers=() waits=() i options=(--console-socket --pidfd-socket '' '')
	local errors=('--console-socket: connect' 'send a pidfd' 'connect to the agent' 'send the listener to the agent')
	python3 -c '' 2>/dev/null || skip 'needs python3'
	hanging "$T/full" 0
	helpers+=($!)
	hanging "$T/reader" 8
	helpers+=($!)
	prog /bin/true
	jq '.process.terminal = true' "$T/b/config.json" >"$T/b/0.json"
	cp "$T/b/config.json" "$T/b/1.json"
	# The words are more than a socket's buffer holds.
	jq --arg s "$T/full" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: $s, listenerMetadata: ("x" * 1000000),
		syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}' "$T/b/1.json" >"$T/b/2.json"
	jq --arg s "$T/reader" '.linux.seccomp.listenerPath = $s' "$T/b/2.json" >"$T/b/3.json"
	for i in 0 1 2 3; do
		timeout 60 "${U[@]}" create -b "$T/b" --config "$T/b/$i.json" ${options[i]:+"${options[i]}" "$T/full"} "$ID$i" \
			</dev/null >"$T/out$i" 2>"$T/err$i" &
		waits+=($!)
	done
	for i in 0 1 2 3; do
		! wait "${waits[i]}" || fail "created: ${errors[i]}"
		has "error $i" "$(<"$T/err$i")" "${errors[i]}"
		has "error $i" "$(<"$T/err$i")" 'timed out'
	done
	kill "${helpers[@]}"
}

# The agent is of the test.
leaks_of_containers() {
	local left
	left=$(ls -A "$(STATE_OF)" 2>/dev/null; cgroups)
	[ -z "$left" ] || { echo "$left"; return 1; }
}

t_filter_of_many_rules() {
	python3 -c '' 2>/dev/null || skip 'needs python3'
	prog /bin/true
	python3 -c 'import json, sys
config = json.load(open(sys.argv[1]))
config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["ioctl"], "action": "SCMP_ACT_ERRNO",
    "args": [{"index": 1, "value": i, "op": "SCMP_CMP_EQ"}]} for i in range(1000000, 1100000)]}
json.dump(config, open(sys.argv[1], "w"))' "$T/b/config.json"
	SECONDS=0
	R run -b "$T/b" "$ID"
	[ "$RC" = 0 ] || has 'the error' "$ERR" linux.seccomp
	[[ $RC -lt 128 || $RC = 255 ]] || fail "exit status $RC"
	within 10 'a hundred thousand rules'
}

# A hook is the caller's; whatever it does, nothing is left, and usrun ends.
t_hooks_that_misbehave() {
	local point
	prog /bin/true
	for point in createRuntime createContainer startContainer poststart poststop; do
		cfg --arg p $point --arg id "$ID" '.hooks = {($p): [{path: "/bin/busybox", env: ["PATH=/bin:/usr/bin", "USRUN_TEST=" + $id], timeout: 5,
			args: ["sh", "-c", "busybox yes | busybox head -c 30000000; busybox yes | busybox head -c 30000000 >&2; exit 3"]}]}'
		SECONDS=0
		R run -b "$T/b" "$ID"
		[ $point = poststop ] || [ "$RC" != 0 ] || fail "$point: a hook that fails is no failure"
		[ "${#ERR}" -lt 8192 ] || fail "$point: an error of ${#ERR} bytes"
		within 20 "a flood of $point"
		left=$(leaks) || fail "a flood of $point: left behind: $left"
	done
	# Who kills usrun ends the container.
	for point in createRuntime prestart; do
		cfg --arg p $point --arg id "$ID" '.hooks = {($p): [{path: "/bin/sh", env: ["PATH=/bin:/usr/bin", "USRUN_TEST=" + $id],
			args: ["sh", "-c", "kill -KILL $PPID $(grep -lzsxF USRUN_TEST=" + $id + " /proc/[0-9]*/environ | cut -d / -f 3 | grep -vx $$)"]}]}'
		R run -b "$T/b" "$ID"
		[ "$RC" != 0 ] || fail "$point: usrun was not killed"
		ok delete --force "$ID"
		left=$(leaks) || fail "killed by $point: left behind: $left"
	done
}

# In a directory of all users others are first; a FIFO would let its opener wait.
t_names_among_others() {
	local kind
	mkdir -m 1777 "$T/shared"
	cfg '.process.terminal = true'
	prog /bin/true
	for kind in fifo file link; do
		case $kind in
		fifo) mkfifo -m 666 "$T/shared/socket" ;;
		file) : >"$T/shared/socket" ;;
		link) ln -s "$T/precious" "$T/shared/socket" ;;
		esac
		echo keep >"$T/precious"
		SECONDS=0
		no --console-socket create -b "$T/b" --console-socket "$T/shared/socket" "$ID"
		within 5 "a $kind as console socket"
		rm "$T/shared/socket"
	done
	mkfifo -m 666 "$T/shared/log"
	SECONDS=0
	R --log "$T/shared/log" state "$ID"
	[ "$RC" != 0 ] || fail 'there is no such container'
	within 5 'a FIFO as log'
	eq 'what a link leads to' "$(<"$T/precious")" keep
}

# The runtime directory of last resort has a name that all can guess.
fallback() { echo "/tmp/usrun-$(id -u)"; }
refuses_fallback() { # WHAT
	[ ! -d "/run/user/$(id -u)" ] || skip 'the user has a runtime directory'
	RC=0
	env -u XDG_RUNTIME_DIR "${U[@]}" run -b "$T/b" "$ID" >"$T/out" 2>"$T/err" </dev/null || RC=$?
	[ "$RC" != 0 ] || fail "$1: the state is kept in it"
	has "$1" "$(<"$T/err")" "$(fallback)"
}

before_t_fallback_of_another_user() {
	[ "$MODE" = rootless ] || return 0
	mkdir -m 777 "/tmp/usrun-$(id -u usruntest)"
}
after_t_fallback_of_another_user() {
	[ "$MODE" = rootless ] || return 0
	rmdir "/tmp/usrun-$(id -u usruntest)"
}
t_fallback_of_another_user() {
	rootless_only 'root has /run'
	prog /bin/true
	refuses_fallback 'a directory of another user'
	eq 'what is in it' "$(ls -A "$(fallback)")" ''
}

t_fallback_that_others_may_change() {
	rootless_only 'root has /run'
	[ ! -e "$(fallback)" ] || skip "$(fallback) is in use"
	prog /bin/true
	mkdir -m 777 "$T/elsewhere"
	ln -s "$T/elsewhere" "$(fallback)"
	refuses_fallback 'a link'
	rm "$(fallback)"
	eq 'what is behind the link' "$(ls -A "$T/elsewhere")" ''
	mkdir -m 777 "$(fallback)"
	chmod 777 "$(fallback)"
	refuses_fallback 'a directory that all may write to'
	rmdir "$(fallback)"
}

# CVE-2025-52881: a name of a volume leads to procfs for a moment, so that what is mounted there covers what we write to.
t_swapped_procfs() {
	local i swapper file
	mkdir -p "$T/v/a/net" "$T/fake/ipv4" "$T/fake/attr"
	for file in ipv4/ip_forward attr/exec oom_score_adj; do : >"$T/fake/$file"; done
	chmod -R a+rwX "$T/fake" "$T/v"
	ln -s /proc/sys "$T/v/evil"
	cfg --arg v "$T/v" --arg f "$T/fake" '.mounts += [{destination: "/v", type: "bind", source: $v, options: ["rbind", "rw"]},
		{destination: "/v/a/net", type: "bind", source: $f, options: ["rbind", "rw"]}]
		| .process.oomScoreAdj = 1000 | .linux.sysctl = {"net.ipv4.ip_forward": "1"}'
	prog /bin/sh -c 'cut -d " " -f 5 /proc/self/mountinfo | grep ^/proc/sys/; true'
	"${BASH_SOURCE[0]%/*}/attack" swap "$T/v/a" "$T/v/evil" &
	swapper=$!
	for ((i = 0; i < 8 * USRUN_TIMES; i++)); do
		R run -b "$T/b" "$ID"
		hasnt "covered at try $i" "$OUT" /proc/sys/net
		file=$(find "$T/fake" -type f -size +0)
		[ -z "$file" ] || break
	done
	kill $swapper
	[ -z "$file" ] || fail "written to at try $i: $file"
}

# What serves the container's network has the host's, and is in no sight of what is inside.
before_t_helper_of_the_network_is_out_of_sight() {
	[ -e /dev/net/tun ] || return 0
	mkdir "$T/tun"
	mount -t tmpfs tun "$T/tun"
	mknod -m 666 "$T/tun/tun" c 10 200
	mount --bind "$T/tun/tun" /dev/net/tun
}
after_t_helper_of_the_network_is_out_of_sight() {
	[ -e /dev/net/tun ] || return 0
	umount /dev/net/tun "$T/tun"
}
t_helper_of_the_network_is_out_of_sight() {
	local helper state pid
	armed CHOWN DAC_OVERRIDE DAC_READ_SEARCH SYS_PTRACE SETUID SETGID KILL NET_RAW
	for helper in slirp4netns pasta; do
		command -v $helper >/dev/null && [ -w /dev/net/tun ] || continue
		state=ran
		: >"$T/b/hits"
		ok run -d --net=$helper -b "$T/b" --pid-file "$T/pid" "$ID"
		looking
		pid=$(<"$T/pid")
		ok exec "$ID" /bin/sh -c 'ls -d /proc/[0-9]*; cat /proc/[0-9]*/comm'
		hasnt 'processes inside' "$OUT" $helper
		[ -z "$(find "$(STATE_OF)/$ID" -perm /077 ! -type l ! -name resolv.conf 2>/dev/null)" ] ||
			fail "$(find "$(STATE_OF)/$ID" -perm /077 ! -type l -ls)"
		ok exec "$ID" /bin/sh -c 'cat /proc/net/unix'
		hasnt 'sockets inside' "$OUT" "$T"
		kill -0 "$pid" || fail 'it has ended'
		down
		safe
	done
	[ -n "${state:-}" ] || skip 'needs slirp4netns or pasta, and /dev/net/tun'
}

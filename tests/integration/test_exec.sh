# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# exec, kill --all, pause, resume, ps, terminals.
# shellcheck disable=SC2016 # variables of the shell inside

t_exec() {
	up
	inside /bin/echo hello
	eq output "$OUT" hello
	R exec "$ID" /bin/sh -c 'exit 7'
	eq status "$RC" 7
	R exec "$ID" /bin/sh -c 'kill -KILL $$'
	eq 'status of a killed one' "$RC" 137
	inside /bin/sh -c 'echo $PPID; cat /proc/1/cmdline' 
	has 'pid namespace' "$(tr '\0' ' ' <"$T/out")" 'sleep 1000'
	inside sh -c 'echo by PATH'
	eq output "$OUT" 'by PATH'
	eq stdin "$(echo in | "${U[@]}" exec "$ID" /bin/cat)" in
	down
}

t_exec_not_found() {
	up
	R exec "$ID" nothing-like-it
	eq status "$RC" 255
	has error "$ERR" "executable file not found in \$PATH"
	R exec "$ID" /bin/nothing
	eq status "$RC" 255
	has error "$ERR" 'o such file'
	R exec "$ID" /etc/passwd
	eq status "$RC" 255
	eq 'status of the container' "$(status)" running
	down
}

t_exec_needs_a_running_one() {
	no 'does not exist' exec "$ID" /bin/true
	up
	ok kill "$ID" KILL
	soon is stopped
	no 'cannot exec in a stopped container' exec "$ID" /bin/true
	down
}

# A user who comes as soon as the container is there, when its init does not wait yet, and so lets nobody in.
t_exec_at_the_first_moment() {
	local tracer
	rootless_only 'root may enter at any moment'
	# As a user with a single id: traced, newuidmap has no privileges.
	cfg --argjson u "$(id -u)" --argjson g "$(id -g)" '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}] |
		.linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]'
	prog /bin/sleep 1000
	strace -f -qq -o "$T/trace" -e trace=close_range -e inject=close_range:delay_enter=200000 \
		"${U[@]}" create -b "$T/b" "$ID" >"$T/create" 2>&1 </dev/null &
	tracer=$!
	soon is created || fail "$(<"$T/create")"
	inside /bin/echo inside
	eq output "$OUT" inside
	ok kill "$ID" KILL
	wait $tracer || true
	down
}

# The same for who looks for its processes, where there is no cgroup to find them by.
t_ps_at_the_first_moment() {
	local tracer command
	rootless_only 'root may look at any moment'
	cfg --argjson u "$(id -u)" --argjson g "$(id -g)" '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}] |
		.linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]'
	prog /bin/sleep 1000
	for command in ps 'kill --all'; do
		strace -f -qq -o "$T/trace" -e trace=close_range -e inject=close_range:delay_enter=200000 \
			"${U[@]}" --cgroup-manager disabled create -b "$T/b" "$ID" >"$T/create" 2>&1 </dev/null &
		tracer=$!
		soon is created || fail "$(<"$T/create")"
		# shellcheck disable=SC2086 # a command and its option
		ok $command "$ID"
		down
		wait $tracer || true
	done
}

# The same for who joins its namespaces by path, as a second container of a pod.
t_exec_beside_at_the_first_moment() {
	local tracer pod=$ID-pod pid
	rootless_only 'root may enter at any moment'
	cfg --argjson u "$(id -u)" --argjson g "$(id -g)" '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}] |
		.linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]'
	prog /bin/true
	strace -f -qq -o "$T/trace" -e trace=close_range -e inject=close_range:delay_enter=200000 \
		"${U[@]}" create -b "$T/b" "$pod" >"$T/create" 2>&1 </dev/null &
	tracer=$!
	soon eval '[ "$("${U[@]}" state "$pod" 2>/dev/null | jq -r .status)" = created ]' || fail "$(<"$T/create")"
	pid=$("${U[@]}" state "$pod" | jq .pid)
	cfg --arg p "/proc/$pid/ns/" 'del(.hostname, .linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(
		if .type == "user" or .type == "ipc" then .path = $p + .type else . end)'
	ok run -b "$T/b" "$ID"
	ok delete --force "$pod"
	wait $tracer || true
}

# What waits for start shows nothing of the host's to whom may look at it, and can be entered.
t_exec_in_created() {
	local pid
	prog /bin/sleep 1000
	SECRET=hidden-word ok create -b "$T/b" "$ID"
	ok state "$ID"
	pid=$(jq .pid <<<"$OUT")
	if [ "$MODE" = root ]; then
		soon has_fds "$pid" 4 || fail "descriptors: $(ls -l "/proc/$pid/fd")"
		has 'its own' "$(find "/proc/$pid/fd" -type l -printf '%l ')" socket:
		hasnt 'its environment' "$(tr '\0' ' ' <"/proc/$pid/environ")" hidden-word
		R exec "$ID" /bin/cat /proc/1/environ
		has 'the answer' "$ERR" 'Permission denied'
	else
		inside /bin/cat /proc/1/environ
		hasnt 'its environment' "$(tr '\0' ' ' <<<"$OUT")" hidden-word
	fi
	ok start "$ID"
	inside /bin/cat /proc/1/cmdline
	has 'the program' "$(tr '\0' ' ' <<<"$OUT")" 'sleep'
	down
}

# An engine's helper for the network of a new user namespace opens its directory in /proc while the container waits, by
# the engine's uid alone: pasta of buildah --userns auto has dropped its capabilities.
t_waiting_init_is_the_callers() {
	root_only 'a user may enter only what is dumpable, and that is owned by its own ids'
	command -v setpriv >/dev/null || skip 'needs setpriv'
	local pid
	prog /bin/sleep 1000
	cfg '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 10}]
		| .linux.gidMappings = .linux.uidMappings'
	ok create -b "$T/b" "$ID"
	ok state "$ID"
	pid=$(jq .pid <<<"$OUT")
	# It drops its rights and descriptors once create has returned.
	soon setpriv --bounding-set=-all --inh-caps=-all sh -c ": </proc/$pid/ns" ||
		fail "/proc/$pid/ns: $(stat -c '%u %A' "/proc/$pid/ns")"
	inside /bin/true
	ok start "$ID"
	down
}

t_exec_env_cwd_user() {
	many_ids
	caps KILL
	up '.process.env += ["FROM=config"]'
	ok exec -e A=1 --env 'B=2 3' "$ID" /bin/env
	has env "$OUT" A=1
	has env "$OUT" 'B=2 3'
	has env "$OUT" FROM=config
	ok exec --cwd /tmp "$ID" /bin/pwd
	eq cwd "$OUT" /tmp
	ok exec --user 1000:1001 -g 5 -g 7 "$ID" /bin/cat /proc/self/status
	eq Uid "$(sed -n 's/^Uid:\t//p' <<<"$OUT")" $'1000\t1000\t1000\t1000'
	eq Gid "$(sed -n 's/^Gid:\t//p' <<<"$OUT")" $'1001\t1001\t1001\t1001'
	eq Groups "$(sed -n 's/^Groups:\t//p' <<<"$OUT" | sed 's/ *$//')" '5 7'
	ok exec --cap CAP_CHOWN "$ID" /bin/cat /proc/self/status
	eq CapEff "$(sed -n 's/^CapEff:\t//p' <<<"$OUT")" 0000000000000021
	ok exec "$ID" /bin/cat /proc/self/status
	eq CapEff "$(sed -n 's/^CapEff:\t//p' <<<"$OUT")" 0000000000000020
	no '--user: expected UID[:GID]' exec --user somebody "$ID" /bin/true
	down
}

# The planner knows the ids of a container that is made, and only the kernel those of one that is joined.
t_exec_with_an_unmapped_id() {
	rootless_only
	up
	no 'cannot setuid to unmapped uid 300000' exec --user 300000 "$ID" /bin/true
	no 'cannot setgid to unmapped gid 300000' exec --user 0:300000 "$ID" /bin/true
	down
	cfg '.process.user.uid = 300000'
	no 'cannot setuid to unmapped uid 300000' run -b "$T/b" "$ID"
}

t_exec_process_file() {
	many_ids
	up
	jq -n --arg id "$ID" '{args: ["/bin/sh", "-c", "echo $X; pwd; id -u; exit 9"], cwd: "/tmp", user: {uid: 1000, gid: 1000},
		env: ["X=from file", "PATH=/bin", "USRUN_TEST=" + $id]}' >"$T/process.json"
	R exec --process "$T/process.json" "$ID"
	eq status "$RC" 9
	eq output "$(tr '\n' ' ' <<<"$OUT")" 'from file /tmp 1000 '
	echo '{"args": [' >"$T/process.json"
	no "$T/process.json:2:1: args: the file ends" exec --process "$T/process.json" "$ID"
	down
}

# An error names the document that the value stands in, or the option that gave it.
t_exec_names_the_source() {
	up
	no '--cwd: expected an absolute path, got "tmp"' exec --cwd tmp "$ID" /bin/true
	no '--cwd: chdir to cwd ("/nowhere"): no such file or directory' exec --cwd /nowhere "$ID" /bin/true
	no 'COMMAND: empty program name: executable file not found in $PATH' exec "$ID" ''
	echo '{"args": ["/bin/true"], "cwd": "/nowhere"}' >"$T/process.json"
	no "$T/process.json: cwd: chdir to cwd (\"/nowhere\")" exec --process "$T/process.json" "$ID"
	echo '{"args": ["/bin/true"], "cwd": "nowhere"}' >"$T/process.json"
	no "$T/process.json:1:32: cwd: expected an absolute path" exec --process "$T/process.json" "$ID"
	down
	[ "$MODE" = root ] && return
	up
	no '--user: cannot setuid to unmapped uid' exec --user 4000000000 "$ID" /bin/true
	down
}

t_exec_namespaces() {
	up
	local kind
	for kind in pid net ipc uts mnt cgroup user; do
		inside readlink /proc/self/ns/$kind
		eq "$kind namespace" "$OUT" "$(readlink "/proc/$PID/ns/$kind")"
	done
	down
}

t_exec_descriptors_and_signals() {
	up
	OUT=$(
		trap '' PIPE
		"${U[@]}" exec "$ID" /bin/cat /proc/self/status 5</etc/passwd
	)
	eq SigBlk "$(sed -n 's/^SigBlk:\t//p' <<<"$OUT")" 0000000000000000
	eq SigIgn "$(sed -n 's/^SigIgn:\t//p' <<<"$OUT")" 0000000000000000
	ok exec --detach --pid-file "$T/pid2" "$ID" /bin/sleep 999 5</etc/passwd
	eq descriptors "$(ls "/proc/$(<"$T/pid2")/fd" | sort -n | tr '\n' ' ')" '0 1 2 '
	echo three >"$T/three"
	eq 'preserved' "$("${U[@]}" exec --preserve-fds 1 "$ID" /bin/sh -c 'cat <&3' 3<"$T/three")" three
	down
}

t_exec_detach() {
	up
	ok exec --detach --pid-file "$T/pid2" "$ID" /bin/sleep 999
	local pid
	pid=$(<"$T/pid2")
	eq 'bytes of the pid file' "$(stat -c %s "$T/pid2")" ${#pid}
	soon eval '[ "$(tr "\0" " " <"/proc/'"$pid"'/cmdline")" = "/bin/sleep 999 " ]' || fail "not that process"
	if [ "$MODE" = root ]; then
		eq cgroup "$(<"/proc/$pid/cgroup")" "$(<"/proc/$PID/cgroup")"
	fi
	down
	[ ! -d "/proc/$pid" ] || grep -qs zombie "/proc/$pid/status" || fail "still there after delete"
}

t_exec_in_container_without_pid_namespace() {
	root_only
	up '.linux.namespaces |= map(select(.type != "pid"))'
	inside /bin/echo hello
	ok exec --detach "$ID" /bin/sleep 999
	down
}

t_exec_tty() {
	up
	under_script "${U[*]} exec --tty $ID /bin/sh -c 'tty; test -t 0 && echo is a terminal; exit 5'"
	eq status "$RC" 5
	has output "$OUT" /dev/pts/0
	has output "$OUT" 'is a terminal'
	down
}

# Carriage returns are for a terminal, and there is none on the other side.
t_tty_output_into_a_file() {
	cfg '.process.terminal = true'
	prog /bin/echo hello
	go
	eq 'output of run' "$(od -An -c <<<"$OUT")" "$(od -An -c <<<hello)"
	under_script "${U[*]} run -b $T/b $ID | cat -A"
	has 'into a pipe' "$OUT" 'hello$'
	under_script "${U[*]} run -b $T/b $ID; stty -a"
	has 'mode of the terminal afterwards' "$OUT" ' onlcr'
	prog /bin/stty -a
	under_script "${U[*]} run -b $T/b $ID"
	has 'mode of the one inside' "$OUT" ' onlcr'
	up '.process.terminal = false'
	R exec --tty "$ID" /bin/echo hello
	eq 'output of exec' "$(od -An -c <<<"$OUT")" "$(od -An -c <<<hello)"
	down
}

t_run_tty() {
	local seen=$T/b/rootfs/tmp/seen
	cfg '.process.terminal = true | .process.consoleSize = {height: 33, width: 77}'
	prog /bin/sh -c '(for n in 0 1 2; do readlink /proc/$$/fd/$n; done | sort -u
		stat -c %t:%T /dev/console $(tty)) >/tmp/seen; exit 6'
	under_script "${U[*]} run -b $T/b $ID"
	eq status "$RC" 6
	[[ "$(sed -n 1p "$seen")" =~ ^/dev/(console|pts/0)$ ]] || fail "terminal: $(<"$seen")"
	[[ "$(sed -n 2p "$seen")" =~ ^88:.$ ]] || fail "console: $(<"$seen")"
	eq 'the console is the terminal' "$(sed -n 2p "$seen")" "$(sed -n 3p "$seen")"
	eq 'nothing else' "$(wc -l <"$seen")" 3
	cfg 'del(.process.terminal)'
	sh_run 'test -e /dev/console || echo none'
	eq 'console without a terminal' "$OUT" none
}

t_console_socket() {
	[ -x /usr/bin/python3 ] || skip "needs /usr/bin/python3"
	cfg '.process.terminal = true | .process.consoleSize = {height: 33, width: 77}'
	prog /bin/sh -c 'stty size; read line; echo "got $line"'
	cat >"$T/receive.py" <<-'END'
		import os, socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen(1)
		c, _ = s.accept()
		data, fds, _, _ = socket.recv_fds(c, 100, 4)
		assert len(fds) == 1, fds
		os.write(fds[0], b"a line\n")
		out = b""
		try:
		    while True:
		        piece = os.read(fds[0], 1000)
		        if not piece:
		            break
		        out += piece
		except OSError:
		    pass
		print(out.decode())
	END
	timeout 120 /usr/bin/python3 "$T/receive.py" "$T/s" >"$T/received" 2>&1 &
	soon accepts "$T/s"
	no 'process.terminal: cannot allocate tty' create -b "$T/b" "$ID"
	ok create -b "$T/b" --console-socket "$T/s" "$ID"
	ok start "$ID"
	wait $! || fail "the receiver failed: $(<"$T/received")"
	has output "$(<"$T/received")" 'got a line'
	has size "$(<"$T/received")" '33 77'
	soon is stopped
	ok delete "$ID"
	cfg '.process.terminal = false'
	no '--console-socket: cannot use console socket' create -b "$T/b" --console-socket "$T/s" "$ID"
}

t_kill_all() {
	root_only
	cfg '.linux.namespaces |= map(select(.type != "pid"))'
	script_ 'sleep 998 & sleep 999 & echo > /tmp/ready; wait'
	ok run -d -b "$T/b" "$ID"
	soon test -e "$T/b/rootfs/tmp/ready"
	ok kill --all "$ID" KILL
	soon is stopped || fail "not stopped"
	ok delete "$ID"
}

t_delete_force_kills_all() {
	root_only
	cfg '.linux.namespaces |= map(select(.type != "pid"))'
	script_ 'sleep 998 & setsid sleep 999 & echo > /tmp/ready; wait'
	ok run -d -b "$T/b" "$ID"
	soon test -e "$T/b/rootfs/tmp/ready"
	down
}

t_pause_resume() {
	root_only
	script_ 'while :; do echo x >> /tmp/ticks; sleep 0.01; done'
	ok run -d -b "$T/b" "$ID"
	soon test -s "$T/b/rootfs/tmp/ticks"
	ok pause "$ID"
	eq status "$(status)" paused
	local before after
	before=$(wc -l <"$T/b/rootfs/tmp/ticks")
	sleep 0.2
	after=$(wc -l <"$T/b/rootfs/tmp/ticks")
	eq 'ticks while paused' "$after" "$before"
	no 'cannot exec in a paused container' exec "$ID" /bin/true
	ok resume "$ID"
	eq status "$(status)" running
	soon eval '[ "$(wc -l <"$T/b/rootfs/tmp/ticks")" -gt '"$before"' ]' || fail "does not go on"
	ok pause "$ID"
	ok delete --force "$ID"
}

t_ps() {
	root_only
	up
	ok ps "$ID"
	has table "$OUT" "$PID"
	ok ps --format json "$ID"
	eq json "$(jq -c . <<<"$OUT")" "[$PID]"
	no 'ps failed' ps "$ID" nonsense
	hasnt 'many lines as one' "$ERR" '?'
	down
}

t_exec_into_a_group_below() {
	root_only
	up
	local dir made=() pid
	while IFS=: read -r _ controllers path; do
		[ -n "$controllers" ] || continue
		dir=/sys/fs/cgroup/${controllers#name=}$path
		[ ! -d "$dir" ] || { mkdir "$dir/below" && made+=("$dir/below"); }
	done <"/proc/$PID/cgroup"
	[ ${#made[@]} -gt 0 ] || made=("/sys/fs/cgroup$(sed 's/^0:://' "/proc/$PID/cgroup")/below")
	mkdir -p "${made[0]}"
	for dir in "${made[@]}"; do # a new group of cpuset is empty
		[ ! -e "$dir/cpuset.mems" ] || [ -e "$dir/cgroup.controllers" ] || {
			cat "$dir/../cpuset.cpus" >"$dir/cpuset.cpus"
			cat "$dir/../cpuset.mems" >"$dir/cpuset.mems"
		}
	done
	ok exec --cgroup below -d --pid-file "$T/pid2" "$ID" /bin/sleep 1000
	pid=$(<"$T/pid2")
	for dir in "${made[@]}"; do
		grep -qx "$pid" "$dir/cgroup.procs" || fail "$pid is not in $dir"
	done
	no "bad sub cgroup path: .. is not a sub cgroup path" exec --cgroup .. "$ID" /bin/true
	no "adding pid to " exec --cgroup nowhere "$ID" /bin/true
	has 'what PATH is' "$ERR" "hint: PATH is an existing cgroup below the container's own"
	no "unknown controller whaaat" exec --cgroup whaaat:/ "$ID" /bin/true
	eq "exit status" "$RC" 255
	ok exec --cgroup /below "$ID" /bin/true
	ok exec --cgroup / "$ID" /bin/true
	[ ! -d /sys/fs/cgroup/pids ] || {
		ok exec --cgroup pids:below -d --pid-file "$T/pid2" "$ID" /bin/sleep 1000
		pid=$(<"$T/pid2")
		has "pids" "$(grep :pids: "/proc/$pid/cgroup")" /below
		hasnt "memory" "$(grep :memory: "/proc/$pid/cgroup")" /below
	}
	down
}

# One wants to look inside just then.
t_exec_at_the_limit_of_processes() {
	root_only "a user has no pids controller everywhere"
	local pid
	script_ 'sleep 1000 & exec sleep 1000'
	cfg '.linux.resources.pids.limit = 2'
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	soon full
	inside /bin/echo looked
	eq output "$OUT" looked
	ok exec -d --pid-file "$T/pid2" "$ID" /bin/sleep 1000
	pid=$(<"$T/pid2")
	eq 'the group' "$(cat "/proc/$pid/cgroup")" "$(cat "/proc/$(<"$T/pid")/cgroup")"
	down
}

full() { [ "$(find /sys/fs/cgroup -path "*$ID*" -name pids.current -exec cat {} + | head -1)" = 2 ]; }

# Somebody has moved the container's process away and removed its group.
t_exec_where_the_cgroup_is_gone() {
	root_only 'moves a process to the root of the hierarchies'
	local dir
	up
	for dir in $(cgroups); do
		echo "$PID" >"${dir%/*}/cgroup.procs"
		soon rmdir "$dir" 2>/dev/null || fail "cannot remove $dir"
	done
	ok --log-level warning exec -d --pid-file "$T/pid2" "$ID" /bin/sleep 1000
	has warning "$ERR" 'is gone: joining that of the container'
	eq groups "$(cat "/proc/$(<"$T/pid2")/cgroup")" "$(cat "/proc/$PID/cgroup")"
	down
}

# From where no hierarchy is seen nothing can be joined: the process would be without the container's limits.
t_exec_without_a_way_to_the_cgroup() {
	root_only 'unmounts in a mount namespace'
	unshare -m --propagation private umount -l -R /sys/fs/cgroup || skip 'needs hierarchies in /sys/fs/cgroup'
	up
	[ -n "$(cgroups)" ] || skip 'needs a cgroup'
	U=(unshare -m --propagation private sh -c 'umount -l -R /sys/fs/cgroup && exec "$@"' sh "${U[@]}")
	no 'cannot be found' exec "$ID" /bin/true
	U=(env "USRUN_TEST=$ID" "$USRUN" --root "$T/state")
	inside /bin/true
	down
}

t_exec_tells_what_it_leaves_out() {
	up
	ok --log-level warning exec --cap CAP_NO_SUCH "$ID" /bin/true
	eq "a capability" "$ERR" "usrun: warning: --cap: ignoring unknown or unavailable capabilities: [CAP_NO_SUCH]"
	[ -d /sys/kernel/security/apparmor ] || {
		ok --log-level warning exec --apparmor some "$ID" /bin/true
		has "a profile" "$ERR" "\"some\" is ignored: this host has no AppArmor"
	}
	ok exec --cap CAP_NO_SUCH "$ID" /bin/true
	eq "without --log-level" "$ERR" ""
	no 'name a listening socket with --console-socket, or leave out --tty, or --detach' exec -t -d "$ID" /bin/true
	down
}

# A person who names a group is told where none can be had; an engine's process file has those of the image.
t_exec_groups_with_a_single_id() {
	rootless_only
	cfg 'del(.linux.uidMappings, .linux.gidMappings, .process.user.additionalGids)'
	prog /bin/sleep 1000
	ok run -d --map=single -b "$T/b" "$ID"
	no "--additional-gids: setgroups is denied in the container's user namespace" exec -g 7 "$ID" /bin/true
	has 'what gives more' "$ERR" /etc/subuid
	echo '{"args": ["/bin/true"], "cwd": "/", "user": {"additionalGids": [7]}}' >"$T/process.json"
	ok exec --process "$T/process.json" "$ID"
	down
}

t_without_cgroup_is_said() {
	rootless_only
	up
	[ -z "$(find /sys/fs/cgroup -name "*$ID*")" ] || skip "there is a cgroup"
	no cgroup pause "$ID"
	down
}

# The container's process ends after exec has looked, and its pid goes to a process of the host, with the host's root.
t_exec_after_its_pid_was_reused() {
	root_only 'without a mount namespace'
	cfg '.linux.namespaces = [] | del(.hostname, .linux.maskedPaths, .linux.readonlyPaths) | .mounts = []'
	prog /bin/sleep 1000
	cat >"$T/inside" <<'EOF'
trap : CHLD
"${@:3}" run -d -b "$1/b" --pid-file "$1/pid" "$2" >/dev/null 2>&1 </dev/null || exit 3
pid=$(<"$1/pid")
strace -qq -o "$1/trace" -e trace=openat -P "/proc/$pid/root" -e inject=openat:delay_enter=3000000 \
	"${@:3}" exec "$2" /bin/cat /etc/hostname >"$1/exec" 2>&1 </dev/null &
until grep -qs "^State:.*[(]tracing stop" /proc/[0-9]*/status; do sleep 0.01; done # in the delay
kill -KILL "$pid"
while [ -e "/proc/$pid" ]; do sleep 0.01; done
for ((i = 0; i < 1000; i++)); do
	echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
	sleep 1000 &
	[ $! != "$pid" ] || break
	kill -KILL $!
done
[ $! = "$pid" ] || exit 4
rc=0
wait %1 || rc=$?
kill -KILL "$pid"
"${@:3}" delete --force "$2" >/dev/null 2>&1
exit $((rc == 0 ? 0 : 1))
EOF
	RC=0
	unshare -pf --mount-proc bash "$T/inside" "$T" "$ID" "${U[@]}" || RC=$?
	[ "$RC" != 4 ] || skip 'the pid could not be had'
	[ "$RC" = 1 ] || fail "exit status $RC: $(<"$T/exec")"
	has 'what exec says' "$(<"$T/exec")" "container not running: $ID: its init has just exited"
}

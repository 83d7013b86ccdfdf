# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Hooks at the six points.
# shellcheck disable=SC2016 # variables of the hook

# A script that writes down what it gets, in $T/hl, which is /hl inside.
hook_script() {
	mkdir -p "$T/hl"
	chmod 777 "$T/hl"
	cat >"$T/hl/hook" <<-'END'
		#!/bin/sh
		cat > "$LOG/$1.json"
		echo "$1" >> "$LOG/order"
		pwd > "$LOG/$1.cwd"
		env > "$LOG/$1.env"
		for kind in pid net ipc uts mnt cgroup user; do readlink /proc/self/ns/$kind; done > "$LOG/$1.ns"
		pid=$(sed 's/.*"pid": *\([0-9]*\).*/\1/' "$LOG/$1.json")
		readlink /proc/$pid/ns/net > "$LOG/$1.net"
		[ ! -e /proc/$pid/root"$LOG/order" ] || echo not-pivoted > "$LOG/$1.root"
		! grep -q "rootfs/hl " /proc/$pid/mountinfo || echo mounted > "$LOG/$1.mounts"
	END
	chmod 755 "$T/hl/hook"
	cfg --arg t "$T" '.mounts += [{destination: "/hl", type: "bind", source: ($t + "/hl"), options: ["rbind"]}]'
}

hook() { # POINT NAME [LOG [PATH]]
	cfg --arg p "$1" --arg n "$2" --arg log "${3:-$T/hl}" --arg path "${4:-$T/hl/hook}" --arg id "$ID" \
		'.hooks[$p] += [{path: $path, args: ["hook", $n], env: ["LOG=" + $log, "PATH=/bin:/usr/bin", "MARK=m", "USRUN_TEST=" + $id]}]'
}

namespaces_of() { # PID
	local kind
	for kind in pid net ipc uts mnt cgroup user; do readlink "/proc/$1/ns/$kind"; done
}

# The document of a hook is one of state-schema.json, with everything that is known.
check_document() { # NAME STATUS PID
	jq -e --arg id "$ID" --arg b "$T/b" --arg s "$2" --argjson pid "$3" '.ociVersion == "1.3.0" and .id == $id and .bundle == $b and
		.status == $s and (.pid // 0) == $pid and .annotations == {"org.example.a": "", "org.example.b": "c d"} and
		(keys - ["annotations", "bundle", "id", "ociVersion", "pid", "status"] == [])' "$T/hl/$1.json" >"$T/verdict" ||
		fail "$1, wanted $2 and $3: $(<"$T/hl/$1.json")"
}

t_hooks() {
	hook_script
	hook poststop 6poststop
	hook poststart 5poststart
	hook startContainer 4start /hl /hl/hook
	hook createContainer 3create
	hook createRuntime 2runtime
	hook createRuntime 2runtime-second
	hook prestart 1prestart
	cfg '.annotations = {"org.example.a": "", "org.example.b": "c d"}'
	script_ 'echo program >> /hl/order; sleep 1000'
	ok create -b "$T/b" --pid-file "$T/pid" "$ID"
	local name status seen pid inside
	pid=$(<"$T/pid")
	shown "$pid"
	inside=$(namespaces_of "$pid")
	eq 'order of create' "$(tr '\n' ' ' <"$T/hl/order")" '1prestart 2runtime 2runtime-second 3create '
	ok start "$ID"
	soon grep -q program "$T/hl/order"
	soon grep -q poststart "$T/hl/order"
	eq 'first after start' "$(sed -n 5p "$T/hl/order")" 4start
	ok kill "$ID" KILL
	soon is stopped
	ok delete "$ID"
	eq 'last' "$(tail -n 1 "$T/hl/order")" 6poststop
	eq 'how many' "$(wc -l <"$T/hl/order")" 8
	while read -r name status seen; do
		check_document "$name" "$status" "${seen/PID/$pid}"
		has "$name: environment" "$(<"$T/hl/$name.env")" MARK=m
		hasnt "$name: environment" "$(<"$T/hl/$name.env")" XDG_
		case $name in
		3* | 4*) eq "$name: namespaces" "$(<"$T/hl/$name.ns")" "$inside" ;;
		*) eq "$name: namespaces" "$(<"$T/hl/$name.ns")" "$(namespaces_of self)" ;;
		esac
	done <<-END
		1prestart creating PID
		2runtime creating PID
		3create creating 1
		4start created 1
		5poststart running PID
		6poststop stopped 0
	END
	# The first ones act on namespaces and mounts that are there, before the root changes. A user may look at init
	# only while it waits for start.
	[ "$MODE" = root ] || return 0
	for name in 1prestart 2runtime; do
		eq "$name: network" "$(<"$T/hl/$name.net")" "$(sed -n 2p <<<"$inside")"
		eq "$name: root" "$(<"$T/hl/$name.root")" not-pivoted
		eq "$name: mounts" "$(<"$T/hl/$name.mounts")" mounted
	done
	[ ! -e "$T/hl/5poststart.root" ] || fail 'the root of the program is that of the host'
}

# argv[0] selects what busybox does. Without an environment of its own a hook has usrun's on the host, the process's in
# startContainer, and none in createContainer, which is in the container, but not of it.
t_hook_arguments_and_environment() {
	mkdir "$T/tools"
	ln -s /bin/busybox "$T/tools/env"
	export OF=caller
	cfg --arg t "$T" '.annotations["run.oci.hooks.stdout"] = $t + "/hooks.out" | .process.env = ["OF=process"] |
		(.hooks | .prestart, .createRuntime, .createContainer, .startContainer, .poststart, .poststop) = [{path: "/bin/sh",
			args: ["sh", "-c", "echo ${OF:-nobody}"]}] |
		.hooks.startContainer[0].args[2] = "echo $OF, at home in ${HOME:-no place}" |
		.hooks.prestart += [{path: "/bin/busybox", args: ["echo", "a b", "", "*"]}, {path: ($t + "/tools/env"), env: ["A=1", "B=x y"]}]'
	prog /bin/sh -c 'echo $HOME'
	go
	eq output "$(tr '\n' ';' <"$T/hooks.out")" \
		"caller;a b  *;A=1;B=x y;caller;nobody;process, at home in $OUT;caller;caller;"
}

t_hooks_cwd() {
	hook_script
	hook createRuntime runtime
	hook poststop poststop
	prog /bin/true
	go
	eq 'createRuntime' "$(<"$T/hl/runtime.cwd")" "$T/b"
	eq 'poststop' "$(<"$T/hl/poststop.cwd")" "$T/b"
}

t_failing_hooks_undo_all() {
	local point left
	for point in prestart createRuntime createContainer; do
		cfg --arg p "$point" '.hooks = {($p): [{path: "/bin/sh", args: ["sh", "-c", "echo why it failed >&2; exit 3"]}]}'
		prog /bin/sleep 1000
		no hook create -b "$T/b" "$ID"
		no hook run -b "$T/b" "$ID"
		ok list -q
		eq "containers after $point" "$OUT" ''
		left=$(leaks) || fail "left behind: $left"
	done
}

# The pid file of a start that fails goes with it; one that another has put there meanwhile is not ours.
t_failing_hooks_and_the_pid_file() {
	cfg --arg f "$T/pid" '.hooks = {poststart: [{path: "/bin/sh", args: ["sh", "-c", "test -s " + $f + " || exit 0; exit 3"]}]}'
	prog /bin/sleep 1000
	no hook run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	[ ! -e "$T/pid" ] || fail 'the pid file is left'
	cfg --arg f "$T/pid" '.hooks.poststart[0].args[2] = "echo another >" + $f + ".new; mv " + $f + ".new " + $f + "; exit 3"'
	no hook run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	eq 'the file of another' "$(cat "$T/pid")" another
}

t_failing_start_container_hook() {
	cfg '.hooks = {startContainer: [{path: "/bin/false"}]}'
	prog /bin/touch /tmp/ran
	no hook run -b "$T/b" "$ID"
	[ ! -e "$T/b/rootfs/tmp/ran" ] || fail "the program was run"
	left=$(leaks) || fail "left behind: $left"
}

t_failing_poststop_hook_is_no_error() {
	hook_script
	hook poststop first
	cfg '.hooks.poststop += [{path: "/bin/false"}]'
	hook poststop third
	prog /bin/true
	go --keep
	ok delete "$ID"
	has warning "$ERR" 'warning: error running poststop hook #1 (/bin/false): exit status 1'
	eq order "$(tr '\n' ' ' <"$T/hl/order")" 'first third '
	no 'does not exist' state "$ID"
}

# The pid that hooks inside get is that of their pid namespace, new, joined or the host's. Into a joined one nothing is born that
# still sees the host, so there createContainer hooks, and the pid that they get, are of the caller's.
t_hook_pids() {
	local pid
	hook_script
	hook createContainer create
	hook startContainer start /hl /hl/hook
	prog /bin/sleep 1000
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID-1"
	pid=$(<"$T/pid")
	cfg --arg d "/proc/$pid/ns" '.linux.namespaces |= map(if .type == "pid" or .type == "user" then .path = "\($d)/\(.type)" else . end) |
		del(.linux.uidMappings, .linux.gidMappings)'
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	eq 'joined: pid namespace of createContainer' "$(head -n 1 "$T/hl/create.ns")" "$(readlink /proc/self/ns/pid)"
	eq 'joined: network namespace of createContainer' "$(sed -n 2p "$T/hl/create.ns")" "$(readlink "/proc/$(<"$T/pid")/ns/net")"
	check_pid joined "$(awk '/^NSpid/ {print $NF}' "/proc/$(<"$T/pid")/status")" start
	down
	ok delete --force "$ID-1"
	[ "$MODE" = root ] || return 0 # a user has no /proc of the host's pids to show
	cfg '.linux.namespaces |= map(select(.type != "pid"))'
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	check_pid host "$(<"$T/pid")" create start
	down
}

# Joined is the host's pid namespace or another that the new user namespace has no rights over: what the stager clones is born in it,
# so another process runs these hooks, with the same to be seen.
t_hooks_beside_processes_of_another_user_namespace() {
	root_only 'has rights over two user namespaces'
	local kind pid
	hook_script
	cp "$T/b/config.json" "$T/first.json"
	jq '.process.args = ["/bin/sleep", "1000"]' "$T/first.json" >"$T/b/config.json"
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID-1"
	cp "$T/first.json" "$T/b/config.json"
	hook createRuntime runtime
	hook createContainer create
	cfg --arg p "/proc/$(<"$T/pid")/ns/pid" '.linux.namespaces |= (map(if .type == "pid" then .path = $p else . end) + [{type: "user"}]) |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings |
		.mounts |= map(select(.type != "proc")) | del(.linux.maskedPaths, .linux.readonlyPaths)'
	prog /bin/sleep 1000
	chmod -R a+rwX "$T/hl"
	(umask 027 && ok run -d -b "$T/b" --pid-file "$T/pid" "$ID")
	pid=$(<"$T/pid")
	eq 'its pid namespace' "$(head -n 1 "$T/hl/create.ns")" "$(readlink /proc/self/ns/pid)"
	eq 'the others' "$(tail -n +2 "$T/hl/create.ns")" "$(namespaces_of "$pid" | tail -n +2)"
	eq 'the pid that it is told' "$(jq .pid "$T/hl/create.json")" "$(jq .pid "$T/hl/runtime.json")"
	eq 'working directory' "$(<"$T/hl/create.cwd")" "$T/b/rootfs"
	eq 'owner and mode of what it makes' "$(stat -c '%u %a' "$T/hl/create.json")" '100000 640'
	down
	cfg '.hooks.createContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo why it failed >&2; exit 3"]}]'
	no 'error running createContainer hook #0 (/bin/sh): exit status 3, output: why it failed' run -b "$T/b" "$ID"
	ok delete --force "$ID-1"
}

check_pid() { # WHAT PID FILE...
	local file
	[ "$2" != 1 ] || fail "$1: the pid namespace is new"
	for file in "${@:3}"; do eq "$1: $file" "$(jq .pid "$T/hl/$file.json")" "$2"; done
}

t_hook_timeout() {
	local point hook='[{path: "/bin/sh", args: ["sh", "-c", "sleep 1000 & sleep 1000"], env: ["PATH=/bin:/usr/bin", "USRUN_TEST=" + $id], timeout: 1}]'
	prog /bin/true
	SECONDS=0
	for point in createRuntime startContainer poststart; do
		cfg --arg id "$ID" ".hooks = {$point: $hook}"
		no "error running $point hook #0 (/bin/sh): hook ran past specified timeout of 1 s" run -b "$T/b" "$ID"
		left=$(leaks) || fail "left behind: $left"
	done
	cfg --arg id "$ID" ".hooks = {poststop: $hook}"
	go
	has warning "$ERR" 'error running poststop hook #0 (/bin/sh): hook ran past specified timeout of 1 s'
	[ $SECONDS -lt 60 ] || fail "took $SECONDS s"
}

# Its own time limit is the only one, so whoever waits for it must be able to end it.
t_poststop_hook_gets_signals() {
	local rc=0
	cfg --arg t "$T" '.hooks.poststop = [
		{path: "/bin/sh", args: ["sh", "-c", "echo up >\($t)/up; exec sleep 1000"]},
		{path: "/bin/sh", args: ["sh", "-c", "trap \"exit 0\" TERM; echo up >\($t)/up2; while :; do sleep 0.1; done"], env: ["PATH=/bin:/usr/bin"]},
		{path: "/bin/sh", args: ["sh", "-c", "echo last >\($t)/last"]}] | .hooks.poststop[0].env = ["PATH=/bin:/usr/bin"]'
	prog /bin/sh -c 'exit 7'
	"${U[@]}" run -b "$T/b" "$ID" >"$T/out" 2>"$T/err" </dev/null &
	soon test -s "$T/up" || fail "the first hook does not run: $(<"$T/err")"
	kill -HUP $! # a shell lets its background jobs ignore INT
	soon test -s "$T/up2" || fail "the second hook does not run: $(<"$T/err")"
	kill -TERM $!
	wait $! || rc=$?
	eq 'status of the container' "$rc" 7
	has warning "$(<"$T/err")" 'error running poststop hook #0 (/bin/sh): killed by signal 1'
	hasnt 'the second handles it' "$(<"$T/err")" 'hook #1'
	eq 'the third has run' "$(<"$T/last")" last
}

t_poststart_hook_that_fails_in_start() {
	cfg --arg t "$T" --arg u "${U[*]}" '.hooks = {
		poststart: [{path: "/bin/sh", args: ["sh", "-c", "echo poststart >>\($t)/order; exit 3"]}],
		poststop: [{path: "/bin/sh", args: ["sh", "-c", "echo poststop >>\($t)/order"]}]}'
	prog /bin/sh -c 'sleep 1000 & exec sleep 1000'
	ok create -b "$T/b" "$ID"
	no 'error running poststart hook #0' start "$ID"
	eq hooks "$(tr '\n' ' ' <"$T/order")" 'poststart poststop '
	no 'does not exist' state "$ID"
	left=$(leaks) || fail "left behind: $left"
}

t_missing_hook() {
	cfg '.hooks = {createRuntime: [{path: "/not/there"}]}'
	prog /bin/true
	no /not/there create -b "$T/b" "$ID"
	cfg '.hooks = {createRuntime: [{path: "relative"}]}'
	no 'hooks.createRuntime[0].path: expected an absolute path' create -b "$T/b" "$ID"
}

# On the host it is usrun's, as with other runtimes; in the container it never is.
t_hooks_without_environment() {
	local point
	for point in createRuntime createContainer poststart poststop; do
		cfg --arg p "$point" --arg log "$T/$point" \
			'.hooks[$p] = [{path: "/bin/sh", args: ["sh", "-c", "echo \"[$HOOK_TEST]\" >" + $log]}]'
	done
	prog /bin/true
	export HOOK_TEST=inherited
	ok run -b "$T/b" "$ID"
	for point in createRuntime poststart poststop; do
		eq "$point" "$(<"$T/$point")" '[inherited]'
	done
	eq createContainer "$(<"$T/createContainer")" '[]'
}

# What a hook makes has the modes of the caller, in the container's namespaces too.
t_hooks_have_the_callers_umask() {
	cfg --arg f "$T/runtime" '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "touch \($f)"]}],
		createContainer: [{path: "/bin/sh", args: ["sh", "-c", "touch made"], env: ["PATH=/bin:/usr/bin"]}]}'
	prog /bin/stat -c %a /made /tmp
	umask 027
	go
	umask 022
	eq 'createContainer, and /tmp' "$(tr '\n' ' ' <<<"$OUT")" '640 1777 '
	eq createRuntime "$(stat -c %a "$T/runtime")" 640
}

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
		readlink /proc/self/ns/mnt > "$LOG/$1.mnt"
	END
	chmod 755 "$T/hl/hook"
	cfg --arg t "$T" '.mounts += [{destination: "/hl", type: "bind", source: ($t + "/hl"), options: ["rbind"]}]'
}

hook() { # POINT NAME [LOG [PATH]]
	cfg --arg p "$1" --arg n "$2" --arg log "${3:-$T/hl}" --arg path "${4:-$T/hl/hook}" --arg id "$ID" \
		'.hooks[$p] += [{path: $path, args: ["hook", $n], env: ["LOG=" + $log, "PATH=/bin:/usr/bin", "MARK=m", "USRUN_TEST=" + $id]}]'
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
	script_ 'echo program >> /hl/order; sleep 1000'
	ok create -b "$T/b" --pid-file "$T/pid" "$ID"
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
	local name status pid
	pid=$(<"$T/pid")
	while read -r name status; do
		eq "$name: id" "$(jq -r .id "$T/hl/$name.json")" "$ID"
		eq "$name: bundle" "$(jq -r .bundle "$T/hl/$name.json")" "$T/b"
		has "$name: status" " ${status//,/ } " " $(jq -r .status "$T/hl/$name.json") "
		eq "$name: version" "$(jq -r '.ociVersion|type' "$T/hl/$name.json")" string
		case $name in
		1* | 2* | 5*) eq "$name: pid" "$(jq -r .pid "$T/hl/$name.json")" "$pid" ;;
		3* | 4*) eq "$name: pid, seen from inside" "$(jq -r .pid "$T/hl/$name.json")" 1 ;;
		esac
		has "$name: environment" "$(<"$T/hl/$name.env")" MARK=m
		hasnt "$name: environment" "$(<"$T/hl/$name.env")" XDG_
		case $name in
		1* | 2* | 5* | 6*) eq "$name: mount namespace" "$(<"$T/hl/$name.mnt")" "$(readlink /proc/self/ns/mnt)" ;;
		*) [ "$(<"$T/hl/$name.mnt")" != "$(readlink /proc/self/ns/mnt)" ] || fail "$name: in the host's mount namespace" ;;
		esac
	done <<-END
		1prestart creating,created
		2runtime creating,created
		3create creating,created
		4start created,running
		5poststart running
		6poststop stopped
	END
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

t_failing_start_container_hook() {
	cfg '.hooks = {startContainer: [{path: "/bin/false"}]}'
	prog /bin/touch /tmp/ran
	no hook run -b "$T/b" "$ID"
	[ ! -e "$T/b/rootfs/tmp/ran" ] || fail "the program was run"
	left=$(leaks) || fail "left behind: $left"
}

t_failing_poststop_hook_is_no_error() {
	hook_script
	cfg '.hooks = {poststop: [{path: "/bin/false"}]}'
	hook poststop second
	prog /bin/true
	go --keep
	ok delete "$ID"
	[ -e "$T/hl/second.json" ] || fail "the second hook was not run"
}

t_hook_timeout() {
	cfg --arg id "$ID" '.hooks = {createRuntime: [{path: "/bin/sleep", args: ["sleep", "1000"], env: ["USRUN_TEST=" + $id], timeout: 1}]}'
	prog /bin/true
	SECONDS=0
	no hook create -b "$T/b" "$ID"
	[ $SECONDS -lt 10 ] || fail "took $SECONDS s"
	left=$(leaks) || fail "left behind: $left"
}

t_missing_hook() {
	cfg '.hooks = {createRuntime: [{path: "/not/there"}]}'
	prog /bin/true
	no /not/there create -b "$T/b" "$ID"
	cfg '.hooks = {createRuntime: [{path: "relative"}]}'
	no '' create -b "$T/b" "$ID"
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

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# WebAssembly modules by WasmEdge: modules/*.wat, assembled. The image has nothing but the module and busybox.

module() { # NAME ARG...: the module is the program of the container
	cp "/modules/$1.wasm" "$T/b/rootfs/"
	chmod 644 "$T/b/rootfs/$1.wasm" # it need not be executable
	prog "/$1.wasm" "${@:2}"
	cfg '.annotations["module.wasm.image/variant"] = "compat-smart"'
}

ends() { # WHAT STATUS
	R run -b "$T/b" "$ID"
	eq "$1: status" "$RC" "$2"
}

t_wasm_exit_status() {
	local row
	for row in '0 0' '7 7' '255 255' '300 44'; do
		module exit "${row% *}"
		ends "proc_exit($row)" "${row#* }"
	done
	module trap
	ends 'a trap' 134
	has trap "$ERR" 'trap: unreachable'
	module nostart
	ends 'no _start' 126
	module import
	ends 'an unknown import' 126
	has import "$ERR" nobody_has_it
	eq 'nothing of that on its output' "$OUT" ''
	prog /none.wasm
	ends 'no module' 127
	has none "$ERR" '/none.wasm: No such file or directory'
	mkdir "$T/b/rootfs/dir.wasm"
	prog /dir.wasm
	ends 'a directory' 126
	: >"$T/b/rootfs/empty.wasm"
	prog /empty.wasm
	ends 'an empty file' 126
	echo text >"$T/b/rootfs/text.wasm"
	prog /text.wasm
	ends 'a text' 126
	echo '(module)' >"$T/b/rootfs/text.wat"
	prog /text.wat
	ends 'its source' 126
	has source "$ERR" wat2wasm
	prog /bin/sh -c 'exit 9'
	ends 'a program beside it' 9
}

t_wasm_arguments_and_environment() {
	module show 'a b' '' c
	cfg '.process.env = ["A=1=2", "LD_PRELOAD=/x.so", "LD_DEBUG=all", "WASMEDGE_PLUGIN_PATH=/none", "PATH=/bin"]'
	go
	eq words "$(tr '\0' '|' <"$T/out")" '/show.wasm|a b||c|A=1=2|LD_PRELOAD=/x.so|LD_DEBUG=all|WASMEDGE_PLUGIN_PATH=/none|PATH=/bin|HOME=/root|'
	eq errors "$ERR" ''
	prog show.wasm
	cfg '.process.cwd = "/tmp" | .process.env += ["PATH=/bin:/"]'
	go
	has 'found in PATH' "$(tr '\0' '|' <"$T/out")" 'show.wasm|A=1'
	cfg '.process.cwd = "/"'
	go
	has 'found in the working directory' "$(tr '\0' '|' <"$T/out")" 'show.wasm|A=1'
}

t_wasm_files_and_streams() {
	module cat
	eq 'its input' "$("${U[@]}" run -b "$T/b" "$ID" <<<"by a pipe")" 'by a pipe'
	echo of-etc >"$T/b/rootfs/etc/motd"
	module cat 3 etc/motd
	go
	eq 'descriptor 3 is the root' "$OUT" of-etc
	module cat 4 motd
	ends 'in the root there is no other' 8
	cfg '.process.cwd = "/etc"'
	go
	eq 'descriptor 4 is the working directory' "$OUT" of-etc
	module cat 3 etc/none
	ends 'no file' 44
	if [ "$MODE" = root ]; then
		chmod 600 "$T/b/rootfs/etc/motd"
		module cat 3 etc/motd
		cfg '.process.user = {uid: 1000, gid: 1000}'
		ends 'of another user' 2
	fi
	module cat
	under_script "printf 'a line\\n' | ${U[*]@Q} run -b $T/b $ID"
	has 'on a terminal' "$OUT" 'a line'
}

t_wasm_signals() {
	local signal
	for signal in TERM INT HUP; do
		module wait
		ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
		soon grep -q ready "$T/out" || fail 'it does not start'
		eq comm "$(tr -d '\n' <"/proc/$(<"$T/pid")/comm")" wait.wasm
		ok kill "$ID" "$signal"
		soon is stopped || fail "$signal does not end it"
		down
	done
	mkfifo "$T/ready"
	"${U[@]}" run -b "$T/b" "$ID" >"$T/ready" &
	read -r _ <"$T/ready"
	ok kill "$ID" TERM
	RC=0
	wait $! || RC=$?
	eq 'status after TERM' "$RC" 143
}

t_wasm_exec() {
	module wait
	cp /modules/exit.wasm "$T/b/rootfs/"
	ok run -d -b "$T/b" "$ID"
	R exec "$ID" /exit.wasm 9
	eq 'a module' "$RC" 9
	R exec "$ID" /bin/sh -c 'exit 8'
	eq 'a program' "$RC" 8
	R exec "$ID" /none.wasm
	eq 'no module' "$RC" 127
	down
}

t_wasm_server() {
	module server
	[ "$MODE" = root ] || cfg 'del(.linux.namespaces[] | select(.type == "network"))'
	ok run -d -b "$T/b" "$ID"
	ask() { (($# == 0)) || "$@" curl -s --max-time 5 -d name=usrun http://127.0.0.1:1234 >"$T/answer"; }
	if [ "$MODE" = root ]; then
		soon ask nsenter -n -t "$("${U[@]}" state "$ID" | jq .pid)" || fail 'no answer'
	else
		soon ask env || fail 'no answer'
	fi
	has answer "$(<"$T/answer")" 'echo: POST / HTTP/1.1'
	has answer "$(<"$T/answer")" 'name=usrun'
	down
}

t_wasm_in_every_surrounding() {
	local change
	for change in '.root.readonly = true' 'del(.mounts[] | select(.destination == "/proc" or .destination == "/sys" or
			.destination == "/sys/fs/cgroup"))' '.mounts = []' '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 16, hard: 16}]' \
		'.process.noNewPrivileges = false' '.annotations["run.oci.init"] = "1"' '.annotations["run.oci.handler"] = "wasmedge"' \
		'.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}] | .linux.uidMappings //= [{containerID: 0, hostID: 100000, size: 65536}] |
			.linux.gidMappings //= .linux.uidMappings' \
		'.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: ["execve", "capset", "statfs", "getpid", "umask"], action: "SCMP_ACT_ALLOW"}]}'; do
		[[ $change != *100000* ]] || [ "$MODE" = root ] || continue
		module exit 3
		cp "$T/b/config.json" "$T/before"
		cfg "$change"
		ends "$change" 3
		eq "$change: errors" "$ERR" ''
		cp "$T/before" "$T/b/config.json"
	done
}

t_wasm_limits() {
	module exit 3
	cfg '.process.rlimits = [{type: "RLIMIT_AS", soft: 134217728, hard: 134217728}]'
	no 'process.rlimits[0].soft: RLIMIT_AS 134217728 is below' run -b "$T/b" "$ID"
	R explain -b "$T/b"
	[ "$RC" != 0 ] || fail 'explain takes what run refuses'
	cfg 'del(.process.rlimits) | .linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: []}'
	no 'linux.seccomp: blocks execve' run -b "$T/b" "$ID"
	[ "$MODE" = root ] || return 0
	cfg 'del(.linux.seccomp) | .linux.resources.memory.limit = 134217728'
	ends 'little memory' 3
	module memory
	ends 'too much memory' 137
}

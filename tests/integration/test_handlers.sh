# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Handlers (usrun-handlers(7)), with one that is made for these tests: handler_sample.c. The image has no library.

# The description sample.json, changed by the filter; the program of the container is /x.sample with the lines.
sample() { # FILTER LINE...
	[ -x "${USRUN%/*}/tests/handler-sample" ] || skip 'needs handler-sample, which is built with the tests'
	export USRUN_HANDLERS=$T/handlers
	mkdir -p "$T/handlers"
	cp "${USRUN%/*}/tests/handler-sample" "$T/handlers/sample"
	jq -n '{program: "sample", suffixes: [".sample"]} | '"$1" >"$T/handlers/sample.json"
	chmod -R go-w "$T/handlers"
	shift
	printf '%s\n' "$@" >"$T/b/rootfs/x.sample"
	prog /x.sample 'a b' c
	cfg '.annotations["run.oci.handler"] = "sample"'
}

t_handler_runs_the_program() {
	sample '.env = ["SHOWN"]' args cwd 'env A' 'env LD_PRELOAD' 'own A' 'own LD_PRELOAD' 'own SHOWN' 'env SHOWN' 'env HOME' 'exit 7'
	cfg '.process.env += ["A=1=2", "LD_PRELOAD=/nothing.so", "SHOWN=yes"] | .process.cwd = "/etc"'
	echo /nothing.so >"$T/b/rootfs/etc/ld.so.preload"
	R run -b "$T/b" "$ID"
	eq status "$RC" 7
	eq output "$OUT" "$(printf '%s\n' '[/x.sample]' '[a b]' '[c]' /etc '1=2' /nothing.so '(none)' '(none)' yes yes /root)"
	eq errors "$ERR" ''
}

t_handler_in_every_surrounding() {
	local change
	sample . 'args' 'exit 3'
	for change in '.root.readonly = true' '.mounts = []' '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 16, hard: 16}]' \
		'.process.user = {uid: 1000, gid: 1000}' '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: [{action: "SCMP_ACT_ALLOW",
			names: ["execve", "brk", "mmap", "munmap", "mprotect", "read", "write", "openat", "open", "close", "fstat", "newfstatat",
			"pread64", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "getrandom", "exit_group", "exit",
			"rt_sigaction", "rt_sigprocmask", "getcwd", "readlink", "access", "faccessat", "faccessat2", "futex", "ioctl", "stat",
			"prctl", "capset", "fcntl", "close_range", "lseek", "statx", "mremap", "readlinkat", "sigaltstack", "getpid", "gettid", "tgkill"]}]}' \
		'.process.noNewPrivileges = false' '.annotations["run.oci.init"] = "1"'; do
		[[ $change != *1000* ]] || [ "$MODE" = root ] || [ -n "$SUBUIDS" ] || continue
		cp "$T/b/config.json" "$T/before"
		cfg "$change"
		R run -b "$T/b" "$ID"
		eq "$change: status" "$RC" 3
		eq "$change: output" "$OUT" "$(printf '%s\n' '[/x.sample]' '[a b]' '[c]')"
		cp "$T/before" "$T/b/config.json"
	done
	rm -rf "$T/b/rootfs/.usrun"
}

t_handler_choice() {
	sample . 'exit 5'
	ln -s "$USRUN" "$T/usrun-sample"
	ln -s "$USRUN" "$T/usrun-sample-smart"
	cfg '.annotations["run.oci.handler"] = "sample-smart"'
	R run -b "$T/b" "$ID"
	eq 'smart, its own kind' "$RC" 5
	cfg '.annotations = {}'
	U=("${U[@]/#"$USRUN"/"$T/usrun-sample"}")
	R run -b "$T/b" "$ID"
	eq 'called by its name' "$RC" 5
	cfg '.annotations["run.oci.handler"] = "other"'
	no 'was called as usrun-sample' run -b "$T/b" "$ID"
	cfg '.annotations = {}'
	mv "$T/handlers/sample.json" "$T/handlers/other.json"
	no "called as $T/usrun-sample, which asks for a handler: unknown handler" run -b "$T/b" "$ID"
	mv "$T/handlers/other.json" "$T/handlers/sample.json"
	cfg '.annotations = {"io.kubernetes.cri.container-type": "sandbox"}'
	prog /bin/sh -c 'exit 6'
	R run -b "$T/b" "$ID"
	eq 'never the process of a pod' "$RC" 6
	U=("${U[@]/#"$T/usrun-sample"/"$T/usrun-sample-smart"}")
	cfg '.annotations = {}'
	R run -b "$T/b" "$ID"
	eq 'smart, another kind' "$RC" 6
}

# One annotation of images is for WebAssembly alone; others run beside it without a handler.
t_handler_for_wasm() {
	sample . 'exit 5'
	mv "$T/handlers/sample.json" "$T/handlers/wasm.json"
	cp "$T/b/rootfs/x.sample" "$T/b/rootfs/x.wasm"
	prog /x.wasm
	cfg '.annotations = {"module.wasm.image/variant": "compat-smart"}'
	R run -b "$T/b" "$ID"
	eq 'a module' "$RC" 5
	prog /bin/sh -c 'exit 6'
	R run -b "$T/b" "$ID"
	eq 'a program' "$RC" 6
	ok features
	eq 'features' "$(jq -r '.annotations["run.oci.usrun.wasm"]' <<<"$OUT")" true
	ok --version
	has 'version' "$OUT" '+WASM'
	prog /x.sample
	cfg '.annotations = {"module.wasm.image/variant": "compat"}'
	R run -b "$T/b" "$ID"
	eq 'anything' "$RC" 5
	rm "$T/handlers/wasm.json"
	no 'annotations["module.wasm.image/variant"]: unknown handler "wasm"' run -b "$T/b" "$ID"
	ok --version
	hasnt 'version' "$OUT" '+WASM'
	cfg '.annotations = {"module.wasm.image/variant": "other"}'
	prog /bin/sh -c 'exit 6'
	R run -b "$T/b" "$ID"
	eq 'another variant' "$RC" 6
	ok explain -b "$T/b"
	has explain "$OUT" 'neither compat nor compat-smart'
}

t_handler_refused() {
	local file
	sample . 'exit 5'
	for file in sample sample.json .; do
		chmod o+w "$T/handlers/$file"
		no "is writable by users other than root and the caller" run -b "$T/b" "$ID"
		chmod o-w "$T/handlers/$file"
	done
	cfg '.annotations["run.oci.handler"] = "nosuch"'
	no 'annotations["run.oci.handler"]: unknown handler "nosuch": there is no '"$T/handlers/nosuch.json" run -b "$T/b" "$ID"
	cfg '.annotations["run.oci.handler"] = "../handlers/sample"'
	no 'is not the name of a handler' run -b "$T/b" "$ID"
	sample '.program = "nothing" | .package = "something"' 'exit 5'
	no 'nothing is not installed' run -b "$T/b" "$ID"
	has hint "$ERR" 'install the package something'
	sample '.progam = "x"' 'exit 5'
	no 'unknown member (did you mean "program"?)' run -b "$T/b" "$ID"
	sample '.files = ["/nowhere/libx.so"]' 'exit 5'
	no 'needs /nowhere/libx.so, which is not installed' run -b "$T/b" "$ID"
	sample '.limits = [{type: "RLIMIT_AS", min: 1000000}]' 'exit 5'
	cfg '.process.rlimits = [{type: "RLIMIT_AS", soft: 5000, hard: 5000}]'
	no 'process.rlimits[0].soft: RLIMIT_AS 5000 is below the 1000000' run -b "$T/b" "$ID"
	sample . 'exit 5'
	cfg 'del(.process.rlimits) | .linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: []}'
	no 'linux.seccomp: blocks execve' run -b "$T/b" "$ID"
}

# The loader that a program names is one that cannot say what the program needs.
t_handler_loader_that_dies() {
	sample . 'exit 5'
	printf '#!/bin/sh\nkill -SEGV $$\n' >"$T/handlers/loader"
	chmod 755 "$T/handlers/loader"
	python3 - "$T/handlers/sample" "$T/handlers/loader" <<-'PROGRAM'
		import struct, sys
		elf, path = open(sys.argv[1], "rb").read(20), sys.argv[2].encode() + b"\0"
		header = elf + struct.pack("=IQQQIHHHHHH", 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
		interpreter = struct.pack("=IIQQQQQQ", 3, 4, 120, 120, 120, len(path), len(path), 1)
		open(sys.argv[1], "wb").write(header + interpreter + path)
	PROGRAM
	no "handlers/loader --list was killed by signal 11" run -b "$T/b" "$ID"
}

t_handler_files_and_config() {
	echo 'brought along' >"$T/extra"
	mkdir "$T/dir"
	echo 'of a directory' >"$T/dir/file"
	sample ".files = [\"$T/extra\"] | .configFile = \"/.sample.json\" | .args = [\"{args}\", \"end\"] |
		.mounts = [{source: \"$T/dir\", destination: \"/mnt/dir\"}, {source: \"/nowhere\", destination: \"/mnt/no\", optional: true},
			{source: \"/dev\", destination: \"/mnt/host\"}]" \
		'cat /dev/.usrun/extra' 'cat /mnt/dir/file' 'cat /.sample.json' args 'cat /proc/self/mountinfo'
	go
	has 'file and directory' "$OUT" "$(printf '%s\n' 'brought along' 'of a directory')"
	has 'its config' "$OUT" '"run.oci.handler": "sample"'
	has 'template' "$OUT" "$(printf '%s\n' '[c]' '[end]')"
	eq 'writable below its mounts' "$(awk '$5 ~ "^/mnt/host" && $6 !~ /^ro,nosuid,nodev/' <<<"$OUT")" ''
	ok explain -b "$T/b"
	has explain "$OUT" "handler     sample, as $T/handlers/sample.json says"
	has explain "$OUT" 'config       a copy in /.sample.json'
	rm -f "$T/b/rootfs/.sample.json"
}

t_handler_exec() {
	local kind
	for kind in same plain refuse; do
		sample ".exec = \"$kind\"" wait
		printf '%s\n' args 'env B' 'exit 9' >"$T/b/rootfs/y.sample"
		ok run -d -b "$T/b" "$ID"
		rm "$T/handlers/sample.json" # what the container keeps of it is enough
		R exec -e B=2 "$ID" /y.sample arg
		case $kind in
		same)
			eq 'a program of its kind' "$RC $OUT" "9 $(printf '%s\n' '[/y.sample]' '[arg]' 2)"
			;;
		plain) [ "$RC" != 9 ] || fail 'exec ran it by the handler' ;;
		refuse) has "$kind" "$ERR" 'the container'"'"'s handler "sample" does not support further processes' ;;
		esac
		R exec "$ID" /bin/sh -c 'exit 4'
		[ $kind = refuse ] || eq "$kind: another program" "$RC" 4
		down
	done
	sample . wait
	ok run -d -b "$T/b" "$ID"
	ok kill "$ID" TERM
	soon is stopped || fail 'TERM did not end it'
	down
}

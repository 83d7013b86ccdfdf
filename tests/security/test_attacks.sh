# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Ways out of a container, or to what is not its own. A case fails and says how when one leads somewhere.
# shellcheck disable=SC2016 # variables of the shell inside

# An attacker that opens a clone of the program for writing keeps the file busy for a moment, though it is refused: an
# exec of it fails then, before anything of ours has run (usrun-security(7)).
ok() {
	local i
	for ((i = 0; i < 100; i++)); do
		R "$@"
		[[ "$RC" = 126 && "$ERR" == *'Text file busy'* ]] || break
	done
	[ "$RC" = 0 ] || fail "usrun $*: exit status $RC: $ERR"
}

# The host's file that nobody inside may reach, and a program that looks for a way to it. Its hits are in $T/b/hits.
armed() { # CAP...
	echo secret >"$T/canary"
	mkdir -p "$T/b/rootfs/v"
	cp "${BASH_SOURCE[0]%/*}/attack" "$T/b/rootfs/bin/attack"
	: >"$T/b/hits"
	: >"$T/b/rootfs/hits"
	chmod 666 "$T/b/hits"
	caps "$@"
	cfg --arg h "$T/b/hits" 'del(.linux.seccomp) | .linux.maskedPaths = [] | .process.noNewPrivileges = false
		| .mounts += [{destination: "/hits", type: "bind", source: $h, options: ["bind", "rw"]}]'
	script_ "exec /bin/attack snoop $T/canary USRUN-TOKEN >>/hits"
}

looking() { soon grep -q looking "$T/b/hits"; }

safe() {
	! grep escaped "$T/b/hits" | sort | uniq -c | head -n 3 >&2 || fail 'a way out'
}

t_exec_shows_no_descriptor() {
	local i
	armed CHOWN DAC_OVERRIDE DAC_READ_SEARCH SYS_PTRACE SETUID SETGID KILL
	ok run -d -b "$T/b" "$ID"
	looking
	for ((i = 0; i < USRUN_TIMES; i++)); do
		ok exec "$ID" /bin/true
		"${U[@]}" exec --preserve-fds 2 "$ID" /bin/true 3</dev/null || true
	done
	down
	safe
}

t_exec_shows_no_secret() {
	local i
	armed CHOWN DAC_OVERRIDE SYS_PTRACE
	ok run -d -b "$T/b" "$ID"
	looking
	export USRUN_CALLER=secret
	for ((i = 0; i < USRUN_TIMES; i++)); do ok exec -e TOKEN=USRUN-TOKEN "$ID" /bin/true; done
	down
	safe
}

joined='def join($kinds): .linux.namespaces |= map(select(.type as $kind | $kinds | index($kind) | not)) +
	($kinds | map({type: ., path: "\($p)/\({mount: "mnt", network: "net"}[.] // .)"}));'
# A copy, for a hook that is seen may be written to.
hooked='.hooks = ({path: ($hook + "/busybox"), args: ["sleep", "0.05"]} | {createRuntime: [.], createContainer: [.], startContainer: [.path = "/bin/busybox"]})'
mapped='.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'

# The kernel makes no procfs of a pid namespace for a user namespace that does not own it.
without_proc='.mounts |= map(select(.type != "proc")) | del(.linux.maskedPaths, .linux.readonlyPaths)'

# The first container's program has the processes of the next ones before its eyes, from their birth on.
pod() { # FIRST NEXT...: filters of jq for the config; in those of NEXT $p has the first one's namespaces
	local i next
	armed CHOWN DAC_OVERRIDE DAC_READ_SEARCH SYS_PTRACE SETUID SETGID
	mkdir "$T/hook"
	cp /bin/busybox "$T/hook/busybox"
	cp "$T/b/config.json" "$T/plain.json"
	cfg "$1"
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	looking
	for next in "${@:2}"; do
		cp "$T/plain.json" "$T/b/config.json"
		cfg --arg p "/proc/$(<"$T/pid")/ns" --arg hook "$T/hook" "$joined $next"
		prog /bin/true
		for ((i = 0; i < USRUN_TIMES; i++)); do
			ok run -b "$T/b" "${ID}p"
			ok create -b "$T/b" "${ID}p"
			ok start "${ID}p"
			soon is_of "${ID}p" stopped
			ok delete "${ID}p"
		done
	done
	down
	safe
}

t_pod_with_a_pid_namespace() {
	root_only 'a user joins the user namespace, too'
	pod . 'join(["pid"])' 'join(["pid", "network", "ipc", "uts"])' "join([\"pid\"]) | $hooked" "join([\"pid\"]) | $mapped | $without_proc"
}

# The rights over the pid namespace are lost with the user namespace, so there createContainer hooks are born in it.
t_pod_with_hooks_in_two_user_namespaces() {
	root_only 'a user joins the user namespace, too'
	pod . "join([\"pid\"]) | $mapped | $hooked | $without_proc"
}

t_pod_with_a_user_namespace() {
	local own=.
	[ "$MODE" = rootless ] || own=$mapped
	pod "$own" 'join(["user", "pid"]) | del(.linux.uidMappings, .linux.gidMappings)' \
		"join([\"user\", \"pid\", \"network\"]) | del(.linux.uidMappings, .linux.gidMappings) | $hooked"
}

# Without no_new_privs a filter takes a right that the container has not. Who is asked about calls of the program alone gets its
# listener from a process that no neighbour sees.
t_pod_with_an_agent() {
	local kept='join(["pid"])' agent
	command -v python3 >/dev/null || skip 'needs python3'
	[ "$MODE" = root ] || kept='join(["user", "pid"]) | del(.linux.uidMappings, .linux.gidMappings)'
	USRUN_TEST=$ID python3 -c 'import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o666); s.listen(8); kept = []
while True:
    peer, _ = s.accept()
    while True:
        data, fds, _, _ = socket.recv_fds(peer, 65536, 4)
        kept = fds or kept
        if not data:
            break' "$T/agent" &
	agent=$!
	soon accepts "$T/agent"
	pod . "$kept | .linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", listenerPath: \"$T/agent\",
		syscalls: [{names: [\"mkdir\", \"mknod\", \"mount\", \"bpf\"], action: \"SCMP_ACT_NOTIFY\"}]}"
	kill $agent
}

# In the pid namespace of the host, the first container sees who is about to join its user namespace.
t_pod_beside_the_hosts_processes() {
	local i own=. next='.linux.namespaces |= map(select(.type != "user")) + [{type: "user", path: "\($p)/user"}] | del(.linux.uidMappings, .linux.gidMappings)'
	armed CHOWN DAC_OVERRIDE DAC_READ_SEARCH SYS_PTRACE SETUID SETGID
	[ "$MODE" = rootless ] || own=$mapped
	cp "$T/b/config.json" "$T/plain.json"
	cfg "$own | .linux.namespaces |= map(select(.type != \"pid\")) | del(.linux.maskedPaths, .linux.readonlyPaths)"
	script_ "exec /bin/attack newborn $T/canary >>/hits"
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	looking
	cp "$T/plain.json" "$T/b/config.json"
	cfg --arg p "/proc/$(<"$T/pid")/ns" "$next"
	prog /bin/true
	jq -n --arg s "$T" '[{destination: "/tmp/added", type: "bind", source: $s, options: ["rbind"]}]' >"$T/mounts"
	for ((i = 0; i < 4 * USRUN_TIMES; i++)); do
		ok run -b "$T/b" "${ID}p"
		ok mounts add "$ID" "$T/mounts"
		ok mounts remove "$ID" "$T/mounts"
	done
	down
	safe
}

# A neighbour that traces what is born speaks in its name: no other file system becomes /proc, and no other process is ended
# or taken for the container's.
t_pod_with_a_neighbour_that_lies() {
	local i others=join
	armed CHOWN DAC_OVERRIDE SYS_PTRACE
	cp "$T/b/config.json" "$T/plain.json"
	script_ 'exec /bin/attack deceive >/hits'
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	looking
	cp "$T/plain.json" "$T/b/config.json"
	[ "$MODE" = root ] && others='join(["pid"])' || others='join(["user", "pid"]) | del(.linux.uidMappings, .linux.gidMappings)'
	cfg --arg p "/proc/$(<"$T/pid")/ns" "$joined $others"
	prog /bin/stat -f -c %t /proc
	sleep 1000 &
	for ((i = 0; i < USRUN_TIMES; i++)); do
		R run -b "$T/b" "${ID}p"
		[ "$RC" != 0 ] || eq 'file system on /proc' "$OUT" 9fa0
		[ "$RC" = 0 ] || [ -n "$ERR" ] || fail "exit status $RC without a word"
	done
	kill -0 $! || fail 'a process that has nothing to do with it was ended'
	kill $!
	is running || fail 'the neighbour was ended'
	down
}

# CVE-2025-24965: a file of ours in the place where the image has a link.
t_config_file_of_a_handler() {
	local link
	[ -x "${USRUN%/*}/tests/handler-sample" ] || skip 'needs handler-sample, which is built with the tests'
	mkdir -p "$T/handlers"
	cp "${USRUN%/*}/tests/handler-sample" "$T/handlers/sample"
	jq -n '{program: "sample", configFile: "/.krun_config.json"}' >"$T/handlers/sample.json"
	chmod -R go-w "$T/handlers"
	export USRUN_HANDLERS=$T/handlers
	echo precious >"$T/canary"
	printf '%s\n' 'exit 0' >"$T/b/rootfs/x.sample"
	prog /x.sample
	cfg '.annotations["run.oci.handler"] = "sample"'
	for link in "$T/canary" "../../../../../../../..$T/canary" "$T/made"; do
		ln -sfn "$link" "$T/b/rootfs/.krun_config.json"
		R run -b "$T/b" "$ID"
		eq 'file of the host' "$(<"$T/canary")" precious
		[ ! -e "$T/made" ] || fail 'made on the host'
	done
}

# CVE-2019-5736: also where the file is of another user, whom root may override.
t_own_program_is_not_written() {
	local i sum word
	armed CHOWN DAC_OVERRIDE FOWNER SYS_PTRACE
	printf '#!/proc/self/exe\n' >"$T/b/rootfs/bin/evil"
	chmod 755 "$T/b/rootfs/bin/evil"
	cp "$USRUN" "$T/own"
	chmod 755 "$T/own"
	[ "$MODE" = rootless ] || chown 1000:1000 "$T/own"
	for word in "${!U[@]}"; do [ "${U[word]}" != "$USRUN" ] || U[word]=$T/own; done
	sum=$(sha256sum <"$T/own")
	ok run -d -b "$T/b" "$ID"
	looking
	for ((i = 0; i < USRUN_TIMES; i++)); do
		R exec "$ID" /bin/evil
		R exec "$ID" /proc/self/exe
	done
	eq 'the program' "$(sha256sum <"$T/own")" "$sum"
	for word in "${!U[@]}"; do [ "${U[word]}" != "$T/own" ] || U[word]=$USRUN; done
	down
	eq 'the program, once nobody runs it' "$(sha256sum <"$T/own")" "$sum"
	hasnt hits "$(<"$T/b/hits")" 'wrote to the program'
}

# CVE-2021-30465, CVE-2024-45310: names of a volume are exchanged while mount points are looked up and made in it.
t_swapped_mount_points() {
	local i swapper
	mkdir -p "$T/v/a" "$T/host"
	ln -s "$T/host" "$T/v/evil"
	cfg --arg v "$T/v" '.mounts += [{destination: "/v", type: "bind", source: $v, options: ["rbind", "rw"]},
		{destination: "/v/a/t", type: "tmpfs", source: "tmpfs"}, {destination: "/v/a/n/x/y", type: "tmpfs", source: "tmpfs"}]'
	prog /bin/true
	"${BASH_SOURCE[0]%/*}/attack" swap "$T/v/a" "$T/v/evil" &
	swapper=$!
	for ((i = 0; i < 4 * USRUN_TIMES; i++)); do R run -b "$T/b" "$ID"; done
	kill $swapper
	[ -z "$(ls -A "$T/host")" ] || fail "made on the host: $(find "$T/host")"
}

# The container exchanges the place of a mount for a link while we mount there. What it gets, it gets below the real one or not at
# all; and nothing is left that the state does not know of.
t_swapped_places_of_added_mounts() {
	local i before
	armed CHOWN DAC_OVERRIDE
	cfg '.root.readonly = false'
	mkdir -p "$T/src/n/x/y" "$T/b/rootfs/a/t"
	echo mounted >"$T/src/mounted"
	ln -s /bin "$T/b/rootfs/evil"
	chmod -R a+rwX "$T/b/rootfs"
	script_ 'cp -r /bin /safe; exec /safe/attack swap /a /evil'
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	soon test -e "$T/b/rootfs/safe/attack"
	before=$(cut -d ' ' -f 5 "/proc/$(<"$T/pid")/mountinfo" | sort)
	jq -n --arg s "$T/src" '[{destination: "/a/t", type: "bind", source: $s, options: ["rbind"]}, {destination: "/a/n/x/y", type: "tmpfs"}]' >"$T/mounts"
	for ((i = 0; i < 4 * USRUN_TIMES; i++)); do
		R mounts add "$ID" "$T/mounts"
		[ -z "$(ls -d "$T/b/rootfs/bin/"[nt] 2>/dev/null)" ] || fail "made where a link leads to, at try $i"
		! cut -d ' ' -f 5 "/proc/$(<"$T/pid")/mountinfo" | grep '^/bin' || fail "mounted where a link leads to, at try $i"
		[ "$RC" != 0 ] || { R mounts remove "$ID" "$T/mounts"; [ "$RC" = 0 ] || fail "not removed: $ERR"; }
	done
	down
}

# CVE-2024-21626: a working directory through a descriptor of ours.
t_cwd_through_a_descriptor() {
	local n
	echo secret >"$T/canary"
	prog /bin/sh -c 'cat ../../../../../../../../"$0" ./"$0"' "${T#/}/canary"
	for n in $(seq 3 32); do
		cfg --arg d "/proc/self/fd/$n" '.process.cwd = $d'
		R run -b "$T/b" "$ID"
		[[ "$OUT" != *secret* ]] || fail "cwd /proc/self/fd/$n leads to the host"
	done
	cfg '.process.cwd = "/"'
	up
	for n in $(seq 3 32); do
		R exec --cwd "/proc/self/fd/$n" "$ID" /bin/sh -c 'cat ../../../../../../../../"$0" ./"$0"' "${T#/}/canary"
		[[ "$OUT" != *secret* ]] || fail "exec --cwd /proc/self/fd/$n leads to the host"
	done
	down
}

# CVE-2016-3697: a number is an id, whatever the image calls by it.
t_a_number_is_no_name() {
	mkdir -p "$T/b/rootfs/etc"
	printf 'root:x:0:0::/:/bin/sh\n1001:x:0:0::/:/bin/sh\n' >"$T/b/rootfs/etc/passwd"
	printf 'root:x:0:\n1001:x:0:\n' >"$T/b/rootfs/etc/group"
	many_ids
	up
	ok exec -u 1001 "$ID" /bin/id -u
	eq 'uid of 1001' "$OUT" 1001
	ok exec -u 1:1001 "$ID" /bin/id -g
	eq 'gid of 1001' "$OUT" 1001
	down
}

# CVE-2025-31133: where the image has no null device to mask with, or another thing by its name.
t_masked_without_a_null_device() {
	local null
	cfg '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.maskedPaths = ["/masked", "/masked-dir"]'
	mkdir "$T/b/rootfs/masked-dir"
	echo secret | tee "$T/b/rootfs/masked" >"$T/b/rootfs/masked-dir/file"
	script_ 'cat /masked /masked-dir/* 2>/dev/null; true'
	for null in nothing /nowhere /masked; do
		rm -rf "$T/b/rootfs/dev"
		mkdir "$T/b/rootfs/dev"
		[ $null = nothing ] || ln -s $null "$T/b/rootfs/dev/null"
		R run -b "$T/b" "$ID"
		hasnt "masked, with /dev/null $null" "$OUT" secret
	done
}

# CVE-2025-52565: a terminal is of the container's own devpts, and goes where nothing of the image leads elsewhere.
t_terminal_of_the_image() {
	local link n
	mkdir "$T/host"
	cfg '.process.terminal = true | .mounts |= map(select(.destination | startswith("/dev") | not))'
	prog /bin/true
	for link in "$T/host/made" "../../../../../../../..$T/host/made"; do
		rm -rf "$T/b/rootfs/dev"
		mkdir -p "$T/b/rootfs/dev/pts"
		ln -s "$link" "$T/b/rootfs/dev/console"
		ln -s /dev/ptmx "$T/b/rootfs/dev/pts/ptmx"
		for n in 0 1 2 3; do ln -s "$link" "$T/b/rootfs/dev/pts/$n"; done
		from_terminal run -b "$T/b" "$ID"
		[ "$RC" != 0 ] || fail 'a terminal of a directory of the image'
		has 'the error' "$OUT" devpts
		jq '.mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"]}]' \
			"$T/b/config.json" >"$T/with-devpts.json"
		from_terminal run -b "$T/b" --config "$T/with-devpts.json" "$ID"
		[ -z "$(ls -A "$T/host")" ] || fail "made on the host: $(ls "$T/host")"
	done
}

# CVE-2019-16884, CVE-2025-52881: what we write to procfs, the image catches with files of its own.
t_procfs_of_the_image() {
	local link file
	mkdir -p "$T/fake/self/attr" "$T/fake/thread-self/attr" "$T/fake/sys/net/ipv4"
	for file in self/attr/exec self/oom_score_adj thread-self/attr/exec sys/net/ipv4/ip_forward ipv4/ip_forward; do
		mkdir -p "$T/fake/${file%/*}"
		: >"$T/fake/$file"
	done
	chmod -R a+rwX "$T/fake"
	cp "$T/b/config.json" "$T/plain.json"
	prog /bin/true
	for link in /proc /proc/sys/net /proc/self /proc/thread-self /proc/self/attr; do
		jq --arg f "$T/fake" --arg d "$link" '.mounts += [{destination: $d, type: "bind", source: $f, options: ["rbind", "rw"]}]
			| .process.oomScoreAdj = 1000 | .linux.sysctl = {"net.ipv4.ip_forward": "1"}' "$T/plain.json" >"$T/b/config.json"
		R run -b "$T/b" "$ID"
		ln -sfn "$link" "$T/b/rootfs/lnk"
		cfg '.mounts[-1].destination = "/lnk"'
		R run -b "$T/b" "$ID"
	done
	file=$(find "$T/fake" -type f -size +0)
	[ -z "$file" ] || fail "written to: $file"
}

# What is mounted below a tree that is bound, and on it, wherever a word of the config puts only the top apart.
t_mounts_below_a_bind_stay_inside() {
	root_only 'mounts on the host'
	local host="$T/host" words
	mkdir -p "$host"
	mount -t tmpfs host "$host"
	mkdir "$host/sub"
	mount -t tmpfs host "$host/sub"
	mkdir "$host/sub/on"
	mount --make-rshared "$host"
	chmod 711 "$T"
	chown 200000:200000 "$T/b/rootfs" "$T/b/rootfs"/* "$host/sub/on"
	caps SYS_ADMIN
	cfg --arg h "$host" '.mounts += [("none", "private", "slave", "unbindable", "shared", "rslave", "rshared", "private,shared")
			| {destination: ("/" + .), type: "bind", source: $h, options: (["rbind"] + ((split(",") - ["none"])))}]
		| .linux.namespaces += [{type: "user"}] | del(.linux.seccomp)
		| .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 1000}] | .linux.gidMappings = .linux.uidMappings'
	up
	for words in none private slave unbindable shared rslave rshared private,shared; do
		inside /bin/mount -t tmpfs escaped "/$words/sub/on"
		[ "$(grep -c "$host/sub" /proc/self/mountinfo)" = 1 ] || break
		words=
	done
	down
	umount -R "$host/sub" "$host"
	[ -z "$words" ] || fail "a mount below a bind that is $words appeared on the host"
}

# With the right to make nodes: the devices of the host are not the container's.
t_no_disk_of_the_host() {
	root_only 'nobody else makes nodes'
	local disk
	disk=$(stat -c '%Hd %Ld' / 2>/dev/null)
	[ "${disk% *}" != 0 ] || skip 'the root of this machine is on no disk'
	caps CHOWN DAC_OVERRIDE FOWNER MKNOD
	script_ "mknod /disk b $disk 2>/dev/null; head -c 1 /disk >/dev/null 2>&1 && echo read; true"
	cfg '.root.readonly = false'
	go
	eq 'the disk of the host' "$OUT" ''
	cfg 'del(.linux.resources)'
	go
	eq 'the disk of the host, with no resources in the config' "$OUT" ''
}

# A manager that takes connections and never says a word.
t_silent_systemd() {
	rootless_only 'the manager of a user'
	local server plain
	mkdir -p "$T/xdg/systemd"
	python3 -c 'import os, socket, sys, time
os.umask(0)
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(8); time.sleep(100)' "$T/xdg/systemd/private" &
	server=$!
	soon accepts "$T/xdg/systemd/private"
	prog /bin/true
	SECONDS=0
	"${U[@]}" run -b "$T/b" "${ID}p" >"$T/plain.out" 2>"$T/plain.err" </dev/null &
	plain=$!
	R run --systemd-cgroup -b "$T/b" "$ID"
	[ "$RC" != 0 ] || fail 'a scope of a manager that says nothing'
	has 'who did not answer' "$ERR" systemd
	wait $plain || fail "without --systemd-cgroup: $(<"$T/plain.err")"
	[ $SECONDS -lt 90 ] || fail "took $SECONDS s"
	kill $server
}

# CVE-2025-31133, CVE-2025-52565: names of the image for what comes from the host.
t_image_names_the_hosts_files() {
	local target=/proc/sys/kernel/printk_ratelimit before
	before=$(<$target)
	echo precious >"$T/canary"
	cfg '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.maskedPaths = ["/proc/cmdline"]'
	ln -s $target "$T/b/rootfs/dev/null"
	ln -s "../../../../../../../$T/made" "$T/b/rootfs/dev/console"
	script_ 'echo 4711 >/proc/cmdline; echo 4711'
	R run -b "$T/b" "$ID"
	eq 'the sysctl' "$(<$target)" "$before"
	[ ! -e "$T/made" ] || fail 'a file on the host'
}

# CVE-2019-19921, CVE-2019-16884, CVE-2025-52881: something else in the place of /proc.
t_proc_is_procfs() {
	local where
	prog /bin/true
	rmdir "$T/b/rootfs/proc"
	mkdir "$T/b/rootfs/evil"
	for where in evil /evil ../evil; do
		ln -sfn $where "$T/b/rootfs/proc"
		no 'ordinary directory' run -b "$T/b" "$ID"
	done
	rm "$T/b/rootfs/proc"
	mkdir "$T/b/rootfs/proc"
	for where in /proc/self /proc/self/attr /proc/sys /proc/sys/net /proc/1; do
		cfg --arg w $where '.mounts |= map(select(.destination | startswith("/proc/") | not)) + [{destination: $w, type: "tmpfs", source: "tmpfs"}]'
		R run -b "$T/b" "$ID"
		[ "$RC" != 0 ] || fail "a mount on $where"
	done
}

t_dev_is_a_link_to_the_host() {
	local link
	mkdir "$T/host"
	cfg '.mounts |= map(select(.destination | startswith("/dev") | not)) | .linux.devices = [{path: "/dev/mine", type: "c", major: 1, minor: 3}]'
	prog /bin/true
	for link in "$T/host" "../../../../../../../..$T/host"; do
		rm -rf "$T/b/rootfs/dev"
		ln -s "$link" "$T/b/rootfs/dev"
		R run -b "$T/b" "$ID"
		[ -z "$(ls -A "$T/host")" ] || fail "made on the host: $(ls "$T/host")"
	done
}

# The kernel takes 2^32-1 for "no change", and who truncates makes 2^32 root.
t_ids_that_would_be_root() {
	local id field
	prog /bin/id -u
	for id in 4294967295 4294967296 -1; do
		cfg --argjson i "$id" '.process.user.uid = $i'
		R run -b "$T/b" "$ID"
		[ "$RC" != 0 ] || fail "uid $id became $OUT"
	done
	for id in 4294967295 4294967296 -1; do
		for field in gid additionalGids; do
			cfg --argjson i "$id" --arg f $field '.process.user = {uid: 0, gid: 0} | .process.user[$f] = if $f == "gid" then $i else [$i] end'
			R run -b "$T/b" "$ID"
			[ "$RC" != 0 ] || fail "$field $id became $OUT"
		done
	done
	cfg '.process.user = {uid: 0, gid: 0}'
	up
	for id in -1 4294967295 4294967296 0x3e8 ' 0' 0:4294967296 1000: :1000 1000:1000:5 1000:abc u1 '' "$(printf %20s 1 | tr ' ' 0)x"; do
		R exec -u "$id" "$ID" /bin/id -u
		[ "$RC" != 0 ] || fail "exec --user '$id' became $OUT"
	done
	if [ -n "$SUBUIDS" ]; then
		ok exec -u 1000 "$ID" /bin/id -u
		eq 'uid 1000' "$OUT" 1000
		ok exec -u 1000:1 "$ID" /bin/id -g
		eq 'gid 1' "$OUT" 1
	fi
	for id in ../ ../../ /../.. a/../../..; do
		R exec --cgroup "$id" "$ID" /bin/true
		[ "$RC" != 0 ] || fail "exec --cgroup $id"
	done
	down
}

t_sysctls_of_the_host() {
	local key
	prog /bin/true
	for key in kernel.core_pattern kernel/core_pattern net/../kernel/printk_ratelimit \
		net.ipv4.ip_forward/../../../kernel/printk_ratelimit net...kernel.printk_ratelimit 'kernel.shmmax ' kernel.printk_ratelimit; do
		cfg --arg k "$key" '.linux.sysctl = {($k): "5"}'
		no linux.sysctl run -b "$T/b" "$ID"
	done
	cfg '.linux.sysctl = {"kernel.shm_rmid_forced": "1", "kernel.printk_ratelimit": "5"}'
	no 'linux.sysctl["kernel.printk_ratelimit"]' run -b "$T/b" "$ID"
}

t_state_that_is_a_link() {
	local id
	mkdir -p "$T/victim" "$(STATE_OF)"
	chmod 700 "$(STATE_OF)"
	echo x >"$T/victim/state.json"
	ln -s "$T/victim" "$(STATE_OF)/$ID"
	prog /bin/true
	R run -b "$T/b" "$ID"
	R delete --force "$ID"
	eq 'file of the victim' "$(<"$T/victim/state.json")" x
	rm -f "$(STATE_OF)/$ID"
	for id in ../../evil a/b .. . '' -x $'a\nb' ' ' /abs '$(id)' "$(printf %300s | tr ' ' a)"; do
		R run -b "$T/b" -- "$id"
		[ "$RC" != 0 ] || fail "id '$id'"
	done
}

with_cgroups() { # OPTION...: a mount of type cgroup, and a cgroup namespace
	cfg --arg o "$*" '.mounts |= map(select(.destination != "/sys/fs/cgroup")) + [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ($o / " ")}]
		| .linux.namespaces |= map(select(.type != "cgroup")) + [{type: "cgroup"}]'
}

on_v2() { [ -e /sys/fs/cgroup/cgroup.controllers ]; }

# An option that the kernel does not take must not make the next method show more than the first would have.
t_cgroup_mount_with_an_unknown_option() {
	script_ 'find /sys/fs/cgroup -maxdepth 4 -name "*$USRUN_TEST*"; ls /sys/fs/cgroup'
	with_cgroups nosuid bogus
	if on_v2; then
		no "bogus" run -b "$T/b" "$ID"
		return
	fi
	R run -b "$T/b" "$ID"
	hasnt 'what is seen of the host' "$OUT" "$ID"
}

# The method that is left where a security module refuses a new file system.
t_cgroup_bind_shows_its_own() {
	root_only 'a group of its own in any case'
	command -v strace >/dev/null || skip 'needs strace'
	U=(strace -f -qq -o "$T/trace" -e trace=fsopen -e inject=fsopen:error=EACCES "${U[@]}")
	script_ 'find /sys/fs/cgroup -maxdepth 4 -name "*$USRUN_TEST*"; ls /sys/fs/cgroup; cat /sys/fs/cgroup/cgroup.procs 2>/dev/null; true'
	cfg '.mounts = [] | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	with_cgroups nosuid
	R run -b "$T/b" "$ID"
	hasnt 'what is seen of the host' "$OUT" "$ID"
	on_v2 || return 0
	[ "$RC" = 0 ] || fail "$ERR"
	has 'its own group' "$OUT" cgroup.procs
	[ "$(grep -c '^[0-9]' <<<"$OUT")" -le 2 ] || fail "processes of the host: $OUT"
}

# CVE-2023-25809
t_cgroup_mount_stays_read_only() {
	[ "$MODE" = rootless ] || cfg "$mapped"
	with_cgroups nosuid ro
	script_ 'grep " /sys/fs/cgroup" /proc/self/mountinfo; for dir in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir "$dir/evil" 2>/dev/null && echo writable; done; true'
	for namespaces in . '.linux.namespaces |= map(select(.type != "cgroup"))'; do
		cfg "$namespaces"
		R run -b "$T/b" "$ID"
		hasnt 'a mount of cgroups' "$OUT" writable
		! grep ' - cgroup2\? ' <<<"$OUT" | grep -qv ' ro,' || fail "writable: $OUT"
	done
}

# The container of another state directory is not ours to end.
t_delete_of_another_root() {
	root_only 'two state directories'
	up
	R --root "$T/other" delete --force "$ID"
	is running || fail 'ended by a delete with another --root'
	down
}

has_two() { [ "$(wc -l <"$1/cgroup.procs")" = 2 ]; } # DIR

t_frozen_below() {
	root_only 'writes to the freezer'
	local dir freeze=FROZEN thaw=THAWED file=freezer.state
	script_ 'sleep 1000 & wait'
	ok run -d -b "$T/b" --pid-file "$T/pid" "$ID"
	PID=$(<"$T/pid")
	if on_v2; then
		dir=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$PID/cgroup") freeze=1 thaw=0 file=cgroup.freeze
	else
		dir=/sys/fs/cgroup/freezer$(sed -n 's/.*:freezer://p' "/proc/$PID/cgroup")
	fi
	mkdir "$dir/below"
	soon has_two "$dir" || fail 'no second process'
	grep -vx "$PID" "$dir/cgroup.procs" >"$dir/below/cgroup.procs"
	echo $freeze >"$dir/below/$file"
	R delete --force "$ID"
	[ ! -d "$dir/below" ] || echo $thaw >"$dir/below/$file"
	[ "$RC" = 0 ] || { soon down; fail "not deleted: $ERR"; }
	hasnt 'what was frozen' "$ERR" zombie
}

t_descriptors_of_the_caller() {
	prog /bin/sh -c 'ls /proc/self/fd'
	OUT=$(env -u LISTEN_PID LISTEN_FDS=3 "${U[@]}" run -b "$T/b" "$ID" 3</etc/passwd 4</ 9</)
	eq descriptors "$(tr '\n' ' ' <<<"$OUT")" '0 1 2 3 '
}

# What the caller has in its environment, and its groups, are not the container's; nor is a program that PATH names root's.
t_nothing_of_the_caller() {
	local name
	mkdir -p "$T/path"
	for name in newuidmap newgidmap slirp4netns pasta fuse-overlayfs criu systemctl; do
		printf '#!/bin/sh\n: >%s\n' "$T/path/used" >"$T/path/$name"
		chmod 755 "$T/path/$name"
	done
	[ "$MODE" = rootless ] || cfg "$mapped"
	script_ 'cat /proc/self/environ /proc/1/environ | tr "\0" "\n"; id -G; umask'
	if [ "$MODE" = root ]; then
		OUT=$(umask 077 && USRUN_CALLER=secret PATH=$T/path:$PATH setpriv --groups 7,8 "${U[@]}" run -b "$T/b" "$ID") || fail 'run'
		eq 'groups and umask' "$(tail -n 2 <<<"$OUT" | tr '\n' ' ')" '0 0022 '
	else
		OUT=$(USRUN_CALLER=secret "${U[@]}" run -b "$T/b" "$ID") || fail 'run'
	fi
	hasnt 'the environment' "$OUT" USRUN_CALLER
	if [ "$MODE" = root ]; then
		for name in slirp4netns pasta; do PATH=$T/path:$PATH "${U[@]}" run --net=$name -b "$T/b" "$ID" >/dev/null 2>&1 || true; done
	fi
	[ ! -e "$T/path/used" ] || fail 'root runs what PATH names'
}

# CVE-2018-7169: a file may be closed to a group alone, and who could leave that would read it.
before_t_a_group_is_not_left() {
	[ "$MODE" = rootless ] || return 0
	echo secret >"$T/negative"
	chown root:usruntest "$T/negative"
	chmod 604 "$T/negative"
}
t_a_group_is_not_left() {
	rootless_only 'root needs no map'
	cfg --arg n "$T/negative" '.mounts += [{destination: "/tmp", type: "bind", source: ($n | sub("/negative$"; "")), options: ["rbind"]}]'
	script_ 'cat /proc/self/setgroups; cat /tmp/negative 2>/dev/null; true'
	cfg '.process.user = {uid: 0, gid: 0} | del(.process.user.additionalGids)'
	go --map=single
	eq 'setgroups with a single id' "$OUT" deny
}

# CVE-2022-29162: what is inheritable comes back with a file that has capabilities.
t_no_capability_is_inherited() {
	cfg '.process.user = {uid: 1000, gid: 1000} | del(.process.capabilities)'
	prog /bin/sleep 1000
	ok run -d -b "$T/b" "$ID"
	ok exec "$ID" /bin/grep -E 'Cap(Inh|Amb)' /proc/self/status
	eq 'exec' "$(tr -dc '1-9a-f' <<<"${OUT//Cap*:/}")" ''
	ok exec --cap CAP_NET_RAW "$ID" /bin/grep CapInh /proc/self/status
	eq 'exec --cap' "$(tr -dc '1-9a-f' <<<"${OUT//Cap*:/}")" ''
	jq '.process | .args = ["/bin/grep", "-E", "Cap(Inh|Amb)", "/proc/self/status"]' "$T/b/config.json" >"$T/process.json"
	ok exec -p "$T/process.json" "$ID"
	eq 'exec --process' "$(tr -dc '1-9a-f' <<<"${OUT//Cap*:/}")" ''
	down
}

# Whatever a bound directory has, it has afterwards.
t_bound_node_keeps_its_mode() {
	root_only 'mknod is for root'
	mkdir "$T/host"
	mknod -m 600 "$T/host/card0" c 1 3
	cfg --arg h "$T/host" '.mounts += [{destination: "/dev/dri", type: "bind", source: $h, options: ["rbind", "rw"]}]
		| .linux.devices = [{path: "/dev/dri/card0", type: "c", major: 1, minor: 3, fileMode: 438, uid: 1000, gid: 1000}]'
	prog /bin/true
	go
	eq 'node of the host' "$(stat -c '%a %u:%g' "$T/host/card0")" '600 0:0'
}

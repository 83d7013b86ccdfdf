# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Device nodes, links of /dev, masks; and root file systems that lie about them.
# shellcheck disable=SC2016 # variables of the shell inside

device() { # JQ: an entry; the device rules of the cgroup are not meant here
	cfg ".linux.devices += [$1] | del(.linux.resources)"
}

without_dev() { cfg '.mounts |= map(select(.destination | startswith("/dev") | not))'; } # the image's own /dev

t_device_types() {
	root_only 'mknod is for root'
	device '{path: "/dev/c", type: "c", major: 1, minor: 3, fileMode: 384, uid: 11, gid: 12}'
	device '{path: "/dev/u", type: "u", major: 1, minor: 5}'
	device '{path: "/dev/b", type: "b", major: 7, minor: 200, fileMode: 432}'
	device '{path: "/dev/p", type: "p", fileMode: 420, uid: 5, gid: 6}'
	device '{path: "/made/deep/er/null", type: "c", major: 1, minor: 3}'
	cfg '.process.user.umask = 63'
	sh_run 'stat -c "%n %F %a %t:%T %u:%g" /dev/c /dev/u /dev/b /dev/p /made/deep/er/null; stat -c %a /made/deep; umask'
	eq nodes "$OUT" '/dev/c character special file 600 1:3 11:12
/dev/u character special file 666 1:5 0:0
/dev/b block special file 660 7:c8 0:0
/dev/p fifo 644 0:0 5:6
/made/deep/er/null character special file 666 1:3 0:0
755
0077'
}

t_device_in_a_user_namespace() {
	rootless_only 'root makes them'
	device '{path: "/dev/null", type: "c", major: 1, minor: 3}'
	device '{path: "/made/other-name", type: "c", major: 1, minor: 5}'
	device '{path: "/made/pipe", type: "p", fileMode: 384}'
	sh_run 'stat -c "%F %t:%T" /dev/null /made/other-name; stat -c "%F %a" /made/pipe; head -c 2 /made/other-name | od -An -tx1'
	eq nodes "$(tr '\n' ';' <<<"$OUT")" 'character special file 1:3;character special file 1:5;fifo 600; 00 00;'
	device '{path: "/dev/none", type: "c", major: 511, minor: 1}'
	no 'the host has no device 511:1 to bind' run -b "$T/b" "$ID"
}

# With their owners and modes: only a file system of the first user namespace has nodes that can be opened.
t_devices_of_root_in_a_user_namespace() {
	root_only 'an unprivileged user cannot make them'
	local map='[{containerID: 0, hostID: 700000, size: 1000}]'
	cfg ".linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = $map | .linux.gidMappings = $map"
	chown -R 700000:700000 "$T/b/rootfs"
	chmod 711 "$T" "$T/b"
	device '{path: "/dev/zero-too", type: "c", major: 1, minor: 5, fileMode: 420, uid: 10, gid: 11}'
	device '{path: "/dev/sub/dir/null", type: "c", major: 1, minor: 3, fileMode: 432}'
	cfg '.process.user.umask = 63'
	sh_run 'stat -c "%n %F %a %t:%T %u:%g" /dev /dev/null /dev/zero-too /dev/sub/dir /dev/sub/dir/null; head -c 2 /dev/zero-too | od -An -tx1; echo x >/dev/sub/dir/null; touch /dev/pts /dev/shm/x && echo usable'
	eq nodes "$OUT" '/dev directory 755 0:0 0:0
/dev/null character special file 666 1:3 0:0
/dev/zero-too character special file 644 1:5 10:11
/dev/sub/dir directory 755 0:0 0:0
/dev/sub/dir/null character special file 660 1:3 0:0
 00 00
usable'
	device '{path: "/dev/whose", type: "c", major: 1, minor: 3, uid: 5000}'
	no '/dev/whose: its owner 5000:0 is outside of linux.uidMappings' run -b "$T/b" "$ID"
}

t_device_of_the_image() {
	root_only 'mknod is for root'
	without_dev
	mknod -m 600 "$T/b/rootfs/dev/null" c 1 3
	mknod -m 600 "$T/b/rootfs/dev/mine" c 1 5
	device '{path: "/dev/mine", type: "c", major: 1, minor: 5, fileMode: 420, uid: 3, gid: 4}'
	sh_run 'stat -c "%a %u:%g" /dev/null /dev/mine'
	eq 'the default one is left alone, the other is as in the config' "$(tr '\n' ' ' <<<"$OUT")" '600 0:0 644 3:4 '
}

t_another_file_in_the_way() {
	local what
	root_only 'mknod is for root'
	without_dev
	device '{path: "/dev/mine", type: "c", major: 1, minor: 5}'
	prog /bin/true
	for what in file directory link other; do
		case $what in
		file) echo x >"$T/b/rootfs/dev/mine" ;;
		directory) mkdir "$T/b/rootfs/dev/mine" ;;
		link) ln -s null "$T/b/rootfs/dev/mine" ;;
		other) mknod "$T/b/rootfs/dev/mine" c 1 3 ;;
		esac
		R run -b "$T/b" "$ID"
		[ "$RC" != 0 ] || fail "$what: succeeded"
		has "$what" "$ERR" 'linux.devices'
		has "$what" "$ERR" '/dev/mine'
		rm -rf "$T/b/rootfs/dev/mine"
	done
	go
}

t_device_on_a_nodev_file_system() {
	root_only 'mounts with nodev'
	cfg '.mounts |= map(if .destination == "/dev" then .options += ["nodev"] else . end)'
	device '{path: "/dev/mine", type: "c", major: 1, minor: 5}'
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	ok explain "$ID"
	has 'what was said' "$OUT" '/dev/mine: the host'"'"'s node is bound: the directory is mounted nodev'
	down
	sh_run 'echo x >/dev/null && head -c 2 /dev/mine | od -An -tx1; grep " /dev/mine " /proc/self/mountinfo'
	has output "$OUT" ' 00 00'
	has 'the inode of the host' "$OUT" ' /dev/mine ro,nosuid,noexec'
}

# One that the host does not have is made all the same, as by other runtimes.
t_device_on_a_nodev_file_system_that_the_host_lacks() {
	root_only 'mounts with nodev'
	cfg '.mounts |= map(if .destination == "/dev" then .options += ["nodev"] else . end)'
	device '{path: "/dev/mine", type: "c", major: 511, minor: 7}'
	sh_run 'stat -c "%F %t:%T" /dev/mine; cat /dev/mine 2>&1 || :'
	has 'the node' "$OUT" 'character special file 1ff:7'
	has 'and nobody opens it' "$OUT" 'Permission denied'
}

t_device_without_mknod() {
	root_only 'takes the capability away'
	command -v setpriv >/dev/null || skip 'needs setpriv'
	prog /bin/sh -c 'echo x >/dev/null && stat -c %t:%T /dev/full; grep -c " /dev/null ro," /proc/self/mountinfo'
	OUT=$(setpriv --bounding-set -mknod --inh-caps -mknod "${U[@]}" run -b "$T/b" "$ID" 2>"$T/err") || fail "$(<"$T/err")"
	eq output "$(tr '\n' ' ' <<<"$OUT")" '1:7 1 '
}

t_dev_of_the_host() {
	cfg '.mounts |= map(select(.destination | startswith("/dev") | not)) + [{destination: "/dev", type: "bind", source: "/dev", options: ["rbind"]}]'
	device '{path: "/dev/not-made", type: "c", major: 1, minor: 5}'
	device '{path: "/tmp/pipe", type: "p"}'
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	ok explain "$ID"
	has 'what was said' "$OUT" '/dev/not-made): provided by the bind-mounted /dev'
	down
	sh_run 'echo x >/dev/null && test -p /tmp/pipe && test ! -e /dev/not-made && echo well'
	eq output "$OUT" well
	[ ! -e /dev/not-made ] || fail 'made on the host'
}

t_device_paths_refused() {
	prog /bin/true
	cp "$T/b/config.json" "$T/plain.json"
	local path
	for path in /proc/x /sys/x / /x/../proc/y; do
		cp "$T/plain.json" "$T/b/config.json"
		device "{path: \"$path\", type: \"p\"}"
		no 'linux.devices[0].path' run -b "$T/b" "$ID"
	done
	cp "$T/plain.json" "$T/b/config.json"
	device '{path: "/dev/x", type: "z"}'
	no 'linux.devices[0].type' run -b "$T/b" "$ID"
	cp "$T/plain.json" "$T/b/config.json"
	device '{path: "/dev/x", type: "c"}'
	no 'linux.devices[0].m' run -b "$T/b" "$ID"
}

t_privileged() {
	root_only 'a container with all rights'
	caps CHOWN DAC_OVERRIDE MKNOD SYS_ADMIN
	cfg 'del(.linux.maskedPaths, .linux.readonlyPaths) | .linux.resources.devices = [{allow: true, access: "rwm"}]
		| .mounts |= map(if .destination == "/sys" then .options -= ["ro"] else . end)'
	device '{path: "/dev/loop-control", type: "c", major: 10, minor: 237, fileMode: 384}'
	cfg '.linux.resources.devices = [{allow: true, access: "rwm"}]'
	sh_run 'mknod /tmp/zero c 1 5 && head -c 2 /tmp/zero | od -An -tx1; rm /tmp/zero; stat -c "%a %t:%T" /dev/loop-control
		mount -t tmpfs x /tmp && echo mounted; test -w /proc/sys/kernel/printk && echo writable'
	eq output "$(tr '\n' ';' <<<"$OUT")" ' 00 00;600 a:ed;mounted;writable;'
}

# --- masks ---

t_masks_of_every_kind() {
	local r=$T/b/rootfs
	mkdir -p "$r/dir/sub" "$r/glob-a" "$r/real"
	echo data | tee "$r/file" "$r/dir/file" "$r/glob-a/file" "$r/real/file" >/dev/null
	mkfifo "$r/fifo"
	ln -s real "$r/link"
	ln -s nowhere "$r/dangling"
	cfg '.linux.maskedPaths = ["/file", "/dir", "/glob-*", "/fifo", "/link", "/dangling", "/missing/one", "/file/below", "/dir", "/proc/kcore"]
		| .linux.readonlyPaths = ["/glob-a", "/glob-*", "/missing", "/etc/passwd", "/dangling"]'
	sh_run 'cat /file; ls -A /dir; cat /glob-a/file; cat /fifo; ls -A /real; cat /proc/kcore; stat -c %a:%F /dir /file
		echo x 2>/dev/null >/glob-a/new && echo written; echo x 2>/dev/null >/etc/passwd && echo written; echo x >/etc/new && echo beside
		echo x 2>/dev/null >/dir/new && echo written
		ls -A /; true'
	eq output "$(grep -v '^[a-z.-]*$' <<<"$OUT" | tr '\n' ' ')" '555:directory 666:character special file '
	eq data "$(grep -c data <<<"$OUT")" 1
	hasnt output "$OUT" written
	has output "$OUT" beside
	hasnt 'made for a mask' "$OUT" missing
}

t_masks_share_one_file_system() {
	cfg '.linux.maskedPaths = ["/tmp", "/root", "/hl", "/proc/kcore", "/proc/keys"]'
	prog /bin/cat /proc/self/mountinfo
	go
	eq 'superblocks of the directories' "$(awk '$5 == "/tmp" || $5 == "/root" || $5 == "/hl" {print $3}' <<<"$OUT" | sort -u | wc -l)" 1
	eq 'options' "$(awk '$5 == "/tmp" {print $6}' <<<"$OUT")" ro,nosuid,nodev,noexec,relatime
	eq 'masks of files' "$(awk '$5 == "/proc/kcore" || $5 == "/proc/keys" {print $6}' <<<"$OUT" | sort -u)" ro,nosuid,noexec,relatime
	hasnt 'peers of the host' "$(grep -E ' /proc/(kcore|keys) ' <<<"$OUT")" shared
	hasnt 'paths of the host' "$(awk '$5 != "/"' <<<"$OUT")" "$T"
}

# --- images that lie ---

# CVE-2026-41579, CVE-2026-47766: /dev as a link to a directory of the host.
t_dev_is_a_link() {
	local target
	mkdir "$T/victim"
	without_dev
	cfg '.linux.maskedPaths = [] | .linux.readonlyPaths = []'
	device '{path: "/dev/pipe", type: "p"}'
	prog /bin/true
	for target in "$T/victim" "../../../../../../../..$T/victim" /victim; do
		rm -rf "$T/b/rootfs/dev"
		ln -s "$target" "$T/b/rootfs/dev"
		R run -b "$T/b" "$ID"
		eq "made on the host (/dev is $target)" "$(ls -A "$T/victim")" ''
	done
}

# CVE-2025-31133: the image's /dev/null is a link to a file of the kernel, and masks use it.
t_null_device_of_the_image() {
	local what
	without_dev
	mkdir "$T/victim"
	echo canary >"$T/victim/file"
	cfg '.linux.maskedPaths = ["/proc/cmdline", "/secret"]'
	echo secret >"$T/b/rootfs/secret"
	script_ 'cat /secret /proc/cmdline; grep -E " /(proc/cmdline|secret) " /proc/self/mountinfo; true'
	for what in /proc/sys/kernel/printk_ratelimit "$T/victim/file" /missing regular; do
		rm -f "$T/b/rootfs/dev/null"
		if [ $what = regular ]; then echo data >"$T/b/rootfs/dev/null"; else ln -s "$what" "$T/b/rootfs/dev/null"; fi
		R run -b "$T/b" "$ID"
		hasnt "masked ($what)" "$OUT" secret$'\n'
		hasnt "masked ($what)" "$OUT" root=
		hasnt "masked with ($what)" "$OUT" printk
		eq "file of the host ($what)" "$(<"$T/victim/file")" canary
		[ "$RC" != 0 ] || eq "both masked ($what)" "$(grep -c ' /null /' <<<"$OUT")" 2
	done
}

# CVE-2025-52565: the image's /dev/console is a link.
t_console_of_the_image() {
	local what
	without_dev
	mkdir "$T/victim"
	echo canary >"$T/victim/file"
	mkdir "$T/b/rootfs/dev/pts"
	cfg '.process.terminal = true | .mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666", "mode=0620"]}]'
	script_ 'stat -c %t /dev/console; cat /proc/sys/kernel/printk_ratelimit; grep -c printk /proc/self/mountinfo; true'
	for what in /proc/sys/kernel/printk_ratelimit "$T/victim/file" "$T/victim/new" "../../../../../../../..$T/victim/new" /made/by/usrun; do
		rm -f "$T/b/rootfs/dev/console"
		ln -s "$what" "$T/b/rootfs/dev/console"
		under_script "${U[*]} run -b $T/b $ID"
		hasnt "console ($what): $OUT" "$(sed -n 3p <<<"$OUT")" 1
		eq "file of the host ($what)" "$(<"$T/victim/file")" canary
		eq "made on the host ($what)" "$(ls "$T/victim")" file
		[ ! -e "$T/b/rootfs/made" ] || fail 'the target of the link was made'
	done
}

# CVE-2025-52565 too: a directory of the image that only looks like a devpts.
t_devpts_of_the_image() {
	local what
	without_dev
	mkdir "$T/b/rootfs/dev/pts"
	cfg '.process.terminal = true'
	prog /bin/true
	for what in link file fifo; do
		rm -f "$T/b/rootfs/dev/pts/ptmx"
		case $what in
		link) ln -s /dev/ptmx "$T/b/rootfs/dev/pts/ptmx" ;;
		file) : >"$T/b/rootfs/dev/pts/ptmx" ;;
		fifo) mkfifo "$T/b/rootfs/dev/pts/ptmx" ;;
		esac
		under_script "${U[*]} run -b $T/b $ID"
		[ "$RC" != 0 ] || fail "$what: succeeded"
		has "$what" "$OUT" '/dev/pts of the container is not a devpts'
		has "$what" "$OUT" 'the config needs a mount of type devpts on /dev/pts'
	done
}

# CVE-2024-21626: no directory of the host is left open for the working directory to be in.
t_cwd_through_descriptors() {
	local n
	script_ 'cat ../../../../../../../..'"$T"'/canary 2>/dev/null || cat canary 2>/dev/null; pwd'
	echo escaped >"$T/canary"
	for n in $(seq 3 32); do
		cfg --arg d "/proc/self/fd/$n" '.process.cwd = $d'
		R run -b "$T/b" "$ID"
		hasnt "cwd $n" "$OUT" escaped
	done
	cfg '.process.cwd = "/"'
	sh_run 'ls /proc/self/fd; for f in /proc/self/fd/*; do readlink $f; done; true'
	hasnt 'open files' "$OUT" "$T/b"
}

# CVE-2025-52881: what is written to /proc goes to the kernel and nowhere else.
t_writes_go_to_the_kernel() {
	local name
	mkdir -p "$T/fake/sys/net/ipv4" "$T/fake/self/attr"
	: >"$T/fake/sys/net/ipv4/ip_forward"
	: >"$T/fake/ip_forward"
	: >"$T/fake/self/oom_score_adj"
	cfg '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .process.oomScoreAdj = 300'
	prog /bin/cat /proc/sys/net/ipv4/ip_forward
	go
	eq 'the value' "$OUT" 1
	cp "$T/b/config.json" "$T/plain.json"
	for name in /proc/sys/net/ipv4 /proc/self /proc/sys; do
		ln -sfn $name "$T/b/rootfs/lnk"
		cfg --arg s "$T/fake" '.mounts += [{destination: "/lnk", type: "bind", source: $s, options: ["rbind"]}]'
		no 'inside /proc' run -b "$T/b" "$ID"
		cp "$T/plain.json" "$T/b/config.json"
	done
	cfg --arg s "$T/fake" '.mounts |= map(if .destination == "/proc" then {destination: "/proc", type: "bind", source: $s, options: ["rbind"]} else . end)'
	no 'not of type proc' run -b "$T/b" "$ID"
	eq 'bytes in the false files' "$(find "$T/fake" -type f -size +0 | wc -l)" 0
}

# CVE-2021-30465, CVE-2024-45310: a name below a shared volume is a directory, and in the next moment a link.
t_exchange_race() {
	local i swapper
	command -v perl >/dev/null || skip 'needs perl'
	mkdir -p "$T/victim" "$T/vol/a" "$T/src"
	: >"$T/src/file"
	ln -s "../../../../../../../..$T/victim" "$T/vol/evil"
	perl -e '$SIG{ALRM} = sub { exit }; alarm 600; while (1) { syscall(316, -100, $ARGV[0], -100, $ARGV[1], 2) == 0 or die "renameat2: $!" }' \
		"$T/vol/a" "$T/vol/evil" 2>"$T/swap" &
	swapper=$!
	cfg --arg s "$T/vol" --arg t "$T/src" '.mounts += [{destination: "/v", type: "bind", source: $s, options: ["rbind"]}]
		+ [range(6) | {destination: "/v/a/n\(.)/x/y", type: "bind", source: $t, options: ["rbind"]}]
		+ [range(6) | {destination: "/v/a/f\(.)/file", type: "bind", source: ($t + "/file"), options: ["bind"]}]
		+ [{destination: "/v/a/t", type: "tmpfs", source: "t"}] | .linux.devices = [{path: "/v/a/p/q", type: "p"}] | .process.cwd = "/v/a/cwd"
		| .linux.maskedPaths += ["/v/a/t"] | .linux.readonlyPaths += ["/v/a/t"]'
	prog /bin/true
	for ((i = 0; i < ${USRUN_TIMES:-20}; i++)); do
		R run -b "$T/b" "$ID"
		[ -z "$(ls -A "$T/victim")" ] || break
	done
	kill -0 $swapper || fail "the swapper ended: $(<"$T/swap")"
	kill $swapper
	wait $swapper 2>/dev/null || true
	eq "made on the host at try $i" "$(ls -A "$T/victim")" ''
}

host_tree() { (cd "$T/host" && find . -printf '%p %y %m %U:%G %s %l %T@\n' | sort); }

# What a bind mount shows stays as it is, whatever the config asks for below it.
t_bound_directories_are_not_changed() {
	local before
	root_only 'mknod is for root'
	mkdir -p "$T/host/dri" "$T/host/data/sub" "$T/host/dev"
	mknod -m 600 "$T/host/dri/card0" c 1 3
	mknod -m 600 "$T/host/dev/null" c 1 3
	mkfifo -m 600 "$T/host/dri/pipe"
	echo x >"$T/host/data/file"
	ln -s data/file "$T/host/link"
	touch -d '2 hours ago' "$T/host/dri" "$T/host/data" "$T/host/data/sub" "$T/host/dev" "$T/host"
	before=$(host_tree)
	cfg --arg h "$T/host" '.mounts += [
		{destination: "/dev/dri", type: "bind", source: ($h + "/dri"), options: ["rbind", "rw"]},
		{destination: "/data", type: "bind", source: ($h + "/data"), options: ["rbind", "rw"]},
		{destination: "/data/sub", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]
		| .linux.maskedPaths += ["/data/file"] | .process.cwd = "/data/sub" | .hostname = "box"'
	device '{path: "/dev/dri/card0", type: "c", major: 1, minor: 3, fileMode: 438, uid: 1000, gid: 1000}'
	device '{path: "/dev/dri/pipe", type: "p", fileMode: 438, uid: 1000, gid: 1000}'
	sh_run 'stat -c "%a %u:%g" /dev/dri/card0'
	eq 'as the host has it' "$OUT" '600 0:0'
	eq 'bound directories' "$(host_tree)" "$before"
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	ok explain "$ID"
	has 'what was said' "$OUT" '(/dev/dri/card0): in a bind-mounted directory: it keeps its mode 600'
	down
	device '{path: "/dev/dri/other", type: "p"}'
	no '/dev/dri/other: in a bind-mounted directory, where no device is created' run -b "$T/b" "$ID"
	eq 'after a refusal' "$(host_tree)" "$before"
	cfg 'del(.linux.devices) | .process.cwd = "/data/sub/new"'
	sh_run pwd
	eq 'made in a tmpfs' "$OUT" /data/sub/new
	cfg '.process.cwd = "/data/new" | (.mounts[] | select(.destination == "/data")).options = ["rbind", "ro"]'
	no 'process.cwd: chdir to cwd ("/data/new"): no such file or directory' run -b "$T/b" "$ID"
	eq 'after a working directory' "$(host_tree)" "$before"
	# A link of the image leads a bind over /dev.
	cfg 'del(.linux.devices) | .mounts |= map(select(.destination | startswith("/dev") or startswith("/data") | not))'
	cfg --arg h "$T/host" '.mounts += [{destination: "/lnk", type: "bind", source: ($h + "/dev"), options: ["rbind", "rw"]}]'
	ln -s dev "$T/b/rootfs/lnk"
	chmod 700 "$T/host/dev"
	device '{path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 438, uid: 1000, gid: 1000}'
	prog /bin/true
	R run -b "$T/b" "$ID"
	eq 'the node below a link' "$(stat -c '%a %u:%g' "$T/host/dev/null")" '600 0:0'
	[ -z "$(find "$T/host" -type l -newer "$T/b/config.json")" ] || fail 'links in a bound directory'
	[ "$(find "$T/host/dev" -type c | wc -l)" = 1 ] || fail 'nodes in a bound directory'
}

# What engines send for a privileged container: a node of the host's would open the host's terminals, or none.
t_devices_ptmx() {
	cfg '.linux.devices = [{path: "/dev/ptmx", type: "c", major: 5, minor: 2, fileMode: 438, uid: 0, gid: 0}]'
	sh_run 'exec 3<>/dev/ptmx && ls /dev/pts'
	has "terminals of the container" "$OUT" 0
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# check: all that is the matter with a config, where it is, and whether a container would start.

# check's JSON in OUT, its status in RC.
check() { # ARG...
	R check --json "$@"
	jq -e . <<<"$OUT" >/dev/null || fail "check $*: no JSON: $OUT $ERR"
}

kinds_of() { jq -r --arg p "$1" '[.findings[] | select(.path == $p) | .kind] | join(" ")' <<<"$OUT"; } # PATH

t_check_finds_nothing() {
	prog /bin/true
	ok check "$T/b"
	hasnt words "$OUT" wrong
	cd "$T/b" && ok check
	check "$T/b"
	eq 'no complaint that matters' "$RC" 0
	eq complete "$(jq .complete <<<"$OUT")" true
	go
}

t_check_finds_all() {
	local path
	prog /bin/true
	cfg '.hostnam = "x" | .process.user.uid = "root" | .process.cwd = "tmp" | .process.env += ["A"]
		| .mounts += [{destination: 7, type: "proc"}, {type: "bind", source: "/nowhere"},
			{destination: "/mnt", type: "bind", source: "/nowhere", options: ["rbind"]}]
		| .hooks = {poststop: [{path: "/no/hook"}]} | .annotations = {"run.oci.nothing": "x"}
		| .linux.maskedPaths = ["a", "/proc/kcore", "b"]'
	check "$T/b"
	eq status "$RC" 1
	for path in process.user.uid process.cwd 'linux.maskedPaths[0]' 'linux.maskedPaths[2]'; do
		eq "$path" "$(kinds_of "$path")" wrong
	done
	eq 'a missing member' "$(jq '[.findings[] | select(.kind == "wrong" and (.path | endswith("].destination")))] | length' <<<"$OUT")" 2
	eq 'a missing source' "$(jq -r '.findings[] | select(.kind == "missing" and (.path | startswith("mounts"))) | .text' <<<"$OUT")" \
		'mount source: /nowhere does not exist'
	eq 'its number is that of the file' "$(jq -r '.findings[] | select(.kind == "missing" and (.path | startswith("mounts"))) | .path' <<<"$OUT")" \
		"mounts[$(jq '.mounts | length - 1' "$T/b/config.json")].source"
	eq hook "$(kinds_of 'hooks.poststop[0].path')" missing
	eq annotation "$(kinds_of 'annotations["run.oci.nothing"]')" dropped
	eq unknown "$(kinds_of hostnam)" unknown
	eq sorted "$(jq '[.findings[] | [.line // 0, .column // 0]] | . == sort' <<<"$OUT")" true
	eq 'line of the cwd' "$(jq '.findings[] | select(.path == "process.cwd") | .line' <<<"$OUT")" \
		"$(grep -n '"cwd"' "$T/b/config.json" | cut -d: -f1)"
	R check "$T/b"
	has 'as compilers write' "$OUT" "config.json:$(grep -n '"hostnam"' "$T/b/config.json" | cut -d: -f1):"
	has 'the nearest name' "$OUT" '(did you mean "hostname"?)'
}

t_check_is_strict() {
	prog /bin/true
	cfg '.hostnam = "x"'
	ok check "$T/b"
	has unknown "$OUT" 'unknown: hostnam'
	R check --strict "$T/b"
	eq strict "$RC" 1
}

# A config of megabytes must not keep a reviewer's pipeline busy for hours.
t_check_lists_a_limited_number() {
	prog /bin/true
	cfg '.linux.unknown = 1 | .hooks = {poststop: [range(3000) | {path: "/no/\(.)", x: 1}]}
		| .annotations = ([range(3000) | {key: "run.oci.\(.)", value: "x"}] | from_entries)'
	(ulimit -t 60 && check "$T/b" && jq -c '[.complete] + ([.findings[].kind] | group_by(.) | map([.[0], length]))' <<<"$OUT") >"$T/kinds" \
		|| fail 'it ended without an answer'
	eq 'of each kind' "$(cat "$T/kinds")" '[false,["dropped",200],["missing",200],["unknown",200]]'
	R check "$T/b"
	eq 'last line' "$(tail -n1 <<<"$OUT")" 'config.json: the rest is shown once these are mended'
}

programs_that_cannot_run() { # DIR
	echo text >"$1/plain"
	chmod 644 "$1/plain"
	printf '#!/bin/nosuch -x\n' >"$1/script"
	echo text >"$1/words"
	# An ELF header for a machine that nobody has, and one that names a loader behind its only program header.
	printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\376\312\1\0\0\0%0200d' 0 >"$1/foreign"
	cp /bin/ls "$1/linked"
	chmod 755 "$1/script" "$1/words" "$1/foreign" "$1/linked"
}

# Whatever is the matter with the text, it has a place, and one mistake is one line.
t_check_says_where() {
	local filter text
	cp "$T/b/config.json" "$T/good.json"
	while IFS='|' read -r text filter; do
		printf "$filter" >"$T/b/config.json"
		R check "$T/b"
		eq "$filter" "$(grep -v 'has no cgroup of its own' <<<"$OUT")" "$text"
	done <<-'EOF'
		config.json:1:2: wrong: a NUL byte|{\0}
		config.json:1:3: wrong: not valid UTF-8 (byte 0xff)|{"\377":1}
		config.json:1:1: wrong: a byte order mark, which JSON does not have|\357\273\277{}
		config.json:2:1: wrong: expected an object, got an array|\n[]
	EOF
	cp "$T/good.json" "$T/b/config.json"
	prog /bin/true
	cfg '.process.terminal = true | .process.consoleSize = {height: 1, width: -1}'
	R check "$T/b"
	has 'a value that counts with a terminal' "$OUT" ': wrong: process.consoleSize.width: expected an integer'
	cfg 'del(.process.consoleSize) | .process.terminal = false | .process.args = [""]'
	check "$T/b"
	eq 'one mistake' "$(jq -r '[.findings[] | select(.kind == "wrong").path] | join(" ")' <<<"$OUT")" 'process.args[0]'
	sed 's/"ociVersion"/"hostname": "h", "ociVersion"/' "$T/b/config.json" >"$T/twice"
	cp "$T/twice" "$T/b/config.json"
	R check "$T/b"
	has 'a key that is there twice' "$OUT" ' wrong: hostname: the key "hostname" is listed twice'
}

# Every one of the mistakes is what create complains of, too.
t_check_and_create_agree() {
	local filter
	prog /bin/true
	cp "$T/b/config.json" "$T/good.json"
	programs_that_cannot_run "$T/b/rootfs/bin"
	for filter in '.root.path = "none"' '.process.args = []' '.linux.namespaces += [{type: "pid"}]' \
		'.process.rlimits = [{type: "RLIMIT_CORE", soft: 3, hard: 2}]' '.linux.resources.unified = {"nothing.max": "1", "../x": "2"}' \
		'.linux.sysctl = {"kernel.nothing.at.all": "1"}' '.mounts += [{destination: "/x", type: "bind", source: "/nowhere"}]' \
		'.process.args = ["/no/such/program"]' 'del(.ociVersion)' '.linux.seccomp = {defaultAction: "X"}' \
		'.process.args = ["/bin"]' '.process.args = ["plain"]' '.process.args = ["/bin/script"]' '.process.args = ["/bin/words"]' \
		'.process.args = ["/bin/foreign"]' '.process.args = ["/bin/linked"]' '.process.cwd = "/bin/plain"' \
		'.hooks = {startContainer: [{path: "/bin/nosuch"}]}' '.linux.namespaces |= map(if .type == "pid" then .path = "/nosuch" else . end)'; do
		jq "$filter" "$T/good.json" >"$T/b/config.json"
		R check "$T/b"
		[ "$RC" = 1 ] || fail "$filter: check says $RC: $OUT"
		no ' ' run -b "$T/b" "$ID"
	done
}

# What the kernel has not, or not for the caller: found by the same probes as the error of create.
t_check_finds_what_the_kernel_lacks() {
	local filter path
	prog /bin/true
	cp "$T/b/config.json" "$T/good.json"
	while IFS='|' read -r path filter; do
		jq "$filter" "$T/good.json" >"$T/b/config.json"
		check "$T/b"
		eq "$filter" "$(jq -r '[.findings[] | select(.kind == "missing").path] | join(" ")' <<<"$OUT")" "$path"
		[ -z "$path" ] || no ' ' run -b "$T/b" "$ID"
	done <<-'EOF'
		mounts[7].type|.mounts[7] = {destination: "/x", type: "nosuchfs", source: "none"}
		linux.sysctl["net.ipv4.nothing"]|.linux.sysctl = {"net.ipv4.nothing": "1"}
		|.linux.sysctl = {"net.ipv4.ip_forward": "1", "net.ipv4.conf.lo.forwarding": "1"}
		|.linux.devices = [{path: "/dev/own-name", type: "c", major: 1, minor: 7}]
	EOF
	if [ ! -e /sys/fs/resctrl/tasks ]; then
		jq '.linux.intelRdt = {closID: "x", l3CacheSchema: "L3:0=f"}' "$T/good.json" >"$T/b/config.json"
		check "$T/b"
		has resctrl "$OUT" '"linux.intelRdt"'
	fi
	[ "$MODE" = rootless ] || return 0
	jq '.linux.devices = [{path: "/dev/nosuch", type: "c", major: 250, minor: 77}]' "$T/good.json" >"$T/b/config.json"
	check "$T/b"
	has 'a device' "$OUT" 'device /dev/nosuch: the host has no device 250:77 to bind'
	no 'the host has no device 250:77' run -b "$T/b" "$ID"
	jq '.linux.cgroupsPath = "/usrun-nosuch/x"' "$T/good.json" >"$T/b/config.json"
	R run -b "$T/b" "$ID"
	[[ "$ERR" == *'create the cgroup'* ]] || return 0 # where the caller may, or has none in any case
	check "$T/b"
	has 'a cgroup' "$OUT" 'the caller may not make it in /sys/fs/cgroup'
}

t_check_reads_no_json() {
	echo '{"a": }' >"$T/b/config.json"
	R check "$T/b"
	eq status "$RC" 1
	eq text "$OUT" 'config.json:1:7: wrong: expected a value, got }'
	: >"$T/b/config.json"
	R check "$T/b"
	eq empty "$RC" 1
	rm "$T/b/config.json"
	R check "$T/b"
	eq 'no config' "$RC" 2
	has words "$ERR" 'not found'
	R check "$T/none"
	eq 'no bundle' "$RC" 2
}

# What depends on a namespace is not called wrong because of a mistake in its entry.
t_check_says_what_it_cannot_say() {
	cfg '.linux.namespaces = [.linux.namespaces[] | if .type == "uts" then .type = "UTS" else . end] | .process.cwd = "x"'
	check "$T/b"
	eq complete "$(jq .complete <<<"$OUT")" false
	eq both "$(jq '[.findings[] | select(.kind == "wrong")] | length' <<<"$OUT")" 2
}

t_check_for_another_host() {
	prog /bin/true
	"${U[@]}" facts >"$T/facts.json"
	cfg '.mounts += [{destination: "/x", type: "bind", source: "/nowhere"}]'
	R check --facts "$T/facts.json" "$T/b"
	hasnt 'its files' "$OUT" /nowhere
}

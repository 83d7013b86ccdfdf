# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What usrun says to a person who made a mistake, or asked for what cannot be had.

t_words_for_options() {
	prog /bin/true
	no '--pid-file: expected FILE, got an empty string' run --pid-file= -b "$T/b" "$ID"
	no "--pid-file: expected a file, $T is a directory" run --pid-file "$T" -b "$T/b" "$ID"
	no '--log: expected FILE, got an empty string' --log= list
	no '--log: expected FILE or file:FILE, got an empty string' --log=file: list
}

# Which variable led to a directory that nobody can make.
t_words_for_the_runtime_directory() {
	rootless_only
	RC=0
	ERR=$(XDG_RUNTIME_DIR=/proc/nosuch "$USRUN" run -b "$T/b" "$ID" 2>&1) || RC=$?
	eq 'status' "$RC" 1
	has 'the variable' "$ERR" 'hint: it derives from XDG_RUNTIME_DIR=/proc/nosuch: unset that'
}

# The file of --config is named in errors as it was given, whoever finds the fault.
t_words_name_the_config() {
	local name=$T/b/other.json
	jq '.process.cwd = "tmp"' "$T/b/config.json" >"$name"
	no "usrun: $name:" run -b "$T/b" -f "$name" "$ID"
	jq '.mounts += [{destination: "/mnt", source: "/nosuch", options: ["bind"]}]' "$T/b/config.json" >"$name"
	no '].source: ' run -b "$T/b" -f "$name" "$ID"
	has 'where the value is' "$ERR" "usrun: $name:$(grep -n /nosuch "$name" | cut -d: -f1):"
	jq '.process.terminal = true' "$T/b/config.json" >"$name"
	no ': process.terminal: ' create -b "$T/b" -f "$name" "$ID"
	has 'where the switch is' "$ERR" "usrun: $name:$(grep -n '"terminal"' "$name" | cut -d: -f1):"
	jq 'del(.process)' "$T/b/config.json" >"$name"
	no "usrun: $name: process: " run -b "$T/b" -f "$name" "$ID"
}

# A misspelt member does nothing; explain says so, with what may have been meant.
t_words_for_unknown_members() {
	cfg '.process.cwdd = "/" | .linux.namspaces = [] | .annotations["any.name"] = "any"'
	ok explain -b "$T/b"
	has 'process' "$OUT" 'process.cwdd: unknown member, ignored (did you mean "cwd"?)'
	has 'linux' "$OUT" 'linux.namspaces: unknown member, ignored (did you mean "namespaces"?)'
	hasnt 'annotations' "$OUT" 'any.name: unknown'
	cfg 'del(.process.cwdd, .linux.namspaces)'
	ok explain -b "$T/b"
	hasnt 'nothing' "$OUT" 'unknown member'
}

t_words_for_unknown_limits() {
	root_only
	up
	echo '{"memry": {}}' >"$T/limits"
	ok --log-level warning update -r "$T/limits" "$ID"
	has 'the member' "$ERR" "$T/limits:1:2: memry: unknown member, ignored (did you mean \"memory\"?)"
	ok --log-level warning update --cpu-share 1 "$ID"
	has 'the least' "$ERR" '--cpu-share: 1 is taken as 2, the least possible'
	down
}

# The rest of the plan is of use to who has to change the limits.
t_words_beside_limits_that_cannot_be_had() {
	cfg '.linux.resources.memory = {limit: 67108864}'
	R --cgroup-manager disabled explain -b "$T/b"
	eq 'status' "$RC" 1
	has 'the error' "$ERR" 'linux.resources.memory.limit'
	has 'the rest' "$OUT" 'without linux.resources, which fails'
	has 'the rest' "$OUT" 'rootfs '
}

t_words_of_explain_for_a_container() {
	up
	ok explain "$ID"
	has 'in words' "$OUT" 'delete      kills its processes'
	has 'in words' "$OUT" 'removes its state'
	hasnt 'what is not there' "$OUT" resctrl
	down
}

# Three that are promised, and one that is there.
t_words_for_descriptors_that_are_not_there() {
	# shellcheck disable=SC2016 # for the shell that becomes usrun
	local start='LISTEN_PID=$$ LISTEN_FDS=3 exec "$@"'
	prog /bin/sh -c 'echo "<$LISTEN_FDS>"'
	OUT=$(bash -c "$start" bash "${U[@]}" --log-level warning run -b "$T/b" "$ID" 3<&0 </dev/null 2>&1)
	has 'the first that is missing' "$OUT" 'LISTEN_FDS is ignored: descriptor '
	has 'the variable' "$OUT" '<>'
}

t_words_about_containers_without_a_cgroup() {
	prog /bin/sleep 1000
	cfg 'del(.linux.resources)'
	ok --cgroup-manager disabled run -d -b "$T/b" "$ID"
	ok stats --no-stream
	has 'which' "$ERR" 'not shown, because they have no cgroup: '
	has 'which' "$ERR" "$ID"
	down
}

# explain looks, as create would.
# Its processes were moved away and the groups removed: it runs, and says what it lacks.
t_words_about_a_removed_cgroup() {
	root_only
	local dir process
	up
	while read -r dir; do
		while read -r process; do echo "$process" >"${dir%/*}/cgroup.procs"; done <"$dir/cgroup.procs"
		rmdir "$dir"
	done < <(cgroups)
	eq status "$(status)" running
	no "pause needs the cgroup of container $ID, which was removed: " pause "$ID"
	no "update needs the cgroup of container $ID, which was removed: " update --memory 64m "$ID"
	no "stats needs the cgroup of container $ID, which was removed: " stats --no-stream "$ID"
	down
}

# Engines have ids of 64 digits.
t_list_is_a_table() {
	local id
	id=$ID-$(printf 'a%.0s' {1..64})
	prog /bin/sleep 1000
	ok run -d -b "$T/b" "$ID"
	ok run -d -b "$T/b" "$id"
	ok list
	eq 'places of the state' "$(grep -E 'STATUS|running' <<<"$OUT" | sed 's/STATUS.*//;s/running.*//' | awk '{print length}' | sort -u | wc -l)" 1
	ok delete --force "$id"
	down
}

t_completion_knows_signals() {
	local words
	# shellcheck disable=SC2016 # for the other shell
	words=$(PATH=${USRUN%/*}:$PATH bash -c 'source <("$1" completion bash)
		COMP_WORDS=(usrun kill x T) COMP_CWORD=3; _usrun; echo "${COMPREPLY[@]}"
		COMP_WORDS=(usrun run "") COMP_CWORD=2; _usrun; echo "new: ${COMPREPLY[*]}"' bash "$USRUN")
	has 'behind the id' "$words" TERM
	has 'an id that is not there yet' "$words" 'new: '
}

t_completion_can_be_sourced_by_zsh() {
	command -v zsh >/dev/null || skip 'needs zsh'
	# shellcheck disable=SC2016 # for the other shell
	eq 'what it does' "$(zsh -f -c 'compdef() { echo "$1 for $2"; }; source <("$1" completion zsh)' zsh "$USRUN" 2>&1)" '_usrun for usrun'
}

t_a_program_that_no_directory_has() {
	prog nosuch
	no 'executable file not found in $PATH' run -b "$T/b" "$ID"
	has 'where' "$ERR" 'hint: looked in /'
	mkdir "$T/b/empty"
	cfg '.root.path = "empty" | .mounts = []'
	no 'executable file not found in $PATH' run -b "$T/b" "$ID"
	has 'of an empty root' "$ERR" 'is a root file system unpacked in root.path?'
}

t_a_chroot_that_is_no_mount() {
	[ "$MODE" = root ] || skip 'needs root'
	local root=$T/chroot
	mkdir -p "$root/proc" "$root/run" "$root/dev"
	cp "$USRUN" "$root/usrun"
	cp -a "$T/b" "$root/b"
	cfg '.process.args = ["/bin/true"]'
	cp "$T/b/config.json" "$root/b/"
	ldd "$USRUN" 2>/dev/null | grep -q '=>' && skip 'needs a static usrun'
	ERR=$(unshare -m sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" /usrun --root /run --cgroup-manager disabled run -b /b x' \
		sh "$root" 2>&1 </dev/null) && fail "ran"
	has hint "$ERR" 'mount --bind DIR DIR'
	OUT=$(unshare -m sh -c 'mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		exec chroot "$1" /usrun --root /run --cgroup-manager disabled run -b /b x' sh "$root" 2>&1 </dev/null) || fail "$OUT"
}

t_words_for_a_config_that_was_named() {
	for command in 'run -b b -f /nosuch ID' 'explain -b b -f /nosuch' 'check -f /nosuch b'; do
		# shellcheck disable=SC2086 # words
		R $command
		has "$command" "$ERR" '/nosuch not found'
		hasnt "$command" "$ERR" hint:
	done
	rm b/config.json
	R check b
	has 'the bundle' "$ERR" 'name the directory that it is in'
	hasnt 'an option that check has not' "$ERR" --bundle
	R check nowhere
	has 'the bundle' "$ERR" 'open the directory of the bundle, nowhere: no such path'
}

t_words_for_what_is_ignored() {
	local note lsm
	prog /bin/true
	lsm=$(ok facts; jq -r .kernel.lsm <<<"$OUT")
	cfg '.process.oomScoreAdj = -5 | .process.selinuxLabel = "a:b:c:d"'
	[ "$lsm" != selinux ] || cfg 'del(.process.selinuxLabel)'
	ok check "$T/b"
	[ "$lsm" = selinux ] || has 'a label' "$OUT" ' dropped: process.selinuxLabel: "a:b:c:d" is ignored: this host has no SELinux'
	ok explain -b "$T/b"
	[ "$lsm" = selinux ] || has 'a label, explained' "$OUT" '  process.selinuxLabel: "a:b:c:d" is ignored'
	[ "$MODE" = rootless ] || return 0
	note='lowering it needs CAP_SYS_RESOURCE, the caller'\''s '$(cat /proc/self/oom_score_adj)' is kept'
	has 'the score, explained' "$OUT" "$note"
	ok check "$T/b"
	has 'the score' "$OUT" " dropped: process.oomScoreAdj: $note"
}

t_words_for_what_is_missing() {
	prog nosuch
	cfg '.mounts += [{destination: "/mnt", source: "/nosuch", options: ["bind"]}] | .hooks = {poststop: [{path: "/no/hook"}]}'
	ok explain -b "$T/b"
	has 'the command' "$OUT" 'command: nosuch is not in the root file system'
	has 'the source' "$OUT" 'mount source: /nosuch does not exist'
	has 'the hook' "$OUT" 'poststop hook: /no/hook does not exist'
	prog sh
	cfg 'del(.hooks) | .mounts |= .[:-1]'
	ok explain -b "$T/b"
	hasnt 'all is there' "$OUT" $'\nmissing\n'
	cfg '.root.path = "nosuch"'
	ok explain -b "$T/b"
	has 'the root' "$OUT" "root file system: $T/b/nosuch does not exist"
}

# The templates for servers and for systemd, beside files that are already there.
t_spec_for_services() {
	local rootless=()
	[ "$MODE" = root ] || rootless=(--rootless)
	mkdir "$T/s"
	echo 'nameserver 192.0.2.7' >"$T/s/resolv.conf"
	ok spec --service "${rootless[@]}" --no-terminal -b "$T/s" --rootfs "$T/b/rootfs" sh -c \
		'touch /written && cat /etc/hosts /etc/resolv.conf && grep -E "NoNewPrivs|CapEff" /proc/self/status'
	ok run -b "$T/s" "$ID"
	has 'its name' "$OUT" '127.0.1.1	usrun'
	has 'a file that was there' "$OUT" 192.0.2.7
	has 'no_new_privs' "$OUT" 'NoNewPrivs:	0'
	has 'capabilities' "$OUT" 00000000a80425fb
	rm "$T/s/config.json"
	ok spec --systemd "${rootless[@]}" --no-terminal -b "$T/s" --rootfs "$T/b/rootfs" sh -c \
		'touch /run/lock/x /run/x /tmp/x; echo $container; grep -E " /(run|tmp|run/lock|sys/fs/cgroup) " /proc/mounts'
	ok run -b "$T/s" "$ID"
	has 'what systemd looks for' "$OUT" oci
	eq 'file systems' "$(grep -cE '^tmpfs /(run|tmp|run/lock) ' <<<"$OUT")" 3
	ok spec --systemd -b "$T/s" -f -
	eq 'the command' "$(jq -c .process.args <<<"$OUT")" '["/sbin/init"]'
}

# Why a program may not be executed, and what it would need.
t_words_for_programs() {
	local root=$T/b/rootfs
	[ -w "$root/bin" ] || skip 'needs a root file system of its own'
	printf '#!/bin/sh\n' >"$root/bin/plain"
	chmod 644 "$root/bin/plain"
	printf '\177ELF\2\1\1%9s\2\0\267\0\1\0\0\0%100s' '' '' >"$root/bin/other"
	chmod 755 "$root/bin/other"
	prog /bin/plain
	no 'exec: "/bin/plain": permission denied' run -b "$T/b" "$ID"
	has 'the bit' "$ERR" 'hint: /bin/plain is not executable (mode 0644): chmod +x'
	prog /bin/other
	no 'exec /bin/other: exec format error' run -b "$T/b" "$ID"
	[ "$(uname -m)" = aarch64 ] || has 'the architecture' "$ERR" "hint: the file is for aarch64, and this host is $(uname -m)"
	mkdir "$root/closed"
	cp /bin/busybox "$root/closed/sh"
	chmod 600 "$root/closed"
	cfg '.process.user = {uid: 7, gid: 7}'
	[ -n "$SUBUIDS" ] || [ "$MODE" = root ] || return 0
	caps KILL
	prog /closed/sh
	no 'exec: "/closed/sh": permission denied' run -b "$T/b" "$ID"
	has 'the directory' "$ERR" 'may not enter the directory /closed of the container (owner 0:0'
	has 'its mode' "$ERR" ', mode 0600)'
	cfg --arg d "$root/bin" '.process.user = {uid: 0, gid: 0} | .mounts += [{destination: "/bin", source: $d, options: ["bind", "noexec"]}]'
	prog /bin/sh
	no 'exec: "/bin/sh": permission denied' run -b "$T/b" "$ID"
	has 'the mount' "$ERR" 'hint: /bin/sh is on a mount with the option noexec'
}

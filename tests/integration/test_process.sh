# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the process of a container finds: descriptors, signals, environment, ids, capabilities, limits.
# shellcheck disable=SC2016 # variables of the shell inside

# Value of a field of the /proc/PID/status in OUT.
field() { sed -n "s/^$1:[[:space:]]*//p" <<<"$OUT" | tr '\t' ' ' | sed 's/ *$//'; }

t_descriptors() {
	up
	eq 'descriptors' "$(ls "/proc/$PID/fd" | sort -n | tr '\n' ' ')" '0 1 2 '
	down
	prog /bin/sleep 1000
	"${U[@]}" create -b "$T/b" --pid-file "$T/pid" "$ID" 5</etc/passwd 7</dev/null >/dev/null 2>&1
	ok start "$ID"
	soon eval '[ "$(tr "\0" " " <"/proc/$(<"$T/pid")/cmdline")" = "/bin/sleep 1000 " ]'
	eq 'descriptors of create' "$(ls "/proc/$(<"$T/pid")/fd" | sort -n | tr '\n' ' ')" '0 1 2 '
	down
}

t_preserve_fds() {
	echo three >"$T/three"
	echo four >"$T/four"
	prog /bin/sh -c 'cat <&3; cat <&4; ( : <&5 ) 2>/dev/null && echo five is open'
	OUT=$("${U[@]}" run -b "$T/b" --preserve-fds 2 "$ID" 3<"$T/three" 4<"$T/four" 5</etc/passwd || true)
	eq output "$OUT" $'three\nfour'
	prog /bin/sh -c '( : <&3 ) 2>/dev/null && echo open; true'
	OUT=$("${U[@]}" run -b "$T/b" "$ID" 3<"$T/three")
	eq 'output without the option' "$OUT" ''
}

t_signals() {
	prog /bin/cat /proc/self/status
	OUT=$(
		trap '' PIPE HUP USR1
		"${U[@]}" run -b "$T/b" "$ID"
	)
	eq SigBlk "$(field SigBlk)" 0000000000000000
	eq SigIgn "$(field SigIgn)" 0000000000000000
	eq SigPnd "$(field SigPnd)" 0000000000000000
	eq Seccomp "$(field Seccomp)" 0
}

t_env() {
	cfg '.process.env = ["A=1", "B=two words", "PATH=/bin", "EMPTY="]'
	prog /bin/env
	go
	eq environment "$(sort <<<"$OUT" | tr '\n' ';')" 'A=1;B=two words;EMPTY=;HOME=/root;PATH=/bin;'
	cfg '.process.env = ["HOME=/mine", "PATH=/bin"]'
	go
	eq 'HOME given' "$(sort <<<"$OUT" | tr '\n' ';')" 'HOME=/mine;PATH=/bin;'
	cfg '.process.env = ["HOME=/mine", "PATH=/bin", "HOME="]'
	go
	eq 'HOME given empty' "$(sort <<<"$OUT" | tr '\n' ';')" 'HOME=/root;PATH=/bin;'
	up
	eq 'HOME of exec given empty' "$("${U[@]}" exec --env HOME= "$ID" /bin/sh -c 'echo "$HOME"')" /root
	down
}

t_home_of_user() {
	many_ids
	cfg '.process.env = ["PATH=/bin"] | .process.user = {uid: 1000, gid: 1000}'
	prog /bin/env
	go
	has environment "$OUT" HOME=/home/some
}

t_path_of_env_is_used() {
	mkdir "$T/b/rootfs/odd"
	ln -s /bin/busybox "$T/b/rootfs/odd/echo"
	cfg '.process.env += ["PATH=/odd"] | .process.env |= map(select(startswith("PATH=/usr") | not))'
	prog echo found
	go
	eq output "$OUT" found
}

t_cwd() {
	cfg '.process.cwd = "/tmp"'
	prog /bin/pwd
	go
	eq cwd "$OUT" /tmp
	cfg '.process.cwd = "/made/for it"'
	go
	eq cwd "$OUT" '/made/for it'
}

# By the program's user, with no more rights than that has.
t_cwd_below_a_bind_mount() {
	many_ids
	mkdir -m 777 "$T/vol"
	mkdir -m 755 "$T/vol/closed"
	cfg --arg v "$T/vol" '.mounts += [{destination: "/vol", type: "bind", source: $v, options: ["rbind", "rw"]}]
		| .process.cwd = "/vol/a/b" | .process.user = {uid: 1000, gid: 1000}'
	script_ 'pwd; stat -c "%u:%g %a" .'
	go
	eq 'made' "$(tr '\n' ' ' <<<"$OUT")" '/vol/a/b 1000:1000 755 '
	cfg '.process.cwd = "/vol/closed/c"'
	no 'process.cwd: chdir to cwd ("/vol/closed/c"): no such file or directory' run -b "$T/b" "$ID"
	ln -s /vol/elsewhere "$T/vol/link"
	cfg '.process.cwd = "/vol/link/c"'
	no 'process.cwd: chdir to cwd ("/vol/link/c"): no such file or directory' run -b "$T/b" "$ID"
	[ ! -e "$T/vol/elsewhere" ] || fail 'made what a link means'
	cfg '.process.cwd = "/"'
	up
	no 'chdir to cwd ("/vol/new")' exec --cwd /vol/new "$ID" /bin/true
	inside /bin/rm -r /vol/a
	down
}

# What a link means is not there, and is nobody's wish.
t_cwd_is_a_dangling_link() {
	local cwd
	ln -s /elsewhere/dir "$T/b/rootfs/link"
	prog /bin/pwd
	for cwd in /link /link/below /link/../x; do
		cfg --arg cwd "$cwd" '.process.cwd = $cwd'
		no "process.cwd: chdir to cwd (\"$cwd\"): no such file or directory" run -b "$T/b" "$ID"
		[ ! -e "$T/b/rootfs/elsewhere" ] || fail "made what the link means"
	done
}

# A program that is not there, or is none, fails create; what only the kernel can tell fails start.
# Clients read exit status 126 from "permission denied" and 127 from "no such file or directory".
t_program_that_fails_otherwise() {
	local name long
	long=$(printf 'n%.0s' {1..300})
	ln -s loop "$T/b/rootfs/bin/loop"
	for name in /bin/loop loop "/bin/$long" "$long"; do
		prog "$name"
		no 'exec: "' run -b "$T/b" "$ID"
		hasnt "$name" "${ERR,,}" 'permission denied'
		hasnt "$name" "${ERR,,}" 'no such file'
	done
	# One further on in PATH runs.
	mkdir "$T/b/rootfs/first"
	ln -s echo "$T/b/rootfs/first/echo"
	cfg '.process.env = ["PATH=/first:/bin"]'
	prog echo found
	go
	eq output "$OUT" found
}

t_program_names() {
	local name
	printf '#!/bin/sh\necho from $0\n' >"$T/b/rootfs/tmp/own"
	printf 'no program' >"$T/b/rootfs/tmp/text"
	chmod 755 "$T/b/rootfs/tmp/own" "$T/b/rootfs/tmp/text"
	cfg '.process.cwd = "/tmp"'
	prog ./own
	go
	eq output "$OUT" 'from ./own'
	for name in /bin/nothing nothing ./nothing /etc/passwd /bin own; do
		prog $name
		no "$name" create -b "$T/b" "$ID"
	done
	prog ./text
	R create -b "$T/b" "$ID"
	[ "$RC" != 0 ] || no ./text start "$ID"
	has error "$ERR" 'xec format error'
	down
}

t_ids() {
	many_ids
	cfg '.process.user = {uid: 1000, gid: 1001, additionalGids: [5, 7], umask: 63}'
	prog /bin/cat /proc/self/status
	go
	eq Uid "$(field Uid)" '1000 1000 1000 1000'
	eq Gid "$(field Gid)" '1001 1001 1001 1001'
	eq Groups "$(field Groups)" '5 7'
	eq Umask "$(field Umask)" 0077
	eq CapEff "$(field CapEff)" 0000000000000000
	cfg '.process.user.additionalGids = [7, 0, 5, 7]'
	go
	eq 'groups, one twice' "$(field Groups | tr ' ' '\n' | sort -nu | tr '\n' ' ')" '0 5 7 '
}

t_ids_that_are_not_mapped() {
	many_ids
	local user
	prog /bin/true
	[ "$MODE" = rootless ] || cfg '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	for user in '{uid: 70000, gid: 0}' '{uid: 0, gid: 70000}' '{uid: 0, gid: 0, additionalGids: [70000]}'; do
		cfg ".process.user = $user"
		no 70000 create -b "$T/b" "$ID"
		has "path of $user" "$ERR" process.user
	done
}

t_capabilities() {
	many_ids
	caps CHOWN KILL SETUID
	cfg '.process.capabilities.inheritable = ["CAP_KILL"] | .process.capabilities.ambient = ["CAP_KILL"]
		| .process.capabilities.effective = ["CAP_KILL", "CAP_CHOWN"]
		| .process.capabilities.bounding += ["CAP_SYS_CHROOT"]'
	cfg '.process.user = {uid: 1000, gid: 1000}'
	prog /bin/cat /proc/self/status
	go
	eq CapInh "$(field CapInh)" 0000000000000020
	eq CapPrm "$(field CapPrm)" 0000000000000020
	eq CapEff "$(field CapEff)" 0000000000000020
	eq CapBnd "$(field CapBnd)" 00000000000400a1
	eq CapAmb "$(field CapAmb)" 0000000000000020
}

t_capabilities_of_root() {
	caps CHOWN KILL
	prog /bin/cat /proc/self/status
	go
	eq CapInh "$(field CapInh)" 0000000000000000
	eq CapPrm "$(field CapPrm)" 0000000000000021
	eq CapEff "$(field CapEff)" 0000000000000021
	eq CapBnd "$(field CapBnd)" 0000000000000021
	eq CapAmb "$(field CapAmb)" 0000000000000000
}

t_no_capabilities() {
	local filter set
	prog /bin/cat /proc/self/status
	for filter in 'del(.process.capabilities)' '.process.capabilities = {}'; do
		cfg "$filter"
		go
		for set in CapInh CapPrm CapEff CapBnd CapAmb; do
			eq "$set with $filter" "$(field $set)" 0000000000000000
		done
	done
}

t_rlimits() {
	cfg '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0},
		{type: "RLIMIT_STACK", soft: 1048576, hard: 2097152}]'
	prog /bin/cat /proc/self/limits
	go
	eq nofile "$(awk '/^Max open files/ {print $4, $5}' <<<"$OUT")" '100 200'
	eq core "$(awk '/^Max core/ {print $5, $6}' <<<"$OUT")" '0 0'
	eq stack "$(awk '/^Max stack/ {print $4, $5}' <<<"$OUT")" '1048576 2097152'
}

t_rlimits_of_a_waiting_init() {
	cfg '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 4, hard: 4}]'
	prog /bin/true
	ok create -b "$T/b" "$ID"
	ok start "$ID"
	soon is stopped
	down
	cfg '.process.rlimits[0].soft = 3'
	go
}

t_rlimits_of_every_type() {
	local types='CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME'
	local values='1001 4294967296 8589934592 8388608 1 68719476736 5003 123 65536 1099511627776 7 77 4096 0 0 5000000'
	[ "$(ulimit -Hc)" != 0 ] || values=${values/8388608 1 /8388608 0 } # sudo lowers that of core files
	cfg --arg t "$types" --arg v "$values" '.process.rlimits = [[($t | split(" ")), ($v | split(" ") | map(tonumber))] | transpose[] |
		{type: ("RLIMIT_" + .[0]), soft: .[1], hard: .[1]}]'
	prog /bin/cat /proc/self/limits
	go
	eq 'limits, in the order of the kernel' "$(tail -n +2 <<<"$OUT" | cut -c 27-46 | tr -d '\n' | tr -s ' ')" "$values "
	eq 'hard limits' "$(tail -n +2 <<<"$OUT" | cut -c 48-67 | tr -d '\n' | tr -s ' ')" "$values "
}

# Without CAP_SYS_RESOURCE root may not raise hard limits, nor set those of a process with other ids.
t_rlimits_without_the_right_to_raise() {
	many_ids
	local hard
	(
		ulimit -n 300
		cfg '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 200, hard: 300}] |
			.process.user = {uid: 1000, gid: 1000} | .process.noNewPrivileges = false'
		prog /bin/cat /proc/self/limits
		[ "$MODE" = rootless ] || U=(setpriv --bounding-set -sys_resource --inh-caps -sys_resource "${U[@]}")
		go
		eq nofile "$(awk '/^Max open files/ {print $4, $5}' <<<"$OUT")" '200 300'
		# A filter that is loaded before the ids change must not stand in the way.
		cfg '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
			{names: ["prlimit64", "setrlimit"], action: "SCMP_ACT_ERRNO", errnoRet: 95}]}'
		go
		eq 'nofile with a filter' "$(awk '/^Max open files/ {print $4, $5}' <<<"$OUT")" '200 300'
		cfg '.process.rlimits[0].hard = 301'
		no "process.rlimits[0].hard: RLIMIT_NOFILE 301 is above the caller's 300: operation not permitted" \
			create -b "$T/b" "$ID"
		has hint "$ERR" CAP_SYS_RESOURCE
	)
}

# What the caller ignores is not the container's matter.
t_ignored_signals() {
	trap '' PIPE CHLD HUP USR1 RTMIN+1
	prog /bin/grep -E '^Sig(Ign|Blk)' /proc/self/status
	go
	eq signals "$(tr -d '\t\n' <<<"$OUT")" SigBlk:0000000000000000SigIgn:0000000000000000
	script_ 'exit 7'
	R run -b "$T/b" "$ID"
	eq 'exit status' "$RC" 7
}

t_no_new_privs() {
	prog /bin/cat /proc/self/status
	cfg '.process.noNewPrivileges = true'
	go
	eq NoNewPrivs "$(field NoNewPrivs)" 1
	cfg '.process.noNewPrivileges = false'
	go
	eq NoNewPrivs "$(field NoNewPrivs)" 0
}

t_oom_score_adj() {
	cfg '.process.oomScoreAdj = 321'
	prog /bin/cat /proc/self/oom_score_adj
	go
	eq oom_score_adj "$OUT" 321
}

# Init is cloned by a process in between, whose score it inherits: a race, so more than once.
t_oom_score_in_a_pod() {
	up
	cfg --arg p "/proc/$PID/ns" '.process.oomScoreAdj = 321 | del(.linux.uidMappings, .linux.gidMappings) |
		.linux.namespaces |= map(if .type == "mount" or .type == "cgroup" then . else
			.path = $p + "/" + (if .type == "network" then "net" else .type end) end)'
	prog /bin/cat /proc/self/oom_score_adj
	local i
	for ((i = 0; i < 15; i++)); do
		ok run -b "$T/b" "$ID-2"
		eq oom_score_adj "$OUT" 321
	done
	down
}

t_oom_score_of_the_caller() {
	cfg 'del(.process.oomScoreAdj)'
	prog /bin/cat /proc/self/oom_score_adj
	(
		echo 234 >/proc/self/oom_score_adj
		go
	)
	eq oom_score_adj "$(<"$T/out")" 234
}

t_sched_and_io_priority() {
	cfg '.process.scheduler = {policy: "SCHED_BATCH", nice: 7} | .process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
	prog /bin/cat /proc/self/stat
	go
	eq 'nice policy' "$(awk '{print $19, $41}' <<<"$OUT")" '7 3'
}

t_seccomp() {
	cfg '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
		syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95}]}'
	sh_run 'mkdir /tmp/x 2>&1 || true; grep Seccomp: /proc/self/status'
	has mkdir "$OUT" 'not supported'
	has status "$(tr -d '\t' <<<"$OUT")" Seccomp:2
}

t_session_and_pids() {
	sh_run 'echo $$; cut -d " " -f 5,6 /proc/1/stat'
	eq 'pid, group, session' "$(tr '\n' ' ' <<<"$OUT")" '1 1 1 '
}

t_cmdline() {
	prog /bin/sleep 1000 
	up
	soon eval '[ "$(tr "\0" " " <"/proc/$PID/cmdline")" = "/bin/sleep 1000 " ]' || fail "cmdline: $(tr '\0' ' ' <"/proc/$PID/cmdline")"
	down
}

t_arguments_are_kept() {
	prog /bin/sh -c 'for a; do echo "[$a]"; done' sh 'a b' '' '*' $'c\nd' 'ü'
	go
	eq arguments "$OUT" $'[a b]\n[]\n[*]\n[c\nd]\n[ü]'
}

# Another user's process can open its standard streams by name, whatever they are.
t_streams_belong_to_the_process() {
	many_ids
	cfg '.process.user = {uid: 1000, gid: 1000}'
	script_ 'stat -L -c %u /dev/stdin /dev/stdout /dev/stderr >>/dev/stdout'
	eq 'owners of pipes' "$(echo | "${U[@]}" run -b "$T/b" "$ID" 2> >(cat) | cat | tr '\n' ' ')" '1000 1000 1000 '
	script_ 'echo one >>/dev/stdout'
	go
	eq file "$OUT" one
	script_ 'cat /dev/stdin >/dev/stdout'
	eq pipes "$(echo through | "${U[@]}" run -b "$T/b" "$ID" | cat)" through
	up
	ok exec --user 1000:1000 "$ID" /bin/sh -c 'echo one >>/dev/stdout'
	eq 'stdout of exec' "$OUT" one
	down
	[ "$(stat -c %u /dev/null)" = 0 ] || fail '/dev/null has another owner now'
}

# A capability that does not exist, or that nobody here can have, is dropped and recorded.
t_capabilities_that_cannot_be_had() {
	cfg '(["CAP_NO_SUCH", "CAP_KILL"] + (if env.MODE == "root" then ["CAP_SYS_RESOURCE"] else [] end)) as $c |
		.process.capabilities = {bounding: $c, effective: $c, permitted: $c}'
	[ "$MODE" = rootless ] || U=(setpriv --bounding-set -sys_resource --inh-caps -sys_resource "${U[@]}")
	up
	eq CapEff "$(awk '/^CapEff/ {print $2}' "/proc/$PID/status")" 0000000000000020
	ok explain "$ID"
	has unknown "$OUT" 'ignoring unknown or unavailable capabilities: [CAP_NO_SUCH]'
	[ "$MODE" = rootless ] || has unavailable "$OUT" 'unavailable capabilities: [CAP_SYS_RESOURCE]'
	down
}

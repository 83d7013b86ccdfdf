# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Bad surroundings and races. The runner proves after each that nothing is left.

t_fault_reserve() {
	local rc=0
	# Under ptrace newuidmap gets no privileges; this fails before.
	strace -qq -o /dev/null -e inject=newfstatat:error=EIO:when=1 -e trace=newfstatat \
		-P state.json -E "USRUN_TEST=$ID" "${U[@]:2}" create -b "$T/b" "$ID" 2>"$T/err" </dev/null || rc=$?
	eq "exit status" "$rc" 1
	has "message" "$(<"$T/err")" "read the state directory"
	hasnt "message" "$(<"$T/err")" "already exists"
	eq "state directory" "$(ls -A "$(STATE_OF)")" ""
	rc=0
	strace -qq -o "$T/trace" -e inject=openat2:error=ENOMEM -e trace=openat2 \
		-P "$ID" -E "USRUN_TEST=$ID" "${U[@]:2}" create -b "$T/b" "$ID" 2>"$T/err" </dev/null || rc=$?
	has trace "$(<"$T/trace")" INJECTED
	eq "exit status" "$rc" 1
	has "message" "$(<"$T/err")" "open the state directory"
	eq "state directory" "$(ls -A "$(STATE_OF)")" ""
}

t_fault_few_descriptors() {
	local n rc worked=
	cfg 'del(.process.rlimits)'
	prog /bin/true
	for n in 4 6 8 10 12 16 20 24 32 48 64; do
		rc=0
		(ulimit -Sn $n && exec timeout 120 "${U[@]}" run -b "$T/b" "$ID") >"$T/out" 2>"$T/err" </dev/null || rc=$?
		[ $rc -lt 124 ] || fail "$n descriptors: exit status $rc: $(<"$T/err")"
		[ $rc = 0 ] || [ -s "$T/err" ] || fail "$n descriptors: exit status $rc without a message"
		[ $rc != 0 ] || worked=$n
		[ -z "$(ls -A "$(STATE_OF)" 2>/dev/null)" ] || fail "$n descriptors: state left: $(<"$T/err")"
	done
	[ -n "$worked" ] || fail "64 descriptors are not enough: $(<"$T/err")"
}

# Its status would be that of the command.
t_fault_status_before_the_command() {
	local n rc
	up
	for n in 'exec 255' 'do 125' 'run 1'; do
		R --log "$T/none/log" "${n% *}" "$ID" true
		eq "$n" "$RC" "${n#* }"
	done
	for n in 270 280 290 300 310 320 330 340 360 380; do
		rc=0
		(ulimit -d $n && exec "$USRUN" do --net=none -- /bin/true) >"$T/out" 2>"$T/err.pipe" </dev/null || rc=$?
		[[ "$(<"$T/err.pipe")" != *'out of memory'* || $rc = 125 ]] || fail "$n KiB: exit status $rc"
	done
	down
}

# The state would be lost to us.
t_fault_umask() {
	prog /bin/sleep 1000
	umask 0777
	"${U[@]}" create -b "$T/b" --pid-file "$T/pid" "$ID" >/dev/null 2>&1 </dev/null || fail 'create'
	"${U[@]}" start "$ID" || fail 'start'
	umask 0022
	eq status "$(status)" running
	[ -s "$T/pid" ] || fail 'the pid is lost'
	down
}

t_fault_file_size() {
	local rc=0
	(ulimit -f 0 && exec timeout 120 "${U[@]}" create -b "$T/b" "$ID") >/dev/null 2>"$T/err.pipe" </dev/null || rc=$?
	[ $rc != 0 ] || fail "created without a state"
	[ $rc -lt 124 ] || [ $rc = 153 ] || fail "exit status $rc"
	ok delete --force "$ID"
}

t_fault_stdio_closed() {
	prog /bin/sleep 1000
	"${U[@]}" create -b "$T/b" "$ID" 0<&- 1>&- 2>&- || fail "create: exit status $?"
	"${U[@]}" start "$ID" 0<&- 1>&- 2>&- || fail "start: exit status $?"
	eq status "$(status)" running
	local words # what cannot be printed is lost, and nobody may take that for nothing
	for words in --version --help "help run" "do --help" features facts list "list -q" "state $ID" "completion bash"; do
		# shellcheck disable=SC2086 # several
		! "${U[@]}" $words 2>"$T/err" >&- || fail "usrun $words >&-: exit status 0"
		eq "$words" "$(<"$T/err")" 'usrun: write to standard output: bad file descriptor'
	done
	"${U[@]}" kill "$ID" KILL 0<&- 1>&- 2>&- || fail "kill: exit status $?"
	soon is stopped
	"${U[@]}" delete "$ID" 0<&- 1>&- 2>&- || fail "delete: exit status $?"
}

# Nothing is wrong with a container that cannot be looked at for want of descriptors.
t_fault_lists_with_few_descriptors() {
	local n rc seen
	up
	for n in {4..24}; do
		for words in "list -f json" list "stats --no-stream -f json"; do
			rc=0
			# shellcheck disable=SC2086 # several
			(ulimit -n $n && exec "${U[@]}" $words) >"$T/out" 2>"$T/err" </dev/null || rc=$?
			seen=$(<"$T/out")
			[ $rc = 0 ] || { has "$n: $words" "$(<"$T/err")" 'too many open files' && continue; }
			hasnt "$n: $words" "$seen" damaged
			hasnt "$n: $words: what was not read is not 0" "$seen" '"cpu_ns":0,'
			[[ "$seen" == *"$ID"* || "$words $(<"$T/err")" == stats*'no cgroup'*"$ID"* ]] || fail "$n: $words: got '$seen'"
		done
	done
	down
}

told_often() { [ "$(grep -c "$ID" "$1")" -ge "$2" ]; } # FILE TIMES

# One for each container, and for each second, would be too many in the end.
t_fault_descriptors_are_closed() {
	local i
	prog /bin/sleep 1000
	for ((i = 0; i < 12; i++)); do ok create -b "$T/b" "$ID-$i"; done
	(ulimit -n 12 && exec "${U[@]}" kill --regex "^$ID-" 0) >"$T/out" 2>&1 </dev/null || fail "kill --regex: $(<"$T/out")"
	ok delete --force --regex "^$ID-"
	[ "$MODE" = root ] || return 0 # a user has no cgroup here
	up
	"${U[@]}" stats "$ID" >"$T/out" 2>"$T/err" </dev/null &
	soon told_often "$T/out" 1
	sleep 0.2 # until it waits
	i=$(find "/proc/$!/fd" -type l | wc -l)
	soon told_often "$T/out" 4
	sleep 0.2
	eq 'descriptors of stats' "$(find "/proc/$!/fd" -type l | wc -l)" "$i"
	kill $!
	down
}

t_fault_twenty_creators() {
	local i won pids=
	prog /bin/sleep 1000
	for ((i = 0; i < 20; i++)); do
		("${U[@]}" create -b "$T/b" "$ID" >/dev/null 2>"$T/err$i" </dev/null && echo won >"$T/won$i") &
		pids+=" $!"
	done
	for i in $pids; do wait "$i" || true; done
	won=$(cat "$T"/won* 2>/dev/null | wc -l)
	eq winners "$won" 1
	for ((i = 0; i < 20; i++)); do
		[ -e "$T/won$i" ] || has "loser $i" "$(<"$T/err$i")" "exists"
	done
	ok start "$ID"
	eq status "$(status)" running
	down
}

t_fault_all_commands_at_once() {
	local round pids i
	prog /bin/sleep 1000
	for ((round = 0; round < 8; round++)); do
		pids=
		ok create -b "$T/b" "$ID"
		for i in "start $ID" "kill $ID KILL" "delete $ID" "state $ID" list "delete --force $ID" "start $ID"; do
			# shellcheck disable=SC2086 # words
			(rc=0 && timeout 120 "${U[@]}" $i >/dev/null 2>&1 </dev/null || rc=$?
			[ $rc -lt 124 ] || echo "$i: $rc" >>"$T/hung") &
			pids+=" $!"
		done
		for i in $pids; do wait "$i" || true; done
		[ ! -e "$T/hung" ] || fail "$(<"$T/hung")"
		ok delete --force "$ID"
		eq "round $round: state directory" "$(ls -A "$(STATE_OF)")" ""
	done
}

t_fault_forty_exec() {
	local i pids=
	up
	for ((i = 0; i < 40; i++)); do
		("${U[@]}" exec "$ID" /bin/echo "number $i" >"$T/exec$i" 2>&1 </dev/null) &
		pids+=" $!"
	done
	for i in $pids; do wait "$i" || fail "an exec failed: $(cat "$T"/exec*)"; done
	for ((i = 0; i < 40; i++)); do eq "output" "$(<"$T/exec$i")" "number $i"; done
	down
}

t_fault_ignores_signals() {
	script_ 'trap "" TERM INT HUP; echo >/tmp/ready; while :; do sleep 1000; done'
	ok run -d -b "$T/b" "$ID"
	soon test -e "$T/b/rootfs/tmp/ready"
	ok kill "$ID" TERM
	no "not stopped" delete "$ID"
	down
}

t_fault_fork_bomb() {
	root_only "needs a cgroup with a limit"
	cfg '.linux.resources.pids.limit = 60'
	script_ 'echo >/tmp/ready; f() { f | f & }; f; sleep 1000'
	ok run -d -b "$T/b" "$ID"
	soon test -e "$T/b/rootfs/tmp/ready"
	down
}

t_fault_bundle_gone() {
	up
	mv "$T/b" "$T/elsewhere"
	eq status "$(status)" running
	eq exec "$("${U[@]}" exec "$ID" /bin/echo yes </dev/null)" yes
	ok list
	ok kill "$ID" KILL
	soon is stopped
	ok delete "$ID"
}

# The exit status is the container's; that something could not be removed is said all the same.
t_fault_cleanup_is_said() {
	local rc=0
	root_only "needs a cgroup"
	prog /bin/true
	strace -qq -o /dev/null -e trace=rmdir -e inject=rmdir:error=EIO -E "USRUN_TEST=$ID" \
		"${U[@]:2}" run -b "$T/b" "$ID" 2>"$T/err" </dev/null || rc=$?
	eq "exit status" "$rc" 0
	has "message" "$(<"$T/err")" "cleaning up: "
	eq status "$(status)" stopped
	ok delete "$ID"
}

# A disk that fails once to list the state directory is no reason to leave it.
t_fault_listing() {
	root_only 'strace takes the privileges of newuidmap'
	local n rc
	for n in 1 2; do
		rc=0
		prog /bin/true
		strace -qq -o "$T/trace" -e trace=getdents64 -e inject=getdents64:error=EIO:when=$n -E "USRUN_TEST=$ID" \
			"${U[@]:2}" run -b "$T/b" "$ID" 2>"$T/err" </dev/null || rc=$?
		eq "exit status, $n" "$rc" 0
		eq "errors, $n" "$(<"$T/err")" ''
		has "trace, $n" "$(<"$T/trace")" INJECTED
		eq "state, $n" "$(ls -A "$(STATE_OF)")" ''
	done
	# For ever: it says so, and goes when it can.
	strace -qq -o "$T/trace" -e trace=getdents64 -e inject=getdents64:error=EIO -E "USRUN_TEST=$ID" \
		"${U[@]:2}" run -b "$T/b" "$ID" 2>"$T/err" </dev/null || fail "$(<"$T/err")"
	has error "$(<"$T/err")" 'cleaning up: remove'
	ok delete "$ID"
}

# An error of a system call is no proof that nothing is there: neither mounts, nor a container whose state is lost.
t_fault_deletion() {
	root_only 'needs mounts among those of the caller, and a cgroup'
	local before
	before=$(mounts)
	cfg '.linux.namespaces |= map(select(.type != "mount"))'
	fault_deletion -P state.json -e inject=open,openat:error=EMFILE
	has 'error' "$ERR" "/$ID/state.json: too many open files"
	is running || fail "the container is gone: $ERR"
	down
	eq 'mounts afterwards' "$(mounts)" "$before"
	fault_deletion -P /proc/self/ns/mnt -e "inject=open,openat,?stat,newfstatat:error=EMFILE:when=1"
	eq 'exit status' "$RC" 0
	eq 'mounts' "$(mounts)" "$before"
	fault_deletion -e trace=statx -e inject=statx:error=ENOMEM:when=2
	has 'what is kept' "$ERR" "the mounts are kept: unmount the rootfs $T/b/rootfs"
	umount -l "$T/b/rootfs"
	cfg '.linux.namespaces += [{type: "mount"}]'
	LOST=1 fault_deletion -e trace=statfs -e inject=statfs:error=ENOMEM:when=1
	[ "$RC" != 0 ] || fail 'it says that nothing is left'
	has 'error' "$ERR" 'look at the cgroups in /sys/fs/cgroup: cannot allocate memory'
	down
}

# Whose a cgroup is has one answer for the whole of a deletion.
t_fault_owner_of_the_cgroup() {
	root_only 'needs a cgroup'
	local state rc=0
	up
	ok kill "$ID" KILL
	soon is stopped
	state=$(STATE_OF)/$ID/state.json
	jq -c 'del(.cgroupDirs[].inode)' "$state" >"$T/state.json" # as where there is v1 alone
	cp "$T/state.json" "$state"
	strace -qq -o "$T/trace" -e trace=getxattr -e inject=getxattr:error=EINTR:when=1 "${U[@]}" delete "$ID" 2>"$T/err" </dev/null || rc=$?
	has 'trace' "$(<"$T/trace")" INJECTED
	eq 'exit status' "$rc" 1
	has 'error' "$(<"$T/err")" 'look for the owner of the cgroup'
	ok delete "$ID"
}

# What cannot be loaded, attached or listed is no program that is not there.
t_fault_device_programs() {
	root_only 'a user has none'
	local when
	prog /bin/true
	for when in 1 2 3; do
		RC=0
		strace -f -qq -o "$T/trace" -e trace=bpf -e "inject=bpf:error=ENOMEM:when=$when" "${U[@]}" run -b "$T/b" "$ID" \
			2>"$T/err" </dev/null || RC=$?
		grep -q INJECTED "$T/trace" || skip 'the cgroups are those of v1'
		eq "call $when: status" "$RC" 1
		has "call $when" "$(<"$T/err")" 'linux.resources.devices: '
		no 'does not exist' state "$ID"
	done
}

# A namespace that cannot be compared with the host's may be it.
t_fault_namespace_of_the_host() {
	root_only 'a user may not join it'
	prog /bin/true
	cfg '.linux.namespaces = [.linux.namespaces[] | select(.type != "network")] + [{type: "network", path: "/proc/self/ns/net"}] |
		.linux.sysctl = {"net.ipv4.ip_forward": "1"}'
	RC=0
	strace -f -qq -o "$T/trace" -P /proc/self/ns/net -P /proc/1/ns/net -e inject=?stat,newfstatat:error=ENOMEM \
		"${U[@]}" run -b "$T/b" "$ID" 2>"$T/err" </dev/null || RC=$?
	has 'trace' "$(<"$T/trace")" INJECTED
	has 'error' "$RC $(<"$T/err")" "linux.sysctl: the network namespace /proc/self/ns/net is the host's, which would change"
}

# Result in RC, ERR. LOST: there is no state.
fault_deletion() { # OPTION OF STRACE...
	up
	[ -z "${LOST:-}" ] || rm -r "$(STATE_OF)/$ID"
	RC=0
	strace -f -qq -o "$T/trace" "$@" "${U[@]}" delete --force "$ID" 2>"$T/err" </dev/null || RC=$?
	ERR=$(<"$T/err")
	has 'trace' "$(<"$T/trace")" INJECTED
}

# A directory where others write, too: what they have put there is not used, and not waited for.
t_pid_file_among_others() {
	local kind
	mkdir -m 1777 "$T/shared"
	for kind in fifo file link; do
		case $kind in
		fifo) mkfifo -m 666 "$T/shared/.pid.new" "$T/shared/pid" ;;
		file) touch "$T/shared/.pid.new" "$T/shared/pid" && chmod 666 "$T/shared/.pid.new" ;;
		link) ln -s "$T/precious" "$T/shared/pid" && ln -s "$T/precious" "$T/shared/.pid.new" ;;
		esac
		echo keep >"$T/precious"
		prog /bin/sleep 1000
		ok run -d -b "$T/b" --pid-file "$T/shared/pid" "$ID"
		eq "$kind: file" "$(stat -c %F "$T/shared/pid")" 'regular file'
		eq "$kind: mode" "$(stat -c %a "$T/shared/pid")" 644
		eq "$kind: what a link leads to" "$(<"$T/precious")" keep
		down
		eq "$kind: what is left" "$(ls -A "$T/shared")" $'.pid.new\npid'
		rm -f "$T/shared/pid" "$T/shared/.pid.new"
	done
}

t_pid_file_is_a_device() {
	local file
	[ "$MODE" = rootless ] || mknod "$T/null" c 1 3
	ln -s /proc/self/fd/1 "$T/stdout"
	prog /bin/sleep 1000
	for file in null stdout; do
		[ -e "$T/$file" ] || continue
		no "--pid-file: expected a file, $T/$file is a device or a descriptor" run -d -b "$T/b" --pid-file "$T/$file" "$ID"
		[ ! -f "$T/$file" ] || [ -L "$T/$file" ] || fail "$file was replaced"
	done
}

t_log_that_nobody_reads() {
	prog /bin/true
	mkfifo "$T/log"
	U=(timeout 60 "${U[@]}")
	no 'open the log file' --log "$T/log" run -b "$T/b" "$ID"
	exec 9<>"$T/log"
	ok --debug --log "$T/log" run -b "$T/b" "$ID"
	while IFS= read -r -t 0.1 -u 9 _; do :; done
	exec 9>&-
}

# The host is short of files or of memory for a while: init goes on waiting.
t_init_outlives_a_shortage() {
	local call tracer
	root_only 'traces init'
	prog /bin/sh -c 'echo started >/tmp/started'
	for call in accept4:error=ENFILE recvmsg:error=ENOBUFS; do
		ok create -b "$T/b" --pid-file "$T/pid" "$ID"
		strace -o "$T/trace" -e trace=accept4,recvmsg -e "inject=$call:when=1" -p "$(<"$T/pid")" 2>"$T/strace" &
		tracer=$!
		soon grep -q ' attached$' "$T/strace" # before, calls may pass it by, though it is the tracer
		ok start "$ID"
		soon test -e "$T/b/rootfs/tmp/started"
		wait $tracer || true
		has "$call" "$(<"$T/trace")" INJECTED
		soon is stopped
		down
		rm -f "$T/b/rootfs/tmp/started" "$T/strace" # the next tracer may take its time to begin with an empty one
	done
}

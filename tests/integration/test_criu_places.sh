# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# checkpoint and restore of containers that share or lack namespaces, have streams of every kind, and on the host that the
# manual moves them to. need_criu() and counter() are in test_checkpoint.sh, again() in test_criu_options.sh.

# What a container does that was not restored.
lives() {
	local before
	eq status "$(status)" running
	inside /bin/echo here
	ok pause "$ID"
	ok resume "$ID"
	before=$(lines)
	soon counted "$before"
	ok checkpoint --leave-running --image-path "$T/second" "$ID"
	before=$(lines)
	soon counted "$before"
	rm -r "$T/second" "$T/img"
	ok kill "$ID" KILL
	soon is stopped
	ok delete "$ID"
	rm "$T/b/rootfs/tmp/n"
}

pod_namespaces() { local kind; for kind in net ipc uts; do readlink "/proc/$1/ns/$kind"; done; } # PID

t_checkpoint_in_a_pod() {
	need_criu
	local pod=$ID-pod pid
	prog /bin/sleep 1000
	ok run -d -b "$T/b" --pid-file "$T/pod" "$pod"
	pid=$(<"$T/pod")
	# shellcheck disable=SC2016
	cfg --arg p "/proc/$pid/ns/" 'del(.hostname) | .linux.namespaces |= map(
		if .type == "network" then .path = $p + "net" elif .type == "ipc" or .type == "uts" then .path = $p + .type else . end)'
	counter
	ok checkpoint --image-path "$T/img" "$ID"
	again
	eq namespaces "$(pod_namespaces "$(pid_of)")" "$(pod_namespaces "$pid")"
	lives
	eq 'the pod' "$("${U[@]}" state "$pod" | jq -r .status)" running
	ok delete --force "$pod"
}

t_checkpoint_with_a_time_namespace() {
	need_criu
	[ -e /proc/self/ns/time ] || skip 'this kernel has no time namespaces'
	counter '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000}}'
	local before
	inside cat /proc/uptime
	before=${OUT%%.*}
	[ "$before" -ge 1000000 ] || fail "up since $before"
	ok checkpoint --image-path "$T/img" "$ID"
	again
	inside cat /proc/uptime
	[ "${OUT%%.*}" -ge "$before" ] || fail "the time has gone back from $before to $OUT"
	[ "${OUT%%.*}" -lt $((before + 1000)) ] || fail "the time has gone from $before to $OUT"
	lives
}

# Ids are inside and outside what they were, for root and for others.
t_checkpoint_with_a_user_namespace() {
	need_criu
	local mounts groups pid user owner
	for user in 0 1000; do
		owner=$((100000 + user)):$((100000 + user + user / 1000))
		: >"$T/log"
		in_a_user_namespace
		chown "$owner" "$T/log"
		counter --argjson u "$user" '.process.user = {uid: $u, gid: ($u + ($u / 1000))}'
		pid=$(pid_of)
		mounts=$(mounts_of "$pid") groups=$(groups_of "$pid")
		ok checkpoint --image-path "$T/img" "$ID"
		eq 'who may search the images' "$(stat -c %A "$T/img")" drwx------
		no '--auto-dedup: the files of a container with a user namespace' \
			restore --auto-dedup -d -b "$T/b" --image-path "$T/img" "$ID"
		# What root has opened for it the container's user cannot open again.
		chown root "$T/log"
		! "${U[@]}" restore -d -b "$T/b" --image-path "$T/img" "$ID" >>"$T/log" 2>"$T/err" </dev/null || fail 'a file of root is open'
		has hint "$(<"$T/err")" 'a standard stream was a file: let it be one'
		chown "$owner" "$T/log"
		again
		pid=$(pid_of)
		eq mounts "$(mounts_of "$pid")" "$mounts"
		eq cgroups "$(groups_of "$pid")" "$groups"
		eq mapping "$(tr -s ' ' <"/proc/$pid/uid_map")" ' 0 100000 65536'
		inside sed -n 's/^[UG]id:\t\([0-9]*\).*/\1/p' /proc/1/status
		eq 'ids inside' "$(xargs <<<"$OUT")" "$user $((user + user / 1000))"
		eq 'ids outside' "$(stat -c %u:%g "/proc/$pid")" "$owner"
		ok explain "$ID"
		has departure "$OUT" "the cgroup namespace belongs to the host's user namespace"
		eq 'owner of what it writes' "$(stat -c %u:%g "$T/b/rootfs/tmp/n")" "$owner"
		lives
	done
}

numbers_of() { sed -n 's/^NSpid:.*\t//p' "/proc/$1/status"; } # PID: in its own namespace

# The number of a process has to be free again where the namespace is not the container's: of one process it is.
t_checkpoint_in_a_shared_pid_namespace() {
	need_criu
	local pod=$ID-pod pid where numbers
	prog /bin/sleep 1000
	ok run -d -b "$T/b" --pid-file "$T/pod" "$pod"
	# shellcheck disable=SC2016
	cfg --arg p "/proc/$(<"$T/pod")/ns/pid" '.linux.namespaces |= map(if .type == "pid" then .path = $p else . end)'
	for where in pod host; do
		up
		pid=$PID
		numbers=$(numbers_of "$pid")
		ok checkpoint --image-path "$T/img" "$ID"
		soon process_is_gone "$pid"
		ok restore -d -b "$T/b" --image-path "$T/img" "$ID"
		pid=$(pid_of)
		eq "namespace, $where" "$(readlink "/proc/$pid/ns/pid")" "$(readlink "/proc/$([ $where = pod ] && cat "$T/pod" || echo self)/ns/pid")"
		eq "pid, $where" "$(numbers_of "$pid")" "$numbers"
		inside /bin/true
		no "has the number of one that is there" restore -d -b "$T/b" --image-path "$T/img" "$ID-2"
		no 'container does not exist' state "$ID-2"
		eq "status, $where" "$(status)" running
		down
		rm -r "$T/img"
		ok delete --force "$pod"
		cfg 'del(.linux.namespaces[] | select(.type == "pid"))'
	done
}

# Its cgroup mounts are parts of the host's.
t_checkpoint_without_a_cgroup_namespace() {
	need_criu
	local pid mounts groups
	counter 'del(.linux.namespaces[] | select(.type == "cgroup"))'
	pid=$(pid_of)
	mounts=$(mounts_of "$pid") groups=$(groups_of "$pid")
	ok checkpoint --image-path "$T/img" "$ID"
	again
	pid=$(pid_of)
	eq mounts "$(mounts_of "$pid")" "$mounts"
	eq cgroups "$(groups_of "$pid")" "$groups"
	lives
}

# CRIU wants a place where it can make a directory.
t_checkpoint_of_a_read_only_root() {
	need_criu
	mkdir "$T/vol"
	# shellcheck disable=SC2016
	cfg --arg v "$T/vol" '.root.readonly = true | .mounts += [{destination: "/run", type: "bind", source: $v, options: ["bind"]}]'
	up
	ok checkpoint --image-path "$T/img" "$ID"
	ok restore -d -b "$T/b" --image-path "$T/img" "$ID"
	no 'Read-only file system' exec "$ID" touch /file
	inside touch /run/file
	ok checkpoint --image-path "$T/img2" "$ID"
	rmdir "$T/b/rootfs/tmp"
	no 'temporary directory' restore -d -b "$T/b" --image-path "$T/img2" "$ID"
	has hint "$ERR" 'criu needs a directory /tmp'
	no 'container does not exist' state "$ID"
	mkdir "$T/b/rootfs/tmp"
	ok restore -d -b "$T/b" --image-path "$T/img2" "$ID"
	down
}

before_t_checkpoint_with_a_resctrl_group() { fake_resctrl; }
after_t_checkpoint_with_a_resctrl_group() { no_resctrl; }
t_checkpoint_with_a_resctrl_group() {
	need_criu
	counter '.linux.intelRdt = {closID: "shared"}'
	ok checkpoint --image-path "$T/img" "$ID"
	: >"$RESCTRL/shared/tasks"
	again
	eq tasks "$(<"$RESCTRL/shared/tasks")" "$(pid_of)"
	lives
}

# What `explain` says of both, before they are done.
t_checkpoint_is_explained() {
	need_criu
	mkdir "$T/vol"
	# shellcheck disable=SC2016
	counter --arg v "$T/vol" '.mounts += [{destination: "/run/vol", type: "bind", source: $v, options: ["bind"]}]'
	ok explain --checkpoint "$ID"
	has process "$OUT" "checkpoint  of process $(pid_of) and those below it, by CRIU"
	has mount "$OUT" '/run/vol         as /run/vol'
	has mask "$OUT" '/proc/keys       as /dev/null'
	has input "$OUT" "0 /dev/null: the host's null device"
	has output "$OUT" "1 $T/log: the same file of the host"
	hasnt frozen "$OUT" frozen
	hasnt strays "$OUT" 'not saved'
	ok exec -d "$ID" /bin/sleep 1000
	ok explain --checkpoint "$ID"
	has strays "$OUT" 'not saved, as exec started them:'
	has strays "$OUT" '(sleep)'
	ok checkpoint --leave-running --image-path "$T/img" "$ID"
	eq 'warnings of what runs on' "$ERR" ''
	ok pause "$ID"
	ok explain --checkpoint "$ID"
	has frozen "$OUT" frozen
	no '--restore: is of a bundle' explain --restore "$ID"
	ok checkpoint --image-path "$T/img" "$ID"
	has warning "$ERR" 'not saved, as they were started by exec:'
	no '--checkpoint: needs the id' explain --checkpoint
	ok explain --restore --steps -b "$T/b"
	has mount "$OUT" "/run/vol         from $T/vol"
	has steps "$OUT" criu-restore
	hasnt steps "$OUT" pivot-root
	cfg '.linux.namespaces |= map(select(.type != "mount"))'
	no 'mount namespace of its own can be checkpointed' explain --restore -b "$T/b"
}

# A pipe is the caller's again, the null device that of the host, a file is appended to.
t_checkpoint_of_streams() { streams_move; }
t_checkpoint_streams_of_a_user_namespace() {
	root_only 'CRIU needs root'
	in_a_user_namespace
	: >"$T/err2"
	chown 100000 "$T/err2"
	streams_move
}
streams_move() {
	need_criu
	# shellcheck disable=SC2016
	script_ 'while read -r line; do echo "got $line"; echo "and $line" >&2; done'
	exec 6< <(:) 7< <(:) # two pipes; whose other ends are opened again
	exec 8<>/proc/self/fd/6 9<>/proc/self/fd/7
	"${U[@]}" run -d -b "$T/b" "$ID" <&8 >&9 2>"$T/err2" 6<&- 7<&- || fail 'run'
	echo one >&8
	local line
	read -r -t 60 line <&9
	eq line "$line" 'got one'
	ok checkpoint --image-path "$T/img" "$ID"
	eq 'what the images say' "$(jq -r '.[]' "$T/img/descriptors.json" | sed 's/:*\[.*//' | xargs)" 'pipe pipe file'
	"${U[@]}" restore -d -b "$T/b" --image-path "$T/img" "$ID" <&8 >&9 2>>"$T/err2" 6<&- 7<&- || fail "restore: $(cat "$T/err2")"
	echo two >&8
	read -r -t 60 line <&9
	eq line "$line" 'got two'
	# shellcheck disable=SC2317
	both() { [ "$(xargs <"$T/err2")" = 'and one and two' ]; }
	soon both || fail "standard error: $(cat "$T/err2")"
	down
}

# Masks hide, what is read-only stays so, and a volume is what it was.
t_checkpoint_keeps_what_is_masked() {
	need_criu
	counter '.linux.maskedPaths += ["/etc/passwd", "/hl"] | .linux.readonlyPaths += ["/etc/group"]'
	ok checkpoint --image-path "$T/img" "$ID"
	again
	inside cat /etc/passwd
	eq 'masked file' "$OUT" ''
	inside ls /hl
	eq 'masked directory' "$OUT" ''
	no 'Read-only' exec "$ID" /bin/sh -c 'echo x >>/etc/group'
	no 'Read-only' exec "$ID" touch /hl/file
	inside ls -l /dev/null
	has 'null device' "$OUT" '1,   3'
	lives
}

# What a config file of CRIU says is seen by the name of the log, and by whether open connections are an error.
criu_file() { # PATH LOG [SETTING...]
	printf 'log-file %s\n' "$2" >"$1"
	[ $# = 2 ] || printf '%s\n' "${@:3}" >>"$1"
}

# usrun checkpoint, with $T/etc before the host's /etc.
checkpoint_with_etc() { # OPTION...
	local u=("${U[@]}")
	rm -rf "$T/img"
	# shellcheck disable=SC2016
	U=(unshare -m sh -c 'mount -t overlay overlay -o lowerdir="$0":/etc /etc && exec "$@"' "$T/etc" "${u[@]}")
	R checkpoint --leave-running --image-path "$T/img" "$@" "$ID"
	U=("${u[@]}")
}
logs() { (cd "$T/img" && echo *.log); }

t_checkpoint_with_a_config_of_criu() {
	need_criu
	mkdir -p "$T/etc/criu"
	unshare -m mount -t overlay overlay -o "lowerdir=$T/etc:/etc" /etc || skip 'no overlay of /etc can be mounted'
	talking
	# Without a file there are the options.
	checkpoint_with_etc --tcp-established
	eq 'exit status' "$RC" 0
	eq log "$(logs)" dump.log
	# default.conf, usrun.conf: the later one, and both, before the options.
	criu_file "$T/etc/criu/default.conf" default.log tcp-established
	checkpoint_with_etc
	eq "exit status by default.conf, $ERR" "$RC" 0
	eq 'log, which usrun has a name for' "$(logs)" dump.log
	criu_file "$T/etc/criu/usrun.conf" usrun.log
	checkpoint_with_etc
	eq "exit status by both, $ERR" "$RC" 0
	eq log "$(logs)" usrun.log
	rm "$T/etc/criu/default.conf"
	checkpoint_with_etc
	has 'without the setting' "$ERR" 'Connected TCP socket'
	has 'the log' "$ERR" "$T/img/usrun.log"
	criu_file "$T/etc/criu/usrun.conf" usrun.log tcp-established
	checkpoint_with_etc
	eq "exit status by usrun.conf, $ERR" "$RC" 0
	down
	# The annotation instead of usrun.conf.
	criu_file "$T/criu.conf" other.log
	# shellcheck disable=SC2016
	cfg --arg f "$T/criu.conf" '.annotations["org.criu.config"] = $f'
	talking
	checkpoint_with_etc
	has 'the other file' "$ERR" 'Connected TCP socket'
	has 'the log' "$ERR" "$T/img/other.log"
	criu_file "$T/criu.conf" other.log tcp-established
	checkpoint_with_etc
	eq "exit status by the annotation, $ERR" "$RC" 0
	eq log "$(logs)" other.log
	# CRIU takes no notice of one that is not there.
	rm "$T/criu.conf"
	checkpoint_with_etc
	has 'no file' "$ERR" 'Connected TCP socket'
	eq log "$(logs)" dump.log
	down
	# Empty: none.
	cfg '.annotations["org.criu.config"] = ""'
	talking
	checkpoint_with_etc
	has 'none' "$ERR" 'Connected TCP socket'
	eq log "$(logs)" dump.log
	checkpoint_with_etc --tcp-established
	eq 'exit status' "$RC" 0
	down
}

# What the lines of the manual call.
usrun() { "${U[@]}" ${OTHER:+--root "$OTHER"} "$@"; }
criu() { command "${USRUN_CRIU:-criu}" "$@"; } # the program also where it is missing
rsync() { # -a FROM... other:TO
	local to=${*: -1} from
	for from in "${@:2:$#-2}"; do
		[[ $from != */ ]] || from+=.
		cp -a "$from" "$T/there/${to#other:}"
	done
}
ssh() { # [-f] other COMMAND...
	[ "$1" != -f ] || shift
	(cd "$T/there" && OTHER=$T/other && eval "${*:2}")
}

# The lines of usrun-checkpoint(1), with a second state directory as the other host.
t_checkpoint_manual() {
	need_criu
	mkdir "$T/there" # where the names of the command lines begin
	script_ 'while :; do echo x >>/tmp/n; sleep 0.05; done'
	mv "$T/b" "$T/bundle"
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "${USRUN%/*}/usrun-checkpoint.1" |
		sed -n '/^\.Bd/,/^\.Ed/{/^\./d; s/\\e$/\\/; s/192\.0\.2\.7/127.0.0.1/; s|/tmp/|'"$T"'/|; p}' >"$T/lines"
	[ "$(grep -c '^usrun checkpoint' "$T/lines")" = 2 ] || fail "$(cat "$T/lines")"
	local moves=0 line='' part
	while IFS= read -r part; do
		line+=${part%\\}
		[[ $part != *\\ ]] || continue
		[[ $line != 'usrun checkpoint'* ]] || { usrun run -d -b bundle web >>"$T/log" 2>&1 </dev/null && soon test -s bundle/rootfs/tmp/n; }
		[[ $line != 'ssh -f'* ]] || rm -r there/bundle bundle/rootfs/tmp/n
		eval "$line" >>"$T/log" 2>&1 </dev/null || fail "$line: $(cat "$T/log")"
		if [[ $line == *'usrun restore'* ]]; then
			moves=$((moves + 1))
			OTHER=$T/other usrun state web | jq -e '.status == "running"' >/dev/null || fail 'it does not run there'
			no 'container does not exist' state web
			OTHER=$T/other usrun delete --force web
		fi
		[[ $line != 'rsync -a '*rest/* ]] || cp -a bundle there/
		line=
	done <"$T/lines"
	eq 'times moved' "$moves" 2
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What each option of checkpoint and restore does. need_criu() and counter() are in test_checkpoint.sh.

# Of the machine's hierarchies: CRIU must never write to them.
groups_of_host() { stat -c '%A %u %g %n' /sys/fs/cgroup /sys/fs/cgroup/*/ | sort; }

# A counter in cgroups that it has made below its own.
counter_below() {
	cfg '(.mounts[] | select(.type == "cgroup") | .options) |= map(if . == "ro" then "rw" else . end) |
		.linux.resources = {}'
	# shellcheck disable=SC2016
	prog /bin/sh -c 'for d in /sys/fs/cgroup/pids /sys/fs/cgroup/unified /sys/fs/cgroup; do
			[ -e $d/cgroup.procs ] || continue
			mkdir $d/sub && echo $$ >$d/sub/cgroup.procs || exit
			[ ! -e $d/sub/pids.max ] || echo 33 >$d/sub/pids.max
		done
		i=0; while :; do i=$((i + 1)); echo $i >>/tmp/n; sleep 0.02; done'
	"${U[@]}" run -d -b "$T/b" "$ID" >>"$T/log" 2>&1 </dev/null || fail "run: $(cat "$T/log")"
	soon counted 3
}

again() { # OPTION...: restores what was checkpointed into img
	"${U[@]}" restore -d -b "$T/b" --image-path "$T/img" "$@" "$ID" >>"$T/log" 2>&1 </dev/null || fail "restore: $(cat "$T/log")"
	local before
	before=$(lines)
	soon counted $((before + 2))
	none_missing
}

t_checkpoint_manage_cgroups_mode() {
	need_criu
	local host mode groups
	host=$(groups_of_host)
	for mode in soft full ignore; do
		counter_below
		groups=$(groups_of "$(pid_of)")
		has 'groups below' "$groups" /sub
		ok checkpoint --manage-cgroups-mode=$mode --image-path "$T/img" "$ID"
		eq "the host's cgroups after the checkpoint" "$(groups_of_host)" "$host"
		again -manage-cgroups-mode $mode
		eq "the host's cgroups after the restore" "$(groups_of_host)" "$host"
		if [ $mode = ignore ]; then
			hasnt 'group' "$(groups_of "$(pid_of)")" /sub
		else
			eq groups "$(groups_of "$(pid_of)")" "$groups"
			inside /bin/sh -c 'cat /sys/fs/cgroup/sub/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids/sub/pids.max'
			eq 'limit below' "$OUT" 33
			inside cat /proc/1/cgroup
			eq 'as the container sees it' "$(cut -d : -f 3 <<<"$OUT" | grep sub | sort -u)" /sub
		fi
		down
		rm -r "$T/img" "$T/b/rootfs/tmp/n"
	done
	counter_below
	ok checkpoint --manage-cgroups-mode strict --image-path "$T/img" "$ID"
	no 'usrun always creates the container'\''s own first' restore -d -b "$T/b" --manage-cgroups-mode strict --image-path "$T/img" "$ID"
	has hint "$ERR" 'soft or full'
	again --manage-cgroups-mode soft
	down
	# In the caller's cgroup, with all of the host's beside it.
	rm -r "$T/img" "$T/b/rootfs/tmp/n"
	U+=(--cgroup-manager disabled)
	counter
	for mode in soft full strict; do
		no "is not the container's own" checkpoint --manage-cgroups-mode $mode --image-path "$T/img" "$ID"
	done
	eq status "$(status)" running
	ok checkpoint --image-path "$T/img" "$ID"
	no "is not the container's own" restore -d -b "$T/b" --manage-cgroups-mode full --image-path "$T/img" "$ID"
	eq "the host's cgroups" "$(groups_of_host)" "$host"
	again
	eq "the host's cgroups" "$(groups_of_host)" "$host"
	down
}

process_is_gone() { ! kill -0 "$1" 2>/dev/null; } # PID
# CRIU of this test: of its PATH, which it hands on.
no_criu() { ! grep -lsz "^PATH=.*/of-$ID:" /proc/[0-9]*/environ >"$T/found"; }

# What waits in a hook is half restored.
t_restore_that_is_killed() {
	need_criu
	PATH=$PATH:/of-$ID
	counter
	ok checkpoint --image-path "$T/img" "$ID"
	# shellcheck disable=SC2016
	cfg --arg t "$T" '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo $$ >\($t)/hook; exec sleep 1000"]}]'
	"${U[@]}" restore -d -b "$T/b" --image-path "$T/img" "$ID" >>"$T/log" 2>&1 </dev/null &
	local usrun=$! half
	soon test -s "$T/hook"
	half=$(jq .pid "$(STATE_OF)/$ID/state.json")
	kill -0 "$half" || fail "process $half is not there: $(cat "$T/log")"
	kill -KILL "$usrun"
	soon process_is_gone "$half" || fail "process $half is left of a restore that was killed"
	soon no_criu || fail "CRIU is left: $(cat "$T/found")"
	soon process_is_gone "$(cat "$T/hook")" || fail 'its hook is left'
	eq status "$(status)" stopped
	down
	cfg 'del(.hooks)'
	again
	down
}

# After the answer to post-restore CRIU lets the container run, whoever is gone; before, it takes it back.
t_restore_killed_as_it_is_written_down() {
	need_criu
	PATH=$PATH:/of-$ID
	counter
	ok checkpoint --image-path "$T/img" "$ID"
	local restore=(-E "USRUN_TEST=$ID" "${U[@]:2}" restore -d -b "$T/b" --image-path "$T/img" "$ID") n half
	strace -qq -o "$T/trace" -e trace=renameat "${restore[@]}" >>"$T/log" 2>&1 </dev/null || fail "restore: $(cat "$T/log")"
	n=$(grep -c '^renameat(' "$T/trace")
	down
	# Before the last but one, which says that it is let go.
	! strace -qq -o "$T/trace" -e inject=renameat:signal=KILL:when=$((n - 1)) "${restore[@]}" >>"$T/log" 2>&1 </dev/null || fail 'it lives'
	half=$(jq .pid "$(STATE_OF)/$ID/state.json")
	soon no_criu || fail "CRIU is left: $(cat "$T/found")"
	soon process_is_gone "$half" || fail "process $half runs, and the container is $(status)"
	down
	! strace -qq -o "$T/trace" -e inject=renameat:signal=KILL:when=$n "${restore[@]}" >>"$T/log" 2>&1 </dev/null || fail 'it lives'
	eq status "$(status)" running
	soon no_criu || fail "CRIU is left: $(cat "$T/found")"
	no 'already exists' restore -d -b "$T/b" --image-path "$T/img" "$ID"
	ok exec "$ID" /bin/busybox true
	down
}

# An open connection to this port of the host.
has_peer() { awk -v p=":$(printf %04X "$1")" '$3 ~ p"$" && $4 == "01" { found = 1 } END { exit !found }' /proc/net/tcp; } # PORT

# It waits for a server that never answers: the container is held, and is let go.
t_checkpoint_that_is_killed() {
	need_criu
	PATH=$PATH:/of-$ID
	counter
	local port=$((20000 + RANDOM % 10000)) server usrun before
	/bin/busybox nc -l -p $port -e /bin/sleep 1000 >/dev/null 2>&1 </dev/null &
	server=$!
	sleep 0.2
	"${U[@]}" checkpoint --image-path "$T/img" --page-server 127.0.0.1:$port "$ID" >>"$T/log" 2>&1 </dev/null &
	usrun=$!
	soon has_peer $port
	kill -KILL "$usrun"
	soon no_criu || fail "CRIU is left: $(cat "$T/found")"
	before=$(lines)
	soon counted "$before" || fail 'the container is held by nobody'
	kill -KILL "$server"
	eq status "$(status)" running
	ok checkpoint --image-path "$T/img2" "$ID"
	mv "$T/img2" "$T/img3"
	rm -rf "$T/img"
	mv "$T/img3" "$T/img"
	again
	down
}

# --- programs that the container has no applet for: perl of the host ---

perl_() { # SCRIPT
	[ -x /usr/bin/perl ] || skip 'needs /usr/bin/perl'
	cfg '.mounts += [{destination: "/usr", type: "bind", source: "/usr", options: ["rbind", "ro"]}]'
	mkdir -p "$T/b/rootfs/usr"
	ln -sf usr/lib "$T/b/rootfs/lib"
	ln -sf usr/lib64 "$T/b/rootfs/lib64"
	prog /usr/bin/perl -e "$1"
	"${U[@]}" run -d -b "$T/b" "$ID" >>"$T/log" 2>&1 </dev/null || fail "run: $(cat "$T/log")"
	soon test -e "$T/b/rootfs/tmp/ready" || fail "no program: $(cat "$T/log")"
}
READY='open(READY, ">/tmp/ready"); sleep 1 while 1'

restored() { # OPTION...
	"${U[@]}" restore -d -b "$T/b" --image-path "$T/img" "$@" "$ID" >>"$T/log" 2>&1 </dev/null || fail "restore: $(cat "$T/log")"
	eq status "$(status)" running
}

t_checkpoint_file_locks() {
	need_criu
	command -v flock >/dev/null || skip 'needs flock'
	# shellcheck disable=SC2016
	perl_ "open(F, '>/tmp/lock'); flock(F, 2) or die; $READY"
	no 'file locks' checkpoint --image-path "$T/img" "$ID"
	has hint "$ERR" '--file-locks'
	eq status "$(status)" running
	ok checkpoint -file-locks --image-path "$T/img" "$ID"
	flock -n "$T/b/rootfs/tmp/lock" true || fail 'somebody still holds the lock'
	restored --file-locks
	! flock -n "$T/b/rootfs/tmp/lock" true || fail 'the lock is lost'
	down
}

t_checkpoint_link_remap() {
	need_criu
	# A file with another name, of which that is gone by which it was opened.
	script_ 'exec 3<>/tmp/f; ln /tmp/f /tmp/g; rm /tmp/f; while :; do echo x >&3; sleep 0.02; done'
	"${U[@]}" run -d -b "$T/b" "$ID" >>"$T/log" 2>&1 </dev/null
	soon test -s "$T/b/rootfs/tmp/g"
	no 'link remap' checkpoint --image-path "$T/img" "$ID"
	has hint "$ERR" '--link-remap'
	ok checkpoint --link-remap --image-path "$T/img" "$ID"
	restored -link-remap
	local size
	size=$(stat -c %s "$T/b/rootfs/tmp/g")
	# shellcheck disable=SC2317
	grows() { [ "$(stat -c %s "$T/b/rootfs/tmp/g")" -gt "$size" ]; }
	soon grows || fail 'the file is another'
	eq 'names' "$(cd "$T/b/rootfs/tmp" && echo *)" g
	down
}

t_checkpoint_auto_dedup() {
	need_criu
	counter
	ok checkpoint --image-path "$T/img" "$ID"
	[ "$(du -k "$T/img/pages-1.img" | cut -f 1)" -gt 0 ] || fail 'no pages'
	again -auto-dedup
	eq 'blocks of the pages' "$(stat -c %b "$T/img/pages-1.img")" 0
	down
	# The earlier images lose what the later ones have, where the kernel knows what has changed.
	counter
	if "${USRUN_CRIU:-criu}" check --feature mem_dirty_track >"$T/check" 2>&1; then
		ok checkpoint --pre-dump --image-path "$T/pre" "$ID"
		eq status "$(status)" running
		no '--parent-path: "../none"' checkpoint --parent-path ../none --image-path "$T/other" "$ID"
		ok checkpoint --auto-dedup --parent-path ../pre --image-path "$T/last" "$ID"
		[ "$(stat -c %b "$T/last/pages-1.img")" -le "$(stat -c %s "$T/pre/pages-1.img" | awk '{ print $1 / 512 }')" ] ||
			fail 'all pages were copied again'
		mv "$T/img" "$T/old"
		mv "$T/last" "$T/img"
		again
	else
		no '--pre-dump: criu is missing features: [MemTrack]' checkpoint --pre-dump --image-path "$T/pre" "$ID"
		has hint "$ERR" 'soft-dirty'
		ok checkpoint --leave-running --image-path "$T/pre" "$ID"
		no '--parent-path: criu is missing features: [MemTrack]' checkpoint -parent-path=../pre --image-path "$T/last" "$ID"
		has hint "$ERR" 'soft-dirty'
		soon counted "$(lines)"
	fi
	down
}

t_restore_empty_ns() {
	need_criu
	# shellcheck disable=SC2016
	prog /bin/sh -c '/bin/busybox ip link set lo up; /bin/busybox ip addr add 10.9.8.7/32 dev lo
		i=0; while :; do i=$((i + 1)); echo $i >>/tmp/n; sleep 0.02; done'
	cfg '.process.capabilities |= with_entries(.value += ["CAP_NET_ADMIN"])'
	"${U[@]}" run -d -b "$T/b" "$ID" >>"$T/log" 2>&1 </dev/null
	soon counted 3
	no '--empty-ns: expected network, got "pid"' checkpoint --empty-ns pid --image-path "$T/img" "$ID"
	ok checkpoint -empty-ns network --leave-running --image-path "$T/img" "$ID"
	ok checkpoint --image-path "$T/full" "$ID"
	restored --empty-ns=network
	inside ip addr
	hasnt addresses "$OUT" 10.9.8.7
	down
	rm -r "$T/img" "$T/b/rootfs/tmp/n"
	mv "$T/full" "$T/img"
	restored
	inside ip addr
	has addresses "$OUT" 10.9.8.7
	down
}

connections() { inside cat /proc/net/tcp; grep -c ' 01 ' <<<"$OUT" || true; }

# Two processes of the container that talk to each other.
talking() {
	prog /bin/sh -c '/bin/busybox nc -l -p 5000 -e /bin/sleep 1000 & sleep 0.1
		while ! /bin/busybox nc 127.0.0.1 5000 </dev/zero; do sleep 0.05; done'
	"${U[@]}" run -d -b "$T/b" "$ID" >>"$T/log" 2>&1 </dev/null || fail "run: $(cat "$T/log")"
	soon exec_finds_connection
}

t_checkpoint_tcp_close() {
	need_criu
	talking
	local n
	n=$(connections)
	ok checkpoint -tcp-close --leave-running --image-path "$T/img" "$ID"
	eq 'connections of what runs on' "$(connections)" "$n"
	ok delete --force "$ID"
	"${U[@]}" restore -d -b "$T/b" --image-path "$T/img" --tcp-close "$ID" >>"$T/log" 2>&1 </dev/null || fail "restore: $(cat "$T/log")"
	# Who finds his connection closed may end.
	if is running; then eq connections "$(connections)" 0; fi
	down
}

t_checkpoint_network_lock() {
	need_criu
	local lock n
	for lock in iptables nftables skip; do
		talking
		n=$(connections)
		if [ $lock = iptables ] && ! command -v iptables-restore >/dev/null; then
			no 'iptables-restore' checkpoint --tcp-established --network-lock $lock --image-path "$T/img" "$ID"
			has hint "$ERR" '--network-lock nftables'
			eq connections "$(connections)" "$n"
			down
			continue
		fi
		ok checkpoint --tcp-established -network-lock=$lock --leave-running --image-path "$T/left" "$ID"
		eq "connections of what runs on, $lock" "$(connections)" "$n"
		ok checkpoint --tcp-established --network-lock $lock --image-path "$T/img" "$ID"
		restored -tcp-established --network-lock $lock
		eq "connections, $lock" "$(connections)" "$n"
		down
		rm -r "$T/img" "$T/left"
	done
	no '--network-lock: expected one of' checkpoint --network-lock none --image-path "$T/img" "$ID"
}

t_checkpoint_tcp_skip_in_flight() {
	need_criu
	# It has not accepted who has connected.
	# shellcheck disable=SC2016
	perl_ 'use Socket; my $to = sockaddr_in(5000, INADDR_LOOPBACK);
		socket(S, PF_INET, SOCK_STREAM, 0); bind(S, $to) or die; listen(S, 5);
		socket(C, PF_INET, SOCK_STREAM, 0); connect(C, $to) or die; '"$READY"
	no 'In-flight connection' checkpoint --tcp-established --image-path "$T/img" "$ID"
	has hint "$ERR" '--tcp-skip-in-flight'
	eq status "$(status)" running
	ok checkpoint --tcp-established -tcp-skip-in-flight --image-path "$T/img" "$ID"
	restored --tcp-established -tcp-skip-in-flight
	inside cat /proc/net/tcp
	has 'who listens' "$OUT" ' 0A '
	down
}

t_checkpoint_ext_unix_sk() {
	need_criu
	[ -x /usr/bin/perl ] || skip 'needs /usr/bin/perl'
	mkdir "$T/ext"
	# shellcheck disable=SC2016
	/usr/bin/perl -e 'use Socket; socket(S, PF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un($ARGV[0])) or die; $| = 1;
		print $_ while defined(recv(S, $_, 99, 0))' "$T/ext/log" >"$T/got" 2>>"$T/log" </dev/null &
	local server=$! before
	soon test -S "$T/ext/log"
	# By the name that it has for those who have made it, as CRIU finds it.
	# shellcheck disable=SC2016
	cfg --arg e "$T/ext" '.mounts += [{destination: $e, type: "bind", source: $e, options: ["bind"]}]'
	# shellcheck disable=SC2016
	local talks='use Socket; socket(C, PF_UNIX, SOCK_DGRAM, 0); connect(C, sockaddr_un("'"$T/ext/log"'")) or die;
		open(READY, ">/tmp/ready"); while (1) { send(C, "x\n", 0); select(undef, undef, undef, 0.02) }'
	perl_ "$talks"
	no 'without peer' checkpoint -ext-unix-sk --image-path "$T/img" "$ID"
	has hint "$ERR" 'another network namespace'
	eq status "$(status)" running
	down
	rm "$T/b/rootfs/tmp/ready"
	cfg '.linux.namespaces |= map(select(.type != "network")) | .mounts |= map(select(.destination != "/usr"))'
	perl_ "$talks"
	no 'nix socket' checkpoint --image-path "$T/img" "$ID"
	has hint "$ERR" '--ext-unix-sk'
	ok checkpoint -ext-unix-sk --image-path "$T/img" "$ID"
	restored --ext-unix-sk
	before=$(wc -l <"$T/got")
	# shellcheck disable=SC2317
	hears() { [ "$(wc -l <"$T/got")" -gt "$before" ]; }
	soon hears || fail 'the socket leads nowhere'
	down
	kill "$server"
}

t_restore_lsm() {
	need_criu
	counter
	ok checkpoint --image-path "$T/img" "$ID"
	no '--lsm-profile: expected TYPE:NAME' restore -d -b "$T/b" --image-path "$T/img" --lsm-profile none "$ID"
	if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ]; then
		no 'apparmor' restore -d -b "$T/b" --image-path "$T/img" --lsm-profile apparmor:x "$ID"
		no 'container does not exist' state "$ID"
	fi
	if [ ! -e /sys/fs/selinux/enforce ]; then
		no 'selinux' restore -d -b "$T/b" --image-path "$T/img" -lsm-profile=selinux:u:r:t:s0 "$ID"
		no '--lsm-mount-context: SELinux is not enabled' restore -d -b "$T/b" --image-path "$T/img" -lsm-mount-context=u:r:t:s0 "$ID"
		no 'container does not exist' state "$ID"
	fi
	again
	down
}

# A server that gets the memory instead of files.
t_checkpoint_page_server() {
	need_criu
	counter
	local port=$((20000 + RANDOM % 10000)) server
	no "Can't connect to server 127.0.0.1:$port" checkpoint --page-server 127.0.0.1:$port --image-path "$T/img" "$ID"
	has hint "$ERR" 'no criu page-server'
	soon counted "$(lines)"
	rm -r "$T/img"
	mkdir "$T/img"
	"${USRUN_CRIU:-criu}" page-server --images-dir "$T/img" --port $port -o server.log >>"$T/log" 2>&1 </dev/null &
	server=$!
	soon listens $port
	ok checkpoint -page-server=127.0.0.1:$port --image-path "$T/sent" "$ID"
	wait $server || fail 'the page server has failed'
	eq 'pages here' "$(find "$T/sent" -name 'pages-*')" ''
	cp "$T"/sent/* "$T/img/"
	again
	down
}

listens() { awk -v p=":$(printf %04X "$1")" '$2 ~ p"$" && $4 == "0A" { found = 1 } END { exit !found }' /proc/net/tcp /proc/net/tcp6; } # PORT

# The memory stays here until it is asked for. CRIU 4.2 cannot read it back on every kernel: then the container runs on.
t_checkpoint_lazy_pages() {
	need_criu
	PATH=$PATH:/of-$ID
	counter
	local port=$((20000 + RANDOM % 10000)) dump lazy
	"${U[@]}" checkpoint --lazy-pages --page-server 127.0.0.1:$port -status-fd 7 --image-path "$T/img" "$ID" >>"$T/log" 2>&1 </dev/null 7>"$T/ready" &
	dump=$!
	soon test -s "$T/ready"
	eq 'when the pages are served' "$(od -An -tx1 "$T/ready" | tr -d ' ')" 00
	local held
	held=$(lines)
	mkdir "$T/lazy"
	"${USRUN_CRIU:-criu}" lazy-pages --page-server --address 127.0.0.1 --port $port -D "$T/img" -W "$T/lazy" -o lazy.log >>"$T/log" 2>&1 </dev/null &
	lazy=$!
	soon test -S "$T/lazy/lazy-pages.socket"
	eq 'numbers while it is held' "$(lines)" "$held"
	local other=("${U[@]}" --root "$T/other")
	# Where it cannot, it fails, or waits for ever; usrun gives up when it is told to.
	if timeout 60 "${other[@]}" restore -d --lazy-pages -b "$T/b" --image-path "$T/img" --work-path "$T/lazy" "$ID-2" >>"$T/log" 2>&1 </dev/null; then
		wait $dump || fail "checkpoint: $(cat "$T/log")"
		no 'container does not exist' state "$ID"
	else
		! wait $dump || fail 'a restore failed, and the checkpoint has ended the container'
		eq status "$(status)" running
	fi
	wait $lazy || true
	soon counted $((held + 2))
	none_missing
	"${other[@]}" delete --force "$ID-2" >>"$T/log" 2>&1
	soon no_criu || fail "CRIU is left: $(cat "$T/found")"
	down
}

# Killed while CRIU works on it, which may then wait for ever.
t_restore_of_what_is_killed() {
	need_criu
	PATH=$PATH:/of-$ID
	counter
	ok checkpoint --image-path "$T/img" "$ID"
	# shellcheck disable=SC2016
	cfg '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c",
		"kill -KILL $(sed -n \"s/.*\\\"pid\\\":[ ]*\\([0-9]*\\).*/\\1/p\")"]}]'
	R restore -d -b "$T/b" --image-path "$T/img" "$ID"
	[ "$RC" = 1 ] || fail "exit status $RC: $ERR"
	[ -n "$ERR" ] || fail 'no reason is given'
	no 'container does not exist' state "$ID"
	soon no_criu || fail "CRIU is left: $(cat "$T/found")"
	# At any other time, as soon as it is there.
	cfg 'del(.hooks)'
	local usrun
	"${U[@]}" restore -d -b "$T/b" --image-path "$T/img" "$ID" >>"$T/log" 2>&1 </dev/null &
	usrun=$!
	soon kill_restored || fail 'it was never there'
	wait $usrun || true
	soon no_criu || fail "CRIU is left: $(cat "$T/found")"
	down
}
kill_restored() { "${U[@]}" kill "$ID" KILL >/dev/null 2>&1; }

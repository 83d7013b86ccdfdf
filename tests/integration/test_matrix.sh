# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Every attribute of a process in every topology of namespaces and by every way to start one, read back from inside; and
# what hooks get there. A cell is one attribute in one topology by one way. USRUN_MATRIX=--full takes all of them, else one
# in four, other ones in each run; USRUN_TIMES=20 reads them 20 times.

# shellcheck disable=SC2016 # for the shell inside
read_back='read score </proc/self/oom_score_adj; echo oom $score
echo umask $(umask); echo groups $(id -G); echo cwd $(pwd); echo env $MARK; echo home $HOME
echo nice $(cut -d " " -f 19 /proc/self/stat); echo io $(ionice -p $$)
while read -r name a b c rest; do case $name$a$b in
	Cap* | NoNewPrivs:* | Seccomp:*) echo $name $a ;; esac; done </proc/self/status
grep -E "^Sig(Blk|Ign)" /proc/self/status | tr "\t" " "
grep -o "^Max open files *[0-9]* *[0-9]*" /proc/self/limits | tr -s " "
cut -d " " -f 1 /proc/self/personality; echo affinity $(grep Cpus_allowed_list /proc/self/status | cut -f 2)
echo ids $(id -u) $(id -g); echo hostname $(hostname); echo group $(grep ^0:: /proc/self/cgroup)
echo port $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
echo files $(cd /proc/self/fd; for i in *; do [ $i -lt 3 ] || readlink $i; done | grep -vE "^(/proc/|pipe:)")
[ ! -e /proc/self/timens_offsets ] || echo offset $(grep monotonic /proc/self/timens_offsets)
[ ! -x /bin/probe ] || probe | grep -E "^(sched|prctl|keyring|tty size|fd [02] owner) "'

# What each has; and what only those have whose namespace is new.
wanted() { # TOPOLOGY
	cat <<-END
		oom 700
		umask 0027
		groups $GROUPS_WANTED
		cwd /tmp
		env marked
		home /root
		nice 5
		io best-effort: prio 6
		SigBlk: 0000000000000000
		SigIgn: 0000000000000000
		CapInh: 0000000000000020
		CapPrm: 0000000000000021
		CapEff: 0000000000000021
		CapBnd: 0000000000000021
		CapAmb: 0000000000000020
		NoNewPrivs: 1
		Seccomp: 2
		Max open files 200 300
		00000000
		affinity $(grep Cpus_allowed_list /proc/self/status | cut -f 2)
		ids 0 0
		files
	END
	case $1 in *host-ipc-uts* | *joined-ipc-uts* | *joined-all*) ;; *) echo 'hostname matrix' ;; esac
	case $1 in *host-network* | *joined-network* | *joined-all*) ;; *) echo 'port 99' ;; esac
	case $1 in *host-cgroup* | *joined-cgroup* | *joined-all*) ;; *) echo 'group 0::/' ;; esac
	case $1 in *new-time*) echo 'offset monotonic 86400 0' ;; esac
	[ ! -x "$(dirname "$USRUN")/probe" ] || cat <<-END
		sched policy=3 flags=0 nice=5 priority=0 runtime=0
		prctl dumpable=1 keepcaps=0 securebits=0 pdeathsig=0 subreaper=0 timerslack=50000 thp-disable=0
		keyring keyring;0;0;3f130000;$ID
	END
}

# shellcheck disable=SC2016 # for jq
topologies() { # of this caller: a name, and the edit of the namespaces
	echo 'new .'
	echo 'host-network map(select(.type!="network"))'
	echo 'host-ipc-uts map(select(.type!="ipc"and.type!="uts"))'
	echo 'host-cgroup map(select(.type!="cgroup"))'
	[ "$MODE" = root ] || {
		echo 'one-id .'
		echo 'user-joined-all map(join($pod;"pid","ipc","uts","cgroup","network","user"))'
		return 0
	}
	echo 'joined-pid map(join($pod;"pid"))'
	echo 'joined-network map(join($pod;"network"))'
	echo 'joined-ipc-uts map(join($pod;"ipc","uts"))'
	echo 'joined-cgroup map(join($pod;"cgroup"))'
	echo 'joined-time (.+[{type:"time"}]|map(join($pod;"time")))'
	echo 'joined-mount map(join($holder;"mount"))'
	echo 'host-mount map(select(.type!="mount"))'
	echo 'host-pid map(select(.type!="pid"))'
	echo 'joined-all (.+[{type:"time"}]|map(join($pod;"pid","network","ipc","uts","cgroup","time")))'
	echo 'new-time .+[{type:"time"}]'
	echo 'user .+[{type:"user"}]'
	echo 'user-new-time .+[{type:"user"},{type:"time"}]'
	echo 'user-host-pid map(select(.type!="pid"))+[{type:"user"}]'
	echo 'user-one-id .+[{type:"user"}]'
	echo 'user-joined-network map(join($pod;"network"))+[{type:"user"}]'
	echo 'user-joined (.+[{type:"user"}]|map(join($userpod;"user")))'
	echo 'user-joined-all (.+[{type:"user"}]|map(join($userpod;"pid","ipc","uts","cgroup","network","user")))'
}

cells=0
cell() { # TOPOLOGY WAY TEXT WANTED
	local line
	while read -r line; do
		cells=$((cells + 1))
		grep -qxF -- "$line" <<<"$3" || fail "$3"$'\n'"$1, $2: '$line' is not there"
	done <<<"$4"
}

# Whose process is in the group of resctrl; and what usrun says of labels where no module gives them.
outside_wanted() {
	[ -n "$LSM" ] || printf '%s\n' 'process.apparmorProfile "matrix" is ignored: this host has no AppArmor' \
		'process.selinuxLabel "matrix" is ignored: this host has no SELinux'
	[ "$MODE" != root ] || echo "resctrl $(<"$T/pid")"
}

outside_before() { # empty, for the next way
	rm -f "$T/said" "$T/pid"
	[ "$MODE" != root ] || : >"$RESCTRL/matrix/tasks"
}

outside_cell() { # TOPOLOGY WAY
	cell "$1" "$2" "$(sed 's/^[^ ]* warning: //' "$T/said")
resctrl $(cat "$RESCTRL/matrix/tasks" 2>/dev/null)" "$(outside_wanted)"
}

# What hooks have is the caller's, but for those that run inside, and their own environment.
hooks_wanted='SigBlk: 0000000000000000
SigIgn: 0000000000000000
environment LOG MARK PATH USRUN_TEST
files'

write_hook() {
	mkdir -p "$T/hl"
	chmod 777 "$T/hl"
	cat >"$T/hl/hook" <<-'END'
		#!/bin/sh
		cat >/dev/null
		{
			echo umask $(umask)
			grep -E '^Sig(Blk|Ign)' /proc/self/status | tr '\t' ' '
			echo environment $(env | cut -d = -f 1 | grep -vE '^(PWD|SHLVL|_|HOME|OLDPWD)$' | sort)
			echo files $(cd /proc/self/fd; for i in *; do [ $i -lt 3 ] || readlink $i; done | grep -vE '^(/proc/|pipe:)|/hook$')
		} >"$LOG/$1.new"
		mv "$LOG/$1.new" "$LOG/$1"
	END
	chmod 755 "$T/hl/hook"
	cfg --arg t "$T" --arg id "$ID" '.mounts += [{destination: "/hl", type: "bind", source: ($t + "/hl"), options: ["rbind"]}]
		| def hook($p; $at): .hooks[$p] += [{path: ($at + "/hook"), args: ["hook", $p],
			env: ["LOG=" + $at, "PATH=/bin:/usr/bin", "MARK=m", "USRUN_TEST=" + $id]}];
		reduce ("prestart", "createRuntime", "createContainer", "poststart", "poststop") as $p (.; hook($p; $t + "/hl"))
		| hook("startContainer"; "/hl")'
}

hooks_cells() { # TOPOLOGY
	local point umask
	for point in prestart createRuntime createContainer startContainer poststart poststop; do
		[ -e "$T/hl/$point" ] || fail "$1: no $point hook has run"
		umask=0022
		[ $point != startContainer ] || umask=0027
		cell "$1" "$point" "$(<"$T/hl/$point")" "$hooks_wanted"$'\n'"umask $umask"
		rm -f "$T/hl/$point"
	done
}

by_run() { # TOPOLOGY WANTED
	script_ "$read_back"
	outside_before
	ok --log "$T/said" run --pid-file "$T/pid" -b "$T/b" "$ID"
	cell "$1" run "$OUT" "$2"
	outside_cell "$1" run
	hooks_cells "$1"
}

by_terminal() { # TOPOLOGY WANTED
	[ -x "$T/b/rootfs/bin/probe" ] || return 0
	cfg '.process.terminal = true | .process.consoleSize = {width: 44, height: 33}'
	script_ "$read_back"
	outside_before
	from_terminal --log "$T/said" run --pid-file "$T/pid" -b "$T/b" "$ID"
	cfg 'del(.process.terminal, .process.consoleSize)'
	[ $RC = 0 ] || fail "$1, terminal: $OUT"
	cell "$1" terminal "$(tr -d '\r' <<<"$OUT")" "$2
tty size 44x33
fd 0 owner 0:$TTY_WANTED
fd 2 owner 0:$TTY_WANTED"
	outside_cell "$1" terminal
	hooks_cells "$1"
}

by_create() { # TOPOLOGY WANTED; and what is executed in it
	rm -f "$T"/hl/{out,detached}
	script_ "($read_back
	) >/hl/out.new; mv /hl/out.new /hl/out; exec sleep 1000"
	outside_before
	ok --log "$T/said" create --pid-file "$T/pid" -b "$T/b" "$ID"
	ok start "$ID"
	soon test -e "$T/hl/out"
	cell "$1" create+start "$(<"$T/hl/out")" "$2"
	outside_cell "$1" create+start
	outside_before
	ok --log "$T/said" exec --pid-file "$T/pid" "$ID" /bin/sh -c "$read_back"
	cell "$1" exec "$OUT" "$2"
	outside_cell "$1" exec
	outside_before
	ok --log "$T/said" exec -d --pid-file "$T/pid" "$ID" /bin/sh -c "($read_back
	) >/hl/detached.new; mv /hl/detached.new /hl/detached"
	soon test -e "$T/hl/detached"
	cell "$1" 'exec -d' "$(<"$T/hl/detached")" "$2"
	outside_cell "$1" 'exec -d'
	down
	hooks_cells "$1"
}

maps() { # NAME
	TTY_WANTED=0 # the options of devpts
	[ "$MODE" != root ] || TTY_WANTED=5
	local one='| .[0].size = 1'
	[[ "$1" = *one-id ]] || one=
	GROUPS_WANTED='0 5 7'
	[ -n "$SUBUIDS" ] && [[ "$1" != *one-id ]] || GROUPS_WANTED=0
	[ "$GROUPS_WANTED" != 0 ] || { cfg 'del(.process.user.additionalGids)'; TTY_WANTED=0; }
	case "$1 $MODE" in
	*one-id\ rootless)
		cfg --argjson u "$(id -u)" --argjson g "$(id -g)" '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}]
			| .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]'
		;;
	*joined-all\ rootless | user-joined*) cfg 'del(.linux.uidMappings, .linux.gidMappings)' ;;
	user*) cfg "([{containerID: 0, hostID: 100000, size: 65536}] $one) as \$m | .linux.uidMappings = \$m | .linux.gidMappings = \$m" ;;
	esac
}

pod() { # NAME FILTER: prints /proc/PID
	cp -r "$T/b" "$T/pod$1"
	jq "del(.hooks) | .process.args = [\"/bin/sleep\", \"1000\"] | $2" "$T/plain.json" >"$T/pod$1/config.json"
	[ "$MODE" = root ] || cfg .
	"${U[@]}" run -d -b "$T/pod$1" --pid-file "$T/pid$1" "$ID-pod$1" </dev/null >&2 || fail "the pod$1 does not run"
	echo "/proc/$(<"$T/pid$1")"
}

# A user's half needs nothing of root.
if [ "${MODE:-}" = root ]; then
	before_t_matrix() { fake_resctrl && mkdir "$T/fs/resctrl/matrix" && touch "$T/fs/resctrl/matrix/tasks"; }
	after_t_matrix() { no_resctrl; }
fi

t_matrix() {
	[ "$MODE" = root ] || [ "$(nice)" -le 5 ] || skip 'a user cannot lower the nice value, and processes get 5'
	local name edit pod userpod=/none holder=/none i n=$$ applet way wanted
	for applet in mv ionice; do ln -sf busybox "$T/b/rootfs/bin/$applet"; done
	cfg '.process.capabilities = (["CAP_CHOWN", "CAP_KILL"] | {bounding: ., effective: ., permitted: .}
			+ {inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}) |
		.process.oomScoreAdj = 700 | .process.user = {uid: 0, gid: 0, umask: 23} | .process.cwd = "/tmp" |
		.process.env += ["MARK=marked"] | .process.noNewPrivileges = true |
		.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 200, hard: 300}] |
		.process.scheduler = {policy: "SCHED_BATCH", nice: 5} |
		.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6} | .hostname = "matrix" |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["swapon"], action: "SCMP_ACT_ERRNO"}]} |
		.linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "99"} | .process.user.additionalGids = [5, 7]'
	[ -n "$SUBUIDS" ] || cfg 'del(.process.user.additionalGids)'
	write_hook
	LSM=$("$USRUN" facts | jq -r .kernel.lsm)
	[ -n "$LSM" ] || cfg '.process.apparmorProfile = "matrix" | .process.selinuxLabel = "matrix"'
	[ "$MODE" != root ] || cfg '.linux.intelRdt = {closID: "matrix"}'
	[ ! -x "$(dirname "$USRUN")/probe" ] || cp "$(dirname "$USRUN")/probe" "$T/b/rootfs/bin/"
	cp "$T/b/config.json" "$T/plain.json"
	if [ "$MODE" = root ]; then
		pod=$(pod '' '.linux.namespaces += [{type: "time"}]')
		userpod=$(pod -user '.linux.namespaces += [{type: "user"}] | ([{containerID: 0, hostID: 100000, size: 65536}]) as $m
			| .linux.uidMappings = $m | .linux.gidMappings = $m')
		unshare -m --propagation private sleep 1000 &
		holder=/proc/$!
		soon eval '[ "$(readlink $holder/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]'
	else
		pod=$(pod '' .)
	fi
	for ((i = 0; i < ${USRUN_TIMES:-1}; i++)); do
		while read -r name edit; do
			cp "$T/plain.json" "$T/b/config.json"
			cfg --arg pod "$pod" --arg userpod "$userpod" --arg holder "$holder" "def join(\$p; k): [k] as \$kinds | {network: \"net\", mount: \"mnt\"} as \$names
				| if ([.type] | inside(\$kinds)) then .path = \"\(\$p)/ns/\(\$names[.type] // .type)\" else . end;
				.linux.namespaces |= ($edit)"
			maps "$name"
			wanted=$(wanted "$name")
			case $name in *host-ipc-uts* | *joined-ipc-uts* | *joined-all*) cfg 'del(.hostname)' ;; esac
			case $name in *host-network* | *joined-network* | *joined-all*) cfg 'del(.linux.sysctl)' ;; esac
			case $name in *new-time*) cfg '.linux.timeOffsets = {monotonic: {secs: 86400}}' ;; esac
			# It belongs to the host's namespace there.
			[[ "$name" != *host-ipc* ]] || cfg 'del(.mounts[] | select(.type == "mqueue"))'
			for way in by_run by_terminal by_create; do
				n=$((n + 1))
				[ "${USRUN_MATRIX:-}" = --full ] || [ $((n % 4)) = 0 ] || continue
				$way "$name" "$wanted"
			done
		done <<<"$(topologies)"
	done
	echo "$cells cells"
	[ "$MODE" != root ] || { ok delete --force "$ID-pod-user" && kill "${holder#/proc/}"; }
	ok delete --force "$ID-pod"
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Every attribute of a process in every topology of namespaces and by every way to start one, read back from inside.
# A cell is one attribute in one topology by one way. USRUN_TIMES=20 reads all of it 20 times.

# shellcheck disable=SC2016 # for the shell inside
read_back='read score </proc/self/oom_score_adj; echo oom $score
echo umask $(umask); echo groups $(id -G); echo cwd $(pwd); echo env $MARK; echo home $HOME
echo nice $(cut -d " " -f 19 /proc/self/stat)
while read -r name a b c rest; do case $name$a$b in
	Cap*) echo $name $a ;; NoNewPrivs:*) echo $name $a ;; SigBlk:*) echo $name $a ;;
	Maxopenfiles) echo nofile $c $rest ;; esac; done </proc/self/status
grep -o "^Max open files *[0-9]* *[0-9]*" /proc/self/limits | tr -s " "
cut -d " " -f 1 /proc/self/personality; echo affinity $(grep Cpus_allowed_list /proc/self/status | cut -f 2)'

# The same of every topology and way.
wanted() {
	cat <<-END
		oom 700
		umask 0027
		groups 0$([ -z "$SUBUIDS" ] || echo ' 5 7')
		cwd /tmp
		env marked
		home /root
		nice 5
		SigBlk: 0000000000000000
		CapInh: 0000000000000000
		CapPrm: 0000000000000021
		CapEff: 0000000000000021
		CapBnd: 0000000000000021
		CapAmb: 0000000000000000
		NoNewPrivs: 1
		Max open files 200 300
		00000000
		affinity $(grep Cpus_allowed_list /proc/self/status | cut -f 2)
	END
}

# shellcheck disable=SC2016 # for jq
topologies() { # of this caller: a name, and the edit of the namespaces
	echo 'new .'
	echo 'host-network map(select(.type!="network"))'
	echo 'host-ipc-uts map(select(.type!="ipc"and.type!="uts"))'
	echo 'host-cgroup map(select(.type!="cgroup"))'
	echo 'joined-pid map(if(.type=="pid")then(.path=$pod+"/ns/pid")else(.)end)'
	echo 'joined-network map(if(.type=="network")then(.path=$pod+"/ns/net")else(.)end)'
	echo 'joined-ipc-uts map(if(.type=="ipc")then(.path=$pod+"/ns/ipc")elif(.type=="uts")then(.path=$pod+"/ns/uts")else(.)end)'
	[ "$MODE" = root ] || return 0
	echo 'host-pid map(select(.type!="pid"))'
	echo 'new-time .+[{type:"time"}]'
	echo 'user .+[{type:"user"}]'
	echo 'user-joined-pid map(select(.type!="pid"))+[{type:"user"}]'
}

cells=0
cell() { # TOPOLOGY WAY TEXT
	local line wanted
	wanted=$(wanted | sort)
	while read -r line; do
		cells=$((cells + 1))
		grep -qxF -- "$line" <<<"$3" || fail "$1, $2: '$line' is not in: $3"
	done <<<"$wanted"
}

by_every_way() { # TOPOLOGY
	script_ "$read_back"
	go
	cell "$1" run "$OUT"
	rm -f "$T/b/rootfs/tmp/out"
	script_ "{ $read_back
	} >/tmp/out.new; mv /tmp/out.new /tmp/out; exec sleep 1000"
	ok create -b "$T/b" "$ID"
	ok start "$ID"
	soon test -e "$T/b/rootfs/tmp/out"
	cell "$1" create+start "$(cat "$T/b/rootfs/tmp/out")"
	inside /bin/sh -c "$read_back"
	cell "$1" exec "$OUT"
	ok exec -d "$ID" /bin/sh -c "{ $read_back
	} >/tmp/detached.new; mv /tmp/detached.new /tmp/detached"
	soon test -e "$T/b/rootfs/tmp/detached"
	cell "$1" 'exec -d' "$(cat "$T/b/rootfs/tmp/detached")"
	rm -f "$T/b/rootfs/tmp/detached"
	down
}

t_matrix() {
	local name edit pod=/proc/self i applet
	for applet in mv tail; do ln -sf busybox "$T/b/rootfs/bin/$applet"; done
	cfg 'del(.hostname) | .process.capabilities = (["CAP_CHOWN", "CAP_KILL"] | {bounding: ., effective: ., permitted: .}) |
		.process.oomScoreAdj = 700 | .process.user = {uid: 0, gid: 0, umask: 23} | .process.cwd = "/tmp" |
		.process.env += ["MARK=marked"] | .process.noNewPrivileges = true |
		.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 200, hard: 300}] |
		.process.scheduler = {policy: "SCHED_OTHER", nice: 5}'
	[ -z "$SUBUIDS" ] || cfg '.process.user.additionalGids = [5, 7]'
	cp "$T/b/config.json" "$T/plain.json"
	cp -r "$T/b" "$T/pod"
	jq '.process.args = ["/bin/sleep", "1000"]' "$T/plain.json" >"$T/pod/config.json"
	[ "$MODE" = root ] || pod=
	if [ "$MODE" = root ]; then
		ok run -d -b "$T/pod" --pid-file "$T/pid" "$ID-pod"
		pod=/proc/$(<"$T/pid")
	fi
	for ((i = 0; i < ${USRUN_TIMES:-1}; i++)); do
		while read -r name edit; do
			[[ -n "$pod" || "$name" != joined* ]] || continue
			cp "$T/plain.json" "$T/b/config.json"
			cfg --arg pod "$pod" ".linux.namespaces |= ($edit)"
			[[ "$name" != user* ]] || cfg '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
			[[ "$name" != user* ]] || chmod 777 "$T/b/rootfs/tmp"
			# It belongs to the host's namespace there.
			[[ "$name" != host-ipc* ]] || cfg 'del(.mounts[] | select(.type == "mqueue"))'
			by_every_way "$name"
		done <<<"$(topologies)"
	done
	echo "$cells cells"
	[ "$MODE" != root ] || ok delete --force "$ID-pod"
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# doctor: what it finds is so, it changes nothing, and what it advises mends what it complains of.

# doctor's JSON in OUT, its status in RC.
doctor() { # ARG...
	R doctor --json "$@"
	jq -e . <<<"$OUT" >/dev/null || fail "doctor $*: no JSON: $OUT $ERR"
	eq status "$(jq .status <<<"$OUT")" "$RC"
}

of() { jq -r --arg id "$1" --arg key "$2" '.checks[] | select(.id == $id) | .[$key]' <<<"$OUT"; } # ID KEY

# What makes ID complain, and nothing but its own advice, lets it be content.
mended() { # ID fail|warn ARG...
	local id=$1 fix
	doctor "${@:3}"
	eq "$id" "$(of "$id" result)" "$2"
	fix=$(of "$id" fix)
	fix=${fix#as root: } fix=${fix#as its owner: }
	eval "${fix%% (*}" >/dev/null || fail "$id: $fix"
	doctor "${@:3}"
	eq "$id mended by $fix" "$(of "$id" result)" ok
}

t_doctor() {
	doctor --path "$T/b"
	eq 'one finding a check' "$(jq '[.checks[].id] | length == (unique | length) and length > 30' <<<"$OUT")" true
	eq 'complaints have causes' "$(jq '[.checks[] | select(.cause == null or .cause == "")] | length' <<<"$OUT")" 0
	eq 'the worst is the status' "$RC" "$(jq 'if .count.fail > 0 then 2 elif .count.warn > 0 then 1 else 0 end' <<<"$OUT")"
	# The other tests run containers here.
	eq userns "$(of user-namespace result)" ok
	eq proc "$(of proc result)" ok
	eq tmpfs "$(of tmpfs result)" ok
	eq path "$(of path result)" ok
	[ -z "$SUBUIDS" ] || [ "$MODE" = root ] || eq map "$(of id-map result)" ok
	R doctor
	has text "$OUT" 'user-namespace   made one'
	has sum "$OUT" ' failed'
	no 'not defined' doctor --nothing
	no 'requires' doctor more
}

# Where containers could not be kept, doctor must not be content.
t_doctor_tries_the_state_directory() {
	rootless_only
	mkdir -m 500 "$T/closed"
	XDG_RUNTIME_DIR=$T/closed doctor
	eq 'a directory that is closed' "$(of state-directory result)" fail
	has 'which' "$(of state-directory cause)" "make $T/closed/usrun: write to $T/closed: permission denied"
	XDG_RUNTIME_DIR=/nosuch/deep doctor
	eq 'one that cannot be made' "$(of state-directory result)" fail
	mkdir -m 700 "$T/open"
	XDG_RUNTIME_DIR=$T/open doctor
	eq 'one that can be made' "$(of state-directory result)" ok
	[ ! -e "$T/open/usrun" ] || fail 'doctor made it'
}

t_doctor_leaves_nothing() {
	local before after
	before=$(find "$(STATE_OF)" 2>/dev/null || true)
	"${U[@]}" doctor >/dev/null 2>&1 </dev/null &
	wait $! || true # it may have complaints
	after=$(find "$(STATE_OF)" 2>/dev/null || true)
	eq state "$after" "$before"
	eq groups "$(find /sys/fs/cgroup -name "*doctor-$!" 2>/dev/null)" '' # others come and go
	eq mounts "$(grep -c usrun-doctor /proc/self/mountinfo)" 0
}

before_t_doctor_mends_what_the_user_may() { [ "$MODE" = root ] || mkdir -m 700 "$T/closed"; }

t_doctor_mends_what_the_user_may() {
	rootless_only
	doctor --path "$T/closed/in"
	eq closed "$(of path result) $RC" 'fail 2'
	eq cause "$(of path cause)" "uid $(id -u) may not enter the directory $T/closed (owner 0:0, mode 0700)"
	eq 'not to be opened to all' "$(of path fix)" 'use a path outside of it'
	mkdir "$T/own" "$T/own/in"
	chmod 600 "$T/own"
	mended path fail --path "$T/own/in"
	mended path fail --path "$T/none"
	if [ -n "$SUBUIDS" ]; then
		chmod 700 "$T/own"
		mended path-users warn --path "$T/own"
	fi
	mkdir -p "$T/xdg/usrun"
	chmod 777 "$T/xdg/usrun"
	mended state-directory fail
	XDG_RUNTIME_DIR=relative mended state-directory fail
	chmod 777 "$T/xdg"
	mended state-directory fail
}

# A creator that was killed at once.
t_doctor_finds_what_gc_removes() {
	mkdir -p "$(STATE_OF)"
	chmod 700 "$(STATE_OF)"
	doctor
	eq nothing "$(of stale-state result)" ok
	mkdir -m 700 "$(STATE_OF)/$ID"
	doctor
	eq stale "$(of stale-state result)" warn
	eq advice "$(of stale-state fix)" 'usrun gc'
	ok gc
	doctor
	eq gone "$(of stale-state result)" ok
}

# The sysctl of a user namespace, where nobody else meets it. Sets OUT and RC.
limited_to() { # NUMBER
	local drop=(setpriv --ambient-caps -all --bounding-set -all --inh-caps -all)
	RC=0
	OUT=$(unshare -U --map-current-user --keep-caps sh -c 'echo "$1" >/proc/sys/user/max_user_namespaces && shift && exec "$@"' sh \
		"$1" "${drop[@]}" "${U[@]}" doctor --json) || RC=$?
}

t_doctor_without_user_namespaces() {
	rootless_only 'root needs none'
	limited_to 0
	eq result "$(of user-namespace result) $RC" 'fail 2'
	has cause "$(of user-namespace cause)" 'the sysctl user.max_user_namespaces is 0'
	has advice "$(of user-namespace fix)" 'sysctl -w user.max_user_namespaces=15000'
	eq 'what needs one' "$(of proc result) $(of overlay result)" 'skip skip'
	limited_to 15000
	eq mended "$(of user-namespace result)" ok
}

# With rights over its namespaces, but without the id of a container's root: no plan can be made.
t_doctor_without_a_plan() {
	rootless_only
	local own=("${U[@]}")
	U=(unshare -U --map-current-user --keep-caps "${own[@]}")
	doctor
	eq result "$(of id-map result) $RC" 'fail 2'
	eq cause "$(of id-map cause)" 'cannot setuid to unmapped uid 0 in user namespace'
	eq advice "$(of id-map fix)" 'start usrun in a user namespace that maps uid 0'
	U=(unshare -U --map-root-user "${own[@]}")
	doctor
	eq followed "$(of id-map result)" skip
}

# A user whom nobody knows, on a host that lacks things.
other_host() { # PREPARATION ID RESULT
	export -f R doctor of mended fail eq has other_user
	export T MODE USRUN
	unshare -m --propagation private bash -uc "$1
		ERR= U=(other_user)
		mended '$2' '$3'" || fail "$2"
}

other_user() { setpriv --reuid 54321 --regid 54321 --clear-groups --reset-env "$T/usrun-copy" --root "$T/other" "$@"; }

t_doctor_mends_other_hosts() {
	root_only
	local helper
	install -m 755 "$USRUN" "$T/usrun-copy"
	chmod 755 "$T"
	install -d -o 54321 -m 700 "$T/other"
	: >"$T/empty"
	other_host 'cp "$T/empty" "$T/uid"; cp "$T/empty" "$T/gid"
		mount --bind "$T/uid" /etc/subuid; mount --bind "$T/gid" /etc/subgid' subordinate-ids warn
	helper=$(command -v newuidmap) || skip 'needs newuidmap'
	export helper
	other_host 'cp "$helper" "$T/helper"; chmod 755 "$T/helper"; mount --bind "$T/helper" "$helper"
		echo 54321:200000:65536 >"$T/uid"; cp "$T/uid" "$T/gid"
		mount --bind "$T/uid" /etc/subuid; mount --bind "$T/gid" /etc/subgid' subordinate-ids warn
	[ ! -c /dev/fuse ] || other_host 'mount -t tmpfs x /dev; modprobe() { :; }
		mknod -m 666 /dev/null c 1 3' fuse warn
	other_host 'mount -t tmpfs x /sys/fs/cgroup' cgroup warn
	# All else needs it, and is not told to.
	other_host 'umount -l /proc; doctor() {
			R doctor --json
			[ $(jq .count.fail <<<"$OUT") -le 1 ] || fail "more than one complaint: $OUT"
		}' user-namespace fail
	# Somebody else's home is not to be opened to all.
	install -d -m 700 "$T/own" "$T/own/in"
	U=(other_user)
	doctor --path "$T/own/in"
	eq cause "$(of path cause)" "uid 54321 may not enter the directory $T/own (owner 0:0, mode 0700)"
	eq advice "$(of path fix)" 'use a path outside of it'
	doctor --path "$T/other"
	eq followed "$(of path result)" ok
}

# newuidmap has its rights, and refuses when it is called.
t_doctor_mends_what_newuidmap_refuses() {
	root_only
	local helper
	helper=$(command -v newuidmap) && command -v useradd >/dev/null || skip 'needs newuidmap and useradd'
	install -m 755 "$USRUN" "$T/usrun-copy"
	install -D -m 755 "$USRUN" "$T/bin/usrun" # by its own name it may start containers
	chmod 755 "$T"
	install -d -o 54321 -m 700 "$T/other"
	export helper ID
	# Whom nobody knows; useradd replaces files of /etc.
	other_host 'cp -a /etc "$T/etc"; mount --bind "$T/etc" /etc
		echo 54321:200000:65536 >/etc/subuid; cp /etc/subuid /etc/subgid' id-map fail
	script_ "busybox id -u"
	# With a program of somebody else's in its place: the advice is for the start of containers.
	printf '#!/bin/sh\nexit 1\n' >"$T/wrapper"
	chmod 4755 "$T/wrapper"
	chmod -R a+rX "$T/b"
	unshare -m --propagation private bash -uc '
		ERR= U=(setpriv --reuid 54321 --regid 54321 --clear-groups --reset-env "$T/bin/usrun" --root "$T/other")
		mount --bind "$T/wrapper" "$helper"
		printf "54321:200000:65536\n" >"$T/ids"
		mount --bind "$T/ids" /etc/subuid; mount --bind "$T/ids" /etc/subgid
		doctor
		eq result "$(of id-map result)" fail
		has cause "$(of id-map cause)" "newuidmap failed with status 1"
		has advice "$(of id-map fix)" "--map=single maps the caller'"'s"' own id alone"
		R run --map=single -b "$T/b" "$ID"
		eq "the advice is followed" "$RC $OUT" "0 0"' || fail 'a wrapper of newuidmap'
}

# As root of a container without the one capability that its own id needs; and a /proc with covers, beside which no other
# can be mounted.
t_doctor_in_a_container() {
	cfg --arg u "$USRUN" '.mounts += [{destination: "/usrun", type: "bind", source: $u, options: ["bind", "ro"]}]
		| .linux.maskedPaths = ["/proc/keys"] | .linux.readonlyPaths = ["/proc/sys"]'
	prog /usrun doctor --json
	caps KILL
	R run -b "$T/b" "$ID"
	eq 'root without it' "$(of user-namespace result)" fail
	has capability "$(of user-namespace cause)" 'needs CAP_SETFCAP'
	has advice "$(of user-namespace fix)" 'give usrun the capability CAP_SETFCAP'
	caps KILL SETFCAP
	R run -b "$T/b" "$ID"
	eq followed "$(of user-namespace result)" ok
	eq covered "$(of proc result)" fail
	has 'what covers it' "$(of proc fix)" 'an outer container masks parts of /proc (/proc/'
	has advice "$(of proc fix)" 'start it with an unmasked /proc'
	cfg '.linux.maskedPaths = [] | .linux.readonlyPaths = []'
	R run -b "$T/b" "$ID"
	eq followed "$(of proc result)" ok
}

# A program that mounts somebody's secrets as files may give FIFOs.
t_doctor_waits_for_no_engine() {
	local rc=0
	export HOME=$T/home XDG_CONFIG_HOME=$T/home/config
	mkdir -p "$XDG_CONFIG_HOME/containers"
	mkfifo "$XDG_CONFIG_HOME/containers/containers.conf"
	timeout -s KILL 20 "${U[@]}" doctor --engines >"$T/out" 2>&1 </dev/null || rc=$?
	[ $rc -lt 3 ] || fail "exit status $rc: $(<"$T/out")"
	has engines "$(<"$T/out")" podman
}

# As podman's own documents spell them: in which files, and in which ways.
t_doctor_reads_settings_of_podman() {
	local conf
	rootless_only
	export HOME=$T/home XDG_CONFIG_HOME=$T/home/config
	conf=$XDG_CONFIG_HOME/containers/containers.conf
	unset CONTAINERS_CONF CONTAINERS_CONF_OVERRIDE
	mkdir -p "${conf%/*}"
	printf 'engine.runtime = "x"\nengine.runtime_supports_json = ["usrun"]\n[engine.runtimes]\nx = [\n  "/none/crun", # no\n  "%s",\n]\n' "$USRUN" >"$conf"
	doctor --engines
	has 'dotted key and list' "$(of podman cause)" "podman uses $USRUN, which this is ($conf)"
	printf 'engine = {runtime = "y", runtimes = {y = ["/none/crun"]}}\n' >"$T/other.conf"
	printf '[engine]\nruntime = "x"\nruntimes.x = ["/none/youki"]\n' >"$T/last.conf"
	CONTAINERS_CONF=$T/other.conf doctor --engines
	has 'inline table' "$(of podman cause)" "podman uses y, /none/crun ($T/other.conf)"
	has 'the file to mend' "$(of podman fix)" "in $T/other.conf, set engine.runtime"
	CONTAINERS_CONF_OVERRIDE=$T/last.conf doctor --engines
	has 'the last one' "$(of podman cause)" "podman uses x, /none/youki ($T/last.conf)"
	CONTAINERS_CONF=$T/other.conf CONTAINERS_CONF_OVERRIDE=$T/last.conf doctor --engines
	has both "$(of podman cause)" "podman uses x, /none/youki ($T/last.conf)"
	CONTAINERS_CONF=$T/none doctor --engines
	eq missing "$(of podman result)" fail
	has missing "$(of podman cause)" "podman cannot read $T/none, which CONTAINERS_CONF names"
}

t_doctor_reads_settings_of_engines() {
	rootless_only
	export HOME=$T/home XDG_CONFIG_HOME=$T/home/config
	unset CONTAINERS_CONF CONTAINERS_CONF_OVERRIDE
	mkdir -p "$XDG_CONFIG_HOME/docker" "$XDG_CONFIG_HOME/containers"
	doctor
	eq 'only when asked' "$(of podman result)" ''
	printf '[engine]\nruntime = "crun"\n' >"$XDG_CONFIG_HOME/containers/containers.conf"
	doctor --engines
	has crun "$(of podman cause)" "podman uses crun ($XDG_CONFIG_HOME/containers/containers.conf)"
	mended podman warn --engines
	has own "$(of podman cause)" "podman uses $USRUN, which this is ($XDG_CONFIG_HOME/containers/containers.conf.d/usrun.conf)"
	printf '[engine.runtimes]\nusrun = ["%s/none/usrun"]\n' "$T" >"$XDG_CONFIG_HOME/containers/containers.conf.d/zz.conf"
	doctor --engines
	eq gone "$(of podman result)" fail
	has gone "$(of podman cause)" "$T/none/usrun"
	mended podman fail --engines
	printf '{"default-runtime": "u", "runtimes": {"u": {"path": "%s"}}}' "$USRUN" >"$XDG_CONFIG_HOME/docker/daemon.json"
	doctor --engines
	has docker "$(of docker cause)" 'which this is'
	echo '{"default-runtime": 1}' >"$XDG_CONFIG_HOME/docker/daemon.json"
	doctor --engines
	eq 'a mistake' "$(of docker result)" fail
	has 'its place' "$(of docker cause)" 'daemon.json:1:'
}

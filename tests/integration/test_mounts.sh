# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Mounts: mapped ids, attributes of trees, propagation, links, hostile paths, file systems of the kernel.
# shellcheck disable=SC2016 # variables of the shell inside

# One line of mountinfo in OUT: the last mount at DIR; its fields behind the options up to the dash.
line_of() { awk -v d="$1" '$5 == d {l = $0} END {print l}' <<<"$OUT"; }
peers_of() { line_of "$1" | sed 's/ - .*//' | cut -d ' ' -f 7-; }

add_mounts() { # JQ-ARGUMENT... FILTER: an array
	local filter=${*: -1}
	cfg "${@:1:$#-1}" ".mounts += $filter"
}

# A tree with a file system of its own below: $T/src, $T/src/sub.
tree() {
	mkdir -p "$T/src/sub"
	mount -t tmpfs tree "$T/src"
	mkdir "$T/src/sub"
	mount -t tmpfs tree "$T/src/sub"
	touch "$T/src/file" "$T/src/sub/file"
	"$@"
	umount "$T/src/sub" "$T/src"
}

look() { sh_run "$1"$'\n'true; } # whatever the last command says

# A command as uid 0 of a user namespace with ids 0 to 65535 and a mount namespace of its own, in OUT.
as_podman() {
	local pid
	many_ids
	mkfifo "$T/go"
	# shellcheck disable=SC2016
	unshare -Um sh -c 'read x <"$0"; exec "$@"' "$T/go" "$@" >"$T/out" 2>&1 &
	pid=$!
	soon eval '[ "$(readlink /proc/$pid/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]'
	if [ "$MODE" = root ]; then
		echo '0 0 65536' >/proc/$pid/uid_map
		echo '0 0 65536' >/proc/$pid/gid_map
	else
		newuidmap $pid 0 "$(id -u)" 1 1 "${SUBUIDS%:*}" 65535
		newgidmap $pid 0 "$(id -g)" 1 1 "${SUBGIDS%:*}" 65535
	fi
	echo go >"$T/go"
	wait $pid || fail "$(<"$T/out")"
	OUT=$(<"$T/out")
	rm "$T/go"
}

notes() { # of container ID, in OUT
	ok explain "$ID"
}

# --- mapped ids ---

owners() {
	chown 5:6 "$T/src/file"
	chown 7:8 "$T/src/sub/file"
	chown "$1" "$T/src"
	look 'stat -c "%u:%g" /m/file /m/sub/file; echo x > /m/made'
	stat -c '%u:%g' "$T/src/made" >"$T/made"
}

t_idmap_of_the_mount() {
	root_only 'mapped ids of the host'"'"'s file systems are for root'
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "none", source: $s, options: ["rbind", "idmap"],
		uidMappings: [{containerID: 5, hostID: 105, size: 1}, {containerID: 1000, hostID: 0, size: 1}],
		gidMappings: [{containerID: 6, hostID: 106, size: 1}, {containerID: 1000, hostID: 0, size: 1}]}]'
	tree owners 1000:1000
	eq 'owners, only the first mapped' "$(tr '\n' ' ' <<<"$OUT")" '105:106 7:8 '
	eq 'owner on disk' "$(<"$T/made")" 1000:1000
}

t_idmap_of_a_new_file_system() {
	root_only 'a user namespace has its own file systems'
	add_mounts '[{destination: "/m", type: "tmpfs", source: "t", options: ["idmap=uids=0-7-1#1-0-1;gids=0-8-1#1-0-1", "mode=1777"]}]'
	look ': >/m/file; stat -c "%u:%g" /m /m/file'
	eq owners "$(tr '\n' ' ' <<<"$OUT")" '7:8 0:0 '
}

# Whoever is killed while it has the maps of a mount written, leaves no process that holds them.
t_idmap_killed_halfway() {
	root_only 'mapped ids of the host'"'"'s file systems are for root'
	local n pid
	mkdir "$T/src"
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s, options: ["rbind", "idmap=uids=0-7-1;gids=0-8-1"]}]'
	prog /bin/true
	strace -qq -e trace=openat,clone3 -o "$T/calls" "${U[@]}" run -b "$T/b" "$ID" || fail 'the run to count calls failed'
	n=$(grep -n -m1 'clone3(' "$T/calls" | cut -d : -f 1)
	RC=0
	strace -qq -e trace=openat -e "inject=openat:signal=KILL:when=$n" -o "$T/calls" "${U[@]}" run -b "$T/b" "$ID" || RC=$?
	eq 'status' "$RC" 137
	has 'where it was killed' "$(tail -n 2 "$T/calls")" _map
	soon eval '[ -z "$(processes)" ]' || fail "left: $(processes)"
	ok delete --force "$ID"
}

t_idmap_recursive() {
	root_only 'mapped ids of the host'"'"'s file systems are for root'
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s,
		options: ["rbind", "ridmap=uids=5-105-1#7-107-1#0-0-1;gids=6-106-1#8-108-1#0-0-1"]}]'
	tree owners 0:0
	eq 'owners, both mapped' "$(tr '\n' ' ' <<<"$OUT")" '105:106 107:108 '
}

in_user_namespace() { # MORE...: of root, container ids 0 to 999 are 200000 on the host
	chmod 711 "$T"
	chown 200000:200000 "$T/b/rootfs" "$T/b/rootfs"/*
	cfg '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 200000, size: 10}, {containerID: 10, hostID: 300000, size: 990}]
		| .linux.gidMappings = .linux.uidMappings'
}

t_idmap_of_the_container() {
	root_only 'mapped ids of the host'"'"'s file systems are for root'
	in_user_namespace
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s, options: ["rbind", "idmap"]}]'
	tree owners 0:0
	eq 'owners' "$(tr '\n' ' ' <<<"$OUT")" '5:6 65534:65534 '
	eq 'owner on disk' "$(<"$T/made")" 0:0
}

t_idmap_of_what_an_earlier_bind_shows() {
	root_only 'mapped ids of the host'"'"'s file systems are for root'
	in_user_namespace
	mkdir -p "$T/src"
	add_mounts --arg s "$T/src" --arg r "$T/b/rootfs" '[{destination: "/first", type: "bind", source: $s, options: ["rbind"]},
		{destination: "/m", type: "bind", source: ($r + "/first"), options: ["rbind", "idmap"]}]'
	tree owners 0:0
	eq 'owners' "$(tr '\n' ' ' <<<"$OUT")" '5:6 65534:65534 '
	eq 'owner on disk' "$(<"$T/made")" 0:0
	cfg '.mounts |= map(if .destination == "/first" then .options += ["ro", "noexec"] else . end)'
	look 'cat /proc/self/mountinfo'
	has 'the flags of the first' "$(line_of /m)" ' /m ro,noexec'
}

# What the kernel maps twice, or not for the container's user namespace, is there already, or an error says why not.
t_idmap_of_what_the_container_mounts() {
	local first rest maps='"uidMappings": [{"containerID": 0, "hostID": 100000, "size": 9}], "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 9}]'
	root_only 'mapped ids of the host'"'"'s file systems are for root'
	in_user_namespace
	mkdir -p "$T/src/sub"
	cp "$T/b/config.json" "$T/plain.json"
	try_() { # FIRST OPTIONS REST
		cp "$T/plain.json" "$T/b/config.json"
		add_mounts --arg s "$T/src" --arg r "$T/b/rootfs" "[{destination: \"/first\"} + $1,
			{destination: \"/m\", type: \"bind\", source: (\$r + \"/first${3:-}\"), options: $2} ${4:-}]"
	}
	first='{type: "tmpfs", source: "t"}'
	try_ "$first" '["bind", "idmap"]'
	look ': >/m/file; stat -c "%u:%g" /m /first/file'
	eq 'owners on its own tmpfs' "$(tr '\n' ' ' <<<"$OUT")" '0:0 0:0 '
	try_ "$first" '["bind"]' '' "+ {$maps}"
	no '/first is on a file system of the container'"'"'s user namespace (mounts[' run -b "$T/b" "$ID"
	first='{type: "bind", source: $s, options: ["rbind", "idmap"]}'
	for rest in '' /sub; do
		try_ "$first" '["bind", "idmap"]' $rest
		look 'stat -c "%u:%g" /m'
		eq "owners of what is mapped$rest" "$OUT" 0:0
	done
	try_ "$first" '["bind"]' '' "+ {$maps}"
	no 'the ids of /first are mapped already, by mounts[' run -b "$T/b" "$ID"
	try_ '{type: "bind", source: $s, options: ["rbind"]}' '["bind", "idmap"]' /sub
	no 'no rights over the file system at /first/sub (mounts[' run -b "$T/b" "$ID"
	has hint "$ERR" "name the directory on the host as the source: it is below $T/src"
}

t_idmap_relative_to_the_container() {
	root_only 'mapped ids of the host'"'"'s file systems are for root'
	in_user_namespace
	# On disk 5 is 8 to 11 inside, which lie in two ranges of the container.
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s,
		options: ["rbind", "idmap=uids=@3-8-4#1000-200000-1;gids=@5-10-2#1000-200000-1"]}]'
	tree owners 1000:1000
	eq 'owners' "$(tr '\n' ' ' <<<"$OUT")" '10:11 65534:65534 '
}

t_idmap_of_a_joined_user_namespace() {
	root_only 'mapped ids of the host'"'"'s file systems are for root'
	in_user_namespace
	up
	local out
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s, options: ["rbind", "idmap"]}]'
	cfg --arg p "/proc/$PID/ns/user" '.linux.namespaces |= map(if .type == "user" then .path = $p else . end)'
	script_ 'stat -c "%u:%g" /m/file'
	ID2=$ID-two
	joined() {
		chown 5:6 "$T/src/file"
		R run -b "$T/b" "$ID2"
	}
	tree joined
	out=$OUT
	eq "status ($ERR)" "$RC" 0
	down
	eq 'owners' "$out" 5:6
}

t_idmap_refused() {
	prog /bin/true
	mkdir "$T/src"
	cp "$T/b/config.json" "$T/plain.json"
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s, options: ["bind", "idmap=uids=0-1"]}]'
	no 'cannot read "idmap=uids=0-1"' run -b "$T/b" "$ID"
	cp "$T/plain.json" "$T/b/config.json"
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s, options: ["bind"],
		uidMappings: [{containerID: 0, hostID: 1, size: 1}]}]'
	no gidMappings run -b "$T/b" "$ID"
	cp "$T/plain.json" "$T/b/config.json"
	add_mounts '[{destination: "/m", type: "bind", source: "/proc", options: ["rbind", "ridmap"],
		uidMappings: [{containerID: 0, hostID: 1, size: 1}], gidMappings: [{containerID: 0, hostID: 1, size: 1}]}]'
	if [ "$MODE" = rootless ]; then
		no 'needs CAP_SYS_ADMIN in the user namespace that mounted its file system' run -b "$T/b" "$ID"
		return
	fi
	no 'map the ids of /proc' run -b "$T/b" "$ID"
	has hint "$ERR" 'this kernel has no ID-mapped mounts'
	cp "$T/plain.json" "$T/b/config.json"
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s, options: ["bind", "idmap"]}]'
	no 'the container has no user namespace' run -b "$T/b" "$ID"
}

# In a user namespace as podman makes it: the file system belongs to it.
t_idmap_nested() {
	mkdir "$T/src"
	"$USRUN" spec --no-terminal -f - | jq --arg id "$ID" --arg s "$T/src" '.process.env += ["USRUN_TEST=" + $id]
		| .linux.resources = {} | .linux.namespaces |= map(select(.type != "cgroup" and .type != "network"))
		| .mounts |= map(select(.type != "cgroup" and .type != "sysfs")) | .process.args = ["/bin/stat", "-c", "%u:%g", "/m/file"]
		| .mounts += [{destination: "/m", type: "bind", source: $s, options: ["rbind"],
			uidMappings: [{containerID: 5, hostID: 7, size: 1}], gidMappings: [{containerID: 5, hostID: 8, size: 1}]}]' \
		>"$T/b/config.json"
	# shellcheck disable=SC2016
	as_podman env "U=${U[*]}" "T=$T" "ID=$ID" sh -ec '
		mount -t tmpfs x "$T/src"; : >"$T/src/file"; chown 5:5 "$T/src/file"; $U run -b "$T/b" "$ID"'
	eq owners "$OUT" 7:8
}

# --- attributes ---

all_below() { look 'grep " /[a-z]*/*[a-z]* " /proc/self/mountinfo; echo x 2>/dev/null >/rro/sub/new && echo written'; }

t_recursive_attributes() {
	root_only 'makes mounts on the host'
	add_mounts --arg s "$T/src" '[
		{destination: "/ro", type: "bind", source: $s, options: ["rbind", "ro"]},
		{destination: "/rro", type: "bind", source: $s, options: ["rbind", "rro", "rnosuid", "rnoexec", "rnodev"]},
		{destination: "/rtimes", type: "bind", source: $s, options: ["rbind", "rnoatime", "rnodiratime", "rnosymfollow"]},
		{destination: "/rback", type: "bind", source: $s, options: ["rbind", "rro", "rrw", "rstrictatime"]},
		{destination: "/rrel", type: "bind", source: $s, options: ["rbind", "rnoatime", "rrelatime"]},
		{destination: "/one", type: "bind", source: $s, options: ["bind", "rro"]},
		{destination: "/new", type: "tmpfs", source: "t", options: ["rnosuid", "rnoexec", "rnoatime"]}]'
	tree all_below
	local dir words word
	while read -r dir words; do
		for word in $words; do
			[[ ",$(line_of "$dir" | cut -d ' ' -f 6)," == *",$word,"* ]] || fail "$dir: no $word in $(line_of "$dir")"
		done
	done <<-END
		/ro ro
		/ro/sub rw
		/rro ro nosuid nodev noexec
		/rro/sub ro nosuid nodev noexec
		/rtimes rw noatime nodiratime nosymfollow
		/rtimes/sub rw noatime nodiratime nosymfollow
		/rback rw
		/rback/sub rw
		/rrel/sub relatime
		/one ro
		/new rw nosuid noexec noatime
	END
	hasnt '/rback/sub' "$(line_of /rback/sub | cut -d ' ' -f 6)" relatime
	hasnt 'one mount' "$OUT" ' /one/sub '
	hasnt output "$OUT" written
}

# What a mount of a more privileged user namespace forbids, stays.
locked() {
	mount -o remount,bind,nosuid,nodev,noexec,ro "$T/src"
	# shellcheck disable=SC2016
	OUT=$(unshare -Ur env "U=${U[*]}" "T=$T" "ID=$ID" sh -ec '
		$U create -b "$T/b" "$ID" >"$T/created"; $U explain "$ID"; $U start "$ID"
		while ! $U state "$ID" | grep -q stopped; do :; done; $U delete "$ID"; cat "$T/created"' 2>&1) || fail "$OUT"
}

t_locked_flags_are_kept() {
	root_only 'makes mounts on the host'
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s, options: ["rbind", "rw", "suid", "noatime", "nodiratime"]}]'
	jq '.linux.namespaces |= map(select(.type != "cgroup")) | .linux.resources = {}
		| .mounts |= map(select(.type != "cgroup") | if .options then .options |= map(select(startswith("gid=") | not)) else . end)' \
		"$T/b/config.json" >"$T/new" && mv "$T/new" "$T/b/config.json"
	prog /bin/grep ' /m ' /proc/self/mountinfo
	tree locked
	has 'what was said' "$OUT" 'kept as on the host, where it is locked: ro, nosuid, access times'
	has 'the mount' "$OUT" ' /m ro,nosuid,nodev,noexec,relatime '
}

t_remount() {
	add_mounts '[{destination: "/one", type: "tmpfs", source: "t", options: ["size=64k"]},
		{destination: "/one", type: "none", options: ["remount", "ro", "nosuid", "size=128k"]},
		{destination: "/dev/shm", type: "none", options: ["remount", "bind", "noatime"]}]'
	look 'cat /proc/self/mountinfo'
	has /one "$(line_of /one)" 'ro,nosuid,'
	has /one "$(line_of /one)" 'size=128k'
	has /dev/shm "$(line_of /dev/shm)" noatime
	eq 'number of mounts' "$(grep -c ' /one ' <<<"$OUT")" 1
	add_mounts '[{destination: "/tmp", type: "none", options: ["remount", "ro"]}]'
	no 'set attributes of /tmp' run -b "$T/b" "$ID"
	has hint "$ERR" 'an earlier entry must have mounted something there'
}

t_words_without_effect() {
	mkdir "$T/src"
	add_mounts --arg s "$T/src" '[
		{destination: "/a", type: "bind", source: $s, options: ["", "rbind", "", "mode=755", "size=1k", "defaults", "sync", "loud", "iversion"]},
		{destination: "b/c", type: "tmpfs", source: "t", options: ["sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand", "silent"]}]'
	script_ 'cat /proc/self/mountinfo'
	ok create -b "$T/b" "$ID"
	notes
	has 'said of data' "$OUT" '"mode=755" has no meaning for a bind mount'
	has 'said of relative destinations' "$OUT" 'is relative'
	down
	go
	has /b/c "$(line_of /b/c)" ' rw,dirsync'
	hasnt /b/c "$(line_of /b/c)" ' rw,sync'
	hasnt /b/c "$(line_of /b/c)" lazytime
	cfg --arg s "$T/src" '.mounts += [{destination: "/d", type: "bind", source: $s, options: ["rbind", "readonly"]}]'
	no 'bind mounts cannot have any filesystem-specific options applied, got "readonly"' run -b "$T/b" "$ID"
}

t_readonly_tmpfs_with_mounts_inside() {
	add_mounts '[{destination: "/t", type: "tmpfs", source: "t", options: ["ro", "mode=755"]},
		{destination: "/t/deep/er", type: "tmpfs", source: "t"}]'
	look 'cat /proc/self/mountinfo; echo x 2>/dev/null >/t/new && echo written; echo x >/t/deep/er/new && echo inner'
	has /t "$(line_of /t)" ' ro,'
	hasnt output "$OUT" written
	has output "$OUT" inner
}

t_long_options() {
	local long
	long=$(printf '%300s' '' | tr ' ' x)
	prog /bin/true
	cfg --arg l "lowerdir=/$long" '.mounts += [{destination: "/m", type: "overlay", source: "o", options: [$l]}]'
	no 'mount overlay on /m' run -b "$T/b" "$ID"
	long=$(printf '%70000s' '' | tr ' ' x)
	cfg --arg l "lowerdir=/$long" '.mounts[-1].options = [$l]'
	no 'less than a page' run -b "$T/b" "$ID"
}

t_overlay_of_many_layers() {
	local i lower=
	for ((i = 0; i < 12; i++)); do
		mkdir -p "$T/layers/number-$i-with-a-long-name"
		echo $i >"$T/layers/number-$i-with-a-long-name/file-$i"
		lower+=:$T/layers/number-$i-with-a-long-name
	done
	mkdir "$T/upper" "$T/work"
	cfg --arg l "lowerdir=${lower#:}" --arg u "upperdir=$T/upper" --arg w "workdir=$T/work" '.mounts += [{destination: "/m",
		type: "overlay", source: "overlay", options: [$l, $u, $w, "userxattr"]}]'
	look 'cat /m/file-0 /m/file-11; echo new >/m/new'
	eq files "$(tr '\n' ' ' <<<"$OUT")" '0 11 '
	eq upper "$(<"$T/upper/new")" new
}

t_overlay_in_one_word() {
	mkdir "$T/lower" "$T/upper" "$T/work"
	echo lower >"$T/lower/file"
	cfg --arg o "lowerdir=$T/lower,upperdir=$T/upper,workdir=$T/work" \
		'.mounts += [{destination: "/m", type: "overlay", source: "overlay", options: [$o]}]'
	look 'cat /m/file; echo new >/m/new'
	eq file "$OUT" lower
	eq upper "$(<"$T/upper/new")" new
}

t_nosymfollow() {
	mkdir "$T/src"
	echo data >"$T/src/file"
	ln -s file "$T/src/link"
	add_mounts --arg s "$T/src" '[{destination: "/a", type: "bind", source: $s, options: ["rbind", "nosymfollow"]},
		{destination: "/b", type: "bind", source: $s, options: ["rbind", "nosymfollow", "symfollow"]}]'
	look 'cat /a/link 2>/dev/null || echo refused; cat /b/link'
	eq output "$(tr '\n' ' ' <<<"$OUT")" 'refused data '
}

t_tmpcopyup() {
	mkdir -p "$T/b/rootfs/data/sub"
	echo one >"$T/b/rootfs/data/file"
	chmod 1750 "$T/b/rootfs/data/sub"
	ln -s nowhere "$T/b/rootfs/data/link"
	mkfifo "$T/b/rootfs/data/fifo"
	touch -d '2001-02-03 04:05:06 UTC' "$T/b/rootfs/data/file" "$T/b/rootfs/data/sub"
	[ "$MODE" = rootless ] || chown 3:4 "$T/b/rootfs/data/file"
	chmod 4755 "$T/b/rootfs/data/file"
	add_mounts '[{destination: "/data", type: "tmpfs", source: "t", options: ["tmpcopyup", "ro"]}]'
	local owner=3:4
	[ "$MODE" = root ] || owner=0:0
	look 'cd /data; stat -c "%a %F" file sub fifo; readlink link; cat file; echo x 2>/dev/null >new && echo written
		stat -c "%u:%g %Y" file; stat -c %Y sub'
	eq output "$(tr '\n' ';' <<<"$OUT")" "4755 regular file;1750 directory;644 fifo;nowhere;one;$owner 981173106;981173106;"
	add_mounts '[{destination: "/other", type: "proc", source: "t", options: ["tmpcopyup"]}]'
	no 'tmpcopyup is for tmpfs only' run -b "$T/b" "$ID"
}

# As lastlog of an image with high uids; as much memory as its size says has no machine.
t_tmpcopyup_of_a_file_with_holes() {
	mkdir -p "$T/b/rootfs/data"
	truncate -s 1T "$T/b/rootfs/data/holes"
	printf middle | dd of="$T/b/rootfs/data/holes" bs=1 seek=1000000000 conv=notrunc status=none
	truncate -s 10 "$T/b/rootfs/data/empty"
	add_mounts '[{destination: "/data", type: "tmpfs", source: "t", options: ["tmpcopyup", "size=1m"]}]'
	U=(timeout 60 "${U[@]}")
	look 'cd /data; stat -c "%s %n" empty holes; dd if=holes bs=1 skip=1000000000 count=6 2>/dev/null'
	eq output "$OUT" "$(printf '10 empty\n1099511627776 holes\nmiddle')"
}

t_tmpcopyup_of_a_deep_tree() {
	mkdir "$T/b/rootfs/data"
	python3 - "$T/b/rootfs/data" <<-'END'
		import os, sys
		os.chdir(sys.argv[1])
		for i in range(1200):
		    for name in ("a", "n" * 200, "z"):
		        os.mkdir(name)
		    os.chmod("z", 0o711)
		    open("file", "w").close()
		    os.chdir("n" * 200)
	END
	add_mounts '[{destination: "/data", type: "tmpfs", source: "t", options: ["tmpcopyup", "mode=700"]}]'
	up
	eq 'levels, files and modes' "$(python3 - "/proc/$PID/root/data" <<-'END'
		import os, sys
		os.chdir(sys.argv[1])
		levels = files = modes = 0
		while os.path.isdir("n" * 200):
		    files += os.path.isfile("file")
		    modes += os.path.isdir("a") and os.stat("z").st_mode & 0o777 == 0o711
		    levels += 1
		    os.chdir("n" * 200)
		print(levels, files, modes)
	END
	)" '1200 1200 1200'
	down
}

t_tmpcopyup_of_many_attributes() {
	root_only 'trusted.* is for root'
	mkdir "$T/b/rootfs/data"
	mount -t tmpfs tmpfs "$T/b/rootfs/data"
	touch "$T/b/rootfs/data/file"
	python3 - "$T/b/rootfs/data/file" <<-'END'
		import os, sys
		for i in range(40):
		    os.setxattr(sys.argv[1], f"trusted.{i}." + "n" * 200, b"v" * 5000)
	END
	add_mounts '[{destination: "/data", type: "tmpfs", source: "t", options: ["tmpcopyup"]}]'
	up
	eq 'attributes kept' "$(python3 -c 'import os, sys; print(sum(len(os.getxattr(sys.argv[1], n)) == 5000
		for n in os.listxattr(sys.argv[1])))' "/proc/$PID/root/data/file")" 40
	down
	umount "$T/b/rootfs/data"
}

# --- propagation ---

all_propagations() {
	mount --make-rshared "$T/src"
	HOSTS=$(</proc/self/mountinfo)
	look 'cat /proc/self/mountinfo'
}

t_propagation_words() {
	root_only 'makes mounts on the host'
	local word
	for word in shared rshared slave rslave private rprivate unbindable runbindable; do
		add_mounts --arg s "$T/src" --arg w "$word" '[{destination: ("/" + $w), type: "bind", source: $s, options: ["rbind", $w]}]'
	done
	add_mounts --arg s "$T/src" '[{destination: "/none", type: "bind", source: $s, options: ["rbind"]},
		{destination: "/tmpfs", type: "tmpfs", source: "t", options: ["shared"]}]'
	tree all_propagations
	for word in shared rshared slave rslave private rprivate unbindable runbindable; do
		case $word in
		*shared) [[ "$(peers_of "/$word")" == shared:* ]] || fail "$word: $(line_of "/$word")" ;;
		*slave) [[ "$(peers_of "/$word")" == master:* ]] || fail "$word: $(line_of "/$word")" ;;
		*private) eq "$word" "$(peers_of "/$word")" '' ;;
		*unbindable) eq "$word" "$(peers_of "/$word")" unbindable ;;
		esac
		[[ $word != r* ]] || eq "$word of what is below" "$(peers_of "/$word/sub" | sed 's/[0-9]*$//')" "$(peers_of "/$word" | sed 's/[0-9]*$//')"
	done
	eq 'without a word' "$(peers_of /none)$(peers_of /none/sub)" ''
	[[ "$(peers_of /tmpfs)" == shared:* ]] || fail "tmpfs: $(line_of /tmpfs)"
}

# Each word acts on what those before it have made, as in mount(8): whoever has left the host's peers does not come back.
t_propagation_words_in_turn() {
	root_only 'makes mounts on the host'
	local words
	for words in rslave,rshared rprivate,rshared runbindable,rshared rslave,rprivate,rshared rprivate,rslave rshared,rslave; do
		add_mounts --arg s "$T/src" --arg w "$words" \
			'[{destination: ("/" + $w), type: "bind", source: $s, options: (["rbind"] + ($w | split(",")))}]'
	done
	add_mounts --arg s "$T/src" '[{destination: "/again", type: "bind", source: $s, options: ["rbind", "rshared"]},
		{destination: "/again", options: ["remount", "rslave", "rshared"]}]'
	tree all_propagations
	for words in /rslave,rshared /again; do
		[[ "$(peers_of "$words")" == shared:*\ master:* ]] || fail "$words: $(line_of "$words")"
		[[ "$(peers_of "$words/sub")" == shared:*\ master:* ]] || fail "$words/sub: $(line_of "$words/sub")"
	done
	for words in rprivate,rshared runbindable,rshared rslave,rprivate,rshared; do
		[[ "$(peers_of "/$words")" =~ ^shared:[0-9]+$ ]] || fail "$words: $(line_of "/$words")"
		hasnt "$words: a peer of the host's" "$HOSTS" " $(peers_of "/$words") "
	done
	eq rprivate,rslave "$(peers_of /rprivate,rslave)" ''
	[[ "$(peers_of /rshared,rslave)" == master:* ]] || fail "$(line_of /rshared,rslave)"
	ok explain -b "$T/b"
	has explain "$OUT" ' rslave rshared'
}

# A word that is not recursive leaves what is below its mount to the kernel.
t_propagation_below_a_word() {
	root_only 'makes mounts on the host'
	local word peers
	add_mounts --arg s "$T/src" '[("private", "slave", "unbindable", "shared")
		| {destination: ("/" + .), type: "bind", source: $s, options: ["rbind", .]}]'
	tree all_propagations
	[[ "$(peers_of /slave)" == master:* ]] || fail "$(line_of /slave)"
	[[ "$(peers_of /slave/sub)" == master:* ]] || fail "$(line_of /slave/sub)"
	for word in private unbindable; do eq "below $word" "$(peers_of "/$word/sub")" ''; done
	in_user_namespace
	tree all_propagations
	for word in private unbindable; do eq "below $word in a user namespace" "$(peers_of "/$word/sub")" ''; done
	for word in slave shared; do
		peers=$(peers_of "/$word/sub")
		[[ "$peers" == *master:* ]] || fail "$word/sub in a user namespace: $peers"
		hasnt "$word/sub: a peer of the host's" "$HOSTS" " ${peers%% *} "
	done
}

appears() { # a mount of the host, made while the container runs
	mount --make-rshared "$T/src"
	up
	mkdir "$T/src/later"
	mount -t tmpfs later "$T/src/later"
	touch "$T/src/later/there"
	inside /bin/sh -c 'ls /slave/later /private/later'
	SEEN=$OUT
	inside /bin/mount -t tmpfs back /shared/sub
	grep -c "$T/src/sub" /proc/self/mountinfo >"$T/count"
	umount "$T/src/later"
	down
	umount "$T/src/sub"
}

t_propagation_works() {
	root_only 'makes mounts on the host'
	caps SYS_ADMIN
	add_mounts --arg s "$T/src" '[{destination: "/slave", type: "bind", source: $s, options: ["rbind", "rslave"]},
		{destination: "/private", type: "bind", source: $s, options: ["rbind", "rprivate"]},
		{destination: "/shared", type: "bind", source: $s, options: ["rbind", "rshared"]}]'
	tree appears
	eq 'seen through the slave alone' "$(tr -s '\n' ' ' <<<"$SEEN")" '/private/later: /slave/later: there '
	eq 'mounts of the host on sub' "$(<"$T/count")" 2
}

# Root of a user namespace must not mount on the host, whatever is shared.
t_shared_in_a_user_namespace() {
	root_only 'makes mounts on the host'
	in_user_namespace
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s, options: ["rbind", "rshared"]}]'
	tree all_propagations
	[[ "$(peers_of /m)" == shared:*\ master:* ]] || fail "$(line_of /m)"
	[[ "$(peers_of /m/sub)" == shared:*\ master:* ]] || fail "$(line_of /m/sub)"
}

t_rootfs_propagation_values() {
	local word
	mkdir "$T/src"
	add_mounts --arg s "$T/src" '[{destination: "/b", type: "bind", source: $s, options: ["rbind", "rprivate"]}]'
	for word in shared rshared slave rslave private rprivate unbindable runbindable; do
		cfg --arg w "$word" '.linux.rootfsPropagation = $w'
		look 'cat /proc/self/mountinfo'
		case $word in
		*shared) [[ "$(peers_of /)" == shared:* ]] || fail "$word: $(line_of /)" ;;
		*slave) hasnt "$word" "$(peers_of /)" shared ;;
		*private) eq "$word" "$(peers_of /)" '' ;;
		*unbindable) eq "$word" "$(peers_of /)" unbindable ;;
		esac
		case $word in
		rshared)
			[[ "$(peers_of /dev/shm)" == shared:* ]] || fail "$word: $(line_of /dev/shm)"
			eq "$word, with a word of its own" "$(peers_of /b)" ''
			;;
		shared | private) eq "$word: /dev/shm" "$(peers_of /dev/shm)" '' ;;
		runbindable) eq "$word: /dev/shm" "$(peers_of /dev/shm)" unbindable ;;
		esac
	done
}

# crun undoes it: a bind that is shared with the host stays so below a private rootfs.
t_rootfs_propagation_leaves_binds_alone() {
	root_only 'makes mounts on the host'
	add_mounts --arg s "$T/src" '[{destination: "/shared", type: "bind", source: $s, options: ["rbind", "rshared"]}]'
	cfg '.linux.rootfsPropagation = "rprivate"'
	tree all_propagations
	[[ "$(peers_of /shared)" == shared:* ]] || fail "$(line_of /shared)"
	eq / "$(peers_of /)" ''
}

# --- links ---

t_copy_symlink() {
	ln -s over/there "$T/link"
	echo data >"$T/file"
	add_mounts --arg s "$T" '[{destination: "/a/link", type: "bind", source: ($s + "/link"), options: ["rbind", "copy-symlink"]},
		{destination: "/file", type: "bind", source: ($s + "/file"), options: ["rbind", "copy-symlink"]}]'
	look 'readlink /a/link; cat /file'
	eq output "$(tr '\n' ' ' <<<"$OUT")" 'over/there data '
	go # the same link may be there
	rm "$T/b/rootfs/a/link"
	echo x >"$T/b/rootfs/a/link"
	no 'is not a link to "over/there"' run -b "$T/b" "$ID"
}

# A mount of it would be closed unattached: a grace period of the kernel for each.
t_copy_symlink_mounts_none() {
	root_only 'newuidmap gets no rights under strace'
	command -v strace >/dev/null || skip 'needs strace'
	ln -s over/there "$T/link"
	add_mounts --arg s "$T" '[{destination: "/a/link", type: "bind", source: ($s + "/link"), options: ["rbind", "copy-symlink"]}]'
	prog /bin/true
	strace -f -qq -e trace=open_tree,readlinkat -o "$T/calls" "${U[@]}" run -b "$T/b" "$ID" || fail 'the run to count calls failed'
	has 'what is read' "$(<"$T/calls")" '"over/there"'
	eq 'mounts of it' "$(grep -c "open_tree.*\"$T/link\"" "$T/calls")" 0
}

t_nofollow() {
	echo data >"$T/file"
	ln -s "$T/file" "$T/link"
	ln -s /tmp/target "$T/b/rootfs/link"
	echo covered >"$T/b/rootfs/tmp/target"
	add_mounts --arg s "$T" '[{destination: "/src", type: "bind", source: ($s + "/link"), options: ["bind", "src-nofollow"]},
		{destination: "/link", type: "bind", source: ($s + "/file"), options: ["bind", "dest-nofollow"]}]'
	look 'readlink /src; cat /link /tmp/target; grep " /tmp/target " /proc/self/mountinfo'
	eq output "$(tr '\n' ' ' <<<"$OUT")" "$T/file data covered "
	# Without the word the link is followed, inside the rootfs.
	cfg '.mounts[-1].options = ["bind"]'
	look 'cat /tmp/target'
	eq followed "$OUT" data
}

t_dest_nofollow_not_in_proc() {
	prog /bin/true
	echo data >"$T/file"
	add_mounts --arg s "$T" '[{destination: "/p", type: "bind", source: "/proc", options: ["rbind"]},
		{destination: "/p/self", type: "bind", source: ($s + "/file"), options: ["bind", "dest-nofollow"]}]'
	no 'cannot be mounted because it is inside /proc' run -b "$T/b" "$ID"
}

t_sources_of_every_kind() {
	mkfifo "$T/fifo"
	echo data >"$T/file"
	perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "sock", Listen => 1) or die' 2>/dev/null || skip 'needs perl'
	add_mounts --arg s "$T" '[{destination: "/a/fifo", type: "bind", source: ($s + "/fifo"), options: ["bind"]},
		{destination: "/a/sock", type: "bind", source: ($s + "/sock"), options: ["bind", "ro"]},
		{destination: "/a/file", type: "bind", source: ($s + "/file"), options: ["bind"]},
		{destination: "/a/null", type: "bind", source: "/dev/null", options: ["bind"]},
		{destination: "/etc/passwd", type: "bind", source: ($s + "/file"), options: ["bind", "ro"]},
		{destination: "/rel", type: "bind", source: "../file", options: ["bind"]}]'
	look 'cd /a; stat -c %F fifo sock file null; cat /etc/passwd /rel; echo x 2>/dev/null >/etc/passwd && echo written'
	eq output "$(tr '\n' ';' <<<"$OUT")" 'fifo;socket;regular file;character special file;data;data;'
}

# /etc/resolv.conf of many images is a link to a file that is not in them.
t_destination_behind_a_dangling_link() {
	echo data >"$T/file"
	mkdir -p "$T/b/rootfs/etc" "$T/dir"
	ln -s ../run/systemd/resolve/stub-resolv.conf "$T/b/rootfs/etc/resolv.conf"
	ln -s /var/lib/there "$T/b/rootfs/data"
	add_mounts --arg s "$T" '[{destination: "/etc/resolv.conf", type: "bind", source: ($s + "/file"), options: ["bind", "ro"]},
		{destination: "/data/below", type: "bind", source: ($s + "/dir"), options: ["rbind"]}]'
	look 'cat /etc/resolv.conf /run/systemd/resolve/stub-resolv.conf; test -d /var/lib/there/below && echo made'
	eq output "$(tr '\n' ' ' <<<"$OUT")" 'data data made '
}

t_order_of_mounts() {
	mkdir -p "$T/b/rootfs/mnt" "$T/dir/sub"
	echo data >"$T/dir/sub/file"
	echo below >"$T/b/rootfs/mnt/file"
	add_mounts --arg s "$T/dir" --arg r "$T/b/rootfs" '[
		{destination: "/before", type: "bind", source: ($r + "/mnt"), options: ["rbind"]},
		{destination: "/mnt", type: "bind", source: $s, options: ["rbind"]},
		{destination: "/after", type: "bind", source: ($r + "/mnt/sub"), options: ["rbind", "ro"]},
		{destination: "/rel", type: "bind", source: "rootfs/mnt", options: ["rbind"]},
		{destination: "/mnt/sub", type: "tmpfs", source: "t"}]'
	look 'cat /before/file /after/file /rel/sub/file; ls -A /mnt/sub; echo x 2>/dev/null >/after/new && echo written'
	eq output "$(tr '\n' ' ' <<<"$OUT")" 'below data data '
}

# A place in a tmpfs of the container's own is made by its name there: not where something covers that tmpfs by then,
# and not where what was copied up has a link.
t_places_in_an_own_tmpfs() {
	mkdir -p "$T/src/b" "$T/b/rootfs/up" "$T/b/rootfs/aim"
	ln -s ../aim "$T/b/rootfs/up/link"
	add_mounts --arg s "$T/src" '[
		{destination: "/a/b", type: "tmpfs", source: "low"},
		{destination: "/a/b/low", type: "tmpfs", source: "covered"},
		{destination: "/a", type: "bind", source: $s, options: ["rbind"]},
		{destination: "/a/b/c", type: "tmpfs", source: "high"},
		{destination: "/up", type: "tmpfs", source: "copied", options: ["tmpcopyup"]},
		{destination: "/up/link", type: "tmpfs", source: "followed"},
		{destination: "/up/new/deep", type: "tmpfs", source: "deep"}]'
	look 'ls /a/b; for i in high followed deep; do grep " $i " /proc/self/mountinfo | cut -d " " -f 5; done; readlink /up/link'
	eq output "$(tr '\n' ' ' <<<"$OUT")" 'c /a/b/c /aim /up/new/deep ../aim '
}

t_missing_source() {
	prog /bin/true
	add_mounts '[{destination: "/a", type: "bind", source: "/not/there", options: ["rbind"]}]'
	no '/not/there' run -b "$T/b" "$ID"
	cfg '.mounts[-1] = {destination: "/a", source: "x"}'
	no 'required unless the options include bind or rbind' run -b "$T/b" "$ID"
	cfg '.mounts[-1] = {destination: "/a", type: "nosuchfs", source: "x"}'
	no 'file system "nosuchfs"' run -b "$T/b" "$ID"
	cfg '.mounts[-1] = {destination: "/a", type: "tmpfs", source: "x", options: ["size=many"]}'
	no "Bad value for 'size'" run -b "$T/b" "$ID"
	[[ "$ERR" != *$'\n'* ]] || fail "more than a line: $ERR"
	# Docker looks for these words.
	cfg '.mounts[-1] = {destination: "/tmp", type: "bind", source: "/etc/passwd", options: ["bind"]}'
	no 'mount /etc/passwd on /tmp: not a directory' run -b "$T/b" "$ID"
	cfg '.mounts[-1] = {destination: "/etc/passwd", type: "tmpfs", source: "x"}'
	no 'mount x on /etc/passwd: not a directory' run -b "$T/b" "$ID"
	has hint "$ERR" 'only a directory can be mounted on a directory, and only a file on a file'
	cfg '.mounts[-1] = {destination: "/a", type: "ext4", source: "/not/there"}'
	R run -b "$T/b" "$ID"
	[ "$RC" != 0 ] || fail 'mounted a device that is not there'
	[[ "$ERR" != *$'\n\n'* ]] || fail "an empty line: $ERR"
	cfg '.mounts[-1] = {destination: "/", type: "proc", source: "x"}'
	no '/ cannot be the target of this kind of mount' run -b "$T/b" "$ID"
	cfg '.mounts[-1] = {destination: "/", type: "bind", source: "/etc/passwd", options: ["bind"]}'
	no 'mount /etc/passwd on /: not a directory' run -b "$T/b" "$ID"
}

# What is mounted on / is the root from there on, for the later mounts too.
t_mount_on_the_root() {
	local before
	cp -r "$T/b/rootfs" "$T/other"
	echo other >"$T/other/which"
	chmod 755 "$T/other"
	before=$(cd "$T/b/rootfs" && find . | sort)
	cfg --arg s "$T/other" '.mounts = [{destination: "/", type: "bind", source: $s, options: ["rbind"]}] + .mounts +
		[{destination: "/later/place", type: "tmpfs", source: "x"}] | .process.cwd = "/work"'
	sh_run 'cat /which; pwd; echo x >/later/place/f; ls /later/place; readlink /proc/self/exe'
	eq output "$(tr '\n' ' ' <<<"$OUT")" 'other /work f /bin/busybox '
	eq 'the rootfs below' "$(cd "$T/b/rootfs" && find . | sort)" "$before"
	cfg '.root.readonly = true'
	sh_run 'touch /file 2>/dev/null || echo read-only'
	eq 'read-only' "$OUT" read-only
	cfg '.root.readonly = false | .mounts[0] = {destination: "/", type: "tmpfs", source: "x"}'
	no 'exec: "/bin/sh": stat /bin/sh: no such file or directory' run -b "$T/b" "$ID"
}

t_destination_below_the_path_of_the_rootfs() {
	add_mounts --arg d "$T/b/rootfs/tmp/place" '[{destination: $d, type: "tmpfs", source: "marked"}]'
	sh_run 'grep marked /proc/self/mountinfo | cut -d " " -f 5'
	eq place "$OUT" /tmp/place
}

t_mounts_in_a_readonly_rootfs() {
	mkdir "$T/src"
	cfg '.root.readonly = true'
	add_mounts --arg s "$T/src" '[{destination: "/made/deep", type: "bind", source: $s, options: ["rbind"]}]'
	look 'echo x >/made/deep/file && echo written; echo x 2>/dev/null >/made/new && echo too much'
	eq output "$OUT" written
}

# --- hostile root file systems ---

t_proc_must_be_a_directory() {
	local what
	prog /bin/true
	for what in proc sys; do
		rmdir "$T/b/rootfs/$what"
		mkdir -p "$T/b/rootfs/evil/$what"
		ln -s "evil/$what" "$T/b/rootfs/$what"
		no 'must be mounted on ordinary directory' run -b "$T/b" "$ID"
		rm "$T/b/rootfs/$what"
		echo x >"$T/b/rootfs/$what"
		no 'must be mounted on ordinary directory' run -b "$T/b" "$ID"
		rm "$T/b/rootfs/$what"
		mkdir "$T/b/rootfs/$what"
	done
	eq 'mounted elsewhere' "$(ls -A "$T/b/rootfs/evil/proc")" ''
}

t_false_proc() {
	mkdir -p "$T/fake/self/attr" "$T/fake/sys/net/ipv4"
	prog /bin/true
	cfg --arg s "$T/fake" '.mounts |= map(if .destination == "/proc" then {destination: "/proc", type: "bind", source: $s, options: ["rbind"]} else . end)'
	no '"/proc" cannot be mounted because it is not of type proc' run -b "$T/b" "$ID"
	# A part of the true one is none either.
	cfg '.mounts |= map(if .destination == "/proc" then .source = "/proc/self" else . end)'
	no '"/proc" cannot be mounted because it is not of type proc' run -b "$T/b" "$ID"
}

t_mounts_over_proc() {
	local dir word
	mkdir "$T/src"
	echo fake >"$T/file"
	prog /bin/true
	cp "$T/b/config.json" "$T/plain.json"
	for dir in /proc/self /proc/self/attr /proc/1 /proc/sys /proc/sys/net /proc/sysrq-trigger /x/../proc/sys proc/sys //proc//self/; do
		add_mounts --arg d "$dir" '[{destination: $d, type: "tmpfs", source: "x"}]'
		no 'cannot be mounted because it is inside /proc' run -b "$T/b" "$ID"
		cp "$T/plain.json" "$T/b/config.json"
	done
	# By a link of the image.
	for dir in /proc/sys/net /proc/self /proc /proc/thread-self/attr /proc/self/root/proc/sys; do
		ln -sfn $dir "$T/b/rootfs/lnk"
		add_mounts --arg s "$T/src" '[{destination: "/lnk", type: "bind", source: $s, options: ["rbind"]}]'
		word='cannot be mounted because it is inside /proc'
		[[ $dir != *root* ]] || word='.destination: open /lnk in the rootfs'
		no "$word" run -b "$T/b" "$ID"
		cp "$T/plain.json" "$T/b/config.json"
	done
	rm "$T/b/rootfs/lnk"
	add_mounts --arg f "$T/file" '[("uptime", "meminfo", "cpuinfo", "stat", "loadavg", "swaps", "diskstats")
		| {destination: ("/proc/" + .), type: "bind", source: $f, options: ["bind"]}]'
	look 'cat /proc/uptime /proc/swaps'
	eq 'what lxcfs does' "$(tr '\n' ' ' <<<"$OUT")" 'fake fake '
}

t_links_at_mount_targets() {
	local victim=$T/victim name
	mkdir "$victim" "$T/src"
	echo canary >"$victim/file"
	ln -s "$victim" "$T/b/rootfs/abs"
	ln -s "../../../../../../../../..$victim" "$T/b/rootfs/up"
	ln -s "$victim/made" "$T/b/rootfs/dangling"
	prog /bin/true
	cp "$T/b/config.json" "$T/plain.json"
	for name in abs/dir up/dir up/file dangling dangling/dir; do
		add_mounts --arg s "$T/src" --arg f "$victim/file" --arg d "/$name" '[
			{destination: $d, type: "bind", source: $s, options: ["rbind"]},
			{destination: ($d + "-file"), type: "bind", source: $f, options: ["bind"]}]'
		R run -b "$T/b" "$ID"
		cp "$T/plain.json" "$T/b/config.json"
		eq "in the host's directory after /$name" "$(ls "$victim")" file
	done
	cfg '.process.cwd = "/abs/cwd"'
	R run -b "$T/b" "$ID"
	eq "in the host's directory after the cwd" "$(ls "$victim")" file
}

# --- file systems of the kernel ---

t_proc_of_the_host() {
	rootless_only 'root mounts a new one'
	cfg '.linux.namespaces |= map(select(.type != "pid"))'
	script_ 'readlink /proc/self >/dev/null && echo there'
	R run -b "$T/b" "$ID"
	eq "output ($ERR)" "$OUT" there
}

t_sysfs_without_a_network_namespace() {
	cfg '.linux.namespaces |= map(select(.type != "network"))'
	prog /bin/sleep 1000
	ok create -b "$T/b" "$ID"
	notes
	if [ "$MODE" = rootless ]; then
		has 'what was said' "$OUT" "the host's /sys is bound on /sys"
	else
		hasnt 'what was said' "$OUT" 'is bound on /sys'
	fi
	down
	look 'ls /sys/class/net/lo >/dev/null && echo there; touch /sys/new 2>/dev/null; grep -c " /sys ro" /proc/self/mountinfo'
	eq output "$(tr '\n' ' ' <<<"$OUT")" 'there 1 '
}

t_mqueue_without_an_ipc_namespace() {
	cfg '.linux.namespaces |= map(select(.type != "ipc"))'
	prog /bin/true
	if [ "$MODE" = root ] || grep -q ' /dev/mqueue ' /proc/self/mountinfo; then
		go
	else
		no 'mount mqueue on /dev/mqueue' run -b "$T/b" "$ID"
	fi
}

t_devpts_without_the_tty_group() {
	rootless_only 'maps a single id'
	cfg '.mounts |= map(if .type == "devpts" then .options += ["gid=5"] else . end)'
	prog /bin/sleep 1000
	ok create -b "$T/b" --map=single "$ID"
	notes
	has 'what was said' "$OUT" '"gid=5" is dropped: the container has no such id'
	down
	look 'ls /dev/pts'
	has '/dev/pts' "$OUT" ptmx
}

# Every hierarchy of the host is shown, and what the container sees of it is its own part.
t_cgroup_mount() {
	local own
	cfg '.mounts |= map(select(.type != "cgroup")) + [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
		options: ["nosuid", "noexec", "nodev", "relatime", "ro"]}]'
	[ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ] || own=cgroup2
	look 'cat /proc/self/cgroup; cat /proc/self/mountinfo; ls /sys/fs/cgroup; mkdir /sys/fs/cgroup/new 2>/dev/null && echo made
		for d in /sys/fs/cgroup/*/; do mkdir $d/new 2>/dev/null && echo made in $d; done'
	hasnt output "$OUT" made
	has 'the mount' "$(line_of /sys/fs/cgroup)" ' ro,nosuid,nodev,noexec'
	if [ -n "${own:-}" ]; then
		has 'the mount' "$(line_of /sys/fs/cgroup)" cgroup2
	else
		has 'the hierarchies' "$OUT" ' /sys/fs/cgroup/memory ro,nosuid,nodev,noexec'
	fi
	hasnt 'own cgroup' "$(grep -m1 : <<<"$OUT")" "$ID"
}

t_cgroup_mount_without_a_cgroup_namespace() {
	cfg '.linux.namespaces |= map(select(.type != "cgroup")) | .mounts |= map(select(.type != "cgroup"))
		+ [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "ro"]}]'
	look 'cat /proc/self/mountinfo; for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir $d/new 2>/dev/null && echo made in $d; done'
	hasnt output "$OUT" 'made in'
	has 'the mount' "$(line_of /sys/fs/cgroup)" ' ro,nosuid,nodev,noexec'
}

# Runs usrun with only a v2 tree, or only v1 hierarchies (two with other names), at /sys/fs/cgroup: OUT.
in_view() { # v1|v2 ARG...
	local view=$1 group=/sys/fs/cgroup/unified/view-$ID
	shift
	[ -d "${group%/*}" ] || skip 'needs a v2 tree at /sys/fs/cgroup/unified'
	mkdir "$group"
	# shellcheck disable=SC2016
	OUT=$(sh -ec 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$group" unshare -mC --propagation private sh -ec '
		view=$1; shift
		if [ $view = v2 ]; then
			umount -lR /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; mkdir -p /sys/fs/cgroup/caller
			echo $$ >/sys/fs/cgroup/caller/cgroup.procs
		else
			mkdir /tmp/'"$ID"'; mount --move /sys/fs/cgroup /tmp/'"$ID"'; mount -t tmpfs x /sys/fs/cgroup; cd /sys/fs/cgroup
			mkdir memory cpu,cpuacct pids; mount --bind /tmp/'"$ID"'/memory memory
			mount --bind /tmp/'"$ID"'/cpu cpu,cpuacct; mount --bind /tmp/'"$ID"'/pids pids
			umount -lR /tmp/'"$ID"'; rmdir /tmp/'"$ID"'; cd /
		fi
		exec "$@"' sh "$view" "${U[@]}" "$@" 2>&1) || fail "$OUT"
	find "$group" -depth -type d -exec rmdir {} \;
}

t_cgroup_mount_on_v2() {
	root_only 'makes the view'
	cfg '.linux.resources = {}'
	script_ 'cat /proc/self/cgroup; grep " /sys/fs/cgroup" /proc/self/mountinfo; ls /sys/fs/cgroup/cgroup.procs
		mkdir /sys/fs/cgroup/new 2>/dev/null && echo made; true'
	in_view v2 run -b "$T/b" "$ID"
	has 'own cgroup' "$OUT" '0::/'
	has 'the mount' "$(line_of /sys/fs/cgroup)" ' / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime'
	has 'a file' "$OUT" $'\n/sys/fs/cgroup/cgroup.procs'
	hasnt output "$OUT" made
	cfg '.linux.namespaces |= map(select(.type != "cgroup"))'
	in_view v2 run -b "$T/b" "$ID"
	has 'own cgroup' "$OUT" "/usrun-$ID"
	has 'the mount' "$(line_of /sys/fs/cgroup)" ' /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime'
	hasnt output "$OUT" made
}

t_cgroup_mount_on_v1() {
	root_only 'makes the view'
	local way
	cfg '.linux.resources = {}'
	script_ 'cd /sys/fs/cgroup; grep " /sys/fs/cgroup" /proc/self/mountinfo; ls; readlink cpu; readlink cpuacct; ls memory/cgroup.procs cpu/cgroup.procs
		for d in . memory cpuacct; do mkdir $d/new 2>/dev/null && echo made; done; true'
	for way in with without; do
		[ $way = with ] || cfg '.linux.namespaces |= map(select(.type != "cgroup"))'
		in_view v1 run -b "$T/b" "$ID"
		has "$way: the mount" "$(line_of /sys/fs/cgroup)" ' ro,nosuid,nodev,noexec,relatime'
		has "$way: a hierarchy" "$(line_of /sys/fs/cgroup/memory)" ' ro,nosuid,nodev,noexec,relatime'
		has "$way: two in one" "$(line_of /sys/fs/cgroup/cpu,cpuacct)" ' ro,nosuid,nodev,noexec,relatime'
		eq "$way: links" "$(grep -cx cpu,cpuacct <<<"$OUT")" 3
		has "$way: a file" "$OUT" $'\nmemory/cgroup.procs'
		has "$way: a file" "$OUT" $'cpu/cgroup.procs'
		hasnt "$way: output" "$OUT" made
		hasnt "$way: output" "$OUT" unified
	done
}

# --- nested ---

t_nested_as_podman_does() {
	"$USRUN" spec --no-terminal -f - | jq --arg id "$ID" '.process.env += ["USRUN_TEST=" + $id]
		| .linux.resources = {} | .linux.namespaces |= map(select(.type != "cgroup"))
		| .mounts |= map(select(.type != "cgroup"))' >"$T/b/config.json"
	[ "$MODE" = root ] || chmod 777 "$T/b/rootfs/dev"
	prog /bin/sh -c 'echo hello >/dev/null; cat /dev/zero | head -c 3 | od -An -tx1; stat -c %g /dev/pts/ptmx; id -u'
	as_podman "${U[@]}" run -b "$T/b" "$ID"
	has output "$OUT" ' 00 00 00'
	eq uid "$(tail -n 1 <<<"$OUT")" 0
	# The other kind, with a network of the host: sysfs cannot be made anew.
	cfg '.linux.namespaces |= map(select(.type != "network"))'
	as_podman "${U[@]}" run -b "$T/b" "$ID"
	eq uid "$(tail -n 1 <<<"$OUT")" 0
}

t_nested_with_one_id() {
	"$USRUN" spec --no-terminal -f - | jq --arg id "$ID" '.process.env += ["USRUN_TEST=" + $id]
		| .linux.resources = {} | .linux.namespaces |= map(select(.type != "cgroup"))
		| .mounts |= map(select(.type != "cgroup"))' >"$T/b/config.json"
	prog /bin/id -u
	OUT=$(unshare -Urm "${U[@]}" run -b "$T/b" "$ID" 2>&1) || fail "$OUT"
	eq uid "$OUT" 0
}

t_masked_outer_proc_is_explained() {
	local how=(unshare -Urm)
	[ "$(grep -c ' - proc ' /proc/self/mountinfo)" = 1 ] || skip 'another procfs is mounted, and not masked'
	"$USRUN" spec --rootless --no-terminal -f - | jq --arg id "$ID" '.process.env += ["USRUN_TEST=" + $id]' >"$T/b/config.json"
	prog /bin/true
	# shellcheck disable=SC2016
	OUT=$("${how[@]}" env "U=${U[*]}" "T=$T" "ID=$ID" sh -c 'mount -t tmpfs x /proc/acpi 2>/dev/null || mount -t tmpfs x /proc/fs
		unshare -Urm $U run -b "$T/b" "$ID"' 2>&1) && fail "succeeded: $OUT"
	has error "$OUT" 'mount proc on /proc'
	has hint "$OUT" 'an outer container masks parts of /proc'
}

t_features_of_mounts() {
	ok features
	jq -e '.linux.mountExtensions.idmap.enabled and (["rro", "rrw", "ridmap", "rbind", "copy-symlink", "tmpcopyup", "rnodev",
		"nosymfollow", "runbindable", "ro"] - .mountOptions == [])' <<<"$OUT" >/dev/null || fail "features: $OUT"
}

t_no_pivot() {
	mkdir "$T/src"
	add_mounts --arg s "$T/src" '[{destination: "/m", type: "bind", source: $s, options: ["rbind"]}]'
	cfg '.root.readonly = true'
	script_ 'ls -d /home /root 2>/dev/null; grep -c " / ro" /proc/self/mountinfo; touch /m/file && echo written'
	go --no-pivot
	eq output "$(tr '\n' ' ' <<<"$OUT")" '/root 1 written '
}

# The host's own procfs, still there below the root, would let the kernel mount another without masks.
t_no_pivot_shows_no_bare_proc() {
	local pid
	caps SETFCAP # to map uid 0
	prog /bin/busybox unshare -mrpf /bin/sh -c 'mount -t proc none /tmp || mount -t sysfs none /tmp'
	R run --no-pivot -b "$T/b" "$ID"
	eq 'refusals' "$(grep -ic 'mount:.* denied' <<<"$ERR")" 2
	[ "$RC" = 1 ] || fail "exit status $RC"
	prog /bin/sleep 1000
	ok run -d --no-pivot -b "$T/b" --pid-file "$T/pid" "$ID"
	inside /bin/ls /proc/1/exe
	pid=$(<"$T/pid")
	[ -e "/proc/$pid/exe" ] || fail "the host's own /proc is gone"
	down
}

# Since Linux 6.8 mountinfo goes by ids; before 6.15 a tree that was taken early keeps its early one.
t_mounts_are_listed_in_order() {
	local major minor
	IFS=.- read -r major minor _ < <(uname -r)
	((major * 100 + minor < 608 || major * 100 + minor >= 615)) || skip "needs Linux 6.15"
	cfg --arg s "$T/b" '.mounts += [{destination: "/one", type: "tmpfs", source: "tmpfs"},
		{destination: "/two", type: "bind", source: $s, options: ["rbind"]},
		{destination: "/three", type: "tmpfs", source: "tmpfs"},
		{destination: "/four", type: "bind", source: $s, options: ["rbind", "ro"]}]'
	prog /bin/cat /proc/self/mountinfo
	go
	eq order "$(cut -d ' ' -f 5 <<<"$OUT" | grep -xE '/(one|two|three|four)' | tr '\n' ' ')" '/one /two /three /four '
}

# What the container does to its root is gone with it, directories that it replaces too.
t_overlay() {
	mkdir -p "$T/b/rootfs/old/deep" "$T/b/rootfs/kept"
	echo one >"$T/b/rootfs/old/deep/file"
	echo two >"$T/b/rootfs/kept/file"
	chmod 751 "$T/b/rootfs"
	find "$T/b/rootfs" -printf '%p %m %U %s\n' | sort >"$T/before"
	cfg '.root.readonly = true'
	script_ 'stat -c %a /; rm -r /old; mkdir /old; ls -A /old; echo three >/old/new; echo more >>/kept/file
		cat /kept/file; echo x >/top; exec sleep 0'
	go --overlay
	eq 'inside' "$OUT" $'751\ntwo\nmore'
	find "$T/b/rootfs" -printf '%p %m %U %s\n' | sort >"$T/after"
	eq 'the rootfs' "$(diff "$T/before" "$T/after")" ''
	cfg '.annotations = {"run.usrun.overlay": "true"}'
	go
	eq 'by annotation' "$OUT" $'751\ntwo\nmore'
	up --arg o true '.annotations["run.usrun.overlay"] = $o'
	inside sh -c 'echo y >/again; cat /again'
	eq 'in exec' "$OUT" y
	[ ! -e "$T/b/rootfs/again" ] || fail 'a second process writes through'
	down
	cfg '.annotations["run.usrun.overlay"] = "maybe"'
	no 'annotations["run.usrun.overlay"]: expected true or false' run -b "$T/b" "$ID"
	prog /bin/sleep 1000
	cfg '.annotations["run.usrun.overlay"] = "true"'
	ok create -b "$T/b" "$ID"
	ok explain "$ID"
	has 'an engine' "$OUT" 'annotations["run.usrun.overlay"]: only `usrun run` supports it, ignored'
	down
}

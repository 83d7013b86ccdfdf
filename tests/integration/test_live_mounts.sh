# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Mounts of a container that runs: mounts add, mounts remove.
# shellcheck disable=SC2016 # variables of the shell inside

mounted_now() { cut -d ' ' -f 5 "/proc/$PID/mountinfo" | sort; }

written_down() { jq -c '.addedMounts // []' "$(STATE_OF)/$ID/state.json"; }

t_mounts_add_and_remove() {
	local before
	mkdir -p "$T/src/below"
	echo host >"$T/src/file"
	up '.root.readonly = false'
	before=$(mounted_now)
	jq -n --arg s "$T/src" '[{destination: "/new/dir", type: "bind", source: $s, options: ["rbind", "ro"]},
		{destination: "/new/file", type: "bind", source: ($s + "/file"), options: ["bind"]},
		{destination: "/scratch", type: "tmpfs", source: "tmpfs", options: ["size=1m", "ro"]},
		{destination: "/scratch/in it", type: "tmpfs", source: "tmpfs"}]' >"$T/mounts"
	ok mounts add "$ID" "$T/mounts"
	inside /bin/sh -c 'cat /new/dir/file /new/file; for file in /new/dir/x "/scratch/in it/x" /scratch/y; do touch "$file" 2>/dev/null && echo rw || echo ro; done'
	eq 'inside' "$(tr '\n' ' ' <<<"$OUT")" 'host host ro rw ro '
	eq 'in the state' "$(written_down)" '["/new/dir","/new/file","/scratch","/scratch/in it"]'
	ok explain "$ID"
	has explained "$OUT" '/scratch/in it'
	no 'mounts[0].destination: /new/dir has already been added' mounts add "$ID" "$T/mounts"
	jq '.[1:2]' "$T/mounts" >"$T/one"
	jq 'del(.[1])' "$T/mounts" >"$T/rest"
	ok mounts remove "$ID" "$T/one"
	eq 'in the state, without one' "$(written_down)" '["/new/dir","/scratch","/scratch/in it"]'
	ok mounts remove "$ID" "$T/rest"
	eq 'in the state, afterwards' "$(written_down)" '[]'
	eq 'mounts' "$(mounted_now)" "$before"
	no 'nothing was added at /new/dir' mounts remove "$ID" "$T/mounts"
	ok mounts add "$ID" "$T/mounts"
	down
}

t_mounts_of_standard_input() {
	local words
	up '.root.readonly = false'
	"${U[@]}" mounts add "$ID" - <<<'[{"destination": "/new", "type": "tmpfs", "source": "tmpfs"}]' || fail 'add -'
	eq 'in the state' "$(written_down)" '["/new"]'
	"${U[@]}" mounts remove "$ID" - <<<'[{"destination": "/new"}]' || fail 'remove -'
	words='standard input is empty or closed: expected an array of mounts'
	! "${U[@]}" mounts add "$ID" - 2>"$T/err" <<<' ' || fail 'added nothing'
	has 'an empty one' "$(<"$T/err")" "$words"
	! "${U[@]}" mounts add "$ID" - 2>"$T/err" <&- || fail 'added what was closed'
	has 'a closed one' "$(<"$T/err")" "$words"
	no '/dev/null is empty: expected an array of mounts' mounts remove "$ID" /dev/null
	down
}

# What one of them cannot follow is taken away, and the state knows of nothing.
t_mounts_all_or_none() {
	local before
	up '.root.readonly = false'
	before=$(mounted_now)
	ln -s /tmp "$T/b/rootfs/link"
	for last in '{destination: "/link", type: "tmpfs"}' '{destination: "/link/x", type: "tmpfs"}' '{destination: "/bin/busybox", type: "tmpfs"}' \
		'{destination: "/c", type: "bind", source: "/not/there", options: ["rbind"]}' '{destination: "/c", type: "tmpfs", options: ["bogus=1"]}'; do
		jq -n "[{destination: \"/a\", type: \"tmpfs\"}, {destination: \"/a/b\", type: \"tmpfs\"}, $last]" >"$T/mounts"
		R mounts add "$ID" "$T/mounts"
		[ "$RC" != 0 ] || fail "added: $last"
		[ -n "$ERR" ] || fail "$last: no message"
		eq "mounts after $last" "$(mounted_now)" "$before"
		eq "state after $last" "$(written_down)" '[]'
	done
	down
}

# A place may be in a file system that does not answer: nothing is attached before all of them are open.
t_mounts_places_first() {
	local at
	root_only 'strace takes the privileges of who enters a user namespace'
	up '.root.readonly = false'
	ln -s /tmp "$T/b/rootfs/link"
	for at in /a/c /link; do
		jq -n --arg at "$at" '[{destination: "/a", type: "tmpfs"}, {destination: "/a/b", type: "tmpfs"}, {destination: $at, type: "tmpfs"}]' \
			>"$T/mounts"
		strace -f -qq -o "$T/trace" -e trace=move_mount,openat -E "USRUN_TEST=$ID" "${U[@]:2}" mounts add "$ID" "$T/mounts" 2>"$T/err" && RC=0 || RC=$?
		awk '/move_mount\(/ && !pid { pid = $1 } pid && $1 == pid' "$T/trace" >"$T/late"
		if [ "$at" = /link ]; then
			has error "$(<"$T/err")" 'a symbolic link is in the way'
			eq 'attached' "$(<"$T/late")" ''
		else
			eq 'exit status' "$RC" 0
			eq 'attached' "$(grep -c 'move_mount(' "$T/late")" 3
			hasnt 'opened late' "$(<"$T/late")" 'O_PATH|O_NOFOLLOW'
			ok mounts remove "$ID" "$T/mounts"
		fi
	done
	down
}

# The kernel keeps the name of a mount point, not those above it.
t_mounts_moved_away() {
	up '.root.readonly = false'
	mkdir "$T/src"
	jq -n --arg s "$T/src" '[{destination: "/a/b", type: "bind", source: $s, options: ["rbind"]}]' >"$T/mounts"
	ok mounts add "$ID" "$T/mounts"
	inside /bin/busybox mv /a /c
	ok mounts remove "$ID" "$T/mounts"
	has 'note' "$ERR" '/a/b in the container: nothing is mounted there any more'
	eq 'in the state' "$(written_down)" '[]'
	down
}

# What cannot be looked at may be mounted still, and is not forgotten.
t_mounts_out_of_reach() {
	root_only 'strace takes the privileges of who enters a user namespace'
	up '.root.readonly = false'
	jq -n '[{destination: "/a", type: "tmpfs"}]' >"$T/mounts"
	ok mounts add "$ID" "$T/mounts"
	! strace -f -qq -o "$T/trace" -P a -e trace=openat -e inject=openat:error=EIO -E "USRUN_TEST=$ID" \
		"${U[@]:2}" mounts remove "$ID" "$T/mounts" 2>"$T/err" || fail 'removed'
	has trace "$(<"$T/trace")" INJECTED
	has error "$(<"$T/err")" 'unmount /a in the container: I/O error'
	eq 'in the state' "$(written_down)" '["/a"]'
	ok mounts remove "$ID" "$T/mounts"
	eq errors "$ERR" ''
	down
}

# Nothing is mounted where nobody knows what lies there.
t_mounts_on_an_unknown_file_system() {
	root_only 'strace takes the privileges of who enters a user namespace'
	up '.mounts += [{destination: "/p", type: "proc", source: "proc"}]'
	jq -n '[{destination: "/p/sys", type: "tmpfs"}]' >"$T/mounts"
	no 'is on a kernel file system such as proc' mounts add "$ID" "$T/mounts"
	! strace -f -qq -o "$T/trace" -e trace=fstatfs -e inject=fstatfs:error=EIO -E "USRUN_TEST=$ID" \
		"${U[@]:2}" mounts add "$ID" "$T/mounts" 2>"$T/err" || fail 'mounted on procfs'
	has trace "$(<"$T/trace")" INJECTED
	has error "$(<"$T/err")" 'stat /p/sys in the container: I/O error'
	down
}

t_mounts_refused() {
	prog /bin/sleep 1000
	up
	no 'expected add or remove, got "list"' mounts list "$ID" /dev/null
	for what in '{destination: "/x", type: "proc"}' '{destination: "/x", type: "cgroup"}' '{destination: "/x", options: ["remount", "ro"]}' \
		'{destination: "/x", type: "tmpfs", options: ["tmpcopyup"]}' '{destination: "/", type: "tmpfs"}' '{destination: "/proc/self", type: "tmpfs"}'; do
		jq -n "[$what]" >"$T/mounts"
		no "$T/mounts: mounts[0]" mounts add "$ID" "$T/mounts"
	done
	echo '{}' >"$T/mounts"
	R mounts add "$ID" "$T/mounts"
	[ "$RC" != 0 ] || fail 'an object in place of the array'
	echo '[{]' >"$T/mounts"
	no "$T/mounts: 1:3" mounts add "$ID" "$T/mounts"
	ok kill "$ID" KILL
	soon is stopped
	echo '[]' >"$T/mounts"
	no 'has stopped' mounts add "$ID" "$T/mounts"
	down
}

t_mounts_of_created_and_paused() {
	prog /bin/sleep 1000
	cfg '.root.readonly = false'
	echo '[{"destination": "/new", "type": "tmpfs", "source": "tmpfs"}]' >"$T/mounts"
	ok create -b "$T/b" --pid-file "$T/pid" "$ID"
	PID=$(<"$T/pid")
	ok mounts add "$ID" "$T/mounts"
	has 'mounts' "$(mounted_now)" /new
	ok start "$ID"
	R pause "$ID"
	ok mounts remove "$ID" "$T/mounts"
	hasnt 'mounts' "$(mounted_now)" /new
	down
}

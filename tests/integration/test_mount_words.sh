# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Every mount option of config.md's table, alone and with its opposite, as the kernel shows it afterwards.

# OPTIONS|SHOWN|NOT SHOWN: among the options of the mount, with s: of its superblock. For a new file system.
NEW_WORDS='defaults|rw relatime|ro nosuid nodev noexec
ro|ro|rw
ro rw|rw|ro
nosuid|nosuid|
nosuid suid||nosuid
nodev|nodev|
nodev dev||nodev
noexec|noexec|
noexec exec||noexec
noatime|noatime|relatime
noatime atime|relatime|noatime
nodiratime|nodiratime|
nodiratime diratime||nodiratime
relatime|relatime|noatime
noatime relatime|relatime|noatime
norelatime|relatime|
strictatime||relatime noatime
strictatime nostrictatime|relatime|
nosymfollow|nosymfollow|
nosymfollow symfollow||nosymfollow
sync|s:sync|
sync async||s:sync
dirsync|s:dirsync|
lazytime|s:lazytime|
lazytime nolazytime||s:lazytime
silent|rw|
loud|rw|
iversion|rw|
noiversion|rw|
mand|rw|
nomand|rw|
size=64k mode=1750 nr_inodes=99|s:size=64k s:mode=1750 s:nr_inodes=99|'

# For all of a tree: the first are of a plain one, the second of one that has every attribute.
TREE_WORDS='rro|ro|rw
rnosuid|nosuid|
rnodev|nodev|
rnoexec|noexec|
rnoatime|noatime|relatime
rnodiratime|nodiratime|
rnosymfollow|nosymfollow|
rstrictatime||relatime noatime
rstrictatime rnostrictatime|relatime|
rnorelatime|relatime|
rnoatime rrelatime|relatime|noatime'
BACK_WORDS='rrw|rw|ro
rsuid||nosuid
rdev||nodev
rexec||noexec
ratime||noatime
rdiratime||nodiratime
rsymfollow||nosymfollow
rrelatime|relatime|noatime'

# Words that have tests of their own, by what they do.
OTHER_WORDS='bind rbind remount private shared slave unbindable rprivate rshared rslave runbindable tmpcopyup idmap ridmap
	copy-symlink scratch squash src-nofollow dest-nofollow rsync rasync rdirsync rmand rnomand'

# Adds a mount for each line, at /w/N; of type tmpfs, or a bind of SOURCE.
mount_lines() { # LINES [SOURCE]
	cfg --arg lines "$1" --arg s "${2:-}" '.mounts += [$lines | split("\n") | to_entries[] | (.value | split("|")[0] | split(" ")) as $words |
		{destination: "/w/\(.key)"} + if $s == "" then {type: "tmpfs", source: "t", options: $words}
		else {type: "bind", source: $s, options: (["rbind"] + $words)} end]'
	script_ 'cat /proc/self/mountinfo'
}

# Of the mountinfo in OUT: each line's words at /w/N BELOW.
check_lines() { # LINES [BELOW]
	local n=0 words shown hidden word line options super
	while IFS='|' read -r words shown hidden; do
		line=$(awk -v d="/w/$n${2:-}" '$5 == d' <<<"$OUT")
		options=,$(cut -d ' ' -f 6 <<<"$line"),
		super=,${line##* },
		[ -n "$line" ] || fail "$words: no mount at /w/$n${2:-}"
		for word in $shown; do
			[[ $word == s:* && $super == *,${word#s:},* || $options == *,$word,* ]] || fail "$words: no $word in $line"
		done
		for word in $hidden; do
			[[ $word == s:* && $super != *,${word#s:},* || $word != s:* && $options != *,$word,* ]] || fail "$words: $word in $line"
		done
		n=$((n + 1))
	done <<<"$1"
}

t_mount_words_of_new_file_systems() {
	mount_lines "$NEW_WORDS"
	go
	check_lines "$NEW_WORDS"
}

on_tree() { # LINES: of the tree at $T/src, also below it
	mount_lines "$1" "$T/src"
	R run -b "$T/b" "$ID"
}

on_tree_with_all() {
	local dir
	for dir in "$T/src" "$T/src/sub"; do
		mount -o remount,bind,ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow "$dir"
	done
	on_tree "$@"
}

t_mount_words_of_trees() {
	root_only 'makes mounts on the host'
	tree on_tree "$TREE_WORDS"
	eq "status ($ERR)" "$RC" 0
	check_lines "$TREE_WORDS"
	check_lines "$TREE_WORDS" /sub
	cfg '.mounts |= map(select(.destination | startswith("/w/") | not))'
	tree on_tree_with_all "$BACK_WORDS"
	eq "status ($ERR)" "$RC" 0
	check_lines "$BACK_WORDS"
	check_lines "$BACK_WORDS" /sub
}

# A bind with one of these words has no flag of its source but those it names, as under the peers.
FLAG_WORDS='rprivate|ro nosuid nodev noexec nosymfollow noatime nodiratime|
rprivate rw|rw noatime|nosuid nodev noexec nosymfollow
ro|ro noatime|nosuid nodev noexec nosymfollow
suid|rw noatime|nosuid nodev noexec nosymfollow
nosuid dev|rw nosuid noatime|nodev noexec nosymfollow
exec nosymfollow|rw nosymfollow|nosuid nodev noexec
relatime|rw relatime|nosuid nodev noexec nosymfollow noatime
rnosuid|ro nosuid nodev noexec nosymfollow|
rnodev rw|rw nodev|nosuid noexec nosymfollow'

t_mount_words_of_a_bind_are_its_flags() {
	root_only 'makes mounts on the host'
	tree on_tree_with_all "$FLAG_WORDS"
	eq "status ($ERR)" "$RC" 0
	check_lines "$FLAG_WORDS"
	has "below" "$OUT" "/w/1/sub ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow"
}

t_mount_words_are_all_there() {
	local word
	ok features
	for word in $(jq -r '.mountOptions[]' <<<"$OUT"); do
		grep -qE "(^|[ 	])$word([| 	]|$)" <<<"$NEW_WORDS"$'\n'"$TREE_WORDS"$'\n'"$BACK_WORDS"$'\n'"$OTHER_WORDS" || fail "no test of $word"
	done
}

# Whether it is a bind is said by the options alone; the type is then anything.
t_mount_types_of_binds() {
	mkdir "$T/src"
	echo data >"$T/src/file"
	cfg --arg s "$T/src" '.mounts += [{type: "none"}, {type: "bind"}, {}, {type: "tmpfs"}, {type: "no such type"}] |
		.mounts |= [to_entries[] | .key as $n | .value | if .destination then . else
		. + {destination: "/w/\($n)", source: $s, options: [if $n % 2 == 0 then "bind" else "rbind" end]} end]'
	sh_run 'cat /w/*/file'
	eq binds "$OUT" $'data\ndata\ndata\ndata\ndata'
}

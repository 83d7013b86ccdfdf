# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Copies of directories with files of others: by fuse-overlayfs, which give_fuse() of test_layer.sh lets the user have.

# A project with files of a group that the caller is in; the kernel's overlay answers EOVERFLOW for them.
TEAM=54321
copies_home() { # root or rootless alike: root's other groups have no number in its sandbox either
	root_only 'root gives the group'
	needs_fuse
	mkdir -p "$T/home/proj/a/team/d"
	export HOME=$T/home
	cd "$T/home/proj" || fail "cd: $T/home/proj"
	echo old | tee own a/team/f a/team/g >/dev/null
	chgrp -R $TEAM a/team
	chmod -R g+rwX a/team
	U=(setpriv --groups $TEAM "${U[@]}")
}
# Every kind of change, told on standard output.
TEAM_CHANGES='echo more >>a/team/f && echo new >a/team/new && mkdir a/team/e && rm a/team/g && chmod 600 a/team/f &&
	mv a/team/f a/team/moved && rmdir a/team/d && cat a/team/moved'

before_t_do_copies_files_of_a_group() { give_fuse; }
after_t_do_copies_files_of_a_group() { take_fuse; }
t_do_copies_files_of_a_group() {
	copies_home
	local changes="A $PWD/a/team/e/
D $PWD/a/team/d/
D $PWD/a/team/f
D $PWD/a/team/g
A $PWD/a/team/moved 9
A $PWD/a/team/new 4
3 added, 3 deleted"
	ok do --net=none --changes -- sh -c "$TEAM_CHANGES"
	eq inside "$OUT" $'old\nmore'
	eq list "$(sort <<<"$ERR")" "$(sort <<<"$changes")"
	ok do --net=none --scratch . -- sh -c "$TEAM_CHANGES"
	eq named "$OUT" $'old\nmore'
	ok do --net=none --home=scratch -w "$PWD" -- sh -c "$TEAM_CHANGES"
	eq 'in the home directory' "$OUT" $'old\nmore'
	eq outside "$(find a -type f | sort | xargs)" 'a/team/f a/team/g'
	# Kept, gone on with though the files are those of nobody special by now, and applied as the group's.
	ok do --net=none --overlay=../layer -- sh -c 'echo more >>a/team/f; echo new >a/team/new'
	chgrp -R 0 a/team
	ok do --net=none --overlay=../layer -- cat a/team/f a/team/new
	eq 'the next time' "$OUT" $'old\nmore\nnew'
	chgrp -R $TEAM a/team
	ok do --apply ../layer "$PWD/a"
	eq applied "$(stat -c '%g %n' a/team/f) $(<a/team/new)" "$TEAM a/team/f new"
	ok gc --layer ../layer
	# Who is not in the group has the kernel's overlay, and a container of a bundle the other.
	ok do --net=none -- grep -c ' - fuse' /proc/self/mountinfo
	eq served "$OUT" 1
	U=("${U[@]:3}")
	R do --net=none -- grep -c ' - fuse' /proc/self/mountinfo
	eq 'by the kernel' "$OUT" 0
}

before_t_run_overlay_with_files_of_a_group() { give_fuse; }
after_t_run_overlay_with_files_of_a_group() { take_fuse; }
t_run_overlay_with_files_of_a_group() {
	copies_home
	mkdir "$T/b/rootfs/team"
	echo old >"$T/b/rootfs/team/f"
	chgrp -R $TEAM "$T/b/rootfs/team"
	chmod 2775 "$T/b/rootfs/team"
	cfg '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}]
		| .linux.gidMappings = .linux.uidMappings | del(.process.user.additionalGids)'
	script_ 'grep " / fuse" /proc/self/mounts >/dev/null && echo served; echo new >/team/new; cat /team/new'
	ok run -b "$T/b" --overlay "$ID"
	eq served "$OUT" $'served\nnew'
	eq outside "$(ls "$T/b/rootfs/team")" f
}

# Of another user: what is no copy is read-only, and said to be.
before_t_do_copies_a_directory_of_others() {
	give_fuse
	mkdir -p "$T/theirs/d" "$T"/theirs/{1,2,3,4,5}
	echo old >"$T/theirs/d/f"
	chown -R 54320:54320 "$T/theirs"
}
after_t_do_copies_a_directory_of_others() { take_fuse; }
t_do_copies_a_directory_of_others() {
	mkdir -p "$T/home/proj"
	export HOME=$T/home
	cd "$T/home/proj" || fail "cd: $T/home/proj"
	[ -z "${OWN:-}" ] || skip 'needs root to prepare it'
	needs_fuse
	ok do --net=none --scratch "$T/theirs" -- sh -c "cd '$T/theirs' && echo more >>d/f && touch d/new && cat d/f"
	eq 'a copy' "$OUT" $'old\nmore'
	eq outside "$(find "$T/theirs" -type f) $(<"$T/theirs/d/f")" "$T/theirs/d/f old"
}

before_t_do_copies_nothing_of_others_without_fuse() {
	before_t_do_copies_a_directory_of_others
	umount /dev/fuse
	rm "$T/fuse/fuse"
	touch "$T/fuse/fuse"
	chmod 0 "$T/fuse/fuse"
	mount --bind "$T/fuse/fuse" /dev/fuse
}
after_t_do_copies_nothing_of_others_without_fuse() { take_fuse; }
t_do_copies_nothing_of_others_without_fuse() {
	local many=(1 2 3 4 5)
	mkdir -p "$T/home/proj"
	export HOME=$T/home
	cd "$T/home/proj" || fail "cd: $T/home/proj"
	[ -z "${OWN:-}" ] && [ -e /dev/fuse ] || skip 'needs root to prepare it'
	R --log-level warning do --net=none --scratch "$T/theirs" -- sh -c "touch '$T/theirs/x' 2>/dev/null || echo read-only"
	eq inside "$OUT" read-only
	has 'it is said' "$ERR" "$T/theirs is read-only inside: it belongs to another user, and fuse-overlayfs"
	R --log-level warning do --net=none "${many[@]/#/--scratch=$T/theirs/}" -- true
	eq 'each of many' "$(grep -c 'is read-only inside: it belongs' <<<"$ERR")" 5
	no "--scratch $T/theirs: it belongs to another user" do --scratch "$T/theirs" --overlay=../layer -- true
	# Root can open the file that is there instead.
	has 'what to do' "$ERR" "hint: as root: $([ "$MODE" = root ] && echo 'modprobe fuse' || echo 'chmod 666 /dev/fuse')"
	[ "$MODE" = root ] || return 0
	mkdir team
	chgrp $TEAM team
	U=(setpriv --groups $TEAM "${U[@]}")
	R --log-level warning do --net=none -- sh -c 'touch team/x 2>/dev/null || echo refused'
	eq 'of a group' "$OUT" refused
	has 'it is said' "$ERR" "files of the group $TEAM cannot be changed in the copy, because fuse-overlayfs"
}

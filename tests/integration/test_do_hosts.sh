# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# `usrun do` on hosts that are not like the usual one. What is made for them lies below /mnt, in a tmpfs that only these
# tests see: what is in /tmp is not shown inside.

host_mnt() { mount -t tmpfs -o mode=755 host "${1:-/mnt}"; }
gone_mnt() { umount -R /mnt; }

host_proj() { # a project in the home directory
	mkdir -p "$T/home/proj"
	export HOME=$T/home
	cd "$HOME/proj" || fail "cd: $HOME/proj"
}

before_t_do_with_100_mounts() {
	local i
	host_mnt
	for i in {1..100}; do
		mkdir "/mnt/$i"
		host_mnt "/mnt/$i"
		echo "$i" >"/mnt/$i/f"
	done
}
after_t_do_with_100_mounts() { gone_mnt; }
t_do_with_100_mounts() {
	host_proj
	ok do --net=none -- sh -c 'cat /mnt/1/f /mnt/100/f; touch /mnt/50/x 2>/dev/null || echo read-only; echo new >x; cat x'
	eq inside "$OUT" $'1\n100\nread-only\nnew'
	ok do --net=none --hide /mnt/7 -- sh -c 'ls /mnt/7; ls /mnt | wc -l'
	eq 'one of them hidden' "$OUT" 100
}

# Whose daemon answers nobody: whoever looks at it waits for ever.
before_t_do_with_silent_autofs() {
	host_mnt
	grep -q autofs /proc/filesystems && command -v python3 >/dev/null || return 0
	mkdir /mnt/auto
	AUTOFS=$(python3 - <<'P'
import ctypes, os, time
out, fd = os.pipe()
options = "fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect" % (fd, os.getpgrp())
done = ctypes.CDLL(None).mount(b"auto", b"/mnt/auto", b"autofs", 0, options.encode())
pid = 0 if done else os.fork()
if pid:
    print(pid)
if not done and not pid:
    null = os.open("/dev/null", os.O_RDWR)
    for own in 0, 1, 2:
        os.dup2(null, own)
    time.sleep(600)
P
	)
}
after_t_do_with_silent_autofs() {
	umount -l /mnt/auto 2>/dev/null
	[ -z "$AUTOFS" ] || kill "$AUTOFS"
	gone_mnt
}
t_do_with_silent_autofs() {
	grep -q ' /mnt/auto .* autofs ' /proc/self/mountinfo || skip 'this kernel has no autofs'
	host_proj
	U=(timeout 120 "${U[@]}")
	ok do --net=none -- sh -c 'ls -A /mnt/auto; ls /mnt/auto/x 2>&1; echo on'
	has 'it goes on' "$OUT" on
	has 'nothing is in it' "$OUT" 'No such file'
	ok do --net=none --scratch . -- sh -c 'echo x >x; cat x'
	eq 'a copy beside it' "$OUT" x
}

# It answers only to who mounted it, to root neither.
before_t_do_with_fuse_of_another() {
	host_mnt
	[ -e /dev/fuse ] && command -v python3 >/dev/null || return 0
	mkdir /mnt/fuse
	FUSE=$(python3 - <<'P'
import ctypes, os, time
fd = os.open("/dev/fuse", os.O_RDWR)
done = ctypes.CDLL(None).mount(b"other", b"/mnt/fuse", b"fuse", 0, b"fd=%d,rootmode=40000,user_id=54321,group_id=54321" % fd)
pid = 0 if done else os.fork()
if pid:
    print(pid)
if not done and not pid:
    null = os.open("/dev/null", os.O_RDWR)
    for own in 0, 1, 2:
        os.dup2(null, own)
    time.sleep(600)
P
	)
}
after_t_do_with_fuse_of_another() {
	umount -l /mnt/fuse 2>/dev/null
	[ -z "$FUSE" ] || kill "$FUSE"
	gone_mnt
}
t_do_with_fuse_of_another() {
	grep -q ' /mnt/fuse .* fuse ' /proc/self/mountinfo || skip 'needs /dev/fuse'
	host_proj
	U=(timeout 120 "${U[@]}")
	ok do --net=none -- sh -c 'ls /mnt/fuse >/dev/null 2>&1 || echo as outside; echo x >x; cat x'
	eq 'it is as outside' "$OUT" $'as outside\nx'
	R do --ro /mnt/fuse/file -- true
	eq 'what is in it cannot be named' "$RC" 125
}

# A home on a file system of its own, for its owner alone.
before_t_do_home_elsewhere() {
	host_mnt
	mkdir /mnt/home
	mount -t tmpfs -o mode=700 home /mnt/home
	mkdir -p /mnt/home/proj /mnt/home/.ssh
	echo secret >/mnt/home/.ssh/id
	echo text >/mnt/home/proj/file
	[ "$mode" = root ] || chown -R $user:$user /mnt/home
}
after_t_do_home_elsewhere() { gone_mnt; }
t_do_home_elsewhere() {
	export HOME=/mnt/home
	cd /mnt/home/proj || fail cd
	ok do --net=none -- sh -c 'cat file; echo x >new; ls -A ~; cat ~/.ssh/id 2>/dev/null; pwd'
	eq inside "$OUT" $'text\nproj\n/mnt/home/proj'
	[ ! -e new ] || fail 'a copy was kept'
	ok do --net=none --rw . -- sh -c 'echo x >new; touch ~/thrown'
	eq 'what is there' "$(ls -A ~ . | tr '\n' ' ')" '.: file new  /mnt/home: .ssh proj '
}

# A host whose root is an overlay, as in a toolbox: the second level is the last.
before_t_do_root_on_overlay() {
	host_mnt
	mkdir /mnt/{low,up,work,root}
	mkdir /mnt/low/proj
	echo text >/mnt/low/proj/file
	[ "$mode" = root ] || chown $user:$user /mnt/low/proj /mnt/low/proj/file
	mount -t overlay overlay -o lowerdir=/mnt/low,upperdir=/mnt/up,workdir=/mnt/work /mnt/root
}
after_t_do_root_on_overlay() { gone_mnt; }
t_do_root_on_overlay() {
	mkdir "$T/home"
	export HOME=$T/home
	cd /mnt/root/proj || fail cd
	ok do --net=none -- sh -c 'cat file; echo more >>file; cat file'
	eq 'a copy of it' "$OUT" $'text\ntext\nmore'
	eq 'outside' "$(<file)" text
	# What is three deep is said, and read-only.
	ok do --net=none --nested --ro "$USRUN" -- sh -c "export XDG_RUNTIME_DIR=/run/user/$(id -u)
		$USRUN --log-level warning do --net=none -- sh -c 'cat file; touch x 2>/dev/null || echo read-only' 2>&1 || true"
	[ "$MODE" = root ] || has 'two deep already' "$OUT" $'text\nread-only'
}

# A chain of links to the resolvers, which ends in /run, with a network and without.
before_t_do_resolv_links() {
	host_mnt
	cp -a /etc /mnt/etc
	mkdir /mnt/run
	ln -sf /run/$token-one/link /mnt/etc/resolv.conf
	mount --bind /mnt/etc /etc
	mkdir /run/$token-one /run/$token-two
	ln -s ../$token-two/end /run/$token-one/link
	echo 'nameserver 192.0.2.53' >/run/$token-two/end
}
after_t_do_resolv_links() {
	umount /etc
	rm -r /run/$token-one /run/$token-two
	gone_mnt
}
t_do_resolv_links() {
	host_proj
	ok do --net=host -- cat /etc/resolv.conf
	has "the host's" "$OUT" 'nameserver 192.0.2.53'
	ok do --net=none -- sh -c 'cat /etc/resolv.conf 2>/dev/null; echo on'
	has none "$OUT" on
}

# A user without subordinate ids has the sandbox of this machine, and of a tree with one id.
before_t_do_without_subids() { [ "$mode" = root ] || subids; }
after_t_do_without_subids() { [ "$mode" = root ] || subids "$user:$SUBUIDS"; }
t_do_without_subids() {
	rootless_only
	host_proj
	ok do --net=none -- id -u
	eq id "$OUT" "$(id -u)"
	R --log-level warning do --net=none --rootfs "$T/b/rootfs" -- id -u
	eq 'root in the tree' "$RC $OUT" '0 0'
	has 'it is said' "$ERR" 'usermod --add-subuids'
}

# A host without a program for networks: none, which is said, with what to do.
before_t_do_without_network_helpers() {
	local name
	host_mnt
	: >/mnt/none
	for name in slirp4netns pasta; do
		[ ! -e /usr/bin/$name ] || mount --bind /mnt/none /usr/bin/$name
	done
}
after_t_do_without_network_helpers() {
	umount /usr/bin/slirp4netns /usr/bin/pasta 2>/dev/null
	gone_mnt
}
t_do_without_network_helpers() {
	host_proj
	[ -z "$(find ${PATH//:/ } -name slirp4netns -executable -o -name pasta -executable 2>/dev/null)" ] || skip 'another one is installed elsewhere'
	R --log-level warning do -- sh -c 'echo on; ls /sys/class/net'
	eq 'no network' "$RC $OUT" $'0 on\nlo'
	has 'what to do' "$ERR" 'no network inside: install slirp4netns or passt, or choose --net=none or --net=host'
	no '--publish: no network inside: install' do -p 8080:80 -- true
}

# A project and a layer on file systems whose directories have other numbers than those of ext4.
host_image() { # TYPE MIB MKFS-OPTION...
	host_mnt
	mkdir /mnt/fs
	truncate -s "${2}M" /mnt/image
	command -v "mkfs.$1" >/dev/null && "mkfs.$1" -q "${@:3}" /mnt/image >/dev/null 2>&1 &&
		mount -o loop "/mnt/image" /mnt/fs 2>/dev/null || return 0
	mkdir -p /mnt/fs/home/proj
	echo text >/mnt/fs/home/proj/file
	[ "$mode" = root ] || chown -R $user:$user /mnt/fs/home
}
host_on() { # TYPE
	grep -q " /mnt/fs .* - $1 " /proc/self/mountinfo || skip "needs mkfs.$1, a loop device and a kernel with $1"
	export HOME=/mnt/fs/home
	cd /mnt/fs/home/proj || fail cd
	ok do --net=none --changes -- sh -c 'echo more >>file; mkdir d; echo new >d/new; mv file d; cat d/file'
	eq 'a copy' "$OUT" $'text\nmore'
	eq list "$(tail -n 1 <<<"$ERR")" '3 added, 1 deleted'
	eq outside "$(find . -type f) $(<file)" './file text'
	ok do --net=none --overlay=../layer -- sh -c 'echo more >>file; rm -f gone; mkdir d; echo new >d/new'
	ok do --net=none --overlay=../layer -- cat file d/new
	eq 'the next run' "$OUT" $'text\nmore\nnew'
	ok do --apply ../layer
	eq applied "$(cat file d/new)" $'text\nmore\nnew'
	ok gc --layer ../layer
	[ ! -e ../layer ] || fail 'the layer is still there'
	ok do --net=none --rw . -- sh -c 'echo rw >rw'
	eq writable "$(<rw)" rw
}

before_t_do_on_btrfs() { host_image btrfs 128; }
after_t_do_on_btrfs() { gone_mnt; }
t_do_on_btrfs() { host_on btrfs; }

before_t_do_on_xfs() { host_image xfs 320; }
after_t_do_on_xfs() { gone_mnt; }
t_do_on_xfs() { host_on xfs; }

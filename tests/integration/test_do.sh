# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# `usrun do`: this machine as a sandbox, from inside and from outside.

# The user's home and project, and what nobody inside has any business with.
do_home() {
	mkdir -p "$T/home"/{.ssh,.local/bin,proj/.git}
	chmod 700 "$T/home" "$T/home/.ssh"
	echo secret >"$T/home/.ssh/id"
	printf '#!/bin/sh\necho tool\n' >"$T/home/.local/bin/my-tool"
	chmod 755 "$T/home/.local/bin/my-tool"
	echo text >"$T/home/proj/file"
	export HOME=$T/home PATH=$T/home/.local/bin:$PATH
	cd "$T/home/proj" || fail "cd: $T/home/proj"
}

# IN OPTION... -- TEXT: a shell inside, which has to succeed.
IN() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	ok do "${options[@]}" -- sh -c "$2"
}

t_do_shows_the_machine_and_not_the_home() {
	do_home
	IN -- 'cat file; pwd; id -u; cat ~/.ssh/id 2>/dev/null; ls -A ~ | tr "\n" " "; my-tool'
	eq inside "$OUT" "text
$T/home/proj
$(id -u)
.local proj tool"
	IN --home=empty -- 'ls -A ~'
	eq 'empty home' "$OUT" proj
	IN --home=ro -- 'cat ~/.ssh/id; touch ~/x 2>/dev/null || echo read-only'
	eq 'home read-only' "$OUT" $'secret\nread-only'
	# Own, empty, and thrown away.
	IN -- 'for d in /tmp /var/tmp /run /dev/shm ~; do echo x >$d/do-was-here || exit 1; done; ls /run/dbus /run/systemd /tmp/usrun-it.*/usrun 2>/dev/null; true'
	eq 'nothing of /run and /tmp' "$OUT" ''
	for dir in /tmp /var/tmp /run /dev/shm "$HOME"; do
		[ ! -e "$dir/do-was-here" ] || fail "$dir/do-was-here is on the host"
	done
	# Same names and modes for programs: links are links, and /usr is what it is.
	IN -- 'readlink /bin; stat -c %a /tmp; hostname; umask; git --version >/dev/null 2>&1; command -v sh'
	eq links "$OUT" "$(readlink /bin)
1777
usrun
$(umask)
$(command -v sh)"
}

t_do_writes_only_where_it_was_told() {
	do_home
	IN --ro . -- 'echo x >new || true'
	[ ! -e new ] || fail 'what is read-only was written'
	IN --rw . -- 'echo x >new; mkdir d; touch -d 2001-01-01 d'
	eq 'made outside' "$(<new) $(stat -c %u new)" "x $(id -u)"
	for place in /usr /etc /var /opt; do
		R do --rw . -- sh -c "touch $place/x"
		[ "$RC" != 0 ] || fail "$place can be written"
	done
	# The deeper path, and for the same path the later option.
	mkdir -p a/b/c
	IN --rw a/b/c --ro a/b --rw . -- 'touch a/x; touch a/b/x 2>/dev/null || echo ro; touch a/b/c/x'
	eq deeper "$OUT $(ls a a/b/c | tr '\n' ' ')" 'ro a: b x  a/b/c: x '
	# A directory that has it cannot take another's place.
	mkdir -p ci/scripts ci/private ci/more/repo && echo host >ci/scripts/build && echo 1 >ci/more/repo/.envrc
	IN --rw . --ro ci/scripts --hide ci/private --rw ci/more/repo -- '
		mv ci x 2>/dev/null && { mkdir -p ci/scripts && echo evil >ci/scripts/build; echo moved ci; }
		mv ci/more x 2>/dev/null && echo moved ci/more
		(echo evil >ci/more/repo/.envrc) 2>/dev/null && echo wrote .envrc
		echo work >ci/more/repo/work; echo work >ci/new; cat ci/new'
	eq 'below a directory that is writable' "$OUT $(<ci/scripts/build) $(<ci/more/repo/work)" 'work host work'
	rm -r ci
	IN --ro . --rw . -- 'touch later'
	[ -e later ] || fail 'the later option does not win'
	IN --rw . --hide a --hide file -- 'ls -A a; cat file'
	eq hidden "$OUT" ''
	IN -v "$T/home/proj/a:/run/elsewhere:ro" -w /run/elsewhere -- 'pwd; ls; touch y 2>/dev/null || echo ro'
	eq volume "$OUT" $'/run/elsewhere\nb\nx\nro'
	eq 'nothing was made to mount on' "$(ls -A "$HOME")" $'.local\n.ssh\nproj'
	no 'does not exist, and no mount point' do -v "$T:/usr/new" -- true
	no 'does not exist, and no mount point' do --rw . -v "$T:$PWD/new-dir" -- true
	[ ! -e new-dir ] || fail 'a mount point was made in the project'
	no '--rw missing: it does not exist' do --rw missing -- true
	no '--rw /proc: the sandbox has its own' do --rw /proc -- true
	no ': no such directory' do --rw . -w "$PWD/missing" -- true
	[ ! -e missing ] || fail 'a working directory was made in the project'
	mkdir shown
	no ': no such directory' do -v "$PWD/shown:/run/elsewhere" -w /run/elsewhere/missing -- true
	[ ! -e shown/missing ] || fail 'a working directory was made in what a volume shows'
	no ': no such directory' do -w missing -- true
	no ': no such directory' do -w /missing -- true
	rmdir shown
}

# Everything can be done to it, and nothing stays.
t_do_throws_writes_away() {
	do_home
	mkdir -p "with space,and:colon/d" && echo kept >"with space,and:colon/d/f"
	find . | sort >"$T/before"
	IN -- 'echo new >new; echo more >>file; rm -r with*/d; mkdir d; mv file moved; chmod 700 .; cat moved new; ls'
	eq inside "$OUT" $'text\nmore\nnew\nd\nmoved\nnew\nwith space,and:colon'
	find . | sort | cmp - "$T/before" || fail 'the directory has changed'
	eq 'the file' "$(<file)" text
	cd "with space,and:colon" || fail cd
	IN -- 'echo x >d/f; cat d/f'
	eq 'a path with colons and commas' "$OUT $(<d/f)" 'x kept'
	cd .. || fail cd
	# Another one, and what is said to have room has no more.
	IN --rw . --scratch with* -- 'rm -r with*; touch stays; ls with* | wc -l'
	[ -e stays ] && [ -e with*/d/f ] || fail 'the wrong directory was kept'
	IN --layer-size 1m -- 'dd if=/dev/zero of=big bs=1024 count=4096 2>&1 | grep -o "No space left.*"; ls -l big | tr -s " " | cut -d" " -f5'
	has 'a full layer' "$OUT" 'No space left on device'
	no '--layer-size: expected a size' do --layer-size none -- true
	no '--scratch file: only directories' do --scratch file -- true
	# A program with a socket there is out of reach.
	if command -v python3 >/dev/null; then
		python3 -c 'import socket, time; s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(); time.sleep(600)' &
		local pid=$!
		soon accepts sock || fail 'no listener'
		R do -- python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("sock")'
		has socket "$ERR" 'Connection refused'
		kill $pid
		wait $pid 2>/dev/null || true
	fi
}

# Where the kernel makes no overlay: said, and read-only.
t_do_without_an_overlay_is_read_only() {
	do_home
	if [ "$MODE" = root ]; then
		mkdir below
		mount -t tmpfs below below || skip 'needs the right to mount'
		R --log-level warning do -- sh -c 'touch x 2>/dev/null || echo read-only'
		umount below
		eq 'with a mount below' "$OUT" read-only
		has 'with a mount below' "$ERR" "$PWD is read-only: mount an overlay: invalid argument"
		chgrp 7 .
		R --log-level warning do -- sh -c 'touch x 2>/dev/null || echo read-only'
		# fuse-overlayfs makes a copy of that, too.
		if command -v fuse-overlayfs >/dev/null && : 2>/dev/null <>/dev/fuse; then
			eq 'with a group of others' "$OUT" ''
			[ ! -e x ] || fail 'what is a copy was written'
			return 0
		fi
		eq 'with a group of others' "$OUT" read-only
		has 'with a group of others' "$ERR" 'it belongs to the group 7, which cannot be mapped'
		return 0
	fi
	# A layer on a layer on a layer.
	IN --nested --ro "$USRUN" -- "export XDG_RUNTIME_DIR=/run/user/$(id -u); touch 1; $USRUN do --nested --ro $USRUN -- sh -c '
		touch 2; $USRUN --log-level warning do -- sh -c \"touch 3 2>/dev/null || echo read-only; ls\"' 2>&1"
	has 'two overlays deep' "$OUT" "$PWD is read-only: mount an overlay: invalid argument"
	has 'two overlays deep' "$OUT" $'read-only\n1\n2\nfile'
}

# An earlier run may have left it there.
t_do_follows_no_link_out_of_the_project() {
	do_home
	ln -s ../.ssh out
	no "--rw out: is a symbolic link to $T/home/.ssh" do --rw out -- true
	ln -s .. up
	no "--rw up/.ssh: is a symbolic link to $T/home/.ssh" do --rw up/.ssh -- true
	no "--volume out: is a symbolic link to" do -v "out:/tmp/x" -- true
	for name in "$PWD/out" ../proj/out "$PWD/up/.ssh" "$PWD/out/"; do
		no "--rw $name: is a symbolic link to $T/home/.ssh" do --rw "$name" -- true
	done
	IN --rw . -- 'cat out/id 2>&1; cat up/.ssh/id 2>&1; true'
	hasnt 'through a link' "$OUT" secret
	ln -s proj ../link
	IN --rw ../link -- 'touch by-link'
	[ -e by-link ] || fail 'a link to a place beside it is refused'
	# With the current directory gone there are still absolute names.
	mkdir gone && cd gone && rmdir ../gone || fail 'a directory that is gone'
	ok do --ro "$T/home/proj" -w / -- cat "$T/home/proj/file"
	eq 'from a directory that is gone' "$OUT" text
	no '--ro file: the current directory no longer exists' do --ro file -w / -- true
	no 'usrun: the current directory no longer exists' do -- true
	no 'usrun: the current directory no longer exists' do -w sub -- true
}

# Another sandbox that may write there exchanges what was found for a link before it is opened.
t_do_opens_what_it_has_found() {
	do_home
	command -v python3 >/dev/null || skip 'needs python3'
	mkdir out && ln -s ../.ssh link
	python3 -c '
import ctypes, time
libc, end = ctypes.CDLL(None), time.monotonic() + 60
while time.monotonic() < end:
    if libc.renameat2(-100, b"out", -100, b"link", 2) < 0:
        break
    open("up", "w").close()
    time.sleep(0.0002)' &
	local pid=$! i how seen=
	soon [ -e up ] || skip 'needs renameat2'
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		for how in --rw --scratch; do
			R do $how out -- cat out/id
			seen+=$OUT
		done
	done
	kill $pid
	wait $pid 2>/dev/null || true
	eq 'what is behind the link' "$seen" ''
}

t_do_ends_as_env_does() {
	do_home
	local rc
	for rc in 0 3 125; do
		R do -- sh -c "exit $rc"
		eq status "$RC" $rc
	done
	R do -- no-such-program
	eq 'not found' "$RC" 127
	has 'not found' "$ERR" 'exec: "no-such-program": executable file not found in $PATH'
	printf '#!/bin/sh\n' >"$HOME/script"
	chmod +x "$HOME/script"
	R do -- ../script
	eq 'not shown' "$RC" 127
	has 'what shows it' "$ERR" 'hint: it is not visible inside: --ro ../script shows it'
	cd
	R do -- ./script
	has 'what shows the home' "$ERR" 'hint: the current directory is not visible inside: --ro . or --rw . shows it'
	cd "$T/home/proj" || fail 'the project'
	R do -- ./no-such-script
	hasnt 'no guess about what is nowhere' "$ERR" 'shows it'
	R do -- /etc/passwd
	eq 'not executable' "$RC" 126
	R do --rw / -- true
	eq 'own failure' "$RC" 125
	R do --no-such-option
	eq 'own failure' "$RC" 125
	# What is wrong is named as it was typed, not as the config that is made of it.
	no 'usrun: --cpus: needs the cgroup controller' --cgroup-manager disabled do --cpus 1 -- true
	no 'usrun: --memory: needs the cgroup controller' --cgroup-manager disabled do --memory 1g -- true
	no 'usrun: --net: open the network namespace /nosuch: ' do --net=/nosuch -- true
	no 'usrun: --env: expected NAME or NAME=VALUE, got "=x"' do -e =x -- true
	no 'usrun: --env: expected NAME or NAME=VALUE, got "--"' do -e -- true
	no 'usrun: expected a command' do -- ''
	no 'usrun: --ulimit: RLIMIT_NOFILE' do --ulimit nofile=4000000000 -- true
	# shellcheck disable=SC2016
	R do -- sh -c 'kill -TERM $$'
	eq signal "$RC" 143
	R do --timeout 1 -- sleep 1000
	eq timeout "$RC" 124
	R do --timeout 1 -- sh -c 'trap "" TERM; sleep 1000; sleep 1000'
	eq 'timeout, stubborn' "$RC" 124
}

t_do_has_a_terminal_where_the_caller_has() {
	do_home
	under_script "${U[*]} do -- sh -c 'tty; stty size >/dev/null && echo size'"
	has terminal "$OUT" /dev/pts/0
	has terminal "$OUT" size
	has 'what becomes of writes is said' "$OUT" "changes in $PWD are discarded at the end: --rw . keeps them"
	hasnt 'nothing else is' "$OUT" cgroup
	under_script "${U[*]} do -T -- sh -c 'echo in; tty || true'"
	hasnt 'no terminal' "$OUT" /dev/pts/0
	# Elsewhere the streams stay what and where they are.
	IN --rw . -- 'echo out; echo err >&2; tty || true'
	eq streams "$OUT|$ERR" $'out\nnot a tty|err'
	ok do -t -- tty
	has 'a terminal was asked for' "$OUT" /dev/pts/0
	ok do --no-tty=false -- tty
	has 'the same' "$OUT" /dev/pts/0
	under_script "${U[*]} do --tty=false -- sh -c 'echo in; tty || true'"
	hasnt 'none was wanted' "$OUT" /dev/pts/0
}

t_do_passes_few_variables() {
	do_home
	export SECRET=1 SSH_AUTH_SOCK=/x LC_TEST=yes
	printf 'FROM_FILE=2\n# no\nSECRET\n' >"$T/env"
	IN -- 'env'
	hasnt environment "$OUT" SECRET
	hasnt environment "$OUT" SSH_AUTH_SOCK
	has environment "$OUT" LC_TEST=yes
	has environment "$OUT" "HOME=$HOME"
	has environment "$OUT" "XDG_RUNTIME_DIR=/run/user/$(id -u)"
	ok do -- printenv PWD
	eq 'its directory' "$OUT" "$PWD"
	PWD=/wrong ok do -w /usr -- printenv PWD
	eq 'another directory' "$OUT" /usr
	IN -e SECRET -e A=1 --env-file "$T/env" -e A=3 -- 'echo $SECRET $A $FROM_FILE'
	eq asked "$OUT" '1 3 2'
}

# What a program gets hold of that wants out. The host's abstract sockets, addresses and processes are in other
# namespaces; its descriptors, keys and files are not there.
t_do_keeps_a_hostile_program_in() {
	do_home
	exec 7<"$HOME/.ssh/id"
	IN --rw . -- 'ls /proc/self/fd | tr "\n" " "
		grep -h "^Cap\|NoNewPrivs\|Groups" /proc/self/status | tr -s "\t\n" " "
		for d in /dev/kmsg /dev/vda /dev/sda /dev/fuse /dev/net/tun /dev/kvm /dev/mem; do [ ! -e $d ] || echo $d; done
		cat /proc/1/environ /proc/1/maps 2>/dev/null | head -c 1
		ls /sys/fs/cgroup
		for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/sys/kernel/hostname /sys/kernel/mm/transparent_hugepage/enabled; do
			sh -c "echo x >$f" 2>/dev/null && echo "wrote $f"
		done
		mount -t tmpfs x /mnt 2>/dev/null && echo mounted
		umount /proc/sys 2>/dev/null && echo unmounted
		umount -l /usr 2>/dev/null && echo unmounted
		mount -o remount,rw,bind /usr 2>/dev/null && echo remounted
		mknod n c 1 3 2>/dev/null && echo node
		cat /proc/keys | head -c 1
		find / -xdev -perm -4000 -exec sh -c "grep -c . /dev/null" \; -quit
		true'
	exec 7<&-
	has descriptors "$OUT" '0 1 2 3 '
	hasnt descriptors "$OUT" ' 7 '
	has capabilities "$OUT" 'CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: 0000000000000000 CapAmb: 0000000000000000 NoNewPrivs: 1'
	eq 'what got out' "$(tail -n +3 <<<"$OUT")" ''
	# shellcheck disable=SC2016
	OUT=$(bash -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<"$HOME/.ssh/id"' sh "${U[@]}" do -- sh -c 'cat <&3; echo $LISTEN_FDS' 2>/dev/null)
	eq 'descriptors of a service' "$OUT" ''
	# A listener on the host, by TCP and by an abstract name; and a process there.
	command -v python3 >/dev/null || skip 'needs python3'
	python3 -c '
import socket, sys, time
tcp = socket.create_server(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX); unix.bind("\0" + sys.argv[1]); unix.listen()
open(sys.argv[2], "w").write(str(tcp.getsockname()[1]))
time.sleep(600)' "$ID" "$T/port" &
	local pid=$! port
	soon [ -s "$T/port" ] || fail 'no listener'
	port=$(<"$T/port")
	ok do -- python3 -c '
import os, socket, sys
for family, address in (socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))), (socket.AF_UNIX, "\0" + sys.argv[2]):
    try:
        socket.socket(family).connect(address)
        print("connected to", address)
    except ConnectionRefusedError:
        pass
try:
    os.kill(int(sys.argv[3]), 0)
    print("sees the process")
except ProcessLookupError:
    pass
import fcntl
for request in (0x5412,):  # TIOCSTI
    try:
        fcntl.ioctl(0, request, b"x")
        print("typed")
    except OSError:
        pass
print(os.sysconf("SC_NPROCESSORS_ONLN") > 0)' "$port" "$ID" "$pid"
	eq 'what got out' "$OUT" True
	kill $pid
	wait $pid 2>/dev/null || true
}

# Memory, queues and keys that processes of the host share by a name, without the filter that refuses some of the calls.
t_do_shares_no_names() {
	do_home
	command -v python3 >/dev/null || skip 'needs python3'
	[ "$(uname -m)" = x86_64 ] || skip 'numbers of x86_64'
	cat >"$T/names.py" <<-'END'
		import ctypes, os, sys
		libc, name, key = ctypes.CDLL(None, use_errno=True), sys.argv[2].encode(), int(sys.argv[3])
		call = lambda *words: libc.syscall(*[ctypes.c_long(w) if isinstance(w, int) else w for w in words])
		if sys.argv[1] == "make": # and run what comes then in a session keyring with a key
		    segment = libc.shmget(key, 4096, 0o1600)
		    queue = call(240, name, os.O_CREAT | os.O_RDWR, 0o600, 0) # mq_open
		    call(250, 1, 0) # KEYCTL_JOIN_SESSION_KEYRING
		    call(248, b"user", name, b"secret", 6, -3) # add_key
		    open("/dev/shm/" + sys.argv[2], "w").close()
		    status = os.spawnvp(os.P_WAIT, sys.argv[4], sys.argv[4:])
		    os.unlink("/dev/shm/" + sys.argv[2])
		    call(241, name) # mq_unlink
		    libc.shmctl(segment, 0, None)
		    sys.exit(status)
		found = {"shm": libc.shmget(key, 0, 0), "mqueue": call(240, name, os.O_RDWR), "key": call(250, 10, -3, b"user", name, 0)}
		print(*[what for what, r in found.items() if r >= 0], *filter(lambda f: f == sys.argv[2], os.listdir("/dev/shm")))
	END
	local key=$((RANDOM * 32768 + RANDOM + 1)) look=(look "$ID" 0)
	look[2]=$key
	OUT=$(python3 "$T/names.py" make "$ID" $key python3 "$T/names.py" "${look[@]}")
	[ -n "$OUT" ] || fail 'nothing is found outside'
	OUT=$(python3 "$T/names.py" make "$ID" $key "${U[@]}" do --seccomp none --ro "$T/names.py" -- python3 "$T/names.py" "${look[@]}")
	eq 'what is found inside' "$OUT" ''
}

# Data of all users and of other programs, where it is there at all; and what nested namespaces bring to light.
t_do_covers_stay() {
	do_home
	mkdir private && echo secret >private/file
	local dir
	for dir in /var/mail /var/spool /var/backups /var/lib/docker /var/lib/containers /var/lib/libvirt; do
		[ ! -d $dir ] || IN -- "ls -A $dir/"
		eq "in $dir" "$OUT" ''
	done
	IN --nested --hide private -- 'unshare -Urm sh -c "umount private; umount -l private; umount -l /var/spool
		mount -o remount,rw,bind /usr && echo remounted; umount -l /usr && echo unmounted" 2>/dev/null
		cat private/file 2>/dev/null; ls -A /var/spool'
	eq 'by namespaces of its own' "$OUT" ''
	# Programs that make others of us: no mount lets them.
	IN -- 'cut -d " " -f 6 /proc/self/mountinfo | grep -vc nosuid || true; dmesg >/dev/null 2>&1 && echo dmesg; mkdir /sys/fs/cgroup/x 2>/dev/null && echo cgroup; true'
	eq 'mounts with setuid programs' "$OUT" 0
}

# Root outside is the owner of these inside.
t_do_hides_the_passwords_of_the_machine() {
	do_home
	local name
	for name in shadow shadow- gshadow gshadow- security/opasswd ssh/ssh_host_rsa_key ssh/ssh_host_ed25519_key ssl/private; do
		IN --net=none -- "[ -d /etc/$name ] && ls -A /etc/$name || cat /etc/$name 2>/dev/null; true"
		eq "/etc/$name" "$OUT" ''
	done
	IN --net=none -- 'getent passwd root | cut -d: -f1'
	eq 'what everybody may read' "$OUT" root
	[ ! -r /etc/shadow ] || {
		IN --net=none --ro /etc/shadow -- 'cat /etc/shadow'
		eq named "$OUT" "$(</etc/shadow)"
	}
}

# The built-in profile: an error number each, as a program sees it.
t_do_filters_system_calls() {
	do_home
	command -v python3 >/dev/null || skip 'needs python3'
	[ "$(uname -m)" = x86_64 ] || skip 'numbers of x86_64'
	cat >"$T/calls.py" <<-'END'
		import ctypes, errno
		libc = ctypes.CDLL(None, use_errno=True)
		def call(name, number, *words):
		    ctypes.set_errno(0)
		    libc.syscall(ctypes.c_long(number), *[ctypes.c_long(w) for w in words])
		    print(name, errno.errorcode.get(ctypes.get_errno(), ctypes.get_errno()))
		call("keyctl", 250, 0, -3, 0)
		call("TIOCSTI", 16, 0, 0x5412, 0)
		call("TIOCSTI-high", 16, 0, 0x100005412, 0)
		call("TIOCLINUX", 16, 0, 0x541c, 0)
		call("bpf", 321, 99, 0, 0)
		call("io_uring_setup", 425, 1, 0)
		call("clone3", 435, 0, 0)
		call("clone-user", 56, 0x10000011, 0, 0, 0, 0)
		call("unshare", 272, 0x10000000)
		call("setns", 308, -1, 0)
		call("mount", 165, 0, 0, 0, 0, 0)
		call("fsopen", 430, 0, 0)
		call("AF_VSOCK", 41, 40, 1, 0)
		call("AF_ALG", 41, 38, 5, 0)
		call("AF_VSOCK-high", 41, (1 << 32) + 40, 1, 0)
		call("AF_UNIX", 41, 1, 1, 0)
		call("newer", 900)
		call("ptrace", 101, 16, 0)
	END
	ok do --ro "$T/calls.py" -- python3 "$T/calls.py"
	eq calls "$(tr '\n' ' ' <<<"$OUT")" 'keyctl EPERM TIOCSTI EPERM TIOCSTI-high EPERM TIOCLINUX EPERM bpf EPERM io_uring_setup ENOSYS clone3 ENOSYS clone-user EPERM unshare EPERM setns EPERM mount EPERM fsopen ENOSYS AF_VSOCK EAFNOSUPPORT AF_ALG EAFNOSUPPORT AF_VSOCK-high EAFNOSUPPORT AF_UNIX 0 newer ENOSYS ptrace ESRCH '
	eq 'nothing is said' "$ERR" ''
	# The other way to a family that is refused: the call of 32-bit programs, with its words in memory.
	if command -v cc >/dev/null; then
		cat >"$T/call.c" <<-'END'
			#define _GNU_SOURCE
			#include <errno.h>
			#include <stdio.h>
			#include <string.h>
			#include <sys/mman.h>
			int main(void)
			{
				int *words = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
				long r = 102 /* socketcall */;
				words[0] = 40 /* AF_VSOCK */;
				words[1] = 1;
				__asm__ volatile("int $0x80" : "+a"(r) : "b"(1L), "c"(words) : "memory", "r8", "r9", "r10", "r11");
				puts(r == -EPERM ? "EPERM" : r < 0 ? strerror((int)-r) : "a socket");
				return 0;
			}
		END
		cc -o "$T/call" "$T/call.c" || fail 'cc'
		if "$T/call" >/dev/null 2>&1; then # not every kernel has it
			ok do --ro "$T/call" -- "$T/call"
			eq socketcall "$OUT" EPERM
		fi
	fi
	# A sandbox in a sandbox, where that is wanted.
	R do -- unshare -U true
	[ "$RC" != 0 ] || fail 'a user namespace of its own'
	# As root it would have to map the id 0, which takes CAP_SETFCAP.
	if [ "$MODE" = rootless ]; then
		IN --nested --ro "$USRUN" -- "XDG_RUNTIME_DIR=/run/user/$(id -u) $USRUN do --nested --ro $USRUN -- $USRUN do -- sh -c 'echo third; pwd'"
		eq nested "$OUT" $'third\n'"$PWD"
	fi
	IN --nested -- 'unshare -U true && echo made'
	eq namespace "$OUT" made
	# Another profile, or none.
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}' >"$T/profile"
	R do --seccomp "$T/profile" -- mkdir /tmp/x
	has 'a profile of the user' "$ERR" 'No space left'
	IN --seccomp none -- 'grep "^Seccomp:" /proc/self/status | tr "\t" " "'
	eq none "$OUT" 'Seccomp: 0'
	no "open $T/env" do --seccomp "$T/env" -- true
	echo '{"defaultAction":"SCMP_ACT_MAGIC"}' >"$T/profile"
	no "$T/profile:1:18: defaultAction: expected" do --seccomp "$T/profile" -- true
	has 'what it is' "$ERR" SCMP_ACT_MAGIC
	echo '{"defaultAction":"SCMP_ACT_ALLOW", "syscalls":[{"names":["read"], "action":"SCMP_ACT_KILL", "errnoRet":1}]}' >"$T/profile"
	no "$T/profile:1:104: syscalls[0].errnoRet: SCMP_ACT_KILL has no error number" do --seccomp "$T/profile" -- true
}

# What the user, or the user's shell, editor or git, would run later.
t_do_guards_what_others_run() {
	do_home
	mkdir -p .git/hooks .git/modules/sub/hooks .vscode
	echo '[core]' >.git/config
	touch .git/hooks/pre-commit .vscode/tasks.json .bashrc .git/modules/sub/config
	ln -s elsewhere .envrc
	R do --rw . -- sh -c '
		for f in .git/hooks/pre-commit .git/hooks/new .git/config .git/modules/sub/hooks/new .git/modules/sub/config .vscode/tasks.json .bashrc; do
			(echo evil >$f) 2>/dev/null && echo "wrote $f"
			rm -f $f 2>/dev/null; mv $f x 2>/dev/null && echo "moved $f"
		done
		mv .git x 2>/dev/null && echo "moved .git"
		mv .git/modules x 2>/dev/null && echo "moved modules"
		rm -rf .git/hooks 2>/dev/null
		umount .git/hooks 2>/dev/null && echo unmounted
		ln -sf evil .envrc; echo evil >.profile
		echo work >.git/COMMIT_EDITMSG; echo work >Makefile'
	eq 'what was changed' "$OUT" ''
	eq 'what is work' "$(cat .git/COMMIT_EDITMSG Makefile)" $'work\nwork'
	eq 'what was there' "$(grep -rl evil .git .vscode .bashrc || true)$(ls .git/hooks .vscode)" \
		$'.git/hooks:\npre-commit\n\n.vscode:\ntasks.json'
	has 'what is new is told' "$ERR" "new in a writable directory, review it before it runs: $PWD/.profile $PWD/.envrc"
	IN --rw . --unprotect .git --unprotect .bashrc -- 'echo x >.git/hooks/pre-commit; echo x >.bashrc; echo x >.vscode/new 2>/dev/null || echo guarded'
	eq unprotected "$OUT $(cat .git/hooks/pre-commit .bashrc | tr '\n' ' ')" 'guarded x x '
	IN --rw . --rw .git/hooks -- 'echo y >.git/hooks/pre-commit'
	IN -v .:/run/p -w /run/p -- 'touch z; touch .vscode/z 2>/dev/null || echo guarded'
	eq 'at another path' "$OUT" guarded
	# Submodules in directories and in submodules, worktrees, and files that lead to a repository.
	local deep=.git/modules/libs/.foo/modules/bar
	mkdir -p $deep/hooks .git/worktrees/w tree plain
	touch .git/modules/libs/HEAD .git/modules/libs/.foo/HEAD $deep/HEAD $deep/config .git/worktrees/w/commondir
	echo 'gitdir: ../.git/worktrees/w' >tree/.git
	R do --rw . --rw tree --rw plain -- sh -c '
		for f in '$deep'/hooks/new '$deep'/config .git/worktrees/w/commondir tree/.git; do
			(echo evil >$f) 2>/dev/null && echo "wrote $f"
			rm -f $f 2>/dev/null; mv $f x 2>/dev/null && echo "moved $f"
		done
		mv .git/modules/libs x 2>/dev/null && echo "moved libs"
		mv tree x 2>/dev/null && echo "moved tree"
		echo evil >.git/commondir; echo evil >'$deep'/config.worktree; echo evil >.git/worktrees/w/config.worktree
		mkdir plain/.git'
	eq 'of other repositories' "$OUT" ''
	for f in .git/commondir $deep/config.worktree .git/worktrees/w/config.worktree; do
		has 'what is new is told' "$ERR " "$PWD/$f "
	done
	hasnt 'a directory is no news' "$ERR" plain
	rmdir plain/.git
	R do --rw plain -- sh -c 'echo evil >plain/.git'
	has 'a file is' "$ERR" "review it before it runs: $PWD/plain/.git"
	no '--unprotect magic: no protected file has this name' do --rw . --unprotect magic -- true
}

# What cannot be looked at is not taken for what is not there; and a directory that is closed now may be opened later.
t_do_guards_meet_an_error() {
	do_home
	mkdir -p .git/modules/sub/hooks
	touch .git/modules/sub/config
	RC=0
	strace -o "$T/trace" -P "$PWD/.git/modules" -e inject=open,openat:error=EMFILE "${U[@]}" do --rw . -- true 2>"$T/err" || RC=$?
	has 'trace' "$(<"$T/trace")" INJECTED
	has 'error' "$(<"$T/err")" "search $PWD for what others run: too many open files"
	mkdir dead # as a mount whose server is gone
	strace -f -o "$T/trace" -P "$PWD/dead" -P "$PWD/dead/HEAD" -e inject=open,openat,?lstat,newfstatat:error=ENOTCONN \
		"${U[@]}" do --rw . -- true 2>"$T/err" || fail "$(<"$T/err")"
	has 'trace of it' "$(<"$T/trace")" INJECTED
	# A disk or another machine may answer later, while the sandbox runs.
	RC=0
	strace -f -o "$T/trace" -P "$PWD/dead" -P "$PWD/dead/HEAD" -e inject=open,openat:error=EIO \
		"${U[@]}" do --rw . -- true 2>"$T/err" || RC=$?
	eq 'an error of a disk' "$RC" 125
	RC=0
	strace -f -o "$T/trace" -P /var/backups -e inject=?lstat,?stat,?readlink,?readlinkat,?newfstatat,?statx,?openat:error=EIO \
		"${U[@]}" do -- true 2>"$T/err" || RC=$?
	has 'a hidden place' "$RC $(<"$T/err")" '125 usrun: look for /var/backups, to hide it'
	[ "$MODE" != root ] || return 0
	chmod 0 .git/modules
	R do --rw . -- sh -c 'chmod 755 .git/modules; echo evil >.git/modules/sub/hooks/pre-commit'
	has 'what was opened' "$ERR" "review it before it runs: $PWD/.git/modules"
	chmod 755 .git/modules
	chmod 0 .git/modules/sub
	R do --rw . -- sh -c 'chmod 755 .git/modules/sub; echo evil >.git/modules/sub/hooks/pre-commit'
	has 'what was opened in it' "$ERR" "review it before it runs: $PWD/.git/modules/sub/hooks"
	chmod 755 .git/modules/sub
}

# Nobody's death leaves it behind.
t_do_ends_with_usrun() {
	do_home
	local i pid n
	for i in 1 2 3 4 5 6 7 8; do
		n=1000.$i${ID//[!0-9]/} # nobody else sleeps for so long
		"${U[@]}" do --name "$ID-$i" --rw . -- sh -c "echo >up-$i; sleep $n" >/dev/null 2>&1 &
		pid=$!
		# At once, in the middle, and when it is up.
		case $i in
		[1-6]) sleep "$(printf 0.%03d $((i * 3)))" ;;
		*) soon [ -e "up-$i" ] || fail 'it does not start' ;;
		esac
		kill -KILL $pid
		wait $pid 2>/dev/null || true
		gone() { ! grep -lzF "$n" /proc/[0-9]*/cmdline >/dev/null 2>&1; }
		soon gone || fail "a process outlives usrun ($i)"
		"${U[@]}" delete --force "$ID-$i" 2>/dev/null || true
	done
	eq 'nothing is mounted' "$(grep -c "$ID" /proc/self/mountinfo)" 0
}

# What a killed one has left is removed by the next, if nobody has named it and it is over.
t_do_sweeps_killed_sandboxes() {
	do_home
	local name
	for name in "" "--name=$ID"; do
		# shellcheck disable=SC2086 # none or one
		"${U[@]}" do $name --rw . -- sh -c 'echo >up; sleep 1000' >/dev/null 2>&1 &
		soon [ -e up ] || fail 'it does not start'
		kill -KILL $!
		wait $! 2>/dev/null || true
		rm up
	done
	mkdir -m 700 "$(STATE_OF)/do-cut-off" "$(STATE_OF)/cut-off"
	"${U[@]}" do --rw . -- sh -c 'echo >up; sleep 1000' >/dev/null 2>&1 &
	soon [ -e up ] || fail 'it does not start'
	ok do -- true
	ok list -q
	eq 'left: what has a name, what runs, what is no sandbox' "$(sed "s/^do-$!-.*/running/" <<<"$OUT" | sort)" "$(printf '%s\n' "$ID" cut-off running | sort)"
	kill -KILL $!
	wait $! 2>/dev/null || true
	ok do -- true
	rmdir "$(STATE_OF)/cut-off"
	ok list -q
	eq 'left at the end' "$OUT" "$ID"
	ok delete "$ID"
}

t_do_prints_a_config_that_run_takes() {
	do_home
	ok do --print-config --rw . -e A=1 --hostname box --ulimit nofile=77 -- sh -c 'echo "$A $(hostname) $(ulimit -n)"; touch printed; touch /usr/x 2>/dev/null || echo read-only'
	printf '%s' "$OUT" >"$T/printed.json"
	[ ! -e printed ] || fail '--print-config ran it'
	ok run -b "$T" -f "$T/printed.json" "$ID"
	eq run "$OUT" $'1 box 77\nread-only'
	[ -e printed ] || fail 'the directory is not writable'
	ok explain -b "$T" -f "$T/printed.json"
	has explain "$OUT" 'init         usrun, which passes signals on and reaps'
}

t_do_limits_are_there_or_an_error() {
	do_home
	R do --memory 64m --pids-limit 20 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do sleep 10 & done 2>&1; wait'
	if [ "$RC" = 125 ]; then
		has 'an error that says what to do' "$ERR" hint:
	else
		has 'the limit holds' "$OUT$ERR" fork
	fi
	no '--memory: expected a size' do --memory much -- true
	no '--cpus: expected a number of CPUs' do --cpus none -- true
	no '--timeout: expected a time' do --timeout soon -- true
	no '--pids-limit: expected a number' do --pids-limit 0 -- true
	no '--cap-add CAP_SYS_ADMIN: a program with it can uncover' do --cap-add sys_admin -- true
	no '--device /etc/passwd: expected a path below /dev' do --device /etc/passwd -- true
	no '--device /dev/nosuch: no such path' do --device /dev/nosuch -- true
	no '--device /dev/fd: it is not a device' do --device /dev/fd -- true
	IN --cap-add net_bind_service --device /dev/full --ulimit core=0 -- 'grep CapEff /proc/self/status | tr "\t" " "; ulimit -c'
	eq capability "$OUT" $'CapEff: 0000000000000400\n0'
}

# The same inside and outside.
t_do_runs_everyday_programs() {
	do_home
	local tried=
	if command -v git >/dev/null; then
		rm -rf .git
		git init -q . && git config user.email a@b && git config user.name a
		IN --rw . -- 'git add file && git commit -qm one && git log --format=%s && git status --short'
		eq git "$OUT" one
		tried+=git
	fi
	if command -v cc >/dev/null; then
		echo 'int main(void) { return 42; }' >a.c
		R do --rw . -- sh -c 'cc a.c -o a && ./a'
		eq cc "$RC" 42
		tried+=' cc'
	fi
	if command -v python3 >/dev/null; then
		IN -- 'python3 -c "import multiprocessing as m; print(sum(m.Pool(2).map(abs, [-1, -2])))"'
		eq python "$OUT" 3
		tried+=' python3'
	fi
	IN --rw . -- 'tar cf x.tar file && tar tf x.tar; id -un >/dev/null; ls -l / >/dev/null; ps ax >/dev/null 2>&1; echo done'
	eq tar "$OUT" $'file\ndone'
	echo "tried: $tried tar"
}

# Root in a copy of this machine. FUSE is given to the user by give_fuse() of test_layer.sh.
root_home() {
	[ -z "${OWN:-}" ] || [ -w /dev/fuse ] || skip 'needs root to prepare it'
	needs_fuse
	do_home
}
before_t_do_root_installs_a_package() { give_fuse; }
after_t_do_root_installs_a_package() { take_fuse; }
t_do_root_installs_a_package() {
	root_home
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip 'needs apt and dpkg'
	mkdir -p "$T/deb/DEBIAN" "$T/deb/usr/bin" "$T/deb/etc"
	printf 'Package: it-hello\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.com>\nDescription: a test\n' >"$T/deb/DEBIAN/control"
	printf '#!/bin/sh\nset -e\necho configured >/etc/it-configured\nchown mail:mail /etc/it-configured\n' >"$T/deb/DEBIAN/postinst"
	printf '#!/bin/sh\necho hello from the package\n' >"$T/deb/usr/bin/it-hello"
	echo conf >"$T/deb/etc/it-hello.conf"
	chmod 755 "$T/deb/DEBIAN/postinst" "$T/deb/usr/bin/it-hello"
	dpkg-deb --root-owner-group -b "$T/deb" x.deb >/dev/null
	IN --root --net=none --changes -- 'apt-get install -y ./x.deb >/dev/null 2>&1 && it-hello && dpkg -s it-hello | grep Status && cat /etc/it-configured
		useradd -m it-joe && su it-joe -c "id -un" && ls /home/it-joe >/dev/null && id -u && pwd'
	eq inside "$OUT" "hello from the package
Status: install ok installed
configured
it-joe
0
$PWD"
	has 'a file of it' "$ERR" 'A /usr/bin/it-hello 38'
	has 'made by its script' "$ERR" 'A /etc/it-configured 11'
	has 'the user' "$ERR" 'M /etc/passwd'
	# What stands in for files that root alone may read is no change, nor is a mount point.
	hasnt 'stand-ins' "$ERR" '/var/lib/dpkg/lock'
	hasnt 'stand-ins' "$ERR" 'apt.conf.d'
	hasnt 'mount points' "$ERR" ' /proc'
	hasnt 'mount points' "$ERR" ' /tmp'
	# What is not shown is neither gone nor anew.
	hasnt 'homes that are not shown' "$ERR" ' /home'
	[ ! -e /usr/bin/it-hello ] && [ ! -e /etc/it-configured ] || fail 'it is installed here'
	! id it-joe 2>/dev/null || fail 'there is such a user here'
}

before_t_do_root_is_a_copy() { give_fuse; }
after_t_do_root_is_a_copy() { take_fuse; }
t_do_root_is_a_copy() {
	root_home
	IN --root --net=none -- 'id -u; echo ~; stat -c "%U %a" /etc/passwd /usr/bin; touch /etc/it-new /usr/it-new && rm /etc/group && mv /etc/hostname /etc/it-old && ln /etc/passwd /etc/it-link && stat -c %h /etc/passwd; echo x >file; cat file'
	eq inside "$OUT" $'0\n/root\nroot 644\nroot 755\n2\nx'
	eq outside "$(<file) $(ls -d /etc/it-* /usr/it-* 2>/dev/null)" 'text '
	# What is kept is there the next time, and the list is that of this machine.
	IN --root --net=none --overlay="$T/layer" -- 'echo new >/etc/it-new; echo home >~/it-home; chmod 700 /usr/bin'
	IN --root --net=none --overlay="$T/layer" -- 'cat /etc/it-new ~/it-home; stat -c %a /usr/bin; : >>/var/lib/dpkg/lock 2>/dev/null; true'
	eq 'the next run' "$OUT" $'new\nhome\n700'
	ok do --apply "$T/layer" --changes
	eq changes "$OUT" 'A /etc/it-new 4
m /usr/bin/ 755 -> 700
1 added, 1 mode or time'
	# Who removes what is empty for him has not meant what is here. A /lost+found is there with some file systems.
	local again=/home/it-x
	[ ! -d /lost+found ] || again+=' /lost+found'
	IN --root --net=none --overlay="$T/layer" -- "rm -rf /home /var/mail /var/backups /lost+found 2>/dev/null; mkdir -p $again; rm -rf /opt; true"
	ok do --apply "$T/layer" --changes
	hasnt 'what is not shown' "$OUT" ' /home'
	hasnt 'what is not shown' "$OUT" ' /var/mail'
	hasnt 'what is not shown' "$OUT" ' /lost'
	rm "$T/layer/0/standins" # as a start does that is killed while it makes them
	IN --root --net=none --overlay="$T/layer" -- 'cat /etc/it-new'
	eq 'after a kill' "$OUT" new
	ok gc --layer "$T/layer"
	[ ! -e "$T/layer" ] || fail 'the layer is still there'
	# A directory of the host that is written to.
	IN --root --net=none --rw . -- 'echo made >made'
	eq 'made outside' "$(<made) $(stat -c %u made)" "made $(id -u)"
	# The same by the config that it prints.
	ok do --root --net=none --print-config -- sh -c 'id -u; echo x >/etc/it-new && cat /etc/it-new'
	mkdir "$T/bundle"
	echo "$OUT" >"$T/bundle/config.json"
	ok run -b "$T/bundle" "$ID"
	eq 'run by the config' "$OUT" $'0\nx'
	no 'with --rootfs the program is root in that tree' do --root --rootfs . -- true
	no "--home: with --root it is root's" do --root --home=ro -- true
	no 'it would be seen inside' do --root --overlay=/var/it-layer -- true
}

before_t_do_root_keeps_a_hostile_program_in() { give_fuse; }
after_t_do_root_keeps_a_hostile_program_in() { take_fuse; }
t_do_root_keeps_a_hostile_program_in() {
	root_home
	mkdir -p secret
	echo secret >secret/x
	IN --root --net=none --rw . --hide secret -- 'grep CapBnd /proc/self/status
		for c in "umount /proc" "umount -l /" "umount -l $PWD/secret" "mount -t tmpfs x /mnt" "mount -o remount,rw /sys" "mount --bind / /mnt" "unshare -m true" "unshare -Urm true"; do
			$c 2>/dev/null && echo "$c succeeds"; done
		cat ~/.ssh/id "$PWD/../.ssh/id" secret/x 2>/dev/null
		ls /dev/fuse /run/dbus /run/systemd /var/mail/* /var/backups/* 2>/dev/null
		grep -v ":\*:" /etc/shadow; ps ax | grep -c "[f]use-overlayfs\|[u]srun:"
		mkdir /usr/x && mv /usr/x /usr/y; mv ../proj ../away 2>/dev/null && echo moved
		rm -rf /var/opt /home /sys 2>/dev/null; cat secret/x 2>/dev/null; ls secret; true'
	local line=${OUT%%$'\n'*}
	[ $((0x${line##*[$'\t ']} & 1 << 21)) = 0 ] || fail "CAP_SYS_ADMIN: $line"
	eq 'all else' "${OUT#*$'\n'}" 0
	no '--cap-add CAP_SYS_ADMIN' do --root --cap-add SYS_ADMIN -- true
}

before_t_do_root_is_killed() { give_fuse; }
after_t_do_root_is_killed() { take_fuse; }
# At any instant of its start and after: nobody who serves is left, no mount and no process.
t_do_root_is_killed() {
	root_home
	local i name
	for ((i = 0; i < ${USRUN_TIMES:-16}; i++)); do
		"${U[@]}" do --root --net=none --name "$ID" -- sh -c 'while :; do echo x >>/etc/it-new; done' </dev/null >/dev/null 2>&1 &
		sleep "0.$(printf %03d $((i * 23 % 400)))"
		kill -KILL $!
		wait $! 2>/dev/null || true
		soon no_server || fail "after kill $i: $(pgrep -af "^usrun:.*$ID")"
		for name in $("${U[@]}" list -q); do
			ok delete --force "$name"
		done
	done
}

before_t_do_root_needs_fuse() {
	touch "$T/none"
	[ ! -e /dev/fuse ] || mount --bind "$T/none" /dev/fuse
}
after_t_do_root_needs_fuse() { [ ! -e /dev/fuse ] || umount /dev/fuse; }
t_do_root_needs_fuse() {
	[ -z "${OWN:-}" ] || skip 'needs root to prepare it'
	command -v fuse-overlayfs >/dev/null || skip 'needs fuse-overlayfs'
	do_home
	no '--root: fuse-overlayfs needs /dev/fuse' do --root -- true
	has 'what to do' "$ERR" 'as root: '
	eq status "$RC" 125
}

t_do_shares_sockets_by_name() {
	do_home
	command -v python3 >/dev/null || skip 'needs python3'
	local run=$T/session
	mkdir -m 700 "$run"
	python3 - "$run/agent" <<'P' &
import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
while True:
    c, _ = s.accept(); c.sendall(b"agent\n"); c.close()
P
	trap "kill $!" EXIT
	soon accepts "$run/agent" || fail 'the agent does not start'
	ln -s "$run/agent" "$run/link"
	local ask='import os, socket; s = socket.socket(socket.AF_UNIX); s.connect(os.environ["SSH_AUTH_SOCK"]); print(s.makefile().read(), end="")'
	export SSH_AUTH_SOCK=$run/link
	R do -- python3 -c "$ask"
	[ "$RC" != 0 ] || fail 'the agent is there unasked'
	ok do --share ssh-agent -- python3 -c "$ask"
	eq 'the agent' "$OUT" agent
	IN --share ssh-agent -- "echo \$SSH_AUTH_SOCK; ls -A $run"
	eq 'nothing else' "$OUT" "$run/agent"$'\nagent'
	DBUS_SESSION_BUS_ADDRESS=unix:path=$run/agent,guid=1 ok do --share dbus -- sh -c 'echo $DBUS_SESSION_BUS_ADDRESS'
	eq 'the bus' "$OUT" "unix:path=$run/agent"
	ln -s "$run/agent" "$run/a, b"
	DBUS_SESSION_BUS_ADDRESS="unix:abstract=/x;unix:path=$run/none;unix:guid=1,path=$run/a%2c%20b" ok do --share dbus -- sh -c 'echo $DBUS_SESSION_BUS_ADDRESS'
	eq 'the third address' "$OUT" "unix:path=$run/agent"
	DBUS_SESSION_BUS_ADDRESS=unix:abstract=/x no '--share dbus: unix:abstract=/x is not the path of a socket' do --share dbus -- true
	DBUS_SESSION_BUS_ADDRESS=unix:path=$run/none no "--share dbus: no socket at $run/none" do --share dbus -- true
	DBUS_SESSION_BUS_ADDRESS=$run/agent no "--share dbus: $run/agent is not an address of D-Bus" do --share dbus -- true
	XDG_RUNTIME_DIR=$run WAYLAND_DISPLAY=agent ok do --share wayland -- sh -c '[ -S "$WAYLAND_DISPLAY" ] && echo socket'
	eq 'the desktop' "$OUT" socket
	DISPLAY=elsewhere:0 no 'is not local' do --share x11 -- true
	WAYLAND_DISPLAY='' no '--share wayland: WAYLAND_DISPLAY is not set' do --share wayland -- true
	HOME=none XDG_RUNTIME_DIR=$run no "no socket at $run/gnupg/S.gpg-agent" do --share gpg-agent -- true
	for name in none file; do # a file would be writable, whatever it is
		echo >"$run/file"
		SSH_AUTH_SOCK=$run/$name no "--share ssh-agent: no socket at $run/$name" do --share ssh-agent -- true
	done
	no '--share: expected one of ssh-agent' do --share sshagent -- true
}

t_do_is_left_running() {
	do_home
	local name=$ID-d
	ok do --net=none -d --name "$name" -- sh -c 'echo up >/tmp/up; exec sleep 1000'
	eq output "$OUT$ERR" "${ERR:+$ERR}"
	soon is_of "$name" running || fail 'it does not run'
	ok exec "$name" sh -c 'until [ -e /tmp/up ]; do sleep 0.02; done; cat /tmp/up file; id -u; grep CapEff /proc/self/status'
	eq 'another program in it' "$OUT" "up
text
$(id -u)
CapEff:	0000000000000000"
	ok kill "$name" KILL
	soon is_of "$name" stopped || fail 'it does not end'
	ok delete "$name"
	no 'does not exist' state "$name"
	# Without a name its id is told; delete --force ends it.
	ok do --net=none --detach -- sleep 1000
	name=$OUT
	is_of "$name" running || fail "$name does not run"
	ok delete --force "$name"
	ok do --net=none -d -t --name "$ID-t" -- sh -c 'tty; exec sleep 1000'
	ok delete --force "$ID-t"
	no '--timeout: cannot be used with --detach' do -d --timeout 1 -- true
	no '--changes: cannot be used with --detach' do -d --changes -- true
	no 'cannot be used with --detach' do -d --overlay="$T/layer" -- true
}

t_do_help_is_grouped() {
	ok do --help
	eq groups "$(sed -n 's/^\([A-Z][a-z]*\):$/\1/p' <<<"$OUT" | tr '\n' ' ')" 'Files Copies Who Network Limits More '
	eq 'more than 80 columns' "$(grep -E '.{81}' <<<"$OUT" || true)" ''
}

# Git runs what the configuration of a bare repository names, in whatever directory that is.
t_do_guards_bare_repositories() {
	do_home
	mkdir -p bare.git/{objects,refs,hooks} plain/hooks
	touch bare.git/HEAD bare.git/config plain/config
	R do --rw . -- sh -c '
		for f in bare.git/hooks/new bare.git/config; do
			(echo evil >$f) 2>/dev/null && echo "wrote $f"
			rm -f $f 2>/dev/null; mv $f x 2>/dev/null && echo "moved $f"
		done
		mv bare.git x 2>/dev/null && echo "moved bare.git"
		echo work >bare.git/refs/x; echo work >plain/config
		mkdir -p new/objects new/refs; touch new/HEAD new/config
		name=$(printf "new\342\200\256"); mkdir -p "$name/objects" "$name/refs"; touch "$name/HEAD"'
	eq 'what was changed' "$OUT" ''
	eq 'what is work' "$(cat bare.git/refs/x plain/config)" $'work\nwork'
	has 'a new one is told' "$ERR" "new in a writable directory, review it before it runs: $PWD/new"
	has 'a name that would be shown as another' "$ERR" "$PWD/new\\342\\200\\256"
	hasnt 'those that were there' "$ERR" "$PWD/bare.git"
	# Deeper ones as well.
	mkdir -p lib/vendor/deep.git/{objects,refs,hooks}
	touch lib/vendor/deep.git/HEAD lib/vendor/deep.git/config
	R do --rw . -- sh -c '
		(echo evil >lib/vendor/deep.git/config) 2>/dev/null && echo "wrote config"
		mv lib/vendor lib/x 2>/dev/null && echo moved; touch lib/vendor/deep.git/hooks/x 2>/dev/null && echo made
		mkdir -p lib/vendor/other/objects lib/vendor/other/refs; touch lib/vendor/other/HEAD lib/new'
	eq 'deeper' "$OUT $(ls lib/new)" ' lib/new'
	has 'a deeper new one is told' "$ERR" "$PWD/lib/vendor/other"
	hasnt 'that which was there' "$ERR" deep.git
	# What leads git from a worktree elsewhere to them.
	mkdir -p bare.git/worktrees/w bare.git/modules/m/hooks
	echo ../.. >bare.git/worktrees/w/commondir
	echo x >bare.git/modules/m/config
	IN --rw . -- 'for f in worktrees/w/commondir modules/m/config modules/m/hooks/x; do
		(echo evil >bare.git/$f) 2>/dev/null && echo "wrote $f"; done; echo evil >bare.git/worktrees/w/config.worktree'
	eq 'of a worktree and a submodule' "$OUT" ''
	has 'new for a worktree' "$ERR" "$PWD/bare.git/worktrees/w/config.worktree"
	IN --rw . --unprotect .git -- 'echo x >bare.git/config; echo ../.. >bare.git/worktrees/w/commondir || echo refused'
	eq 'unprotected worktree' "$OUT" ''
	eq unprotected "$(<bare.git/config)" x
	# Any number of them takes no more memory than their names.
	(ulimit -v 100000 && R do --rw . -- sh -c 'for part in objects refs HEAD; do mkdir -p $(seq -f "%0220g/$part" 1200); done' &&
		eq 'many new ones' "$RC" 0)
}

before_t_do_publishes_what_it_may() { give_tun; }
after_t_do_publishes_what_it_may() { take_tun; }
# Also root's port is opened by a process that is root in the sandbox's user namespace alone.
t_do_publishes_what_it_may() {
	needs slirp4netns
	do_home
	local start who='unprivileged users'
	start=$(</proc/sys/net/ipv4/ip_unprivileged_port_start)
	[ "$start" -gt 80 ] || skip 'all ports are for everybody'
	[ "$MODE" != root ] || who="the network's helper, which is not root on the host,"
	no "$who may only publish ports from $start up" do -p 80:80 -- true
	has 'what to do' "$ERR" 'publish another one, such as 8080'
}

before_t_do_says_what_it_waits_for() { give_tun; }
after_t_do_says_what_it_waits_for() { take_tun; }
t_do_says_what_it_waits_for() {
	needs slirp4netns
	do_home
	mkdir "$T/bin"
	printf '#!/bin/sh\nsleep 2\nexec %s "$@"\n' "$(command -v slirp4netns)" >"$T/bin/slirp4netns"
	chmod 755 "$T/bin" "$T/bin/slirp4netns"
	under_script "PATH=$T/bin:\$PATH ${U[*]} do --net=slirp4netns -- echo done"
	has 'a person' "$OUT" 'waiting for the network ...'
	has 'a person' "$OUT" done
	PATH=$T/bin:$PATH ok do --net=slirp4netns -- echo done
	eq 'a pipe' "$OUT|$ERR" 'done|'
}

# A shell that takes the id from a pipe waits for all who could still write to it.
t_do_detached_gives_its_id_away() {
	local id
	id=$(timeout 60 "${U[@]}" do --detach --net=none -- sh -c 'exec sleep 100 >/dev/null 2>&1' </dev/null) || fail "do --detach: exit status $?"
	is_of "$id" running || fail "$id does not run"
	ok delete --force "$id"
}

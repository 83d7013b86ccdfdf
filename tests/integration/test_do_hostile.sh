# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What is in reach of a hostile program in `usrun do`, as the user and as root alike.

hostile_home() {
	mkdir -p "$T/home/proj"
	export HOME=$T/home
	cd "$T/home/proj" || fail "cd: $T/home/proj"
	command -v python3 >/dev/null || skip 'needs python3'
	cat >hostile.py <<-'END'
		import ctypes, errno, fcntl, os, socket, sys
		libc = ctypes.CDLL(None, use_errno=True)
		def told(name, r):
		    print(name, "succeeds" if r >= 0 else errno.errorcode[ctypes.get_errno()])
		def tried(name, action):
		    try:
		        action()
		        print(name, "succeeds")
		    except OSError as e:
		        print(name, errno.errorcode[e.errno])
		here = ctypes.create_string_buffer(8)
		near = (ctypes.c_size_t * 2)(ctypes.addressof(here), 8)
		far = (ctypes.c_size_t * 2)(0x400000, 8)
		pid, port, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
		for who, number in ("host", pid), ("init", 1):
		    told("attach-" + who, libc.ptrace(16, number, 0, 0))
		    told("seize-" + who, libc.ptrace(0x4206, number, 0, 0))
		    told("read-" + who, libc.process_vm_readv(number, near, 1, far, 1, 0))
		tried("kill-host", lambda: os.kill(pid, 0))
		TIOCSTI = 0x5412
		for fd in 0, 1, 2:
		    tried("type-%d" % fd, lambda: fcntl.ioctl(fd, TIOCSTI, b"x"))
		tried("type-tty", lambda: fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), TIOCSTI, b"x"))
		tried("loopback", lambda: socket.socket().connect(("127.0.0.1", port)))
		tried("abstract", lambda: socket.socket(socket.AF_UNIX).connect("\0" + name))
	END
	python3 -c '
import socket, sys, time
tcp = socket.create_server(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX); unix.bind("\0" + sys.argv[1]); unix.listen()
open(sys.argv[2], "w").write(str(tcp.getsockname()[1]))
time.sleep(120)' "$ID" "$T/port" &
	HOST=$!
	soon [ -s "$T/port" ] || fail 'no listener'
}

hostile() { # OPTION...: the answers, in one line
	ok do --net=none "$@" -- python3 hostile.py "$HOST" "$(<"$T/port")" "$ID"
	tr -d '\r' <<<"$OUT" | xargs
}

NOBODY='attach-host ESRCH seize-host ESRCH read-host ESRCH attach-init EPERM seize-init EPERM read-init EPERM kill-host ESRCH'
TYPING='type-0 EPERM type-1 EPERM type-2 EPERM'
ALONE='loopback ECONNREFUSED abstract ECONNREFUSED'

t_do_traces_and_types_nowhere() {
	hostile_home
	eq 'as the user' "$(hostile)" "$NOBODY $TYPING type-tty ENXIO $ALONE"
	eq 'with a terminal' "$(hostile -t)" "$NOBODY $TYPING type-tty EPERM $ALONE"
	kill $HOST
	wait $HOST 2>/dev/null || true
}

before_t_do_root_traces_and_types_nowhere() { give_fuse; }
after_t_do_root_traces_and_types_nowhere() { take_fuse; }
t_do_root_traces_and_types_nowhere() {
	[ -z "${OWN:-}" ] || [ -w /dev/fuse ] || skip 'needs root to prepare it'
	needs_fuse
	hostile_home
	eq 'as root' "$(hostile --root)" "$NOBODY $TYPING type-tty ENXIO $ALONE"
	eq 'with a terminal' "$(hostile --root -t)" "$NOBODY $TYPING type-tty EPERM $ALONE"
	kill $HOST
	wait $HOST 2>/dev/null || true
}

# The next usrun, which may be the sandbox's own at its end, runs the hooks of a state that is left there.
t_do_hides_the_state() {
	mkdir -p "$T/home/proj"
	mkdir -p -m 700 "$T/home/proj/above/state"
	export HOME=$T/home
	cd "$T/home/proj" || fail "cd: $T/home/proj"
	U=(env "USRUN_TEST=$ID" "$USRUN" --root "$PWD/above/state")
	R do --net=none --rw . -v .:/run/too -- sh -c 'for state in above/state /run/too/above/state; do
			ls -A $state; mkdir $state/evil && echo "wrote $state"
			rmdir $state && echo "removed $state"; mv ${state%/*} ${state%/*}s && echo "moved $state"
		done 2>/dev/null'
	eq 'what is there, and what was changed' "$OUT" ''
	eq 'on the host' "$(find .)" $'.\n./above\n./above/state'
	ok do --net=none -- sh -c 'ls -A above/state; mkdir above/state/evil 2>/dev/null || echo refused'
	eq 'in a copy' "$OUT" refused
	ok do --net=none --home=ro -- ls -A above/state
	eq 'in the home directory' "$OUT" ''
	no "--ro $PWD/above/state: it is in usrun's state directory" do --net=none --ro above/state -- true
	mkdir tree tree/bin tree/mnt
	cp "$(command -v busybox)" tree/bin
	ok do --net=none --rootfs tree -v .:/mnt -- /bin/busybox ls -A /mnt/above/state
	eq 'in another tree' "$OUT" ''
}

# A later usrun without XDG_RUNTIME_DIR would trust it.
t_do_hides_the_state_of_another_environment() {
	rootless_only
	local other made
	other=/tmp/usrun-$(id -u)
	made=$([ -e "$other" ] || echo yes)
	R do --net=none --rw /tmp -w /tmp -- sh -c 'mkdir "$1"; mkdir "$1/evil" && echo written
		mv "$1" "$1.old" && echo moved; rmdir "$1" && echo removed' sh "$other"
	[ -z "$made" ] || eq mode "$(stat -c %a "$other")" 700
	[ -z "$made" ] || rm -rf "$other" "$other.old"
	eq 'what the program could do' "$OUT" ''
}

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`usrun attach` on real terminals: attach.py BUNDLE ID [--only NAME] -- USRUN [OPTION...]"""
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import termios

from terminals import (ARGS, BUNDLE, ID, LIMIT, USRUN, Failed, Run, Terminal, bundle, check, failures, lead_session,
                       state_of, wait_for)

KEYS = "--detach-keys=ctrl-p,ctrl-q"


def usrun(*words):
    return subprocess.run([*USRUN, *map(str, words)], stdin=subprocess.DEVNULL, text=True, capture_output=True,
                          timeout=60)


def must(*words):
    done = usrun(*words)
    check(f"usrun {words[0]}", (done.returncode, done.stderr), (0, ""))
    return done.stdout


def state():
    return json.loads(must("state", ID))["status"]


def keeper():
    words = must("explain", ID).partition("kept by process ")[2]
    return int(words.partition(",")[0])


@contextlib.contextmanager
def left(script):
    """A container whose terminal is left."""
    must("run", "--detach", "--tty", "-b", BUNDLE, "-f", bundle(script, False), ID)
    try:
        yield
    finally:
        usrun("delete", "--force", ID)


class Attached(Run):
    def __init__(self, *options, stdin=None):
        self.terminal = terminal = Terminal(33, 99)
        self.got = b""

        def prepare():
            lead_session(terminal)
            if stdin is not None:
                os.dup2(stdin, 0)

        self.process = subprocess.Popen([*USRUN, "attach", *options, ID], preexec_fn=prepare, close_fds=True)

    def type(self, text):
        os.write(self.terminal.master, text)

    def see(self, text):
        self.read(self.terminal.master, text)
        self.got = self.got.partition(text)[2]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.terminal.close()


@contextlib.contextmanager
def attached(*options, **more):
    person = Attached(*options, **more)
    try:
        yield person
    finally:
        person.close()


ECHO = "stty -echo; echo ready; while read -r x; do echo \"<$x>\"; [ \"$x\" != end ] || exit 3; done"


def reconnects_as_often_as_one_likes():
    with left(ECHO):
        for turn in range(5):
            with attached(KEYS) as person:
                if turn == 0:
                    person.see(b"ready")
                person.type(b"turn%d\r" % turn)
                person.see(b"<turn%d>" % turn)
                person.type(b"\x10\x11")
                check("status", person.wait(), 0)
                check("modes", termios_of(person), person.terminal.modes)
            check("the container", state(), "running")
        with attached() as person:
            person.type(b"end\r")
            person.see(b"<end>")
            check("status", person.wait(), 0)
        wait_for("stopped", lambda: state() == "stopped")
        done = usrun("attach", ID)
        check("attach to a stopped one", (done.returncode, "is not running" in done.stderr), (1, True))


def termios_of(person):
    return termios.tcgetattr(person.terminal.slave)


def what_nobody_saw_comes_first():
    script = "stty -echo -onlcr; i=0; while [ $i -lt 2000 ]; do echo $i-abcdefghijklmnop; i=$((i+1)); done; echo done; >/tmp/written; read x"
    everything = b"".join(b"%d-abcdefghijklmnop\n" % i for i in range(2000)) + b"done\n"
    with left(script):
        wait_for("the program goes on without a reader", (BUNDLE / "rootfs/tmp/written").exists)
        with attached() as person:
            person.read(person.terminal.master, b"done\n")
            text = person.got.partition(b"attached to")[2].partition(b"\n")[2].lstrip(b"\r\n")
            check("the end of the output", (everything.endswith(text[-15900:]), len(text) >= 15900), (True, True))


def keys_are_passed_on_unless_complete():
    with left("stty raw -echo; echo ready; dd bs=1 count=6 2>/dev/null | od -An -tx1; exit 4"):
        with attached(KEYS) as person:
            person.see(b"ready")
            person.type(b"a\x10b\x10\x10c")
            person.see(b"61 10 62 10 10 63")
            check("status", person.wait(), 0)


def much_that_is_typed():
    """Into a program that is slow to read it, with a key in it that might be the first of two."""
    text = b"\x10abcd" * 8000
    with left(f"stty raw -echo; echo ready; sleep 0.2; dd bs=7 2>/dev/null | head -c {len(text)} | md5sum"):
        with attached(KEYS) as person:
            person.see(b"ready")
            person.read(person.terminal.master, b"  -\n", feed=text, feed_fd=person.terminal.master)
            check("what came", hashlib.md5(text).hexdigest().encode() in person.got, True)


def the_last_one_has_it():
    with left(ECHO), attached() as first:
        first.see(b"ready")
        with attached(KEYS) as second:
            first.read(first.terminal.master, b"attached from elsewhere")
            check("status", first.wait(), 0)
            second.type(b"mine\r")
            second.see(b"<mine>")
            second.type(b"\x10\x11")
            second.see(b"\nleft ")
            check("status", second.wait(), 0)


def one_that_was_stopped_takes_nothing():
    """What is read belongs to the one that came later."""
    go, written = BUNDLE / "rootfs/tmp/go", BUNDLE / "rootfs/tmp/spoken"
    with left("echo ready; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo mine; >/tmp/spoken; sleep 1000"):
        with attached() as first:
            first.see(b"ready")
            stop(first)
            with attached() as second:
                second.see(b"attached to")
                wait_for("raw", second.terminal.is_raw)
                stop(second)
                go.touch()
                wait_for("output", written.exists)
                first.process.send_signal(signal.SIGCONT)
                first.read(first.terminal.master, b"attached from elsewhere")
                check("the first", b"mine" in first.got, False)
                second.process.send_signal(signal.SIGCONT)
                second.see(b"mine")
    go.unlink()
    written.unlink()


def stop(person):
    person.process.send_signal(signal.SIGSTOP)
    wait_for("stop", lambda: state_of(person.process.pid) == "T")


def a_window_that_is_closed():
    with left(ECHO):
        with attached() as person:
            person.see(b"ready")
            person.terminal.close()
            person.wait()
        with attached() as person:
            person.type(b"still\r")
            person.see(b"<still>")
            person.process.send_signal(signal.SIGTERM)
            check("status", person.wait(), -signal.SIGTERM)
            check("modes", termios_of(person), person.terminal.modes)
        check("the container", state(), "running")


def input_that_ends():
    """It is no end for the program."""
    into = os.pipe()
    os.write(into[1], b"word\n")
    os.close(into[1])
    with left(ECHO), attached(stdin=into[0]) as person:
        os.close(into[0])
        person.see(b"<word>")
        person.process.kill()
        check("the container", state(), "running")


def streams_that_fail():
    """It leaves, says why, and has failed."""
    with left("while echo tick; do sleep 0.05; done"):
        # Our own memory has nothing at its beginning: EIO, as from a broken disk. From a terminal it says that nobody is there.
        for words, source, sink in (("read standard input: is a directory", "/", None),
                                    ("write to standard output: no space", "/dev/null", "/dev/full"),
                                    ("read standard input: ", "/proc/self/mem", None),
                                    ("write to standard output: ", "/dev/null", "/proc/self/mem")):
            streams = [os.open(source, os.O_RDONLY), os.open(sink, os.O_WRONLY) if sink else subprocess.DEVNULL]
            done = subprocess.run([*USRUN, "attach", ID], text=True, stdin=streams[0], stdout=streams[1],
                                  stderr=subprocess.PIPE, timeout=60)
            check(words, (done.returncode, words in done.stderr), (1, True))
            check("the container", state(), "running")
            for fd in streams:
                if fd >= 0:
                    os.close(fd)


def the_size_of_the_window():
    trapped = BUNDLE / "rootfs/tmp/trapped"
    with left("trap 'stty size' WINCH; >/tmp/trapped; while :; do sleep 0.05; done"):
        wait_for("the trap", trapped.exists)
        for _ in range(2):  # the second time nothing changes, and a program of the whole screen must draw again
            with attached(KEYS) as person:
                person.see(b"33 99")
                person.type(b"\x10\x11")
                check("status", person.wait(), 0)
    trapped.unlink()


def a_keeper_that_is_killed():
    with left("trap '' HUP; echo ready; while :; do sleep 0.05; done"):
        with attached() as person:
            person.see(b"ready")
            os.kill(keeper(), signal.SIGKILL)
            person.read(person.terminal.master, b"was killed")
            check("status", person.wait(), 1)
        check("the container", state(), "running")
        check("attach", "was killed" in usrun("attach", ID).stderr, True)


def a_keeper_ends_with_its_container():
    with left("sleep 1000"):
        pid = keeper()
        must("kill", ID, "KILL")
        wait_for("end", lambda: is_gone(pid))
        must("delete", ID)


def a_container_that_is_deleted():
    with left("echo ready; sleep 1000"), attached() as person:
        person.see(b"ready")
        must("delete", "--force", ID)
        check("status", person.wait(), 0)
        check("words", b"was killed" in person.read(person.terminal.master), False)


def a_container_that_ends_while_it_is_asked_for():
    with left("sleep 1000"):
        pid = keeper()
        os.kill(pid, signal.SIGSTOP)
        wait_for("stop", lambda: state_of(pid) == "T")
        with attached() as person:
            wait_for("connection", lambda: sockets_of(person.process.pid))
            must("kill", ID, "KILL")
            wait_for("stopped", lambda: state() == "stopped")
            os.kill(pid, signal.SIGCONT)
            person.read(person.terminal.master, b"is not running")
            check("status", person.wait(), 1)


def sockets_of(pid):
    links = []
    with contextlib.suppress(FileNotFoundError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return [link for link in links if link.startswith("socket:")]


def is_gone(pid):
    try:
        return state_of(pid) == "Z"
    except FileNotFoundError:
        return True


def no_terminal_is_kept():
    subprocess.run([*USRUN, "run", "-d", "-b", BUNDLE, "-f", bundle("sleep 1000", False), ID], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        done = usrun("attach", ID)
        check("attach", (done.returncode, "has no terminal to attach to" in done.stderr), (1, True))
        done = usrun("attach", "--detach-keys=ctrl-é", ID)
        check("keys", (done.returncode, "--detach-keys: expected" in done.stderr), (1, True))
    finally:
        usrun("delete", "--force", ID)


CASES = (reconnects_as_often_as_one_likes, what_nobody_saw_comes_first, keys_are_passed_on_unless_complete,
         much_that_is_typed, the_last_one_has_it, one_that_was_stopped_takes_nothing, a_window_that_is_closed, input_that_ends,
         streams_that_fail, the_size_of_the_window, a_keeper_that_is_killed, a_keeper_ends_with_its_container,
         a_container_that_is_deleted, a_container_that_ends_while_it_is_asked_for, no_terminal_is_kept)


def main():
    only = ARGS[ARGS.index("--only") + 1] if "--only" in ARGS else ""
    for case in CASES:
        if only not in case.__name__:
            continue
        try:
            case()
        except (Failed, subprocess.TimeoutExpired) as failed:
            failures.append(case.__name__)
            print(f"{case.__name__}: {failed}", flush=True)
    print(f"{len(CASES)} cases, {len(failures)} failed; the limit of each is {LIMIT} s")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())

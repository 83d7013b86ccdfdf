#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real terminals and all kinds of streams around `usrun run` and `usrun exec`.

terminals.py BUNDLE ID [--full] [--only NAME] -- USRUN [OPTION...]
Every case has a time limit, and compares every byte. --full: all combinations of streams, not one in eight.
"""
import array
import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import pathlib
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import tty

KINDS = ("tty", "pipe", "file", "null", "closed", "half", "blocked", "nonblock")
ARGS = sys.argv[1:sys.argv.index("--")]
USRUN = sys.argv[sys.argv.index("--") + 1:]
BUNDLE, ID = pathlib.Path(ARGS[0]), ARGS[1]
LIMIT = 60  # seconds, on a busy machine; what hangs, hangs for ever
failures = []


class Failed(Exception):
    pass


def scene():
    """What the container's processes wait for, when a limit is over: the run's own words are not enough to tell."""
    listed = subprocess.run(["ps", "-eww", "-o", "pid=,ppid=,pgid=,tpgid=,stat=,wchan:20=,args="], stdout=subprocess.PIPE,
                            text=True, check=False).stdout.splitlines()
    ours = {line.split()[0] for line in listed if ID in line}
    for line in listed:  # parents come first
        if line.split()[1] in ours:
            ours.add(line.split()[0])
    return "".join(f"\n  {line.strip()[:150]}" for line in listed if line.split()[0] in ours)


def check(what, got, wanted):
    if got != wanted:
        raise Failed(f"{what}: got {str(got)[:200]}, wanted {str(wanted)[:200]}")


def wait_for(what, condition, limit=LIMIT):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {limit} s{scene()}")
        time.sleep(0.01)


def bundle(script, terminal=True, init=False):
    config = json.loads((BUNDLE / "config.json").read_text())
    config.setdefault("annotations", {})["run.oci.init"] = "1" if init else "0"
    config["process"]["args"] = ["/bin/sh", "-c", script]
    config["process"]["terminal"] = terminal
    path = BUNDLE / "terminal.json"
    path.write_text(json.dumps(config))
    return path


class Terminal:
    """A person's terminal, and the session on it."""

    def __init__(self, rows=24, columns=80):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.modes = termios.tcgetattr(self.slave)

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def close(self):
        for name in ("master", "slave"):
            with contextlib.suppress(OSError):
                os.close(getattr(self, name))


class Run:
    """One usrun: how is "run" or "exec"; the container of an exec is there already."""

    def __init__(self, how, script, terminal, streams, options=()):
        if how != "exec":
            words = ["run", "-b", BUNDLE, "-f", bundle(script, init=how == "init"), *options, ID]
        else:
            words = ["exec", "-t", *options, ID + "-x", "/bin/sh", "-c", script]
        self.how, self.terminal, self.got = how, terminal, bytearray()

        def prepare():
            os.setsid()
            fcntl.ioctl(terminal.slave, termios.TIOCSCTTY, 0)
            for number, fd in enumerate(streams):
                os.dup2(fd, number) if fd is not None else os.close(number)

        self.process = subprocess.Popen([*USRUN, *map(str, words)], preexec_fn=prepare, close_fds=True)

    def read(self, fd, until=None, limit=LIMIT, feed=b"", feed_fd=None):
        """Reads until the text is there, or the end; types meanwhile. The limit is for a standstill: how long many
        bytes take is the machine's business."""
        end, feed = time.monotonic() + limit, memoryview(feed)
        if feed_fd is not None:
            os.set_blocking(feed_fd, False)
        while until is None or until not in self.got:
            ended = self.process.poll() is not None  # before the look, or its last words are missed
            ready = select.select([fd], [feed_fd] if feed else [], [], 0.05)
            if ready[1]:
                with contextlib.suppress(BlockingIOError):
                    feed = feed[os.write(feed_fd, feed[:4096]):]
                    end = time.monotonic() + limit
            if ready[0]:
                try:
                    data = os.read(fd, 65536)
                except OSError:
                    data = b""
                if not data:
                    break
                self.got += data
                end = max(end, time.monotonic() + limit if until is None else 0)
            elif until is None and ended:
                break
            if time.monotonic() > end:
                raise Failed(f"read {until}: not within {limit} s, but {self.got[-200:]}{scene()}")
        return self.got

    def wait(self, limit=LIMIT):
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"does not end within {limit} s, after {self.got[-200:]}{scene()}") from None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.how != "exec":
            subprocess.run([*USRUN, "delete", "--force", ID], check=False, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def running(how, script, streams=None, options=(), **size):
    terminal = Terminal(**size)
    run = None
    try:
        run = Run(how, script, terminal, streams(terminal) if streams else [terminal.slave] * 3, options)
        yield run, terminal
    finally:
        if run:
            run.kill()
        terminal.close()


# --- every kind of stream at every place ---

def source(kind, terminal, keep):
    """A standard input that gives "word" where it can."""
    if kind == "tty":
        os.write(terminal.master, b"word\n")
        return terminal.slave
    if kind == "null":
        return os.open("/dev/null", os.O_RDONLY)
    if kind == "closed":
        return None
    if kind == "file":
        path = BUNDLE / "input"
        path.write_bytes(b"word\n")
        return os.open(path, os.O_RDONLY)
    if kind == "half":  # nobody writes to it any more, or ever did
        ours, theirs = socket.socketpair()
        ours.shutdown(socket.SHUT_WR)
        keep.append(ours)
        return theirs.detach()
    out, into = os.pipe()
    if kind != "blocked":
        os.write(into, b"word\n")
    if kind == "nonblock":
        os.set_blocking(out, False)
    keep.append(os.fdopen(into, "wb", 0))
    return out


def sink(kind, terminal, keep):
    """A standard output, and where to read what it got (None: nowhere)."""
    if kind == "tty":
        return terminal.slave, terminal.master
    if kind == "null":
        return os.open("/dev/null", os.O_WRONLY), None
    if kind == "closed":
        return None, None
    if kind == "file":
        fd = os.open(BUNDLE / "output", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        return fd, os.open(BUNDLE / "output", os.O_RDONLY)
    out, into = os.pipe()
    if kind == "half":
        os.close(out)
        return into, None
    if kind in ("blocked", "nonblock"):
        os.set_blocking(into, False)
    if kind == "blocked":
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(into, b"x" * 4096)
        os.set_blocking(into, True)
    return into, out


def combination(how, kinds):
    keep, terminal = [], Terminal()
    tty.setraw(terminal.slave)
    silent = kinds[0] == "blocked"
    script = ("" if silent else "read word; ") + 'echo "answer <$word>"; exit 7'
    given = kinds[0] in ("tty", "pipe", "file", "nonblock")
    streams = [source(kinds[0], terminal, keep)]
    out, reader = sink(kinds[1], terminal, keep)
    err, _ = sink(kinds[2], terminal, keep)
    run = Run(how, script, terminal, [*streams, out, err])
    try:
        for fd in {fd for fd in (*streams, out, err) if fd not in (None, terminal.slave)}:
            os.close(fd)
        if kinds[1] == "half":
            run.wait()
            return
        if kinds[1] == "blocked":
            time.sleep(0.1)
        if reader is not None and kinds[1] != "file":
            run.read(reader, b"answer <word>" if given else b"answer <>")
        check("status", run.wait(), 7)
        if kinds[1] == "file":
            check("output", os.read(reader, 4096).count(b"answer <word>" if given else b"answer <>"), 1)
    finally:
        run.kill()
        terminal.close()
        if reader not in (None, terminal.master):
            os.close(reader)


def combinations(full):
    every = list(itertools.product(KINDS, repeat=3))
    if not full:  # each pair of input and output once, with every kind of the third in turn
        every = [c for c in every if (sum(map(KINDS.index, c))) % len(KINDS) == 0]
    for number, kinds in enumerate(every):
        for how in ("run", "exec") if full else (("run", "exec")[number % 2],):
            yield f"{how} " + " ".join(kinds), lambda how=how, kinds=kinds: combination(how, kinds)


# --- cases ---

def pasted_to_a_program_that_does_not_read(how):
    with running(how, "stty raw -echo; echo ready; sleep 1; exit 5") as (run, terminal):
        run.read(terminal.master, b"ready")
        os.set_blocking(terminal.master, False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(60):
                os.write(terminal.master, b"x" * 1000)
                time.sleep(0.002)
        check("status", run.wait(), 5)


def a_file_that_is_not_read(how):
    path = BUNDLE / "input"
    path.write_bytes(b"x" * 79 + b"\n" + b"y" * 5000000)
    with open(path, "rb") as file:
        with running(how, "sleep 0.3; exit 6", lambda t: [file.fileno(), t.slave, t.slave]) as (run, _):
            check("status", run.wait(), 6)


def signals_are_served_while_output_is_blocked(how):
    out, into = os.pipe()
    script = "trap 'exit 3' TERM; (while :; do echo xxxxxxxxxxxxxxx; done) & while :; do sleep 0.05; done"
    with running(how, script, lambda t: [t.slave, into, t.slave]) as (run, _):
        wait_for("full pipe", lambda: not select.select([], [into], [], 0)[1])
        os.close(into)
        run.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        os.set_blocking(out, False)
        end = time.monotonic() + LIMIT
        while run.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                os.read(out, 65536)
        check("status", run.wait(1), 3)
    os.close(out)


def an_end_that_nobody_reads_can_be_given_up(how):
    out, into = os.pipe()
    os.set_blocking(into, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(into, b"x")
    written = BUNDLE / "rootfs" / "written"
    written.unlink(missing_ok=True)
    with running(how, "echo word; echo x >/written; exit 3", lambda t: [t.slave, into, t.slave]) as (run, _):
        wait_for("last step", written.exists)
        wait_for("end", lambda: not children_of(run.process.pid))  # a signal before it would be the program's
        check("waits for the reader", run.process.poll(), None)
        run.process.send_signal(signal.SIGTERM)
        check("status", run.wait(), 3)
    os.close(out)
    os.close(into)


def all_of_a_big_output(how, kind):
    keep = []
    script = "stty -opost; i=0; while [ $i -lt 20000 ]; do echo $i-abcdefghijklmnopqrst; i=$((i+1)); done; exit 4"
    wanted = b"".join(b"%d-abcdefghijklmnopqrst\n" % i for i in range(20000))
    made = []

    def streams(terminal):
        tty.setraw(terminal.slave)
        into, reader = sink(kind, terminal, keep)
        if kind == "tty":
            into = os.open(os.ttyname(terminal.slave), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        made.extend((into, reader))
        return [terminal.slave, into, into]

    with running(how, script, streams) as (run, _):
        os.close(made[0])
        time.sleep(0.3)
        end = time.monotonic() + LIMIT
        while wanted[-40:] not in run.got[-4000:] and time.monotonic() < end:
            data = run.read(made[1], None, 1) if run.process.poll() is not None else None
            if data is None:
                if select.select([made[1]], [], [], 0.1)[0]:
                    run.got += os.read(made[1], 3000)
            elif not select.select([made[1]], [], [], 0)[0]:
                break
        check("status", run.wait(), 4)
        run.got = run.got[max(0, run.got.find(b"0-a")):]  # behind what usrun says to a person
        if run.got != wanted:
            same = len(os.path.commonprefix([run.got, wanted]))
            raise Failed(f"{len(run.got)} bytes instead of {len(wanted)}, from {same} on: {run.got[same:same + 99]}")


def five_megabytes_each_way(how):
    sent = array.array("Q", range(5 << 17)).tobytes()
    into = os.pipe()
    out = os.pipe()
    script = "stty raw -echo; echo ready; head -c %d; exit 9" % len(sent)
    with running(how, script, lambda t: [into[0], out[1], t.slave]) as (run, _):
        os.close(into[0])
        os.close(out[1])
        run.read(out[0], b"ready\n")
        run.got = run.got.partition(b"ready\n")[2]
        run.read(out[0], None, 60, sent, into[1])
        check("status", run.wait(), 9)
        check("length", len(run.got), len(sent))
        check("bytes", run.got == sent, True)
    os.close(into[1])
    os.close(out[0])


def a_reader_that_leaves(how):
    out, into = os.pipe()
    with running(how, "while :; do echo line; done", lambda t: [t.slave, into, t.slave]) as (run, terminal):
        os.close(into)
        wait_for("output", lambda: select.select([out], [], [], 0)[0])
        os.close(out)
        run.wait()
        check("raw", terminal.is_raw(), False)


def a_reader_that_leaves_while_nothing_is_written(how):
    """`| less`, and q: the next key is the shell's."""
    out, into = os.pipe()
    with running(how, "trap '' HUP; echo ready; read x", lambda t: [t.slave, into, t.slave]) as (run, terminal):
        os.close(into)
        run.read(out, b"ready")
        time.sleep(0.2)
        check("runs", run.process.poll(), None)
        os.close(out)
        run.wait()
        check("modes", termios.tcgetattr(terminal.slave), terminal.modes)


def an_unfinished_line_of_input(how):
    into = os.pipe()
    os.write(into[1], b"hello")
    os.close(into[1])
    with running(how, "cat; exit 8", lambda t: [into[0], t.slave, t.slave]) as (run, terminal):
        os.close(into[0])
        run.read(terminal.master, b"hello")
        check("status", run.wait(), 8)


def typed_ahead(how):
    """What is typed, and an end of file, before usrun has begun, arrives as what it is, in its order."""
    lines = b"".join(b"line-%d\n" % i for i in range(300))

    def streams(terminal):
        os.write(terminal.master, lines + b"\x04unfinished")
        return [terminal.slave] * 3

    with running(how, "stty -echo; busybox md5sum; read x; echo got $x; exit 3", streams) as (run, terminal):
        run.read(terminal.master, hashlib.md5(lines).hexdigest().encode())
        wait_for("raw", terminal.is_raw)
        os.write(terminal.master, b"-finished\r")
        run.read(terminal.master, b"got unfinished-finished")
        check("status", run.wait(), 3)


def a_shell_at_the_end_of_its_input(how):
    """Its line editing must see the end, too, whenever it begins."""
    for delay in (0, 0.3):
        null = os.open("/dev/null", os.O_RDONLY)
        with running(how, f"sleep {delay}; exec sh -i", lambda t: [null, t.slave, t.slave]) as (run, terminal):
            os.close(null)
            run.read(terminal.master, b"#")
            check("status", run.wait(), 0)


def a_pipe_leaves_the_terminal_its_newlines(how):
    out, into = os.pipe()
    with running(how, "echo ready; read x; exit 2", lambda t: [t.slave, into, t.slave]) as (run, terminal):
        os.close(into)
        run.read(out, b"ready\n")
        modes = termios.tcgetattr(terminal.slave)
        check("post-processing", bool(modes[1] & termios.OPOST), True)
        check("canonical input", bool(modes[3] & termios.ICANON), False)
        os.write(terminal.master, b"\r")
        check("status", run.wait(), 2)
        check("modes", termios.tcgetattr(terminal.slave), terminal.modes)
    os.close(out)


def the_size_of_the_window(how, which):
    null = os.open("/dev/null", os.O_RDWR)
    pair = os.pipe()

    def streams(terminal):
        places = [null, pair[1], null]
        if which < 3:
            places[which] = terminal.slave
        return places

    script = "stty size; sleep 0.2; stty size; exit 1" if which == 3 else "stty size; exit 1"
    with running(how, script, streams, rows=33, columns=99) as (run, terminal):
        os.close(pair[1])
        run.read(terminal.master if which == 1 else pair[0], b"33 99")
        check("status", run.wait(), 1)
    os.close(null)
    os.close(pair[0])


def a_resized_window(how):
    script = "trap 'stty size; exit 1' WINCH; echo ready; while :; do sleep 0.02; done"
    with running(how, script, rows=33, columns=99) as (run, terminal):
        run.read(terminal.master, b"ready")
        fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 111, 0, 0))
        run.read(terminal.master, b"44 111")
        check("status", run.wait(), 1)


def a_closed_window(how):
    with running(how, "sleep 1000") as (run, terminal):
        wait_for("raw", terminal.is_raw)
        terminal.close()
        run.wait()


def a_killed_relay(how):
    with running(how, "echo ready; read x; sleep 1000") as (run, terminal):
        run.read(terminal.master, b"ready")
        run.process.kill()
        run.wait()
        os.set_blocking(terminal.master, False)


def a_key_that_has_no_effect(how):
    """The first process of a container is told nothing that it has no handler for, and its person why."""
    words = b"SIGINT has no effect"
    with running(how, "echo ready; exec sleep 1000") as (run, terminal):
        run.read(terminal.master, b"ready")
        wait_for("sleep", lambda: name_of_child(run.process.pid) == "sleep")  # the shell before it has a handler
        wait_for("raw", terminal.is_raw)
        os.write(terminal.master, b"\x03")
        if how == "exec":
            check("status", run.wait(), 130)
            return
        for key in (b"^C", words):
            run.read(terminal.master, key)
            os.write(terminal.master, b"\x03")
        wait_for("raw", terminal.is_raw)
        kill = subprocess.run([*USRUN, "kill", ID, "KILL"], stderr=subprocess.PIPE, check=False)
        check(f"kill, which says {kill.stderr}", kill.returncode, 0)
        check("status", run.wait(), 137)
        run.read(terminal.master)
        check("once, on a line of its own", run.got.count(b"^C\r\nusrun: warning: " + words), 1)


def a_program_that_stops_itself(how):
    """Keys and signals that end programs continue it first, or it would hear nothing for ever."""
    script = "echo ready; kill -STOP $$; read x; read x"
    for key, end, status in ((b"\x03", None, 130), (b"\x1c", None, 130), (None, signal.SIGTERM, 143)):
        with running(how, script) as (run, terminal):
            run.read(terminal.master, b"ready")
            wait_for("stop", lambda run=run: state_of_program(run.process.pid, how) == "T")
            wait_for("raw", terminal.is_raw)
            if key:
                os.write(terminal.master, key)
            else:
                run.process.send_signal(end)
            if key == b"\x1c":  # which a shell ignores
                wait_for("continued", lambda run=run: state_of_program(run.process.pid, how) != "T")
                os.write(terminal.master, b"\x03")
            check(f"status after {key or end}", run.wait(), status)


def a_program_that_goes_on_hears_nothing_more(how):
    """Who runs is not continued: it may have a handler for that."""
    script = "trap 'echo CONTINUED' CONT; trap 'echo INTERRUPTED' INT; echo ready; while :; do read x && exit 3; done"
    with running(how, script) as (run, terminal):
        run.read(terminal.master, b"ready")
        wait_for("raw", terminal.is_raw)
        os.write(terminal.master, b"\x03")
        run.read(terminal.master, b"INTERRUPTED")
        os.write(terminal.master, b"word\r")
        check("status", run.wait(), 3)
        run.read(terminal.master)
        check("continued", run.got.count(b"CONTINUED"), 0)


def stopped_and_continued(how):
    with running(how, "stty -echo; echo ready; read x; echo got $x; exit 3") as (run, terminal):
        run.read(terminal.master, b"ready")
        check("raw", terminal.is_raw(), True)
        run.process.send_signal(signal.SIGTSTP)
        wait_for("stop", lambda: state_of(run.process.pid) == "T")
        check("modes", termios.tcgetattr(terminal.slave), terminal.modes)
        run.process.send_signal(signal.SIGCONT)
        wait_for("raw again", terminal.is_raw)
        os.kill(run.process.pid, signal.SIGSTOP)
        wait_for("stop", lambda: state_of(run.process.pid) == "T")
        termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.modes)
        run.process.send_signal(signal.SIGCONT)
        wait_for("raw again", terminal.is_raw)
        os.write(terminal.master, b"word\r")
        run.read(terminal.master, b"got word")
        check("status", run.wait(), 3)
        check("modes", termios.tcgetattr(terminal.slave), terminal.modes)


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def state_of_program(pid, how):
    below = children_of(pid).split()
    if how == "init" and below:
        below = children_of(below[0]).split()
    return state_of(below[0]) if below else ""


def children_of(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()


def name_of_child(pid):
    return pathlib.Path(f"/proc/{children_of(pid).split()[0]}/comm").read_text().strip()


def a_job_of_the_background(how):
    """The shell of this session: starts it in the background, types a line for itself, and then fg."""
    words = [*USRUN, "run", "-b", str(BUNDLE), "-f", str(bundle(JOB)), ID] if how == "run" else \
        [*USRUN, "exec", "-t", ID + "-x", "/bin/sh", "-c", JOB]
    with shell(shell_with_job, words) as (run, terminal):
        run.read(terminal.master, b"shell-waits")
        run.read(terminal.master, b"job-runs")
        os.write(terminal.master, b"for-the-shell\n")
        run.read(terminal.master, b"shell got for-the-shell")
        run.read(terminal.master, b"in-front")
        time.sleep(0.5)
        os.write(terminal.master, b"for-the-job\r")
        run.read(terminal.master, b"job got for-the-job")
        run.read(terminal.master, b"shell saw 3")


JOB = "stty -echo; echo job-runs; read x; echo job got $x; exit 3"


def queries_stay_out_of_the_shell(how):
    """A terminal answers to who reads it: in the background, and with another standard input, that is the shell."""
    script = r"printf 'first\033[6n\033[1mbold'; sleep 0.3; printf '\033[6nsecond'; read x; printf 'third\033[6n'; exit 3"
    words = [*USRUN, "run", "-b", str(BUNDLE), "-f", str(bundle(script)), ID] if how == "run" else \
        [*USRUN, "exec", "-t", ID + "-x", "/bin/sh", "-c", script]
    with shell(shell_with_job, words) as (run, terminal):
        run.read(terminal.master, b"second")
        check("background", run.got.partition(b"first")[2].replace(b"shell-waits\r\n", b""), b"\033[1mboldsecond")
        os.write(terminal.master, b"for-the-shell\n")
        run.read(terminal.master, b"in-front")
        time.sleep(0.5)
        os.write(terminal.master, b"for-the-job\r")
        run.read(terminal.master, b"third\033[6n")
        run.read(terminal.master, b"shell saw 3")
    null = os.open("/dev/null", os.O_RDONLY)
    with running(how, script, lambda t: [null, t.slave, t.slave]) as (run, terminal):
        os.close(null)
        run.read(terminal.master, b"third")
        check("status", run.wait(), 3)
        check("queries", run.got.count(b"\033[6n"), 0)


def shell_with_job(terminal, words):
    lead_session(terminal)
    job = start_job(words, False)
    os.write(1, b"shell-waits\n")
    line = os.read(0, 100)
    if not termios.tcgetattr(0)[3] & termios.ICANON:
        os.write(1, b"modes are not the shell's\n")
    os.write(1, b"shell got " + line)
    os.tcsetpgrp(0, job.pid)
    os.write(1, b"in-front\n")
    status = job.wait()
    os.tcsetpgrp(0, os.getpgrp())
    os.write(1, b"shell saw %d\n" % status)
    return 0 if termios.tcgetattr(0)[3] & termios.ICANON else 1


def job_words(how, script):
    """Without a terminal of its own: the process reads the person's."""
    return [*USRUN, "run", "-b", str(BUNDLE), "-f", str(bundle(script, False, how == "init")), ID] if how != "exec" else \
        [*USRUN, "exec", ID + "-x", "/bin/sh", "-c", script]


@contextlib.contextmanager
def shell(function, words):
    """function(terminal, words) leads a session on a terminal of its own, in a process of its own."""
    terminal = Terminal()
    pid = os.fork()
    if pid == 0:
        os._exit(function(terminal, words))
    run = Run.__new__(Run)
    run.how, run.terminal, run.got = "run", terminal, bytearray()
    run.process = subprocess.Popen(["true"])
    run.process.wait()
    run.process.poll = lambda: None
    try:
        os.close(terminal.slave)
        yield run, terminal
        check("shell", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
    finally:
        del run.process.poll
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        run.kill()
        terminal.close()


def lead_session(terminal):
    os.setsid()
    fcntl.ioctl(terminal.slave, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(terminal.slave, number)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)


def start_job(words, front):
    def prepare():
        os.setpgid(0, 0)
        if front:
            os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)

    return subprocess.Popen(words, preexec_fn=prepare)


def shell_that_keeps_its_input(terminal, words):
    lead_session(terminal)
    job = start_job(words, False)
    status = job.wait()
    os.write(1, b"shell got " + os.read(0, 100))
    return status


def input_stays_with_the_shell(how):
    with shell(shell_that_keeps_its_input, job_words(how, "read x; echo job got $x.; exit 0")) as (run, terminal):
        os.write(terminal.master, b"for-the-shell\n")
        run.read(terminal.master, b"shell got for-the-shell")
        check("job", b"job got ." in run.got and b"/dev/null" in run.got, True)


def shell_that_continues(terminal, words):
    lead_session(terminal)
    job = start_job(words, True)
    for turn in ("stopped", "stopped again"):
        _, status = os.waitpid(job.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return 1
        os.tcsetpgrp(0, os.getpgrp())
        os.write(1, turn.encode() + b"\n")
        os.write(1, b"shell got " + os.read(0, 100))
        if turn == "stopped again":
            os.tcsetpgrp(0, job.pid)
        os.killpg(job.pid, signal.SIGCONT)
    status = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
    os.tcsetpgrp(0, os.getpgrp())
    os.write(1, b"shell saw %d\n" % status)
    return 0


def the_stop_key(how):
    """Stops the job; bg does not let it take the shell's input; fg continues it. Its children, too."""
    script = "sh -c 'echo job-runs; read x; echo job got $x'; exit 3"
    with shell(shell_that_continues, job_words(how, script)) as (run, terminal):
        run.read(terminal.master, b"job-runs")
        os.write(terminal.master, b"\x1a")
        for turn in (b"stopped", b"stopped again"):
            run.read(terminal.master, turn)
            os.write(terminal.master, turn + b"-for-the-shell\n")
            run.read(terminal.master, b"shell got " + turn + b"-for-the-shell")
        for attempt in range(10):  # a person would type it again, too
            os.write(terminal.master, b"for-the-job\n")
            with contextlib.suppress(Failed):
                run.read(terminal.master, b"job got for-the-job", LIMIT / 10)
                break
        run.read(terminal.master, b"shell saw 3")


def shell_that_watches_a_file(terminal, words):
    """Whether what a job writes to stands still while it is stopped, and no longer."""
    lead_session(terminal)
    job = start_job(words, True)
    written = BUNDLE / "rootfs" / "written"

    def grows():
        size = written.stat().st_size
        time.sleep(0.3)
        return written.stat().st_size > size

    _, status = os.waitpid(job.pid, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status):
        return 1
    wait_for("standstill", lambda: not grows())
    os.tcsetpgrp(0, job.pid)
    os.killpg(job.pid, signal.SIGCONT)
    wait_for("going on", grows)
    os.killpg(job.pid, signal.SIGTERM)
    job.wait()
    os.tcsetpgrp(0, os.getpgrp())
    return 0


def the_stop_key_stops_children(how):
    with shell(shell_that_watches_a_file, job_words(how, "trap 'exit 4' TERM; echo x >/written; echo job-runs; "
                                                    "while :; do (echo x >>/written; sleep 0.02); done")) as (run, terminal):
        run.read(terminal.master, b"job-runs")
        os.write(terminal.master, b"\x1a")


def shell_that_ends_a_stopped_job(terminal, words, signals=(signal.SIGTERM, signal.SIGCONT)):
    """What `kill %1` does: the signal, and one to go on."""
    lead_session(terminal)
    job = start_job(words, True)
    os.waitpid(job.pid, os.WUNTRACED)
    os.tcsetpgrp(0, os.getpgrp())
    for number in signals:
        os.killpg(job.pid, number)
        time.sleep(0.02)  # each comes by itself
    _, status = os.waitpid(job.pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        os.killpg(job.pid, signal.SIGKILL)
        os.write(1, b"shell saw it stop again\n")
        return 1
    os.write(1, b"shell saw %d\n" % os.waitstatus_to_exitcode(status))
    return 0


def shell_that_continues_a_job_to_end_it(terminal, words):
    return shell_that_ends_a_stopped_job(terminal, words, (signal.SIGCONT, signal.SIGTERM))


def the_end_of_a_stopped_job(how, shell_function=shell_that_ends_a_stopped_job):
    script = "trap 'kill $!; exit 4' TERM; sleep 1000 & echo job-runs; wait"
    with shell(shell_function, job_words(how, script)) as (run, terminal):
        run.read(terminal.master, b"job-runs")
        os.write(terminal.master, b"\x1a")
        run.read(terminal.master, b"shell saw 4")


def the_end_of_a_job_that_goes_on(how):
    the_end_of_a_stopped_job(how, shell_that_continues_a_job_to_end_it)


def shell_that_waits(terminal, words):
    lead_session(terminal)
    status = start_job(words, True).wait()
    os.tcsetpgrp(0, os.getpgrp())
    os.write(1, b"shell saw %d\n" % status)
    return 0


def the_interrupt_key(how):
    """It is for the command that a shell waits for, too: the shell itself does nothing before that has ended."""
    script = "trap 'exit 4' INT; sh -c 'echo job-runs; exec sleep 1000'; exit 5"
    with shell(shell_that_waits, job_words(how, script)) as (run, terminal):
        run.read(terminal.master, b"job-runs")
        time.sleep(0.3)  # until it is sleep
        os.write(terminal.master, b"\x03")
        run.read(terminal.master, b"shell saw 4")


def cases(full):
    for function in (pasted_to_a_program_that_does_not_read, a_file_that_is_not_read,
                     signals_are_served_while_output_is_blocked, an_end_that_nobody_reads_can_be_given_up,
                     five_megabytes_each_way, a_reader_that_leaves,
                     a_reader_that_leaves_while_nothing_is_written, an_unfinished_line_of_input, typed_ahead, a_shell_at_the_end_of_its_input,
                     a_pipe_leaves_the_terminal_its_newlines, a_resized_window, a_closed_window, a_killed_relay,
                     a_key_that_has_no_effect, stopped_and_continued, a_job_of_the_background, queries_stay_out_of_the_shell,
                     input_stays_with_the_shell, the_stop_key, the_interrupt_key,
                     the_end_of_a_stopped_job, the_end_of_a_job_that_goes_on):
        for how in ("run", "exec"):
            yield f"{how} {function.__name__}", lambda f=function, how=how: f(how)
    for how in ("init", "exec"):
        for function in (a_program_that_stops_itself, a_program_that_goes_on_hears_nothing_more):
            yield f"{how} {function.__name__}", lambda f=function, how=how: f(how)
    for function in (the_stop_key, the_interrupt_key, the_end_of_a_stopped_job, the_stop_key_stops_children):
        yield f"init {function.__name__}", lambda f=function: f("init")
    for how in ("run", "exec"):
        for kind in ("pipe", "nonblock", "tty"):
            yield f"{how} all_of_a_big_output {kind}", lambda how=how, kind=kind: all_of_a_big_output(how, kind)
        for which in range(4):
            yield f"{how} the_size_of_the_window {which}", lambda how=how, which=which: the_size_of_the_window(how, which)
    yield from combinations(full)


def group_of(name):
    how, what, *more = name.split()
    return (how, "streams" if len(more) == 2 else what)


def print_table(groups):
    for (how, what), times in groups.items():
        failed = sum(1 for name in failures if group_of(name) == (how, what))
        print(f"| {how:4} {what:45} {len(times):4} cases {failed:3} failed, the longest took {max(times):5.1f} s")


def main():
    only = ARGS[ARGS.index("--only") + 1] if "--only" in ARGS else ""
    subprocess.run([*USRUN, "run", "-d", "-b", BUNDLE, ID + "-x"], check=True, stdin=subprocess.DEVNULL)
    groups, words, start = {}, [], time.monotonic()
    try:
        for name, case in cases("--full" in ARGS):
            if only not in name:
                continue
            begin = time.monotonic()
            try:
                case()
            except Failed as failed:
                failures.append(name)
                words.append(f"{name}: {failed}")
            groups.setdefault(group_of(name), []).append(time.monotonic() - begin)
    finally:
        subprocess.run([*USRUN, "delete", "--force", ID + "-x"], check=False, stdin=subprocess.DEVNULL)
    if "--full" in ARGS:
        print_table(groups)
    print(f"| {sum(map(len, groups.values()))} cases, {len(failures)} failed, {time.monotonic() - start:.0f} s")
    print(*words, sep="\n")  # last, where a runner looks for what failed
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())

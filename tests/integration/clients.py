#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What engines do to a runtime, and what breaks them when it answers otherwise.

clients.py BUNDLE ID [ROW...] -- USRUN [OPTION...]
A subreaper that calls usrun as containerd's shim does (its order of arguments, a JSON log, pid files, pipes, a console
socket), and conmon itself where it is installed. A row is a function of this file.
"""
import array
import contextlib
import ctypes
import datetime
import fcntl
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

ARGS = sys.argv[1:sys.argv.index("--")]
USRUN = sys.argv[sys.argv.index("--") + 1:]
BUNDLE, ID, ONLY = pathlib.Path(ARGS[0]), ARGS[1], ARGS[2:]
BASE = json.loads((BUNDLE / "config.json").read_text())
MODE = os.environ["MODE"]
LIMIT = 60  # seconds, on a busy machine; what hangs, hangs for ever
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)
COMMAND_WORDS = r"permission denied|operation not permitted|no such file or directory|executable file not found in"


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def check(what, good):
    if not good:
        raise Failed(what)


def equal(what, got, wanted):
    check(f"{what}: got {str(got)[:300]!r}, wanted {wanted!r}", got == wanted)


def matches(what, text, pattern):
    check(f"{what}: {text[:300]!r} has no {pattern!r}", re.search(pattern, text))


def wait_for(what, condition):
    end = time.monotonic() + LIMIT
    while not condition():
        check(f"{what}: not within {LIMIT} s", time.monotonic() < end)
        time.sleep(0.01)


def read_all(fd):
    """To the end: what still holds the other end shows here."""
    text, end = b"", time.monotonic() + LIMIT
    while True:
        check(f"a pipe is still held, after {text!r}", select.select([fd], [], [], max(0, end - time.monotonic()))[0])
        piece = os.read(fd, 65536)
        if not piece:
            os.close(fd)
            return text.decode(errors="replace")
        text += piece


def stat_of(pid, field):
    """proc(5) counts from 1; the name may have blanks."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(") ")[2].split()[field - 3]


def status_of(pid, field):
    return re.search(rf"^{field}:\s*(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1]


def when_parent_dies():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Container:
    """One container with what a shim keeps of it."""

    def __init__(self, name, config=None, args=("/bin/sleep", "1000")):
        self.id = f"{ID}{name}"
        self.config = config or json.loads(json.dumps(BASE))
        self.config["process"]["args"] = list(args)
        self.dir = BUNDLE.parent / f"shim-{self.id}"
        self.dir.mkdir(exist_ok=True)
        self.log = self.dir / "log.json"
        self.pid_file = self.dir / "init.pid"
        self.pid = None
        self.out = None
        self.write()

    def write(self):
        (BUNDLE / "config.json").write_text(json.dumps(self.config))

    def command(self, *args):
        return [*USRUN, "--log", str(self.log), "--log-format", "json", *map(str, args)]

    def start_call(self, args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how):
        how.setdefault("preexec_fn", when_parent_dies)
        return subprocess.Popen(self.command(*args), stdin=stdin, stdout=stdout, stderr=stderr, **how)

    def call(self, *args, data=None, **how):
        """Status and merged output, as go-runc's CombinedOutput."""
        stdin = subprocess.DEVNULL if data is None else subprocess.PIPE
        with self.start_call(args, stdin=stdin, **how) as process:
            text = process.communicate(None if data is None else data.encode(), timeout=LIMIT)[0]
        return process.returncode, (text or b"").decode(errors="replace")

    def good(self, *args, **how):
        rc, text = self.call(*args, **how)
        check(f"{' '.join(map(str, args))}: exit status {rc}: {text}", rc == 0)
        return text

    def with_streams(self, args, **how):
        """A call whose streams become a process's: status, and the end of the pipe that the caller reads."""
        mine, theirs = os.pipe()
        with self.start_call(args, stdout=theirs, stderr=theirs, **how) as process:
            os.close(theirs)
            rc = process.wait(LIMIT)
        return rc, mine

    def create(self, *more, **how):
        rc, self.out = self.with_streams(
            ["create", "--bundle", BUNDLE, "--pid-file", self.pid_file, *more, self.id], **how)
        check(f"create: exit status {rc}: {'' if rc == 0 else read_all(self.out)}", rc == 0)
        self.pid = int(self.pid_file.read_text())
        return self

    def create_fails(self, *more):
        rc, out = self.with_streams(["create", "--bundle", BUNDLE, "--pid-file", self.pid_file, *more, self.id])
        check("create succeeded", rc != 0)
        return read_all(out)

    def exec(self, name, *args, process=None, **how):
        spec, pid_file = self.dir / f"process-{name}", self.dir / f"{name}.pid"
        spec.write_text(json.dumps(dict(BASE["process"], args=list(args), terminal=False) if process is None else process))
        rc, out = self.with_streams(["exec", "--process", spec, "--detach", "--pid-file", pid_file, self.id], **how)
        return rc, out, pid_file

    def start(self):
        self.good("start", self.id)
        return self

    def up(self, *more, **how):
        return self.create(*more, **how).start()

    def settle(self, pid=None):
        """What it has to say before its sleep is said."""
        wait_for("sleep", lambda: pathlib.Path(f"/proc/{pid or self.pid}/comm").read_text() == "sleep\n")

    def output(self):
        """Of a container that comes to its end."""
        return read_all(self.out)

    def state(self):
        return json.loads(self.good("state", self.id))

    def wait(self):
        """As the subreaper that gets the container's processes; the exit status."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def stop(self):
        self.good("kill", self.id, "9")
        self.wait()

    def last_error(self):
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["level"] == "error"][-1]["msg"]


def changed(change):
    config = json.loads(json.dumps(BASE))
    change(config)
    return config


def many_ids():
    if not os.environ.get("SUBUIDS"):
        raise Skipped("needs subordinate ids")


def root_only():
    if MODE != "root":
        raise Skipped("for root only")


# --- pid files, parents, helpers ---

def pid_file_is_a_number():
    c = Container("1").create()
    check("init.pid has more than a number", re.fullmatch(rb"[0-9]+", c.pid_file.read_bytes()))
    rc, _, pid_file = c.start().exec("e", "/bin/sleep", "1000")
    equal("exec", rc, 0)
    check("e.pid has more than a number", re.fullmatch(rb"[0-9]+", pid_file.read_bytes()))


def no_pid_file_of_a_failure():
    c = Container("2", args=["/nonexist"])
    c.create_fails()
    check("a failed create left a pid file", not c.pid_file.exists())
    c = Container("2b").up()
    rc, out, pid_file = c.exec("e", "/nonexist")
    check("exec succeeded", rc != 0)
    matches("exec", read_all(out), "no such file or directory")
    check("a failed exec left a pid file", not pid_file.exists())


def processes_are_the_subreapers():
    c = Container("3", args=["/bin/sh", "-c", "sleep 0.1; exit 5"]).create()
    equal("parent of init", stat_of(c.pid, 4), str(os.getpid()))
    c.start()
    equal("exit status", c.wait(), 5)
    c.good("delete", c.id)
    c = Container("3b").up()
    rc, _, pid_file = c.exec("e", "/bin/sh", "-c", "exit 6")
    equal("exec", rc, 0)
    equal("status of an exec", os.waitstatus_to_exitcode(os.waitpid(int(pid_file.read_text()), 0)[1]), 6)


def nothing_holds_the_pipes():
    c = Container("4").up()
    children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    equal("children after start", children, [str(c.pid)])
    c.stop()
    equal("output", c.output(), "")  # ends: nobody but init had the other end
    matches("create", Container("4b", args=["/nonexist"]).create_fails(), "/nonexist")


# --- output, errors ---

def success_is_silent():
    c = Container("5").up()
    equal("state", c.state()["status"], "running")
    equal("ps", json.loads(c.good("ps", "--format", "json", c.id)), [c.pid])
    check("features", "linux" in json.loads(c.good("features")))
    matches("--version", c.good("--version"), r"\Ausrun version")
    for args in (["pause"], ["resume"]) if MODE == "root" else ():
        equal(args[0], c.good(*args, c.id), "")
    equal("kill", c.good("kill", c.id, "9"), "")
    c.wait()
    equal("delete", c.good("delete", c.id), "")
    check("the log has something", not c.log.exists() or c.log.read_text() == "")


def one_record_of_an_error():
    c = Container("6", changed(lambda c: c["process"].update(capabilities={"effective": ["CAP_NET_RAW"]})), ["/nonexist"])
    text = c.create_fails()
    record = json.loads(c.log.read_text())  # the whole file is one object
    equal("level", record["level"], "error")
    check("time", datetime.datetime.fromisoformat(record["time"].replace("Z", "+00:00")))
    check(f"{record['msg']!r} is not in stderr {text!r}", record["msg"] in text)
    check(f"a prefix twice: {text}", "usrun: usrun:" not in text)


def an_error_is_short():
    c = Container("8", args=["/" + "x" * 20000])
    text = c.create_fails()
    check(f"an error of {len(text)} bytes", 0 < len(text) < 8191)
    check("JSON on stderr", not text.startswith("{"))
    check("no record", len(c.log.read_text()) < 60000 and c.last_error())


def own_failures_do_not_blame_the_command():
    def source(config):
        config["mounts"].append({"destination": "/x", "type": "bind", "source": "/nonexist", "options": ["bind"]})
    for name, change in {
            "source": source,
            "hook": lambda c: c.update(hooks={"createRuntime": [{"path": "/nonexist/hook"}]}),
            "rootfs": lambda c: c["root"].update(path="/nonexist/rootfs"),
            "namespace": lambda c: c["linux"]["namespaces"].append({"type": "time", "path": "/nonexist/ns"}),
    }.items():
        try:
            text = Container(f"9{name}", changed(change)).create_fails()
        except Failed as reason:
            raise Failed(f"{name}: {reason}") from None
        check(f"{name}: {text}", text and not re.search(COMMAND_WORDS, text, re.I))


def words_about_what_is_gone():
    c = Container("10")
    for args in (["kill", c.id, "9"], ["delete", c.id], ["state", c.id], ["pause", c.id]):
        rc, text = c.call(*args)
        check(f"{args[0]} succeeded", rc != 0)
        matches(f"{args[0]} of nothing", text, "does not exist")
    c.up().stop()
    rc, text = c.call("kill", c.id, "15")
    check("kill succeeded", rc != 0)
    matches("kill of a stopped one", text, "container not running|no such process|process already finished")


# --- delete, state, kill ---

def delete_by_force_takes_all():
    c = Container("11")
    equal("of nothing", c.good("delete", "--force", c.id), "")
    c.create().good("delete", "--force", c.id)
    c.wait()
    c = Container("11b").up()
    group = pathlib.Path(f"/proc/{c.pid}/cgroup").read_text().splitlines()[-1].split(":")[2]
    c.good("delete", "--force", c.id)
    c.wait()
    for top in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        check(f"{group} is left", c.id not in group or not os.path.exists(top + group))
    Container("11b").create().good("delete", "--force", f"{ID}11b")  # the name is free


def delete_without_force():
    c = Container("12").create()
    c.good("delete", c.id)  # created
    c.wait()
    c = Container("12b", args=["/bin/true"]).up()
    os.waitid(os.P_PID, c.pid, os.WEXITED | os.WNOWAIT)
    c.good("delete", c.id)  # a zombie
    c.wait()


def state_of_a_zombie():
    c = Container("13", args=["/bin/sh", "-c", "sleep 0.1"]).create()
    equal("created", c.state()["status"], "created")
    c.start()
    check("status", c.state()["status"] in ("running", "stopped"))
    os.waitid(os.P_PID, c.pid, os.WEXITED | os.WNOWAIT)
    state = c.state()
    equal("a zombie", (state["status"], state.get("pid", 0)), ("stopped", 0))
    check("created", datetime.datetime.fromisoformat(state["created"][:19]))
    equal("what CRI-O would take for its own", [k for k in (
        "started finished exitCode oomKilled error initPid initStartTime checkpointedTime").split() if k in state], [])
    c.wait()


def later_commands_need_no_surroundings():
    c = Container("20").create()
    environment = {k: v for k, v in os.environ.items() if k == "XDG_RUNTIME_DIR"}
    for args in (["start"], ["state"], ["pause"], ["resume"], ["update", "--resources=-"], ["kill"], ["delete"]):
        if args[0] in ("pause", "resume", "update") and MODE != "root":
            continue
        if args[0] == "delete":
            c.wait()
        args += [c.id] + (["9"] if args[0] == "kill" else [])
        c.good(*args, data="{}" if args[0] == "update" else None, env=environment, cwd="/")


def bundle_may_go():
    c = Container("21").create()
    away = BUNDLE.with_name("away")
    BUNDLE.rename(away)
    try:
        c.start()
        rc, _, pid_file = c.exec("e", "/bin/true")
        equal("exec", rc, 0)
        os.waitpid(int(pid_file.read_text()), 0)
        equal("state", c.state()["status"], "running")
        c.stop()
        c.good("delete", c.id)
    finally:
        away.rename(BUNDLE)


def relative_bundle():
    c = Container("22")
    rc, c.out = c.with_streams(["create", "--bundle", BUNDLE.name, "--pid-file", c.pid_file, c.id], cwd=BUNDLE.parent)
    equal("create", rc, 0)
    c.pid = int(c.pid_file.read_text())
    equal("bundle", c.state()["bundle"], str(BUNDLE))
    gone = BUNDLE.parent / "gone"
    gone.mkdir()
    with c.start_call(["start", c.id], preexec_fn=lambda: (os.chdir(gone), os.rmdir(gone))) as process:
        equal("start in a directory that is gone", (process.wait(LIMIT), process.stdout.read()), (0, b""))


def cgroup_is_final_at_create():
    c = Container("23").create()
    before = pathlib.Path(f"/proc/{c.pid}/cgroup").read_text()
    c.start()
    c.settle()
    equal("cgroup", pathlib.Path(f"/proc/{c.pid}/cgroup").read_text(), before)
    check("a path that is not clean", not re.search(r"//|/\.\./|/\.\.$", before.replace("0::/\n", "")))


def kill_thaws_and_kill_all_works_late():
    root_only()
    c = Container("28").up()
    c.good("pause", c.id)
    equal("paused", c.state()["status"], "paused")
    c.stop()
    c.good("delete", c.id)
    c = Container("28b", changed(lambda c: c["linux"].update(
        namespaces=[n for n in c["linux"]["namespaces"] if n["type"] != "pid"]))).up()
    rc, _, pid_file = c.exec("e", "/bin/sleep", "1000")
    equal("exec", rc, 0)
    c.stop()
    c.good("kill", "--all", c.id, "9")  # init is gone, the other is not
    equal("end of the exec", os.waitstatus_to_exitcode(os.waitpid(int(pid_file.read_text()), 0)[1]), -9)
    c.good("kill", "-a", c.id, "9")  # as CRI-O; nothing is left to be killed
    c.good("delete", c.id)


# --- what the program gets ---

SEE = 'for f in /proc/self/fd/*; do echo "${f##*/}"; done | sort -n | tr "\\n" " "; echo; echo "${LISTEN_FDS-none}"'


def descriptors():
    mine, theirs = os.pipe()
    high = fcntl.fcntl(theirs, fcntl.F_DUPFD, 40)  # leaked by podman, buildah
    leak = dict(pass_fds=(theirs, high), preexec_fn=when_parent_dies)
    c = Container("14", args=["/bin/sh", "-c", SEE]).up(**leak)
    c.wait()
    fds, _ = c.output().splitlines()
    check(f"descriptors {fds}", not set(fds.split()) - {"0", "1", "2", "3"})  # 3: the listing itself
    c = Container("14b", args=["/bin/sh", "-c", "readlink /proc/self/fd/5 | cut -c -4; ls /proc/self/fd; env | grep -c ^LISTEN_FDS="])
    c.config["process"]["env"] += ["LISTEN_FDS=3", "LISTEN_PID=1"]
    c.write()
    passed = dict(pass_fds=(5,), preexec_fn=lambda: when_parent_dies())  # 3 and 4 are closed: a gap
    old = os.dup(5) if os.path.exists("/proc/self/fd/5") else None
    os.dup2(theirs, 5)
    try:
        c.up("--preserve-fds", "3", env=dict(os.environ, LISTEN_FDS="3", LISTEN_PID="1"), **passed)
    finally:
        os.close(5)
        if old is not None:
            os.dup2(old, 5)
            os.close(old)
    c.wait()
    text = c.output().split()
    equal("descriptor 5, LISTEN_FDS", (text[0], text[-1]), ("pipe", "1"))
    for fd in (mine, theirs, high):
        os.close(fd)


def signals_are_clean():
    def surroundings():
        when_parent_dies()
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
    c = Container("15").up(preexec_fn=surroundings)
    rc, _, pid_file = c.exec("e", "/bin/sleep", "1000", preexec_fn=surroundings)
    equal("exec", rc, 0)
    for pid in (c.pid, int(pid_file.read_text())):
        c.settle(pid)
        for field in ("SigIgn", "SigBlk", "SigPnd"):
            equal(field, int(status_of(pid, field), 16), 0)


def console(c, name, call):
    """What comes over a console socket before the call returns: its terminal."""
    path = c.dir / name
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)
        equal("exit status", call(path), 0)
        listener.settimeout(1)
        with listener.accept()[0] as peer:
            data, control, flags, _ = peer.recvmsg(4096, 4096)
            check(f"payload {data!r}, flags {flags}", 0 < len(data) < 4096 and not flags & socket.MSG_CTRUNC)
            equal("control messages", [(m[0], m[1], len(m[2])) for m in control], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, 4)])
            equal("a second message", peer.recv(1), b"")
    fds = array.array("i")
    fds.frombytes(control[0][2])
    return fds[0]


def read_terminal(fd):
    text = b""
    with contextlib.suppress(OSError):  # EIO: nobody has it open any more
        while piece := os.read(fd, 4096):
            text += piece
    os.close(fd)
    return text.decode().replace("\r\n", "\n")


TTY = "tty; echo known >/dev/tty; stat -c %u $(tty)"


def console_socket():
    config = changed(lambda c: c["process"].update(terminal=True))
    c = Container("16", config, ["/bin/sh", "-c", TTY + "; exec sleep 1000"])
    matches("create without a socket", c.create_fails(), "cannot allocate tty")

    def create(path):
        rc, out = c.with_streams(["create", "--bundle", BUNDLE, "--pid-file", c.pid_file, "--console-socket", path, c.id])
        os.close(out)
        return rc
    terminal = console(c, "s", create)
    c.pid = int(c.pid_file.read_text())
    c.start()

    def enter(path):
        spec = c.dir / "process"
        spec.write_text(json.dumps(dict(config["process"], args=["/bin/sh", "-c", TTY])))
        rc, out = c.with_streams(["exec", "--process", spec, "--console-socket", path, "--detach",
                                  "--pid-file", c.dir / "e.pid", c.id])
        os.close(out)
        return rc
    text = read_terminal(console(c, "e", enter))
    equal("terminal of an exec", re.sub(r"pts/\d+", "pts/N", text), "/dev/pts/N\nknown\n0\n")
    os.waitpid(int((c.dir / "e.pid").read_text()), 0)
    c.settle()
    c.stop()
    equal("terminal of init", re.sub(r"console|pts/\d+", "T", read_terminal(terminal)), "/dev/T\nknown\n0\n")


def streams_belong_to_the_user():
    many_ids()
    config = changed(lambda c: c["process"].update(user={"uid": 1000, "gid": 1000}))
    c = Container("18", config, ["/bin/sh", "-c", "echo out >/dev/stdout; echo err >/dev/stderr"]).up()
    equal("exit status", c.wait(), 0)
    equal("output", c.output(), "out\nerr\n")


def commands_are_looked_up_at_create():
    (BUNDLE / "rootfs/etc/plain").write_text("")
    for name, (args, words) in {
            "path": (["/nonexist"], "no such file or directory"), "name": (["nonexist"], r"executable file not found in \$PATH"),
            "directory": (["/etc"], "is a directory.*permission denied"), "plain": (["/etc/plain"], "permission denied"),
            "empty": ([""], "no such file or directory|executable file not found in"),
    }.items():
        matches(name, Container(f"19{name}", args=args).create_fails(), words)
    c = Container("19").up()
    process = dict(BASE["process"], args=["/bin/true"], cwd="/nonexist")
    rc, out, _ = c.exec("e", process=process)
    check("exec succeeded", rc != 0)
    matches("working directory", read_all(out), "no such file or directory")


def umask_of_both():
    config = changed(lambda c: (c["process"]["user"].update(umask=0o027), c["mounts"].append(
        {"destination": "/made/here", "type": "tmpfs", "source": "tmpfs"})))
    c = Container("30", config, ["/bin/sh", "-c", "umask; stat -c %a /made; exec sleep 1000"])

    def closed():
        when_parent_dies()
        os.umask(0o077)
    c.up(preexec_fn=closed)
    rc, out, pid_file = c.exec("e", process=dict(config["process"], args=["/bin/sh", "-c", "umask"]), preexec_fn=closed)
    os.waitpid(int(pid_file.read_text()), 0)
    equal("exec", (rc, read_all(out)), (0, "0027\n"))
    c.settle()
    c.stop()
    equal("init", c.output(), "0027\n755\n")


def tolerated():
    def change(config):
        config["annotations"] = {"org.systemd.property.KillSignal": "15", "org.systemd.property.TimeoutStopUSec": "uint64 10000000",
                                 "io.podman.annotations.init": "FALSE"}
        config["mounts"].append({"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["", "nosuid"]})
        config["process"]["oomScoreAdj"] = 100
    c = Container("31", changed(change), ["/bin/cat", "/proc/self/oom_score_adj"]).up()
    equal("exit status", c.wait(), 0)
    equal("output", c.output(), "100\n")


def hooks_see_the_state():
    script = BUNDLE / "hook"
    script.write_text('#!/bin/sh\ncat >"$0.$1"\necho said by a hook\nreadlink /proc/self/fd/1 /proc/self/fd/2 >"$0.fds"\nexit ${2:-0}\n')
    script.chmod(0o755)

    def hook(*args):
        return [{"path": str(script), "args": ["hook", *args]}]
    c = Container("29", changed(lambda c: c.update(hooks={"createRuntime": hook("runtime"), "poststop": hook("poststop")}))).create()
    ours = os.readlink(f"/proc/self/fd/{c.out}")
    state = json.loads(pathlib.Path(f"{script}.runtime").read_text())
    equal("state", (state["id"], state["pid"], state["bundle"]), (c.id, c.pid, str(BUNDLE)))
    check(f"status {state['status']}", state["status"] in ("creating", "created"))
    check("a hook has the container's pipes", ours not in pathlib.Path(f"{script}.fds").read_text())
    c.good("delete", "--force", c.id)
    c.wait()
    equal("poststop", json.loads(pathlib.Path(f"{script}.poststop").read_text())["status"], "stopped")
    equal("output", c.output(), "")
    script.write_text("#!/bin/sh\necho the reason >&2\nexit 1\n")
    c = Container("29b", changed(lambda c: c.update(hooks={"createRuntime": hook("runtime")})))
    matches("a hook that fails", c.create_fails(), "the reason")
    rc, text = c.call("state", c.id)
    check(f"a container is left: {text}", rc != 0)


# --- other words of clients ---

def grammar():
    c = Container("27")
    rc, c.out = c.with_streams(["--log-format=json", f"--log={c.log}", "create", f"--bundle={BUNDLE}", f"--pid-file={c.pid_file}", c.id])
    equal("globals twice, = everywhere", rc, 0)
    c.pid = int(c.pid_file.read_text())
    c.start()
    rc, text = c.call("--nonexist", "state", c.id)
    check("an unknown option is accepted", rc != 0)
    matches("an unknown option", text, "--nonexist")
    with c.start_call(["exec", "-d", f"--pid-file={c.dir / 'e.pid'}", c.id, "/bin/sh", "-c", "exit 3"], stdout=subprocess.DEVNULL) as process:
        equal("exec as conmon-rs", process.wait(LIMIT), 0)
    equal("its status", os.waitstatus_to_exitcode(os.waitpid(int((c.dir / "e.pid").read_text()), 0)[1]), 3)
    if MODE == "root":
        equal("update", c.good("update", "--resources", "-", c.id, data='{"pids": {"limit": 77}}'), "")
    c.good("kill", c.id, "KILL")
    c.wait()


def probes():
    c = Container("24")
    check("CRIU is said to be there", c.call("--criu", "nosuchcriu", "checkpoint", "--help")[0] != 0)
    check("CRIU is said to be missing", c.call("--criu", "/bin/sh", "checkpoint", "--help")[0] == 0)
    check("no restore of pods", re.search("requires an argument|flag needs an argument", c.call("restore", "--lsm-mount-context")[1]))
    features = json.loads(c.good("features", env={}, cwd="/"))
    check("versions", features["ociVersionMin"] and features["ociVersionMax"])
    check("rro", "rro" in features["mountOptions"])
    check("user", "user" in features["linux"]["namespaces"])
    check("idmap", features["linux"]["mountExtensions"]["idmap"]["enabled"])
    lines = c.good("--version").splitlines()
    equal("lines about a version", [line for line in lines if "version" in line], lines[:1])
    matches("commit", "\n".join(lines), "(?m)^commit: .")


def foreground():
    c = Container("32").up()
    process = dict(BASE["process"], args=["/bin/sh", "-c", "cat; exit 9"], terminal=False)
    spec = c.dir / "process"
    spec.write_text(json.dumps(process))
    equal("stdin and status", c.call("exec", "--process", spec, c.id, data="from here"), (9, "from here"))
    spec.write_text(json.dumps(dict(process, args=["/bin/sh", "-c", "trap 'exit 4' TERM; echo set; while :; do sleep 0.1; done"])))
    with c.start_call(["exec", "--process", spec, c.id]) as running:
        equal("ready", running.stdout.readline(), b"set\n")
        running.terminate()
        equal("a signal is handed on", running.wait(LIMIT), 4)
    spec.write_text(json.dumps(dict(process, args=["/bin/sh", "-c", "kill -9 $$"])))
    equal("killed", c.call("exec", "--process", spec, c.id)[0], 137)


def numbers_of_an_update():
    root_only()
    c = Container("34", changed(lambda c: c["linux"].update(resources={"memory": {"limit": 64 << 20}}))).up()
    group = re.search(r"^(\d+:memory|0:):(.*)$", pathlib.Path(f"/proc/{c.pid}/cgroup").read_text(), re.M)
    file = pathlib.Path("/sys/fs/cgroup" + group[2] + "/memory.max")
    if not file.exists():
        file = pathlib.Path("/sys/fs/cgroup/memory" + group[2] + "/memory.limit_in_bytes")
    for resources, wanted in (({"memory": {"limit": 0, "swap": 0}}, 64 << 20), ({"memory": {"limit": 32 << 20}}, 32 << 20),
                              ({"memory": {"limit": -1}}, None)):
        c.good("update", "--resources=-", c.id, data=json.dumps(resources))
        got = file.read_text().strip()
        check(f"{resources}: {got}", got == str(wanted) if wanted else got == "max" or int(got) > 1 << 60)


# --- conmon ---

class Conmon(Container):
    """As podman starts it; what it reports comes over a pipe."""

    def conmon(self, *more, runtime=()):
        if not shutil.which("conmon"):
            raise Skipped("needs conmon")
        end = USRUN.index(next(word for word in USRUN if word.endswith("/usrun")))
        self.pid_file.unlink(missing_ok=True)
        sync, theirs = os.pipe()
        start, go = os.pipe()
        os.write(go, b"\0")
        os.close(go)
        log = self.dir / "ctr.log"
        args = ["conmon", "--api-version", "1", "-c", self.id, "-u", self.id, "-n", self.id, "-r", USRUN[end], "-b", BUNDLE,
                "-p", self.pid_file, "-l", f"k8s-file:{log}", "--exit-dir", self.dir / "exits", "--socket-dir-path", self.dir,
                "--conmon-pidfile", self.dir / "conmon.pid", "--exit-command", "/bin/true", "--log-level", "error"]
        for word in (*USRUN[end + 1:], "--log-format=json", "--log", self.log, *runtime):
            args += ["--runtime-arg", word]
        (self.dir / "exits").mkdir(exist_ok=True)
        env = dict(os.environ, _OCI_SYNCPIPE=str(theirs), _OCI_STARTPIPE=str(start))
        subprocess.run([str(word) for word in (*args, *more)], env=env, pass_fds=(theirs, start), timeout=LIMIT, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(start)
        text = b""
        while not text.endswith(b"\n"):  # conmon keeps its end for what it says later
            check(f"conmon says no more than {text!r}", select.select([sync], [], [], LIMIT)[0])
            piece = os.read(sync, 65536)
            if not piece:
                break
            text += piece
        os.close(sync)
        return [json.loads(line) for line in text.decode().splitlines()], log

    def ended(self):
        """The exit status that conmon wrote for the engine."""
        file = self.dir / "exits" / self.id
        wait_for("the exit file", lambda: file.exists() and file.read_text())
        with contextlib.suppress(ChildProcessError, FileNotFoundError):
            os.waitpid(int((self.dir / "conmon.pid").read_text()), 0)
        return file.read_text()


def conmon_runs_a_container():
    c = Conmon("c1", args=["/bin/sh", "-c", "echo of conmon; exit 7"])
    said, log = c.conmon()
    equal("conmon says", [s.get("data", s) for s in said], [int(c.pid_file.read_text())])
    c.good("start", c.id)
    equal("exit file", c.ended(), "7")
    matches("log", log.read_text(), "stdout F of conmon")
    c.good("delete", "--force", c.id)


def conmon_and_a_terminal():
    c = Conmon("c2", changed(lambda c: c["process"].update(terminal=True)), ["/bin/sh", "-c", "tty; exit 3"])
    _, log = c.conmon("-t")
    c.good("start", c.id)
    equal("exit file", c.ended(), "3")
    matches("log", log.read_text(), "stdout F /dev/")
    c.good("delete", "--force", c.id)


def conmon_tells_of_a_failure():
    c = Conmon("c3", args=["/nonexist"])
    said, _ = c.conmon()
    check(f"conmon says {said}", said[0].get("data", said[0].get("pid", 0)) < 0)
    record = json.loads(c.log.read_text())  # what podman shows
    matches("the log", record["msg"], "no such file or directory")
    check("a program's name in front", not record["msg"].startswith("usrun"))
    c.good("delete", "--force", c.id)


def conmon_runs_a_command():
    c = Conmon("c4").up()
    spec = c.dir / "process.json"
    for args, wanted in ((["/bin/sh", "-c", "exit 8"], "8"), (["/nonexist"], None)):
        spec.write_text(json.dumps(dict(BASE["process"], args=args)))
        c.log.write_text("")
        said, _ = c.conmon("-e", "--exec-process-spec", spec)
        if wanted is None:
            matches("the log", json.loads(c.log.read_text())["msg"], "no such file or directory")
            check(f"conmon says {said}", any(s.get("data", 0) < 0 for s in said))
            check("a pid file", not c.pid_file.exists())
        else:
            equal("exit file", c.ended(), wanted)


def kill_what_is_left():
    """Of a row, however it ended."""
    ids = [path.name[len("shim-"):] for path in BUNDLE.parent.glob("shim-*")]
    for name in ids:
        subprocess.run([*USRUN, "delete", "--force", name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=LIMIT, check=False)
        shutil.rmtree(BUNDLE.parent / f"shim-{name}", ignore_errors=True)
    end = time.monotonic() + LIMIT
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < end:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)


ROWS = [
    pid_file_is_a_number, no_pid_file_of_a_failure, processes_are_the_subreapers, nothing_holds_the_pipes, success_is_silent,
    one_record_of_an_error, an_error_is_short, own_failures_do_not_blame_the_command, words_about_what_is_gone,
    delete_by_force_takes_all, delete_without_force, state_of_a_zombie, descriptors, signals_are_clean, console_socket,
    streams_belong_to_the_user, commands_are_looked_up_at_create, later_commands_need_no_surroundings, bundle_may_go,
    relative_bundle, cgroup_is_final_at_create, probes, grammar, kill_thaws_and_kill_all_works_late, hooks_see_the_state,
    umask_of_both, tolerated, foreground, numbers_of_an_update, conmon_runs_a_container, conmon_and_a_terminal,
    conmon_tells_of_a_failure, conmon_runs_a_command,
]


def main():
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    failures = 0
    for row in ROWS:
        if ONLY and row.__name__ not in ONLY:
            continue
        begun = time.monotonic()
        try:
            row()
            verdict = "ok"
        except Skipped as reason:
            verdict = f"skipped: {reason}"
        except (Failed, OSError, ValueError, KeyError, subprocess.SubprocessError) as reason:
            failures += 1
            verdict = f"FAIL {type(reason).__name__} {reason}"
        kill_what_is_left()
        print(f"{row.__name__.replace('_', ' ')} ({time.monotonic() - begun:.2f} s): {verdict}", flush=True)
    sys.exit(1 if failures else 0)


main()

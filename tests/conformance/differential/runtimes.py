# SPDX-License-Identifier: Apache-2.0
"""Runs a case under a runtime and returns what the probe reported, as lines without what differs by chance."""
import ctypes
import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import time

USER = "usruntest"
PATIENCE_S = 60
PR_SET_CHILD_SUBREAPER = 36
DIRECTORIES = ["proc", "sys", "dev", "tmp", "etc", "private", "link-target", "cg"]
DEVICES = [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)]
ENVIRONMENT = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "CALLER": "differential"}
CGROUPS = "usrun-differential"
CGROUP = f"{CGROUPS}-{os.getpid()}"


class Stuck(Exception):
    pass


def inherit_orphans():
    """Detached containers become children of this process, which can then wait for them."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait(pid):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:   # its parent is a process of the runtime that is about to end, and may reap it
            if not os.path.exists(f"/proc/{pid}"):
                return "unknown"
            done = 0
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    raise Stuck(f"process {pid} did not end in {PATIENCE_S} s")


def read_terminal(listener):
    """All that is written to the terminal which comes through this socket."""
    connection, _ = listener.accept()
    with connection:
        _, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
    text, deadline = b"", time.monotonic() + PATIENCE_S
    while select.select(descriptors, [], [], max(0, deadline - time.monotonic()))[0]:
        try:
            text += os.read(descriptors[0], 65536)
        except OSError:     # the last user of the terminal is gone
            break
    os.close(descriptors[0])
    return text


class Workplace:
    """One bundle, made anew for each container, and what the mounts of the cases name."""

    def __init__(self, top, probe):
        self.top, self.probe = top, probe
        self.bundle = top / "bundle"
        for directory in ("data", "dev", "hooks"):
            (top / directory).mkdir()
            (top / directory).chmod(0o777)
        (top / "data" / "file").write_text("content\n")
        os.mknod(top / "dev" / "null", 0o666 | 0o020000, os.makedev(1, 3))
        shutil.copy(probe, top / "hooks" / "probe")
        self.helper = subprocess.Popen(["unshare", "-nuip", "sleep", "1000"], start_new_session=True)
        while os.readlink(f"/proc/{self.helper.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.001)

    def close(self):
        self.helper.kill()
        self.helper.wait()

    def filled(self, value):
        text = json.dumps(value).replace("@WORK@", str(self.top)).replace("@HELPER@", str(self.helper.pid))
        return json.loads(text)

    def fill(self, case, name):
        """The bundle of a case, which belongs to the root of its user namespace."""
        shutil.rmtree(self.bundle, ignore_errors=True)
        rootfs = self.bundle / "rootfs"
        for directory in DIRECTORIES:
            (rootfs / directory).mkdir(parents=True)
        (rootfs / "tmp").chmod(0o1777)
        (rootfs / "private").chmod(0o700)
        (rootfs / "link").symlink_to("/link-target")
        (rootfs / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nsome:x:1000:1000::/home/some:/bin/sh\n")
        (rootfs / "etc" / "group").write_text("root:x:0:\n")
        shutil.copy(self.probe, rootfs / "probe")
        (self.bundle / "data").mkdir()
        (self.top / "hooks" / "log").unlink(missing_ok=True)
        config = self.filled(case.config)
        if not case.rootless:
            config["linux"]["cgroupsPath"] = f"/{CGROUP}/{name}"
        (self.bundle / "config.json").write_text(json.dumps(config))
        if case.process:
            (self.bundle / "process.json").write_text(json.dumps(self.filled(case.process)))
        maps = config["linux"].get("uidMappings")
        owner = maps[0]["hostID"] if maps else 0
        for path in [self.bundle, *self.bundle.rglob("*")]:
            os.chown(path, owner, owner, follow_symlinks=False)


class Runtime:
    def __init__(self, name, path, workplace, user=None):
        self.name, self.path, self.place, self.user = name, path, workplace, user
        self.state = workplace.top / f"state-{name}"
        self.state.mkdir(mode=0o700)
        self.error = ""
        self.prefix = []
        if user:
            os.chown(self.state, user.pw_uid, user.pw_gid)
            self.prefix = ["setpriv", "--reuid", user.pw_name, "--regid", str(user.pw_gid), "--init-groups",
                           "env", f"XDG_RUNTIME_DIR={self.state}"]

    def argv(self, *args):
        return [*self.prefix, self.path, "--root", str(self.state), *args]

    def call(self, *args, out=subprocess.DEVNULL):
        """Errors go to a file: the container inherits standard error, and a pipe would be waited for."""
        errors_file = self.place.top / "errors"
        errors_file.unlink(missing_ok=True)     # it belongs to the user of the last container
        with open(errors_file, "w+b") as errors:
            done = subprocess.run(self.argv(*args), stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                                  env=ENVIRONMENT, timeout=PATIENCE_S, check=False)
            errors.seek(0)
            self.error = errors.read().decode(errors="replace")
            return done.returncode

    def report(self, case):
        """The lines of the report, or one line where the runtime refused."""
        name = f"differ-{os.getpid()}"
        self.place.fill(case, name)
        for device, _, _ in DEVICES:
            os.chown(f"/dev/{device}", 0, 0)
        try:
            if case.process is not None:
                lines = self.executed(case, name)
            elif case.terminal:
                lines = self.on_terminal("run", "-b", str(self.place.bundle), name)
            else:
                lines = self.detached("run", "-b", str(self.place.bundle), name)
        finally:
            errors = self.error
            self.call("delete", "--force", name)
            self.error = errors
        log = self.place.top / "hooks" / "log"
        if case.hooks and log.exists():
            lines += log.read_text().splitlines()
        return sorted(filter(None, (self.tidy(" ".join(line.split()), name) for line in lines)))

    def executed(self, case, name):
        if self.call("run", "-d", "-b", str(self.place.bundle), name) != 0:
            return ["outcome container refused"]
        args = ["exec", *case.options]
        if not case.process:
            return self.detached(*args, name, "/probe")
        args += ["--process", str(self.place.bundle / "process.json"), name]
        return self.on_terminal(*args) if case.terminal else self.detached(*args)

    def detached(self, command, *args, read=None):
        """As engines start it; what it prints goes to a file, or comes from READ once it runs."""
        pid_file = self.place.bundle / "pid"
        with open(self.place.bundle / "out", "w+b") as out:
            if self.user:
                os.chown(out.name, self.user.pw_uid, self.user.pw_gid)
            if self.call(command, "-d", "--pid-file", str(pid_file), *args, out=out) != 0:
                return ["outcome refused"]
            text = read() if read else None
            status = wait(int(pid_file.read_text()))
            out.seek(0)
            text = (text or out.read()).decode(errors="replace").replace("\r", "")
            return [*text.splitlines(), f"outcome {status}"]

    def on_terminal(self, command, *args):
        """The same, with a terminal that comes through the console socket."""
        path = self.place.bundle / "console"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            path.chmod(0o777)
            listener.listen()
            listener.settimeout(PATIENCE_S)
            return self.detached(command, "--console-socket", str(path), *args, read=lambda: read_terminal(listener))

    def tidy(self, line, name):
        line = line.replace(name, "@ID@").replace(str(self.state), "@STATE@").replace(str(self.place.top), "@WORK@")
        line = line.replace(CGROUP, CGROUPS)
        line = re.sub(rf"\b{self.place.helper.pid}\b", "@HELPER@", line)
        namespace = re.search(r"\bns \w+ (\w+:\[\d+\])", line)
        if namespace:
            return line.replace(namespace[1], self.whose(namespace[1]))
        if line.startswith("status NSpid:"):
            return f"status NSpid: {len(line.split()) - 2} deep"
        if line.startswith("mount /cg"):
            return None
        return line

    def whose(self, link):
        kind = link.split(":")[0]
        if link == os.readlink(f"/proc/self/ns/{kind}"):
            return "host"
        helper = pathlib.Path(f"/proc/{self.place.helper.pid}/ns/{kind}")
        return "joined" if link == os.readlink(helper) else "new"


def groups():
    """Those of this program, in every hierarchy, with the process that they belong to."""
    top = pathlib.Path("/sys/fs/cgroup")
    for hierarchy in [top, *top.iterdir()]:
        if hierarchy.name != "unified" and hierarchy.is_dir():
            for group in hierarchy.glob(f"{CGROUPS}-*"):
                yield group, group.name.rpartition("-")[2]


def remove_group(top):
    for group in [*sorted(top.rglob("*/"), reverse=True), top]:
        for pid in (group / "cgroup.procs").read_text().split() if (group / "cgroup.procs").exists() else []:
            os.kill(int(pid), 9)
        deadline = time.monotonic() + PATIENCE_S
        while group.is_dir() and time.monotonic() < deadline:
            try:
                group.rmdir()
            except OSError:     # its last process is ending
                time.sleep(0.01)


def remove_groups():
    """What the runtimes leave of the parent group, and what a run that was killed has left."""
    for group, owner in groups():
        if owner == str(os.getpid()) or not os.path.exists(f"/proc/{owner}"):
            remove_group(group)

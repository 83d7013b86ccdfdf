# SPDX-License-Identifier: Apache-2.0
"""What is measured: usrun, the floor, and Debian's crun and runc. Each can be timed, traced, and asked for containers."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
COMMANDS = ["run", "create", "state", "start", "exec", "kill", "delete"]
SUITES, PEERS = ("unstable", "bookworm"), ("crun", "runc")
LIBRARIES = {"unstable": ["libcriu2"]}  # that crun opens when it is asked for a checkpoint


def build(work):
    """The floor and the measuring program: small and static, with musl where its archive is."""
    musl = pathlib.Path("/usr/lib") / f"{os.uname().machine}-linux-musl"
    flags, after = ["-static"], []
    if (musl / "libc.a").exists():
        flags = ["-nostdinc", "-isystem", f"/usr/include/{musl.name}", "-idirafter", "/usr/include", "-idirafter",
                 f"/usr/include/{os.uname().machine}-linux-gnu", "-static", "-no-pie", "-nostdlib", "-fno-stack-protector",
                 str(musl / "crt1.o"), str(musl / "crti.o")]
        after = [str(musl / "libc.a"), "-lgcc", str(musl / "crtn.o")]
    for name, sources in (("floor", ["floor.c", "floor_mounts.c"]), ("measure", ["measure.c"])):
        subprocess.run(["gcc", "-O2", "-o", str(work / name), *flags, *(str(HERE / s) for s in sources), *after],
                       check=True)


def own_libraries(program, copy, libs):
    """A copy that is started by the dynamic linker of its own suite, with the libraries of it. No variable says so: runc
    clears them for its second start."""
    shutil.copy(program, copy)
    subprocess.run(["patchelf", "--set-interpreter", str(next(libs.glob("ld-linux*.so*"))), "--force-rpath", "--set-rpath", str(libs),
                    str(copy)], check=True)


def unpacked_peers(cache, work):
    """{name: (program, version)}: the programs of Debian's packages beside the libraries of their own suite."""
    peers = {}
    for suite in SUITES:
        tree = cache / suite
        if not (tree / "packages").exists():
            done = subprocess.run([HERE.parent / "lib" / "unpack", suite, tree, *PEERS, *LIBRARIES.get(suite, [])])
            if done.returncode:
                print(f"{suite}: its packages cannot be fetched, so its runtimes are left out")
                continue
        versions = dict(line.split() for line in (tree / "packages").read_text().splitlines())
        libs = work / suite
        libs.mkdir()
        for library in [f for place in ("lib", "usr/lib") for f in (tree / place).glob("*-linux-gnu/*.so*")]:
            shutil.copy(library, libs / library.name)
        for name in PEERS:
            version = versions[name]
            program = next(p for d in ("bin", "sbin") if (p := tree / "usr" / d / name).is_file())
            own_libraries(program, work / f"{name}.{suite}", libs)
            peers[f"{name}-{re.sub('[+-].*', '', version)}"] = (str(work / f"{name}.{suite}"), f"{version} of {suite}")
    return peers


class Runtime:
    """One program, its bundles and what was measured of it."""

    def __init__(self, name, path, work, kind, prefix=()):
        self.name, self.path, self.prefix, self.work, self.kind = name, path, list(prefix), work, kind
        self.root = work / "run" / name
        self.n, self.figures, self.calls, self.refusal = 0, {}, {}, None

    def is_floor(self):
        return self.name == "floor"

    def argv(self, command, *args, bundle=None, extra=()):
        if self.is_floor():
            words = ["delete-force" if "--force" in args else command, args[0] if args[0] != "--force" else args[1]]
            return [self.path, self.kind, str(bundle or self.work / "true"), str(self.work / "run"), *words]
        place = ["-b", str(bundle)] if bundle else []
        return [self.path, "--root", str(self.root), *extra, command, *place, *args]

    def apart(self, *argv, output=subprocess.DEVNULL):
        """The container inherits standard error: a pipe would be waited for until it ends."""
        with tempfile.TemporaryFile("w+") as errors:
            done = subprocess.run([*self.prefix, *argv], stdin=subprocess.DEVNULL, stdout=output, stderr=errors, text=True)
            errors.seek(0)
            return done.returncode, done.stdout, errors.read().strip()

    def runs(self, name, bundle):
        """A container whose streams lead nowhere."""
        null = {stream: subprocess.DEVNULL for stream in ("stdin", "stdout", "stderr")}
        done = subprocess.run([*self.prefix, *self.argv("run", "--detach", name, bundle=bundle)], **null)
        if done.returncode:
            raise RuntimeError(f"{self.name} run: exit status {done.returncode}")

    def timed(self, command, *args, key=None, argv=None, bundle=None):
        words = argv or self.argv(command, *args, bundle=bundle)
        _, text, errors = self.apart(str(self.work / "measure"), *words, output=subprocess.PIPE)
        us, status, rss, faults, instructions = text.split() if text else (0, "none", 0, 0, 0)
        if status != "0":
            raise RuntimeError(f"{self.name} {command}: exit status {status}: {errors}")
        figure = {"us": float(us), "rss": int(rss), "faults": int(faults), "instructions": int(instructions)}
        self.figures.setdefault(key or command, []).append(figure)
        return figure["us"]

    def traced(self, command, *args, bundle=None):
        """A container that goes on is traced further by a strace that nobody waits for."""
        log = self.work / f"strace-{self.name}-{command}"
        status, _, errors = self.apart("strace", "-D", "-f", "-qq", "-s", "0", "-o", str(log), *self.argv(command, *args, bundle=bundle))
        if status:
            raise RuntimeError(f"{self.name} {command}, traced: {errors}")
        self.calls[command] = count(log.read_text(errors="replace")) if log.exists() else None
        return 0

    def round(self, do):
        """One container that only runs, and one through all the commands. The four of an engine are also summed up."""
        self.n += 1
        name = f"bench-{self.name}-{os.getpid()}-{self.n}"
        try:
            self.life(do, name)
        except RuntimeError:
            self.apart(*self.argv("delete", "--force", name))
            raise

    def life(self, do, name):
        do("run", name + "r", bundle=self.work / "true")
        four = do("create", name, bundle=self.work / "sleep")
        four += do("state", name)
        four += do("start", name)
        self.wait_program(name)
        do("exec", name, *([] if self.is_floor() else ["/bin/true"]))
        do("kill", name, *([] if self.is_floor() else ["KILL"]))
        self.wait_stopped(name)
        four += do("delete", name)
        if four:
            self.figures.setdefault("the four", []).append({"us": four})

    def wait_program(self, name):
        """crun's `start` returns before the program is executed, and until then a user may not enter the container."""
        _, text, _ = self.apart(*self.argv("state", name), output=subprocess.PIPE)
        pid = re.search(r'"pid"\s*:\s*(\d+)', text)  # the floor tells none
        while pid and not pathlib.Path(f"/proc/{pid[1]}/cmdline").read_bytes().startswith(b"/bin/sleep"):
            time.sleep(0.001)

    def wait_stopped(self, name):
        while True:
            status, text, errors = self.apart(*self.argv("state", name), output=subprocess.PIPE)
            if status:
                raise RuntimeError(f"{self.name} state: {errors}")
            if re.search(r'"status"\s*:\s*"stopped"', text):
                return

    def tried(self, work):
        """Does it once without counting; a runtime that cannot is left out, with its reason."""
        try:
            work(self)
        except RuntimeError as e:
            self.refusal = str(e).splitlines()[0]
            print(f"left out: {self.refusal}", flush=True)
        self.figures.clear()
        return not self.refusal


def count(log):
    """Of all processes: system calls, clones, execs, and what waits for an RCU grace period: umounts, and closed mounts that
    were never attached."""
    calls = {"calls": 0, "clones": 0, "execs": 0, "grace": 0}
    detached = {}
    for line in log.splitlines():
        call = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)", line)
        if not call:
            continue
        pid, name, rest = call.groups()
        if "resumed>" not in line:
            calls["calls"] += 1
            calls["clones"] += bool(re.fullmatch("v?fork|clone3?", name))
            calls["execs"] += name in ("execve", "execveat")
            calls["grace"] += name in ("umount", "umount2")
        result = re.search(r"= (\d+)", rest)
        own = detached.setdefault(pid, set())
        if result and (name == "fsmount" or name == "open_tree" and "CLONE" in rest):
            own.add(int(result.group(1)))
        if result and name == "move_mount" and (fd := re.match(r"\d+", rest)):
            own.discard(int(fd.group(0)))
        if name == "close" and (fd := re.match(r"\d+", rest)) and int(fd.group(0)) in own:
            own.discard(int(fd.group(0)))
            calls["grace"] += 1
    calls["grace"] += sum(len(own) for own in detached.values())
    return calls

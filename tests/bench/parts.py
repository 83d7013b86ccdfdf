# SPDX-License-Identifier: Apache-2.0
"""The parts of the benchmark. Each makes its bundles in a directory of its own, and returns figures."""
import concurrent.futures
import os
import pathlib
import pwd
import random
import shutil
import statistics
import subprocess
import time

import bundles
from runtimes import Runtime

USER = os.environ.get("USRUN_TEST_USER", "usruntest")
OLD = ("crun-1.8", "runc-1.1")
LISTS = 5


class Place:
    """Where one part works: bundles, states on a tmpfs as /run is, and the programs as they are installed."""

    def __init__(self, bench, name, **bundle):
        self.bench, self.work, self.prefix = bench, bench.work / name, []
        (self.work / "run").mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(self.work / "run")], check=True)
        shutil.copy(bench.work / "measure", self.work / "measure")
        bundles.write(self.work, bench.usrun, **bundle)
        if bundle.get("maps"):
            user = pwd.getpwnam(USER)
            (self.work / "xdg").mkdir(mode=0o700)
            subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", str(self.work)], check=True)
            self.prefix = ["setpriv", "--reuid", USER, "--regid", str(user.pw_gid), "--init-groups", "--reset-env", "env", "-C",
                           str(self.work), f"XDG_RUNTIME_DIR={self.work}/xdg"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", str(self.work / "run")], check=True)

    def runtimes(self, kind, old=True, again=True):
        bench = self.bench
        own = [("floor", str(bench.work / "floor"))] if kind else []
        own += [(n, bench.usrun) for n in (("usrun", "again") if again else ("usrun",))]
        peers = [(n, path) for n, (path, _) in bench.peers.items() if (old or not n.startswith(OLD))]
        return [Runtime(n, path, self.work, kind, self.prefix) for n, path in own + peers]


def summary(runtimes):
    """{command: {runtime: figures}}"""
    rows = {}
    for runtime in runtimes:
        for command, figures in runtime.figures.items():
            times = sorted(f["us"] for f in figures)
            cell = {"median": statistics.median(times), "p10": times[len(times) // 10]}
            if "rss" in figures[0]:
                cell["rss"] = max(f["rss"] for f in figures)
                cell["faults"] = statistics.median(f["faults"] for f in figures)
                cell["instructions"] = statistics.median(f["instructions"] for f in figures)
            cell.update(runtime.calls.get(command) or {})
            rows.setdefault(command, {})[runtime.name] = cell
    return rows


def interleaved(runtimes, rounds, work):
    """Each round in an order of its own: what one leaves to the kernel, as the end of its network namespace, burdens the next."""
    able = [r for r in runtimes if r.tried(work)]
    for _ in range(rounds):
        for runtime in random.sample(able, len(able)):
            try:
                work(runtime)
            except RuntimeError as e:
                print(f"a round failed: {e}", flush=True)
    return able


def life(runtime):
    runtime.round(runtime.timed)


def root(bench):
    """Root's containers with cgroup v2, and what each command asks of the kernel."""
    with Place(bench, "root") as place:
        able = interleaved(place.runtimes("v2"), bench.rounds, life)
        for runtime in able:
            runtime.round(runtime.traced)
        return summary(able)


def v1(bench):
    """Root's containers with cgroup v1. No cgroup namespace, which bookworm's runc does not know there."""
    hierarchies = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines() if line.split()[2] == "cgroup"]
    kind = ":".join(pathlib.Path(h).name for h in hierarchies)
    with Place(bench, "v1", cgroup_namespace=False) as place:
        return summary(interleaved(place.runtimes(kind), bench.rounds, life))


def rootless(bench, name, kind, maps):
    with Place(bench, name, maps=maps(pwd.getpwnam(USER))) as place:
        return summary(interleaved(place.runtimes(kind, old=False), bench.rounds, life))


def own(bench):
    """A user's containers with no id but the user's own."""
    return rootless(bench, "own", "user", bundles.own_id)


def subuid(bench):
    """A user's containers with subordinate ids, which newuidmap maps: there is no floor for it."""
    return rootless(bench, "subuid", None, bundles.subordinate)


def seccomp(bench):
    """Docker's profile. crun keeps the compiled filter in a cache, which is emptied before each cold run."""
    with Place(bench, "seccomp", seccomp=True) as place:
        def both(runtime):
            runtime.n += 1
            name, bundle = f"bench-{runtime.name}-{os.getpid()}-s{runtime.n}", runtime.work / "true"
            shutil.rmtree(runtime.root / ".cache", ignore_errors=True)
            runtime.timed("run", name + "c", bundle=bundle, key="cold")
            runtime.timed("run", name + "w", bundle=bundle, key="cached")
        return summary(interleaved([r for r in place.runtimes("v2", old=False) if not r.is_floor()], bench.rounds, both))


def many_of(runtime, n, at_once):
    """n containers: what each costs to create and to delete, and the whole list."""
    names = [f"bench-{runtime.name}-{os.getpid()}-{at_once}-{n}-{i}" for i in range(n)]
    figures = {}
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        start = time.monotonic()
        times = list(pool.map(lambda name: runtime.timed("create", name, bundle=runtime.work / "sleep"), names))
        figures["create"] = (time.monotonic() - start) * 1e6 / n
        figures["first"], figures["last"] = statistics.median(times[:10]), statistics.median(times[-10:])
        if not runtime.is_floor():
            figures["list"] = statistics.median(runtime.timed("list") for _ in range(LISTS))
        start = time.monotonic()
        list(pool.map(lambda name: runtime.timed("delete", "--force", name), names))
        figures["delete"] = (time.monotonic() - start) * 1e6 / n
    return figures


def many(bench):
    """1, 10, 100, 1,000 containers at once, made by one caller or by two. runc takes minutes for the last."""
    rows = {}
    with Place(bench, "many") as place:
        runtimes = [r for r in place.runtimes("v2", old=False, again=False) if r.tried(life)]
        for at_once in (1, 2):
            n = at_once
            while n <= bench.many:
                rows[f"{n} by {at_once}"] = {r.name: many_of(r, n, at_once) for r in runtimes
                                             if n <= 100 or not r.name.startswith("runc")}
                n = n * 10 if n > 2 else 10
    return rows


def memory(bench):
    """The least memory limit that a container starts with, three times of three, and what a created one is charged. The limit
    holds for the command and for the container, whose own group is in another hierarchy or below."""
    rows = {}
    with Place(bench, "memory") as place:
        for runtime in place.runtimes("v2", old=False, again=False):
            if runtime.tried(life):
                rows[runtime.name] = {"limit": bench.group.least(runtime), "charged": bench.group.charged(runtime, 50)}
    return rows


def checkpoint(bench):
    """A container that sleeps is written to files and restored, by CRIU 4: USRUN_CRIU, or that of PATH. It has the host's
    network, which nobody has to lock, and the runtimes make its cgroup."""
    criu = shutil.which(os.environ.get("USRUN_CRIU", "criu"))
    if not criu:
        print("left out: no criu")
        return {}
    os.environ["PATH"] = f"{pathlib.Path(criu).parent}:{os.environ['PATH']}"
    with Place(bench, "checkpoint") as place:
        bundles.for_criu(place.work / "sleep")

        def moved(runtime):
            runtime.n += 1
            name, images = f"bench-{runtime.name}-{os.getpid()}-c{runtime.n}", place.work / "images"
            how = ["--image-path", str(images), "--work-path", str(images), "--manage-cgroups-mode", "ignore"]
            images.mkdir()
            try:
                runtime.runs(name, place.work / "sleep")
                runtime.timed("checkpoint", *how, name)
                runtime.timed("restore", "--detach", *how, name, bundle=place.work / "sleep")
            finally:
                runtime.apart(*runtime.argv("delete", "--force", name))
                shutil.rmtree(images)
        return summary(interleaved([r for r in place.runtimes("v2", old=False) if not r.is_floor()], bench.rounds, moved))


PARTS = {"root": root, "v1": v1, "own": own, "subuid": subuid, "seccomp": seccomp, "many": many, "memory": memory, "checkpoint": checkpoint}

# SPDX-License-Identifier: Apache-2.0
"""A memory cgroup around a runtime's commands: limits them, and reads what they are charged."""
import os
import pathlib
import time


class Group:
    """v1's memory hierarchy where there is one, which the view of cgroup v2 hides but leaves in force."""

    def __init__(self):
        self.dir, self.n = pathlib.Path(f"/proc/{os.getpid()}/fd/{os.environ['USRUN_BENCH_MEMORY']}"), 0

    def fresh(self, limit=None):
        """A group of its own for each attempt: nothing is left over from the last one."""
        self.n += 1
        group = self.dir / f"bench-{os.getpid()}-{self.n}"
        group.mkdir()
        if limit:
            (group / "memory.limit_in_bytes").write_text(str(limit))
        return group

    def inside(self, runtime, group, *argv):
        """A shell enters the group and becomes the command."""
        return runtime.apart("/bin/sh", "-c", 'echo 0 >"$0" && exec "$@"', str(group / "tasks"), *argv)[0]

    def remove(self, group):
        for _ in range(500):
            try:
                group.rmdir()
                return
            except OSError:
                time.sleep(0.01)
        raise SystemExit(f"tests/bench/run: {group} stays busy")

    def starts(self, runtime, limit):
        group = self.fresh(limit)
        runtime.n += 1
        try:
            name = f"bench-{runtime.name}-{os.getpid()}-l{runtime.n}"
            done = self.inside(runtime, group, *runtime.argv("run", name, bundle=runtime.work / "true"))
            (group / "memory.limit_in_bytes").write_text("-1")
            if done:
                runtime.apart(*runtime.argv("delete", "--force", name))
            return done == 0
        finally:
            self.remove(group)

    def least(self, runtime):
        """KiB, to 8 KiB."""
        low, high = 0, 32 << 10
        while high - low > 8:
            middle = (low + high) // 2
            if all(self.starts(runtime, middle << 10) for _ in range(3)):
                high = middle
            else:
                low = middle
        return high

    def charged(self, runtime, n):
        """KiB for each container that waits for start."""
        group = self.fresh()
        names = [f"bench-{runtime.name}-{os.getpid()}-c{i}" for i in range(n)]
        for name in names:
            if self.inside(runtime, group, *runtime.argv("create", name, bundle=runtime.work / "sleep")):
                raise RuntimeError(f"{runtime.name} create {name}: failed")
        used = int((group / "memory.usage_in_bytes").read_text())
        for name in names:
            runtime.apart(*runtime.argv("delete", "--force", name))
        self.remove(group)
        return used // n >> 10

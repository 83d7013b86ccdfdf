# SPDX-License-Identifier: Apache-2.0
"""Where the text of the specification, or what the kernel can do, says more than its schemas do. Every entry
has its reason; what is not here is as the schemas say."""
REMOVED = object()  # in place of a value
U32 = 2**32 - 1
NO_CHANGE = "(uid_t)-1 means \"no change\" to the kernel"
KERNEL_DEVICE = "the kernel's device numbers have 12 and 20 bits"
NO_LIMIT = "-1 is \"no limit\", what is below means nothing"
ERRNO = "an action's value has 16 bits in the kernel, and an error number is at most 4095"

# (lowest, highest, reason)
RANGES = {
    "process.consoleSize.height": (0, 65535, "struct winsize"),
    "process.consoleSize.width": (0, 65535, "struct winsize"),
    "process.user.uid": (0, U32 - 1, NO_CHANGE),
    "process.user.gid": (0, U32 - 1, NO_CHANGE),
    "process.user.additionalGids[*]": (0, U32 - 1, NO_CHANGE),
    "process.user.umask": (0, 0o777, "permission bits"),
    "process.oomScoreAdj": (-1000, 1000, "proc(5)"),
    "process.ioPriority.priority": (0, 7, "config.md: 0 to 7"),
    "process.scheduler.nice": (-20, 19, "sched_setattr(2)"),
    "process.scheduler.priority": (1, 99, "sched_setattr(2), with SCHED_FIFO"),
    "linux.timeOffsets.monotonic.nanosecs": (0, 10**9 - 1, "part of a second"),
    "linux.timeOffsets.boottime.nanosecs": (0, 10**9 - 1, "part of a second"),
    "linux.devices[*].major": (0, 4095, KERNEL_DEVICE),
    "linux.devices[*].minor": (0, 1048575, KERNEL_DEVICE),
    "linux.devices[*].uid": (0, U32 - 1, NO_CHANGE),
    "linux.devices[*].gid": (0, U32 - 1, NO_CHANGE),
    "linux.resources.devices[*].major": (-1, U32, "-1 is all; the device program compares 32 bits"),
    "linux.resources.devices[*].minor": (-1, U32, "-1 is all; the device program compares 32 bits"),
    "linux.resources.memory.swappiness": (0, 100, "config-linux.md: 0 to 100; 2^64-1 is Docker's unset"),
    "linux.resources.cpu.burst": (0, 100000, "cgroup-v2.rst: at most the quota, that of base.json"),
    "linux.resources.cpu.idle": (0, 1, "cgroup-v2.rst"),
    "linux.resources.blockIO.weight": (0, 1000, "cgroup-v1/blkio-controller.rst"),
    "linux.resources.blockIO.leafWeight": (0, 1000, "cgroup-v1/blkio-controller.rst"),
    "linux.resources.blockIO.weightDevice[*].weight": (0, 1000, "cgroup-v1/blkio-controller.rst"),
    "linux.resources.blockIO.weightDevice[*].leafWeight": (0, 1000, "cgroup-v1/blkio-controller.rst"),
    "linux.seccomp.syscalls[*].args[*].index": (0, 5, "a system call has six arguments"),
    "linux.seccomp.defaultErrnoRet": (0, 4095, ERRNO),
    "linux.seccomp.syscalls[*].errnoRet": (0, 4095, ERRNO),
}
for where in ("linux.uidMappings[*].", "linux.gidMappings[*].", "mounts[*].uidMappings[*].",
              "mounts[*].gidMappings[*]."):
    RANGES[where + "containerID"] = RANGES[where + "hostID"] = (0, U32 - 1, NO_CHANGE)
    RANGES[where + "size"] = (1, U32, "user_namespaces(7): greater than 0; -1 is no id")
for what in ("limit", "reservation", "swap", "kernel", "kernelTCP"):
    RANGES["linux.resources.memory." + what] = (-1, 2**63 - 1, NO_LIMIT)
for what in ("pids.limit", "cpu.quota", "cpu.realtimeRuntime"):
    RANGES["linux.resources." + what] = (-1, 2**63 - 1, NO_LIMIT)
for point in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
    RANGES[f"hooks.{point}[*].timeout"] = (1, 2**31 - 1, "whoever waits counts seconds in an int")
for kind in ("Weight", "ThrottleReadBps", "ThrottleWriteBps", "ThrottleReadIOPS", "ThrottleWriteIOPS"):
    name = f"linux.resources.blockIO.{kind[0].lower()}{kind[1:]}Device[*]."
    RANGES[name + "major"] = (0, 4095, KERNEL_DEVICE)
    RANGES[name + "minor"] = (0, 1048575, KERNEL_DEVICE)

# config.md and config-linux.md have REQUIRED, the schemas do not.
REQUIRED = {
    "root": "config.md: REQUIRED on all platforms but Hyper-V's",
    "process.args": "config.md: REQUIRED on all platforms but Windows",
    "linux.memoryPolicy.mode": "config-linux.md",
    "linux.personality.domain": "config-linux.md",
    "linux.devices[*].major": "config-linux.md: REQUIRED unless type is p",
    "linux.devices[*].minor": "config-linux.md: REQUIRED unless type is p",
}
for kind in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS"):
    REQUIRED[f"linux.resources.blockIO.throttle{kind}Device[*].rate"] = "config-linux.md"

NOT_REQUIRED = {"linux.resources.pids.limit": "clients write \"pids\": {} for \"no limit\", and all runtimes take it"}

NEVER_NULL = {
    "process.user.uid": "config.md has REQUIRED, and no client writes null for a number that is no pointer",
    "process.user.gid": "the same",
}

SOME_PATH = ["relative", "./a"]
RELATIVE = ["", "relative", "./a"]
EMPTY = [""]
NO_LIST = ["a", "1-", "-1", "3-1", "1,,2", "1;2"]
NO_NAME = ["", "a/b", ".", "..", "sixteen bytes...", "a b", "a:b", "%s", "%d%d"]
NO_VARIABLE = ["", "no equals sign", "=value"]
BAD_STRINGS = {
    "ociVersion": ["", "1", "1.", "1.0.0.0", "v1.0.0", "01.0.0", "1.0.0-", " 1.0.0", "2.0.0"],
    "root.path": EMPTY,
    "hostname": ["x" * 65],
    "domainname": ["x" * 65],
    "mounts[*].destination": EMPTY,
    "process.cwd": RELATIVE,
    "process.env[*]": NO_VARIABLE,
    "process.rlimits[*].type": ["RLIMIT_UNKNOWN", "rlimit_cpu", "CPU"],
    "process.execCPUAffinity.initial": NO_LIST,
    "process.execCPUAffinity.final": NO_LIST,
    "linux.namespaces[*].path": SOME_PATH,
    "linux.devices[*].type": ["", "cc", "C"],
    "linux.devices[*].path": RELATIVE,
    "linux.cgroupsPath": ["..", "/a/../b"],
    "linux.resources.devices[*].type": ["", "d", "cc", "p"],
    "linux.resources.devices[*].access": ["", "x", "rwx"],
    "linux.resources.cpu.cpus": NO_LIST,
    "linux.resources.cpu.mems": NO_LIST,
    "linux.resources.hugepageLimits[*].pageSize": ["3MB", "02MB", "2mb", "2MiB", "64kB"],
    "linux.resources.network.priorities[*].name": EMPTY,
    "linux.intelRdt.closID": ["", "..", "a/b", "a\nb"],
    "linux.intelRdt.l3CacheSchema": ["L3:0=f\nMB:0=10"],
    "linux.intelRdt.memBwSchema": ["", "MB:0=10\nL3:0=f", "L3:0=f"],
    "linux.intelRdt.schemata[*]": ["L3:0=f\nMB:0=10"],
    "linux.memoryPolicy.nodes": NO_LIST,
    "linux.personality.flags[*]": ["ADDR_NO_RANDOMIZE"],
    "linux.maskedPaths[*]": RELATIVE,
    "linux.readonlyPaths[*]": RELATIVE,
}
for point in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
    BAD_STRINGS[f"hooks.{point}[*].path"] = RELATIVE
    BAD_STRINGS[f"hooks.{point}[*].env[*]"] = NO_VARIABLE

# Good values that the schemas do not have.
TOLERATED = {("linux.rootfsPropagation", ""): "Go programs write it for \"not set\""}

# Not for Linux: whatever is there has to be ignored.
FOREIGN = {"solaris", "windows", "vm", "zos", "freebsd", "process.commandLine", "process.user.username"}

# Lists of names of which base.json has all, and none may be there twice.
ALL_THERE = {"linux.namespaces[*].type"}

# Valid for the schemas, refused for what else is in base.json: place, values, the path that the error names.
REFUSALS = [
    ("process.args", [[]], "process.args"),
    ("process.scheduler.priority", [REMOVED, None], "process.scheduler.priority"),  # SCHED_FIFO needs one
    ("linux", [REMOVED, None], "hostname"),  # and no namespace that it would be the name of
    ("linux.namespaces", [REMOVED, None, []], "hostname"),
    ("linux.memoryPolicy.nodes", [REMOVED, None], "linux.memoryPolicy.nodes"),  # MPOL_BIND needs some
    ("linux.seccomp.defaultAction", ["SCMP_ACT_NOTIFY"], "linux.seccomp.defaultAction"),
]
for place, named in (("mounts[*].", "mounts[1]."), ("linux.", "linux.")):
    for one, other in (("uidMappings", "gidMappings"), ("gidMappings", "uidMappings")):
        REFUSALS.append((place + one, [REMOVED, None, []], named + other))  # the two belong together

# What has to change with a value to make it valid: place, values, changes.
NO_ERRNO = ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ALLOW",
            "SCMP_ACT_LOG"]
SECCOMP = ("linux", "seccomp")
COMPANIONS = [
    ("process.scheduler.policy", ["SCHED_OTHER", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE"],
     [(("process", "scheduler", "priority"), 0)]),
    ("linux.memoryPolicy.mode", ["MPOL_DEFAULT", "MPOL_LOCAL"], [(("linux", "memoryPolicy", "nodes"), "")]),
    ("linux.seccomp.listenerPath", [REMOVED, None], [(SECCOMP + ("listenerMetadata",), REMOVED)]),
    ("linux.seccomp.defaultAction", NO_ERRNO, [(SECCOMP + ("defaultErrnoRet",), REMOVED)]),
    ("linux.seccomp.syscalls[*].action", NO_ERRNO + ["SCMP_ACT_NOTIFY"],
     [(SECCOMP + ("syscalls", 0, "errnoRet"), REMOVED)]),
]

# Faults between properties: what changes, and the path that the error names.
FAULTS = [
    ([(("process", "rlimits", 0, "soft"), 9), (("process", "rlimits", 0, "hard"), 8)], "process.rlimits[0].soft"),
    ([(("process", "rlimits", 1), {"type": "RLIMIT_NOFILE", "soft": 1, "hard": 1})], "process.rlimits[1].type"),
    ([(("process", "args", 0), "")], "process.args[0]"),
    ([(("process", "scheduler", "policy"), "SCHED_OTHER")], "process.scheduler.priority"),
    ([(("linux", "namespaces", 1, "type"), "mount")], "linux.namespaces[1].type"),
    ([(("linux", "namespaces", 6), REMOVED)], "linux.timeOffsets"),
    ([(("linux", "namespaces", 4), REMOVED)], "linux.netDevices"),
    ([(("linux", "netDevices", "ens4"), {"name": "inside"})], "linux.netDevices.ens4"),
    ([(("linux", "sysctl", "kernel.panic"), "1")], 'linux.sysctl["kernel.panic"]'),
    ([(("linux", "resources", "unified", "a/b"), "1")], 'linux.resources.unified["a/b"]'),
    ([(("linux", "resources", "rdma", "x"), {})], "linux.resources.rdma.x"),
    ([(("linux", "uidMappings", 0, "hostID"), U32 - 1), (("linux", "uidMappings", 0, "size"), 2)],
     "linux.uidMappings[0].size"),
    ([(("linux", "memoryPolicy", "mode"), "MPOL_LOCAL")], "linux.memoryPolicy.nodes"),
    ([(("linux", "memoryPolicy", "flags", 1), "MPOL_F_RELATIVE_NODES")], "linux.memoryPolicy.flags"),
    ([(SECCOMP + ("listenerPath",), REMOVED)], "linux.seccomp.listenerMetadata"),
    ([(SECCOMP + ("defaultAction",), "SCMP_ACT_LOG")], "linux.seccomp.defaultErrnoRet"),
    ([(SECCOMP + ("syscalls", 0, "action"), "SCMP_ACT_LOG")], "linux.seccomp.syscalls[0].errnoRet"),
]


def bounds(pattern, low, high):
    own = RANGES.get(pattern)
    return own[:2] if own else (low, high)


def required(pattern, names):
    prefix = pattern + "." if pattern else ""
    more = [path[len(prefix):] for path in REQUIRED if path.startswith(prefix) and "." not in path[len(prefix):]]
    return [name for name in names if prefix + name not in NOT_REQUIRED] + more


def refusal(pattern, value):
    """The path that the error names, or None where the value is fine."""
    for place, values, named in REFUSALS:
        if place == pattern and value in values:
            return named
    return None


def companions(pattern, value):
    return [change for place, values, changes in COMPANIONS if place == pattern and value in values
            for change in changes]

# SPDX-License-Identifier: Apache-2.0
"""The configurations: what is asked of every runtime, and what the probe is asked inside.

A case is a name, a bundle's config.json, and what else it takes (struct Case). The single cases change one thing;
the crossed ones combine values of the axes such that each pair of values occurs in one case at least.
"""
import copy
import dataclasses
import itertools
import random

KEPT_CAPS = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
DOCKER_CAPS = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
               "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
               "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"]
ALL_CAPS = DOCKER_CAPS + ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"]
MASKED = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware",
          "/proc/no-such-path"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
NAMESPACES = ["pid", "network", "ipc", "uts", "mount", "cgroup"]
CALLS = ["mkdir", "unshare-uts", "unshare-user", "mount", "sethostname", "chroot", "kcmp", "socket-raw", "unknown"]


@dataclasses.dataclass
class Case:
    name: str
    config: dict
    terminal: bool = False      # run with a terminal
    process: dict = None        # exec this instead, in a container that waits
    options: tuple = ()         # of run or exec
    hooks: bool = False         # the hooks' log belongs to the report
    rootless: bool = False


def mount(destination, type_, source, *options):
    return {"destination": destination, "type": type_, "source": source, "options": list(options)}


def base():
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["/probe"], "cwd": "/",
            "env": ["PATH=/bin", "TERM=xterm"], "noNewPrivileges": True,
            "capabilities": {k: KEPT_CAPS for k in ("bounding", "effective", "permitted")},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        },
        "root": {"path": "rootfs", "readonly": False},
        "hostname": "differ",
        "mounts": [
            mount("/proc", "proc", "proc"),
            mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
                  "gid=5"),
            mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
            mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        ],
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": t} for t in NAMESPACES],
            "maskedPaths": MASKED, "readonlyPaths": READ_ONLY,
        },
    }


# --- changes; each returns a function that edits a config ---

def ask(*questions):
    """Appends ("--open", "/proc/kcore") ... to the command line of the probe."""
    def edit(c):
        c["process"]["args"] += questions
    return edit


def put(path, value):
    """Sets the value at "process.user.uid"."""
    def edit(c):
        *parents, last = path.split(".")
        for key in parents:
            c = c.setdefault(key, {})
        c[last] = value
    return edit


def drop(path):
    def edit(c):
        *parents, last = path.split(".")
        for key in parents:
            c = c[key]
        del c[last]
    return edit


def add(path, *values):
    def edit(c):
        *parents, last = path.split(".")
        for key in parents:
            c = c.setdefault(key, {})
        c[last] = c.get(last, []) + list(values)
    return edit


def namespaces(*types, **paths):
    def edit(c):
        c["linux"]["namespaces"] = [{"type": t} for t in types] + [{"type": t, "path": p} for t, p in paths.items()]
        if "uts" not in types:
            c.pop("hostname", None)
    return edit


def replaced_mount(destination, *options, **members):
    def edit(c):
        for m in c["mounts"]:
            if m["destination"] == destination:
                m.update(members, options=list(options))
    return edit


def no_mount(*destinations):
    def edit(c):
        c["mounts"] = [m for m in c["mounts"] if m["destination"] not in destinations]
    return edit


def capabilities(**sets):
    return put("process.capabilities", sets)


def every(caps):
    return capabilities(**{k: caps for k in ("bounding", "effective", "permitted", "inheritable", "ambient")})


def three(caps):
    return capabilities(**{k: caps for k in ("bounding", "effective", "permitted")})


def both(*edits):
    def edit(c):
        for e in edits:
            e(c)
    return edit


def user(uid, gid, groups=None, umask=None):
    def edit(c):
        c["process"]["user"] = {"uid": uid, "gid": gid}
        if groups is not None:
            c["process"]["user"]["additionalGids"] = groups
        if umask is not None:
            c["process"]["user"]["umask"] = umask
        c["process"]["args"] += ["--create", "/tmp/new"]
    return edit


def user_namespace(inside=0, outside=100000, size=65536):
    def edit(c):
        c["linux"]["namespaces"].append({"type": "user"})
        for key in ("uidMappings", "gidMappings"):
            c["linux"][key] = [{"containerID": inside, "hostID": outside, "size": size}]
    return edit


def limits(resources, *files):
    """Limits, and the files of the own group to look at, as CONTROLLER/FILE; the host's groups are at /cg."""
    def edit(c):
        c["linux"]["resources"].update(resources)
        c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "cgroup"]
        c["mounts"].append(mount("/cg", "bind", "/sys/fs/cgroup", "rbind", "ro"))
        c["process"]["args"] += [w for f in files for w in ("--cgroup", f)]
    return edit


def filters(action, *rules, **members):
    def edit(c):
        c["linux"]["seccomp"] = {"defaultAction": action, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
                                 "syscalls": list(rules), **members}
        c["process"]["args"] += [w for call in CALLS for w in ("--call", call)]
    return edit


def rule(names, action, **members):
    return {"names": names, "action": action, **members}


def rlimits(**values):
    return put("process.rlimits", [{"type": "RLIMIT_" + k, "soft": s, "hard": h} for k, (s, h) in values.items()])


def opened(paths):
    return ask(*[w for p in paths for w in ("--open", p)])


def devices_of(*numbers):
    return ask(*[w for n in numbers for w in ("--device", n)])


def allow(*rules):
    def edit(c):
        c["linux"]["resources"]["devices"] = [{"allow": False, "access": "rwm"}, *rules]
        devices_of("c:1:3", "c:1:7", "c:10:229", "b:7:0", "c:5:2")(c)
        every(DOCKER_CAPS)(c)
    return edit


# --- one thing at a time ---

def namespace_cases():
    yield "none-but-mount", namespaces("mount")
    for left_out in ("pid", "network", "ipc", "uts", "cgroup"):
        yield f"without-{left_out}", namespaces(*[n for n in NAMESPACES if n != left_out])
    yield "with-user", user_namespace()
    yield "with-user-offset", both(user_namespace(0, 200000, 1000), user(5, 6))
    yield "with-user-no-network", both(namespaces("pid", "ipc", "uts", "mount"), user_namespace(),
                                       replaced_mount("/sys", "rbind", "nosuid", "noexec", "nodev", "ro",
                                                      type="none", source="/sys"))
    yield "join-network", namespaces("pid", "ipc", "uts", "mount", network="/proc/@HELPER@/ns/net")
    yield "join-ipc-uts", namespaces("pid", "network", "mount", ipc="/proc/@HELPER@/ns/ipc",
                                     uts="/proc/@HELPER@/ns/uts")
    yield "join-pid", namespaces("network", "ipc", "uts", "mount", pid="/proc/@HELPER@/ns/pid_for_children")
    yield "time", add("linux.namespaces", {"type": "time"})
    yield "time-offsets", both(add("linux.namespaces", {"type": "time"}),
                               put("linux.timeOffsets", {"monotonic": {"secs": 100, "nanosecs": 5},
                                                         "boottime": {"secs": 200, "nanosecs": 0}}))
    yield "domainname", put("domainname", "example.org")
    yield "hostname-none", drop("hostname")


def process_cases():
    yield "plain", ask()
    yield "args", ask("--stat", "/a b", "--stat", "", "--stat", "ünï\n")
    yield "env-many", put("process.env", ["PATH=/bin", "EMPTY=", "A=b=c", "SPACE= x ", "HOME=/here"])
    yield "env-twice", put("process.env", ["PATH=/x", "PATH=/bin", "HOME=/a", "HOME=/b"])
    yield "env-home-empty", put("process.env", ["PATH=/bin", "HOME="])
    yield "env-none", both(drop("process.env"))
    yield "env-no-home-user", both(user(1000, 1000), put("process.env", ["PATH=/bin"]))
    yield "env-no-home-unknown", user(4242, 4242)
    yield "path-lookup", both(put("process.args", ["probe"]), put("process.env", ["PATH=/nowhere:/"]))
    yield "cwd", put("process.cwd", "/tmp")
    yield "cwd-made", put("process.cwd", "/made/by/runtime")
    yield "cwd-user", both(put("process.cwd", "/made2"), user(1000, 1000), ask("--stat", "/made2"))
    yield "cwd-private", both(put("process.cwd", "/private"), user(1000, 1000))
    yield "user", user(1000, 1000)
    yield "user-groups", user(1000, 1001, [5, 6, 7])
    yield "user-groups-repeated", user(0, 0, [5, 5, 0])
    yield "user-umask", user(1000, 1000, umask=0o77)
    yield "user-umask-zero", user(0, 0, umask=0)
    yield "user-large", user(4000000000, 4000000001, [4000000002])
    yield "caps-none", capabilities()
    yield "caps-absent", drop("process.capabilities")
    yield "caps-all-sets", every(DOCKER_CAPS)
    yield "caps-user", both(three(DOCKER_CAPS), user(1000, 1000))
    yield "caps-user-all-sets", both(every(KEPT_CAPS), user(1000, 1000))
    yield "caps-bounding-only", capabilities(bounding=DOCKER_CAPS)
    yield "caps-inheritable", capabilities(bounding=DOCKER_CAPS, effective=KEPT_CAPS, permitted=DOCKER_CAPS,
                                           inheritable=KEPT_CAPS)
    yield "caps-admin", both(every(ALL_CAPS), ask(*[w for c in CALLS for w in ("--call", c)]))
    yield "privileges", put("process.noNewPrivileges", False)
    yield "rlimits-none", drop("process.rlimits")
    yield "rlimits-many", rlimits(NOFILE=(100, 200), CORE=(0, 0), NPROC=(1000, 2000), STACK=(1 << 20, 1 << 23),
                                  AS=(1 << 40, 1 << 41), MEMLOCK=(65536, 65536), NICE=(5, 10), RTTIME=(7, 8),
                                  MSGQUEUE=(9, 10), SIGPENDING=(11, 12), LOCKS=(13, 14), FSIZE=(1 << 30, 1 << 31),
                                  CPU=(100, 200), DATA=(1 << 30, 1 << 30), RSS=(1 << 30, 1 << 30), RTPRIO=(1, 2))
    yield "rlimits-infinite", rlimits(CORE=(2**64 - 1, 2**64 - 1), CPU=(1000, 2**64 - 1))
    yield "rlimits-raised", rlimits(NOFILE=(100000, 100000))
    yield "oom", put("process.oomScoreAdj", 500)
    yield "oom-zero", put("process.oomScoreAdj", 0)
    yield "oom-low", put("process.oomScoreAdj", -500)
    yield "scheduler-batch", put("process.scheduler", {"policy": "SCHED_BATCH", "nice": 5})
    yield "scheduler-idle", put("process.scheduler", {"policy": "SCHED_IDLE"})
    yield "io-priority", put("process.ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 6})
    yield "io-priority-idle", put("process.ioPriority", {"class": "IOPRIO_CLASS_IDLE", "priority": 0})
    yield "personality-32", put("linux.personality", {"domain": "LINUX32"})
    yield "personality", put("linux.personality", {"domain": "LINUX"})


def file_cases():
    looked_at = ask("--create", "/new", "--stat", "/tmp", "--stat", "/data")
    yield "root-read-only", both(put("root.readonly", True), looked_at)
    for kind in ("private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"):
        yield f"propagation-{kind}", put("linux.rootfsPropagation", kind)
    words = [(), ("ro",), ("nosuid", "nodev", "noexec"), ("noatime",), ("strictatime",), ("nodiratime", "relatime"),
             ("sync",), ("dirsync",), ("mode=1777", "size=64k"), ("uid=5", "gid=6", "mode=750"), ("ro", "rw"),
             ("nosuid", "suid"), ("nr_inodes=99",), ("defaults",), ("shared",), ("slave",), ("unbindable",),
             ("tmpcopyup",)]
    for w in words:
        yield "tmpfs-" + ("-".join(w).replace("=", "") or "plain"), both(
            add("mounts", mount("/data", "tmpfs", "tmpfs", *w)), ask("--create", "/data/x"), looked_at)
    binds = [("bind",), ("rbind",), ("bind", "ro"), ("rbind", "ro"), ("bind", "nosuid", "nodev", "noexec"),
             ("bind", "rprivate"), ("bind", "rshared"), ("bind", "rslave"), ("bind", "noatime"), ("rbind", "rro"),
             ("bind", "ro", "nosuid"), ("bind", "private", "ro"), ("bind", "nosymfollow")]
    for w in binds:
        yield "bind-" + "-".join(w), both(add("mounts", mount("/data", "bind", "@WORK@/data", *w)),
                                          ask("--create", "/data/x"), looked_at)
    yield "bind-file", both(add("mounts", mount("/etc/file", "bind", "@WORK@/data/file", "bind", "ro")),
                            opened(["/etc/file"]))
    yield "bind-deep", both(add("mounts", mount("/a/b/c", "bind", "@WORK@/data", "bind")),
                            ask("--stat", "/a", "--stat", "/a/b"))
    yield "bind-over-link", both(add("mounts", mount("/link/in", "bind", "@WORK@/data", "bind")),
                                 ask("--stat", "/link-target/in"))
    yield "bind-relative", add("mounts", mount("/data", "bind", "data", "bind"))
    yield "bind-no-type", add("mounts", {"destination": "/data", "source": "@WORK@/data", "options": ["bind"]})
    yield "mount-order", both(add("mounts", mount("/data", "tmpfs", "one", "size=1m"),
                                  mount("/data/in", "tmpfs", "two", "size=2m"), mount("/data", "tmpfs", "three")))
    yield "mount-twice", add("mounts", mount("/tmp", "tmpfs", "a"), mount("/tmp", "tmpfs", "b", "ro"))
    yield "no-dev", no_mount("/dev", "/dev/pts", "/dev/shm", "/dev/mqueue")
    yield "no-mounts", both(no_mount("/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"))
    yield "dev-shm-only", no_mount("/dev/pts", "/dev/mqueue")
    yield "dev-bind", both(no_mount("/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"),
                           add("mounts", mount("/dev", "bind", "@WORK@/dev", "bind")))
    yield "proc-options", replaced_mount("/proc", "nosuid", "noexec", "nodev", "hidepid=2")
    yield "proc-ro", replaced_mount("/proc", "ro")
    yield "sys-rw", replaced_mount("/sys", "nosuid", "noexec", "nodev")
    yield "mqueue-plain", replaced_mount("/dev/mqueue")
    yield "devpts-plain", replaced_mount("/dev/pts", "newinstance", "ptmxmode=0620", "mode=0600")
    yield "cgroup-mount", add("mounts", mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev",
                                              "relatime", "ro"))
    yield "masked", opened(MASKED)
    yield "masked-none", both(put("linux.maskedPaths", []), put("linux.readonlyPaths", []), opened(MASKED + READ_ONLY))
    yield "masked-own", both(put("linux.maskedPaths", ["/etc/passwd", "/tmp"]), opened(["/etc/passwd", "/tmp"]))
    yield "read-only-paths", opened(READ_ONLY + ["/proc/sys/kernel/hostname"])
    yield "read-only-own", both(put("linux.readonlyPaths", ["/etc/passwd", "/tmp", "/none"]),
                                opened(["/etc/passwd"]), ask("--create", "/tmp/x"))


def device_cases():
    fuse = {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666, "uid": 0, "gid": 0}
    yield "node", put("linux.devices", [fuse])
    yield "node-owner", put("linux.devices", [dict(fuse, fileMode=0o640, uid=7, gid=8)])
    yield "node-no-mode", put("linux.devices", [{k: fuse[k] for k in ("path", "type", "major", "minor")}])
    yield "node-deep", put("linux.devices", [dict(fuse, path="/dev/net/deep/tun", minor=200)])
    yield "node-block", put("linux.devices", [dict(fuse, path="/dev/loop", type="b", major=7, minor=0)])
    yield "node-fifo", put("linux.devices", [{"path": "/dev/pipe", "type": "p", "fileMode": 0o600}])
    yield "node-u", put("linux.devices", [dict(fuse, type="u")])
    yield "node-default", put("linux.devices", [dict(fuse, path="/dev/null", major=1, minor=3, fileMode=0o600)])
    yield "node-outside-dev", put("linux.devices", [dict(fuse, path="/tmp/fuse")])
    yield "rules-deny", allow()
    yield "rules-one", allow({"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"})
    yield "rules-mknod", allow({"allow": True, "type": "c", "major": 10, "access": "m"})
    yield "rules-all", allow({"allow": True, "access": "rwm"})
    yield "rules-block", allow({"allow": True, "type": "b", "access": "r"})
    yield "rules-order", allow({"allow": True, "access": "rwm"},
                               {"allow": False, "type": "c", "major": 10, "minor": 229, "access": "rwm"})
    yield "rules-negative", allow({"allow": True, "type": "c", "major": -1, "minor": -1, "access": "r"})


def kernel_cases():
    def sysctl(key, value):
        return both(put("linux.sysctl", {key: value}), ask("--read", "/proc/sys/" + key.replace(".", "/")))
    yield "sysctl-net", sysctl("net.ipv4.ip_forward", "1")
    yield "sysctl-shm", sysctl("kernel.shmmax", "123456")
    yield "sysctl-msg", sysctl("kernel.msgmax", "4096")
    yield "sysctl-mqueue", sysctl("fs.mqueue.msg_max", "20")
    yield "seccomp-allow", filters("SCMP_ACT_ALLOW")
    yield "seccomp-errno", filters("SCMP_ACT_ALLOW", rule(["mkdir", "chroot"], "SCMP_ACT_ERRNO", errnoRet=5))
    yield "seccomp-errno-default", filters("SCMP_ACT_ALLOW", rule(["mkdir"], "SCMP_ACT_ERRNO"))
    yield "seccomp-kill", filters("SCMP_ACT_ALLOW", rule(["kcmp"], "SCMP_ACT_KILL_PROCESS"))
    yield "seccomp-trap", filters("SCMP_ACT_ALLOW", rule(["kcmp"], "SCMP_ACT_TRAP"))
    yield "seccomp-argument", filters("SCMP_ACT_ALLOW", rule(["socket"], "SCMP_ACT_ERRNO", errnoRet=22, args=[
        {"index": 0, "value": 40, "op": "SCMP_CMP_EQ"}]), rule(["unshare"], "SCMP_ACT_ERRNO", args=[
            {"index": 0, "value": 0x10000000, "valueTwo": 0x10000000, "op": "SCMP_CMP_MASKED_EQ"}]))
    yield "seccomp-log", filters("SCMP_ACT_ALLOW", rule(["mkdir"], "SCMP_ACT_LOG"), flags=["SECCOMP_FILTER_FLAG_LOG"])
    yield "seccomp-flags-none", filters("SCMP_ACT_ALLOW", rule(["mkdir"], "SCMP_ACT_ERRNO"), flags=[])
    yield "seccomp-spec-allow", filters("SCMP_ACT_ALLOW", flags=["SECCOMP_FILTER_FLAG_SPEC_ALLOW"])
    yield "seccomp-privileges", both(put("process.noNewPrivileges", False),
                                     filters("SCMP_ACT_ALLOW", rule(["mkdir"], "SCMP_ACT_ERRNO")))
    yield "annotations", put("annotations", {"org.example.key": "value", "empty": ""})


def limit_cases(unified):
    def of(v1, v2):
        return v2 if unified else v1
    yield "memory", limits({"memory": {"limit": 64 << 20, "reservation": 32 << 20}},
                           *of(("memory/memory.limit_in_bytes", "memory/memory.soft_limit_in_bytes"),
                               ("/memory.max", "/memory.low")))
    yield "memory-swap", limits({"memory": {"limit": 64 << 20, "swap": 96 << 20}},
                                *of(("memory/memory.memsw.limit_in_bytes",), ("/memory.swap.max",)))
    yield "memory-unlimited", limits({"memory": {"limit": -1}}, *of(("memory/memory.limit_in_bytes",), ("/memory.max",)))
    yield "pids", limits({"pids": {"limit": 50}}, *of(("pids/pids.max",), ("/pids.max",)))
    yield "pids-unlimited", limits({"pids": {"limit": -1}}, *of(("pids/pids.max",), ("/pids.max",)))
    yield "cpu", limits({"cpu": {"shares": 512, "quota": 50000, "period": 100000}},
                        *of(("cpu/cpu.shares", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
                            ("/cpu.weight", "/cpu.max")))
    yield "cpu-quota-only", limits({"cpu": {"quota": 20000}}, *of(("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
                                                                  ("/cpu.max",)))
    yield "cpu-period-only", limits({"cpu": {"period": 50000}}, *of(("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
                                                                    ("/cpu.max",)))
    yield "cpu-shares-high", limits({"cpu": {"shares": 262144}}, *of(("cpu/cpu.shares",), ("/cpu.weight",)))
    yield "cpuset", limits({"cpu": {"cpus": "0", "mems": "0"}},
                           *of(("cpuset/cpuset.cpus", "cpuset/cpuset.mems"), ("/cpuset.cpus", "/cpuset.mems")))
    yield "devices-list", limits({}, *of(("devices/devices.list",), ()))
    yield "defaults", limits({}, *of(("memory/memory.limit_in_bytes", "cpu/cpu.shares", "cpuset/cpuset.cpus",
                                      "pids/pids.max", "memory/memory.swappiness"), ("/memory.max", "/pids.max")))


def refused_cases():
    """Mostly mistakes: who accepts them?"""
    yield "namespace-twice", add("linux.namespaces", {"type": "pid"})
    yield "namespace-path-missing", namespaces("pid", "mount", network="/no/such/path")
    yield "hostname-without-uts", both(namespaces("pid", "mount"), put("hostname", "x"))
    yield "sysctl-unknown", put("linux.sysctl", {"kernel.panic": "1"})
    yield "sysctl-host-network", both(namespaces("pid", "mount", "ipc"), put("linux.sysctl", {"net.ipv4.ip_forward": "1"}))
    yield "cap-unknown", three(["CAP_NOT_THERE"])
    yield "rlimit-unknown", rlimits(NOTHING=(1, 1))
    yield "rlimit-soft-above-hard", rlimits(NOFILE=(20, 10))
    yield "rlimit-twice", add("process.rlimits", {"type": "RLIMIT_NOFILE", "soft": 5, "hard": 5})
    yield "cwd-relative", put("process.cwd", "tmp")
    yield "cwd-empty", put("process.cwd", "")
    yield "args-empty", put("process.args", [])
    yield "args-missing", put("process.args", ["/no/such/program"])
    yield "args-directory", put("process.args", ["/tmp"])
    yield "mount-source-missing", add("mounts", mount("/data", "bind", "/no/such/source", "bind"))
    yield "mount-type-unknown", add("mounts", mount("/data", "nosuchfs", "x"))
    yield "mount-option-unknown", add("mounts", mount("/data", "tmpfs", "x", "nosuchoption"))
    yield "mount-relative", add("mounts", mount("data", "tmpfs", "x"))
    yield "masked-relative", put("linux.maskedPaths", ["proc/kcore"])
    yield "mount-over-proc", add("mounts", mount("/proc/bus", "tmpfs", "x"))
    yield "mount-over-root", add("mounts", mount("/", "tmpfs", "x"))
    yield "oom-range", put("process.oomScoreAdj", 2000)
    yield "propagation-unknown", put("linux.rootfsPropagation", "sometimes")
    yield "seccomp-action-unknown", filters("SCMP_ACT_PERHAPS")
    yield "seccomp-call-unknown", filters("SCMP_ACT_ALLOW", rule(["no_such_call"], "SCMP_ACT_ERRNO"))
    yield "seccomp-architecture-unknown", filters("SCMP_ACT_ALLOW", architectures=["SCMP_ARCH_NONE"])
    yield "rootfs-missing", put("root.path", "nowhere")
    yield "device-type-unknown", put("linux.devices", [{"path": "/dev/x", "type": "z", "major": 1, "minor": 3}])
    yield "user-unmapped", both(user_namespace(0, 100000, 10), user(500, 500))
    yield "version-unknown", put("ociVersion", "9.0.0")
    yield "memory-tiny", limits({"memory": {"limit": 1 << 10}})


def exec_cases():
    container = base()
    container["process"]["args"] = ["/probe", "--wait"]
    plain = {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["/probe"], "cwd": "/", "env": ["PATH=/bin"]}
    caps = {k: DOCKER_CAPS for k in ("bounding", "effective", "permitted")}
    variants = {
        "plain": {}, "user": {"user": {"uid": 1000, "gid": 1001, "additionalGids": [7, 8]}},
        "umask": {"user": {"uid": 0, "gid": 0, "umask": 63}}, "cwd": {"cwd": "/tmp"}, "env": {"env": ["A=b", "A=c"]},
        "caps": {"capabilities": caps}, "caps-user": {"capabilities": caps, "user": {"uid": 5, "gid": 5}},
        "rlimits": {"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60}]},
        "privileges": {"noNewPrivileges": False}, "oom": {"oomScoreAdj": 300},
    }
    for name, change in variants.items():
        yield Case(f"exec-{name}", copy.deepcopy(container), process=dict(copy.deepcopy(plain), **change))
    yield Case("exec-terminal", copy.deepcopy(container), process=dict(plain, terminal=True), terminal=True)
    for name, edit in (("user", user_namespace()), ("seccomp", filters("SCMP_ACT_ALLOW", rule(["mkdir"], "SCMP_ACT_ERRNO"))),
                       ("no-pid", namespaces("network", "ipc", "uts", "mount")),
                       ("read-only", put("root.readonly", True))):
        config = copy.deepcopy(container)
        edit(config)
        config["process"]["args"] = ["/probe", "--wait"]
        yield Case(f"exec-into-{name}", config, process=dict(plain, args=["/probe", "--call", "mkdir"]))
    for name, options in {"user": ("--user", "1000:1001"), "cwd": ("--cwd", "/tmp"), "env": ("--env", "X=y"),
                          "cap": ("--cap", "CAP_NET_RAW")}.items():
        yield Case(f"exec-option-{name}", copy.deepcopy(container), process={}, options=options)


def hook_case():
    config = base()
    config["mounts"].append(mount("@WORK@/hooks", "bind", "@WORK@/hooks", "bind"))
    config["hooks"] = {kind: [{"path": "@WORK@/hooks/probe", "args": ["hook", "--hook", kind + n, "@WORK@/hooks/log"], **more}
                              for n, more in (("-1", {}), ("-2", {"env": ["HOOK=set"]}))]
                       for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart",
                                    "poststop")}
    return Case("hooks", config, hooks=True)


# --- many things at once ---

AXES = {
    "ns": {"all": namespaces(*NAMESPACES), "few": namespaces("pid", "uts", "mount"),
           "user": both(namespaces(*NAMESPACES), user_namespace())},
    "user": {"root": user(0, 0), "other": user(1000, 1001, [7]), "umask": user(3, 0, [], 0o27)},
    "caps": {"few": three(KEPT_CAPS), "all": every(DOCKER_CAPS), "none": capabilities()},
    "nnp": {"on": put("process.noNewPrivileges", True), "off": put("process.noNewPrivileges", False)},
    "root": {"rw": put("root.readonly", False), "ro": put("root.readonly", True)},
    "mask": {"usual": opened(MASKED), "none": both(put("linux.maskedPaths", []), put("linux.readonlyPaths", []))},
    "data": {"none": ask(), "tmpfs": add("mounts", mount("/data", "tmpfs", "t", "mode=1777", "nosuid")),
             "bind": add("mounts", mount("/data", "bind", "@WORK@/data", "rbind", "ro", "nodev"))},
    "seccomp": {"no": ask(), "errno": filters("SCMP_ACT_ALLOW", rule(["mkdir", "kcmp"], "SCMP_ACT_ERRNO"))},
    "limit": {"no": ask(), "pids": put("linux.resources.pids", {"limit": 60}),
              "memory": put("linux.resources.memory", {"limit": 100 << 20})},
    "cwd": {"root": put("process.cwd", "/"), "tmp": put("process.cwd", "/tmp")},
    "oom": {"absent": ask(), "some": put("process.oomScoreAdj", 700)},
    "tty": {"no": ask(), "yes": put("process.terminal", True)},
}


def crossed_cases():
    """Greedy: each new case is the best of some random ones at covering pairs that no case has had."""
    draw = random.Random(1)
    wanted = {frozenset(((a, v), (b, w))) for a, b in itertools.combinations(AXES, 2) for v in AXES[a] for w in AXES[b]}
    number = 0
    while wanted:
        tries = [{a: draw.choice(sorted(AXES[a])) for a in AXES} for _ in range(50)]
        best = max(tries, key=lambda t: len(wanted & {frozenset(p) for p in itertools.combinations(t.items(), 2)}))
        wanted -= {frozenset(p) for p in itertools.combinations(best.items(), 2)}
        config = base()
        for axis, value in best.items():
            AXES[axis][value](config)
        number += 1
        yield Case(f"crossed-{number:02}", config, terminal=config["process"]["terminal"])


def edited(prefix, edits, **members):
    for name, edit in edits:
        config = base()
        edit(config)
        yield Case(f"{prefix}-{name}", config, **members)


def root_cases(unified):
    yield from edited("ns", namespace_cases())
    yield from edited("process", process_cases())
    yield from edited("file", file_cases())
    yield from edited("device", device_cases())
    yield from edited("kernel", kernel_cases())
    yield from edited("limit", limit_cases(unified))
    yield from edited("refused", refused_cases())
    yield from edited("terminal", [("plain", put("process.terminal", True)),
                                   ("size", both(put("process.terminal", True),
                                                 put("process.consoleSize", {"height": 30, "width": 90}))),
                                   ("user", both(put("process.terminal", True), user(1000, 5)))], terminal=True)
    yield hook_case()
    yield from crossed_cases()
    yield from exec_cases()


def rootless_cases(uid, gid, first):
    """As a user: the root of the container is the user, the rest comes from the subordinate ids."""
    def mapped(c):
        c["linux"]["namespaces"].append({"type": "user"})
        for key, own in (("uidMappings", uid), ("gidMappings", gid)):
            c["linux"][key] = [{"containerID": 0, "hostID": own, "size": 1},
                               {"containerID": 1, "hostID": first, "size": 65536}]
        del c["linux"]["resources"], c["process"]["rlimits"]
        c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "cgroup"]

    chosen = {"plain", "env-many", "cwd", "user", "user-groups", "user-umask", "caps-none", "caps-all-sets",
              "caps-user", "privileges", "oom", "io-priority", "personality"}
    chosen_files = {"root-read-only", "tmpfs-plain", "tmpfs-mode1777-size64k", "bind-bind", "bind-bind-ro",
                    "bind-rbind-ro", "masked", "read-only-paths", "proc-ro", "no-dev", "mount-order"}
    edits = [("process-" + n, both(mapped, e)) for n, e in process_cases() if n in chosen]
    edits += [("file-" + n, both(mapped, e)) for n, e in file_cases() if n in chosen_files]
    edits += [("kernel-" + n, both(mapped, e)) for n, e in kernel_cases() if n in ("sysctl-net", "seccomp-errno")]
    edits += [("ns-without-network", both(mapped, namespaces("pid", "ipc", "uts", "mount", "user"))),
              ("device-node", both(mapped, put("linux.devices", [{"path": "/dev/fuse", "type": "c", "major": 10,
                                                                  "minor": 229}])))]
    yield from edited("rootless", edits, rootless=True)
    for name, change in (("plain", {}), ("user", {"user": {"uid": 1000, "gid": 1001}}), ("cwd", {"cwd": "/tmp"}),
                         ("caps", {"capabilities": {k: DOCKER_CAPS for k in ("bounding", "effective", "permitted")}}),
                         ("terminal", {"terminal": True})):
        config = base()
        mapped(config)
        config["process"]["args"] = ["/probe", "--wait"]
        process = {"user": {"uid": 0, "gid": 0}, "args": ["/probe"], "cwd": "/", "env": ["PATH=/bin"], **change}
        yield Case(f"rootless-exec-{name}", config, process=process, terminal=name == "terminal", rootless=True)

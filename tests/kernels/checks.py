#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a container must show on every kernel, read from inside.

checks.py USRUN DIR: writes DIR/root/NAME and DIR/user/NAME (a bundle, the command and what it has to print).
Each check is one change to the config that `usrun spec` writes.
"""
import copy
import json
import pathlib
import subprocess
import sys

EVERYWHERE = ("root", "user")


def mount(destination, kind, *options, source=None):
    return {"destination": destination, "type": kind, "source": source or kind, "options": list(options)}


def bind(destination, *options, source="/host"):
    return {"destination": destination, "type": "bind", "source": source, "options": ["bind", *options]}


def mounts(*more):
    return lambda c: c["mounts"].extend(more)


def process(**members):
    return lambda c: c["process"].update(members)


def linux(**members):
    return lambda c: c["linux"].update(members)


def top(**members):
    return lambda c: c.update(members)


def without(kind):
    def change(c):
        c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != kind]
    return change


def namespace(kind):
    return lambda c: c["linux"]["namespaces"].append({"type": kind})


def caps(*names):
    words = [f"CAP_{n}" for n in names]
    return process(capabilities={k: words for k in ("bounding", "effective", "permitted")})


def ambient(name):
    return process(capabilities={k: [f"CAP_{name}"]
                                 for k in ("bounding", "effective", "permitted", "inheritable", "ambient")})


def limits(**members):
    return linux(resources=members)


def seccomp(action, *names, default="SCMP_ACT_ALLOW", **more):
    return linux(seccomp={"defaultAction": default, "syscalls": [{"names": list(names), "action": action, **more}]})


def both(*changes):
    def change(c):
        for one in changes:
            one(c)
    return change


def options_of(point):
    """The mount options of a mount point, one to a line."""
    return f"grep ' {point} ' /proc/self/mountinfo | tail -n 1 | cut -d ' ' -f 6 | tr , '\\n'"


# name, the change, what sh runs, what it prints; where: root, user
CHECKS = [
    ("pid-1", None, "echo $$", "1"),
    ("uid", None, "id -u; id -g", "0 0"),
    ("another-uid", process(user={"uid": 5, "gid": 6}), "id -u; id -g", "5 6", EVERYWHERE, "many ids"),
    ("groups", process(user={"uid": 0, "gid": 0, "additionalGids": [7, 9]}), "id -G", "0 7 9", EVERYWHERE, "many ids"),
    ("umask", process(user={"uid": 0, "gid": 0, "umask": 63}), "umask", "0077"),
    ("cwd", process(cwd="/tmp"), "pwd", "/tmp"),
    ("cwd-made", process(cwd="/made/there"), "pwd", "/made/there"),
    ("environment", process(env=["PATH=/bin", "A=b c"]), "echo $A", "b c"),
    ("exit-status", None, "exit 7", "", EVERYWHERE, "", 7),
    ("program-missing", process(args=["/bin/none"]), None, "", EVERYWHERE, "", 1),
    ("program-not-executable", process(args=["/etc/passwd"]), None, "", EVERYWHERE, "", 1),
    ("hostname", top(hostname="kern"), "hostname", "kern"),
    ("domainname", top(hostname="kern", domainname="dom"), "cat /proc/sys/kernel/domainname", "dom"),
    ("processes", None, "echo /proc/[0-9]*", "/proc/1"),
    ("no-network", None, "ls /sys/class/net", "lo"),
    ("loopback", None, "ping -c 1 127.0.0.1 >/dev/null && echo up", "up", EVERYWHERE, "raw"),
    ("ipc-of-its-own", None, "cat /proc/sys/kernel/shmmni", "4096"),
    ("root-read-only", top(root={"path": "/c/rootfs", "readonly": True}),
     "touch /f 2>&1 | grep -o Read-only", "Read-only"),
    ("root-writable", None, "touch /f && echo yes", "yes"),
    ("proc", None, options_of("/proc") + " | grep -c -e nosuid -e nodev -e noexec", "3"),
    ("dev", None, "stat -c %t:%T /dev/null /dev/zero /dev/full /dev/tty | tr '\\n' ' '", "1:3 1:5 1:7 5:0 "),
    ("dev-null", None, "echo lost >/dev/null && echo written", "written"),
    ("dev-links", None, "readlink /dev/ptmx; readlink /dev/fd", "pts/ptmx /proc/self/fd"),
    ("dev-pts", None, "grep -c ' /dev/pts devpts ' /proc/mounts", "1"),
    ("shm", None, "echo 1 >/dev/shm/x && cat /dev/shm/x", "1"),
    ("mqueue", None, "grep -c mqueue /proc/mounts", "1"),
    ("sys-read-only", None, options_of("/sys") + " | head -n 1", "ro"),
    ("tmpfs", mounts(mount("/t", "tmpfs", "size=64k", "mode=700", "nosuid")),
     "stat -c %a /t; grep -c 'size=64k' /proc/mounts", "700 1"),
    ("tmpcopyup", mounts(mount("/etc", "tmpfs", "tmpcopyup")), "cut -d : -f 1 /etc/passwd", "root"),
    ("bind", mounts(bind("/h", source="/host/plain")), "cat /h/file", "of the host"),
    ("bind-read-only", mounts(bind("/h", "ro", source="/host/plain")), "touch /h/f 2>&1 | grep -o Read-only", "Read-only"),
    ("bind-file", mounts(bind("/etc/passwd", source="/host/file")), "cat /etc/passwd", "of the host"),
    ("bind-recursive", mounts({**bind("/h"), "options": ["rbind"]}), "cat /h/below/file", "below"),
    ("bind-flags", mounts(bind("/h", "nosuid", "nodev", "noexec", source="/host/plain")),
     options_of("/h") + " | grep -c -e nosuid -e nodev -e noexec", "3"),
    ("bind-noexec", mounts(bind("/h", "noexec", source="/host/plain")), "/h/busybox true 2>/dev/null; echo $?", "126"),
    ("recursive-read-only", mounts({**bind("/h"), "options": ["rbind", "rro"]}),
     "touch /h/below/f 2>&1 | grep -o Read-only", "Read-only"),
    ("propagation", mounts({**bind("/h"), "options": ["rbind", "rslave"]}), "cat /h/file", "of the host"),
    ("idmapped-bind", mounts({**bind("/h", source="/disk"), "uidMappings": [
        {"containerID": 0, "hostID": 1000, "size": 1}], "gidMappings": [
        {"containerID": 0, "hostID": 1000, "size": 1}]}), "stat -c %u:%g /h/owned", "1000:1000", ("root",), "6.3"),
    ("masked-file", linux(maskedPaths=["/etc/passwd"]), "cat /etc/passwd; echo end", "end"),
    ("masked-directory", linux(maskedPaths=["/etc"]), "ls /etc; echo end", "end"),
    ("read-only-path", linux(readonlyPaths=["/etc"]), "touch /etc/f 2>&1 | grep -o Read-only", "Read-only"),
    ("capabilities-none", process(capabilities={}), "grep -c 'Cap.*:.0000000000000000' /proc/self/status", "5"),
    ("capabilities", caps("CHOWN", "KILL"), "grep CapEff /proc/self/status", "CapEff: 0000000000000021"),
    ("bounding", caps("CHOWN"), "grep CapBnd /proc/self/status", "CapBnd: 0000000000000001"),
    ("ambient", both(ambient("KILL"), lambda c: c["process"].update(user={"uid": 5, "gid": 5})),
     "grep CapAmb /proc/self/status", "CapAmb: 0000000000000020", EVERYWHERE, "many ids"),
    ("no-new-privileges", process(noNewPrivileges=True), "grep NoNewPrivs /proc/self/status", "NoNewPrivs: 1"),
    ("new-privileges", process(noNewPrivileges=False), "grep NoNewPrivs /proc/self/status", "NoNewPrivs: 0"),
    ("limit-open-files", process(rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]),
     "ulimit -n; ulimit -Hn", "100 200"),
    ("limit-core", process(rlimits=[{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]), "ulimit -c", "0"),
    ("oom-score", process(oomScoreAdj=100), "cat /proc/self/oom_score_adj", "100"),
    ("scheduler", process(scheduler={"policy": "SCHED_BATCH", "nice": 5}),
     "cut -d ' ' -f 19,41 /proc/self/stat", "5 3"),
    ("sysctl-net", linux(sysctl={"net.ipv4.ip_forward": "1"}), "cat /proc/sys/net/ipv4/ip_forward", "1"),
    ("sysctl-ipc", linux(sysctl={"kernel.shmmni": "100"}), "cat /proc/sys/kernel/shmmni", "100", ("root",)),
    ("seccomp-errno", seccomp("SCMP_ACT_ERRNO", "mkdir", "mkdirat", errnoRet=95),
     "mkdir /d 2>&1 | grep -o 'not supported'", "not supported"),
    ("seccomp-mode", seccomp("SCMP_ACT_ERRNO", "mkdir"), "grep '^Seccomp:' /proc/self/status", "Seccomp: 2"),
    ("seccomp-kill", seccomp("SCMP_ACT_KILL_PROCESS", "mkdir", "mkdirat"), "mkdir /d; echo $?", "159"),
    ("seccomp-log", seccomp("SCMP_ACT_LOG", "mkdir", "mkdirat"), "mkdir /d2 && echo made", "made"),
    ("personality", linux(personality={"domain": "LINUX32"}), "uname -m", "i686"),
    ("time-offset", both(namespace("time"), linux(timeOffsets={"boottime": {"secs": 1000000}})),
     "test $(cut -d . -f 1 /proc/uptime) -gt 1000000 && echo later", "later"),
    ("host-pid", without("pid"), "test $$ -gt 1 && echo of the host", "of the host", ("root",)),
    ("host-network", without("network"), "ls -d /proc/sys/net/ipv4 | wc -l", "1"),
    ("host-uts", both(without("uts"), lambda c: c.pop("hostname")), "hostname", "guest"),
    ("host-ipc", without("ipc"), "cat /proc/sys/kernel/shmmni", "4096", ("root",)),
    ("cgroup-namespace", None, "cut -d : -f 3 /proc/self/cgroup | sort -u", "/"),
    ("user-namespace", both(namespace("user"), linux(
        uidMappings=[{"containerID": 0, "hostID": 200000, "size": 1000}],
        gidMappings=[{"containerID": 0, "hostID": 200000, "size": 1000}])),
     "tr -s ' ' </proc/self/uid_map", " 0 200000 1000", ("root",), "own rootfs"),
    ("device", linux(devices=[{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 438}]),
     "head -c 2 /dev/mine | wc -c", "2", ("root",)),
    ("device-refused", limits(devices=[{"allow": False, "access": "rwm"}]),
     "mknod /tmp/n c 1 15; cat /tmp/n 2>&1 | grep -o permitted; echo end", "permitted end", ("root",), "mknod"),
    ("memory-limit", limits(memory={"limit": 67108864}),
     "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; true", "67108864",
     EVERYWHERE, "memory"),
    ("pids-limit", limits(pids={"limit": 30}), "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null; true", "30",
     EVERYWHERE, "cgroup"),
    ("cpu-shares", limits(cpu={"shares": 2048}),
     "test $(cat /sys/fs/cgroup/cpu.weight /sys/fs/cgroup/cpu*/cpu.shares 2>/dev/null) -gt 100 && echo more", "more", ("root",)),
    ("hooks", lambda c: c.update(hooks={"createContainer": [{"path": "/bin/touch", "args": ["touch", "/tmp/hooked"]}]}),
     "echo ran", "ran"),
]


def bundle(base, check, mode):
    config = copy.deepcopy(base)
    config["root"] = {"path": "/c/rootfs", "readonly": False}
    name, change, script = check[:3]
    if change:
        change(config)
    if script is not None:
        config["process"]["args"] = ["/bin/sh", "-c", script]
    if mode == "user" and name == "device-refused":
        raise ValueError(name)
    need = check[5] if len(check) > 5 else ""
    if need in ("raw", "mknod"):
        extra = "CAP_NET_RAW" if need == "raw" else "CAP_MKNOD"
        for words in config["process"]["capabilities"].values():
            words.append(extra)
    return config


def main():
    usrun, out = sys.argv[1], pathlib.Path(sys.argv[2])
    for mode in EVERYWHERE:
        how = ["--rootless"] if mode == "user" else []
        spec = out / f"spec-{mode}"
        spec.mkdir(parents=True)
        subprocess.run([usrun, "spec", "-b", spec, "--no-terminal", *how], check=True)
        base = json.loads((spec / "config.json").read_text())
        for check in CHECKS:
            if len(check) > 4 and mode not in check[4]:
                continue
            folder = out / mode / check[0]
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps(bundle(base, check, mode)))
            (folder / "want").write_text(" ".join(check[3].split()))
            (folder / "status").write_text(str(check[6] if len(check) > 6 else 0))
            (folder / "need").write_text(check[5] if len(check) > 5 else "")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What usrun-compat(5) says about usrun, crun and runc, tried with each of them.

compat.py MANUAL TESTS [BUNDLE ID USRUN [OPTION...]]
Every entry of the manual page has a row: words of its heading, what tries it, and what usrun, crun and runc then do;
or the test of usrun's own that shows it. Without a bundle it only looks whether every entry has its row.
The peers are those of Debian 12; other versions may do otherwise.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys

MANUAL, TESTS = map(pathlib.Path, sys.argv[1:3])
BUNDLE, ID, USRUN = (pathlib.Path(sys.argv[3]), sys.argv[4], sys.argv[5:]) if len(sys.argv) > 3 else (pathlib.Path(), "", [])
STATE = BUNDLE.parent / "peers"
RUNTIMES = {}


def find_runtimes():
    RUNTIMES["usrun"] = USRUN
    for peer, version in (("crun", "1.8.1"), ("runc", "1.1.5")):
        if (path := shutil.which(peer)) and version in subprocess.run([path, "--version"], capture_output=True, text=True,
                                                                      check=False).stdout:
            RUNTIMES[peer] = [path, "--root", str(STATE / peer)]
    if os.path.ismount("/sys/fs/cgroup/unified") and "crun" in RUNTIMES:  # which it refuses
        RUNTIMES["crun"][:0] = ["unshare", "-m", "sh", "-c", "umount /sys/fs/cgroup/unified && "
                                'mount -t tmpfs none /sys/fs/cgroup/unified && exec "$@"', "-"]


class Try:
    """A runtime with a container of its own."""

    def __init__(self, name):
        self.name, self.id = name, f"{ID}{name}"

    def call(self, *args, before=(), **how):
        how = {"stdin": subprocess.DEVNULL, **how}
        done = subprocess.run([*RUNTIMES[self.name], *before, *map(str, args)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False, **how)
        return done.returncode, done.stdout.decode(errors="replace").strip()

    def run(self, config, *args, text=None, **how):
        """Of a foreground run: status and output."""
        config["process"]["args"] = list(args) or config["process"]["args"]
        (BUNDLE / "config.json").write_text(text(json.dumps(config)) if text else json.dumps(config))
        return self.call("run", "--bundle", BUNDLE, self.id, **how)

    def up(self, config, *args):
        config["process"]["args"] = list(args) or ["/bin/sleep", "1000"]
        (BUNDLE / "config.json").write_text(json.dumps(config))
        with open(STATE / "out", "w", encoding="ascii") as out:  # a pipe would be held by the container
            return subprocess.run([*RUNTIMES[self.name], "run", "-d", "--bundle", BUNDLE, self.id], stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=out, timeout=60, check=False).returncode

    def down(self):
        self.call("delete", "--force", self.id)


def config(change=None):
    new = json.loads((STATE / "config.json").read_text())
    if change:
        change(new)
    return new


def seen(result, pattern=r"\A\Z"):
    """ "error", what the pattern finds in the output, or "ok"."""
    status, text = result
    if status != 0:
        return "error"
    found = re.search(pattern, text)
    return found[0] if found and found[0] else "ok"


def mount(destination, kind="tmpfs", source="tmpfs", options=()):
    return lambda c: c["mounts"].append({"destination": destination, "type": kind, "source": source, "options": list(options)})


def duplicate_keys(t):
    return seen(t.run(config(lambda c: c.update(hostname="first")), "/bin/hostname",
                      text=lambda s: s[:-1] + ', "hostname": "last"}'), "first|last")


def comments(t):
    return seen(t.run(config(), "/bin/true", text=lambda s: "/* a word */" + s))


def relative_cwd(t):
    return seen(t.run(config(lambda c: c["process"].update(cwd="tmp")), "/bin/pwd"), "/tmp")


def relative_destination(t):
    return seen(t.run(config(mount("below")), "/bin/grep", "-o", " /below ", "/proc/mounts"), "/below")


def destination_of_the_host(t):
    root = str(BUNDLE / "rootfs")
    text = t.run(config(mount(root + "/hosted")), "/bin/cat", "/proc/mounts")[1]
    return "whole" if f" {root}/hosted " in text else "inside" if " /hosted " in text else text


def empty_home(t):
    change = config(lambda c: c["process"].update(env=["PATH=/bin", "HOME="]))
    return seen(t.run(change, "/bin/sh", "-c", 'echo "HOME is ${HOME:-empty}."'), "(?<=HOME is ).*(?=[.])")


def proc_on_the_root(t):
    return seen(t.run(config(mount("/", "proc", "proc")), "/bin/true"))


def sysctl_by_path(t):
    def change(c):
        c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "network"]
        c["linux"]["namespaces"].append({"type": "network", "path": "/proc/self/ns/net"})
        c["linux"]["sysctl"] = {"net.ipv4.ip_forward": pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text().strip()}
    return seen(t.run(config(change), "/bin/true"))


def capability_of_nobody(t):
    def change(c):
        for kind in ("bounding", "effective", "permitted"):
            c["process"]["capabilities"][kind].append("CAP_SYS_BOOT")
    RUNTIMES[t.name][:0] = ["setpriv", "--bounding-set", "-sys_boot"]
    try:
        return seen(t.run(config(change), "/bin/true"))
    finally:
        del RUNTIMES[t.name][:3]


def old_version(t):
    return seen(t.run(config(lambda c: c.update(ociVersion="0.5.0-dev")), "/bin/true"))


def exec_after_a_change(t):
    t.up(config())
    changed = config(lambda c: c["process"]["env"].append("CHANGED=yes"))
    (BUNDLE / "config.json").write_text(json.dumps(changed))
    return "the bundle" if "CHANGED=yes" in t.call("exec", t.id, "/bin/env")[1] else "the copy"


def journald(t):
    where = STATE / "journal"
    where.mkdir(exist_ok=True)
    (BUNDLE / "config.json").write_text(json.dumps(config(lambda c: c["process"].update(args=["/bin/true"]))))
    got = seen(t.call("run", "--bundle", BUNDLE, t.id, before=["--log", "journald:name"], cwd=where))
    if (where / "journald:name").exists():
        (where / "journald:name").unlink()
        return "a file"
    return got


def update_sizes(t):
    t.up(config())
    return seen(t.call("update", "--memory", "64m", t.id))


def ps(t):
    t.up(config())
    return "more" if "sleep" in t.call("ps", t.id)[1] else "ids"


def records(t):
    log = STATE / f"{t.name}.log"
    (BUNDLE / "config.json").write_text(json.dumps(config(lambda c: c["process"].update(args=["/nonexist"]))))
    t.call("run", "--bundle", BUNDLE, t.id, before=["--log", log, "--log-format", "json"])
    return len(log.read_text().splitlines())


def missing_source(t):
    text = t.run(config(mount("/x", "bind", "/nonexist/source", ["bind"])), "/bin/true")[1]
    return "usual words" if "no such file or directory" in text.lower() else "no such path" if "no such path" in text else text


def exec_that_fails(t):
    t.up(config())
    return t.call("exec", t.id, "/nonexist")[0]


def poststart(t):
    t.up(config(lambda c: c.update(hooks={"poststart": [{"path": "/bin/false"}]})))
    return "gone" if t.call("state", t.id)[0] else "there"


def environment_of_hooks(t):
    seen_by = BUNDLE / "rootfs/tmp/hook"
    seen_by.unlink(missing_ok=True)
    seen_by.parent.chmod(0o1777)
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "env >/tmp/hook"]}
    t.run(config(lambda c: c.update(hooks={"startContainer": [hook]})), "/bin/true", env=dict(os.environ, TOKEN_OF_THE_HOST="secret"))
    return "the caller's" if "TOKEN_OF_THE_HOST" in seen_by.read_text() else "none"


def ptmx(t):
    device = {"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2}
    return seen(t.run(config(lambda c: c["linux"].update(devices=[device])), "/bin/stat", "-c", "%F", "/dev/ptmx"), "symbolic link|character")


def below_proc(t):
    return seen(t.run(config(mount("/proc/sys", options=["ro"])), "/bin/true"))


def device_below_a_bind(t):
    place = BUNDLE.parent / "bound"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()

    def change(c):
        mount("/bound", "bind", str(place), ["bind"])(c)
        c["linux"]["devices"] = [{"path": "/bound/new", "type": "c", "major": 1, "minor": 3}]
    got = seen(t.run(config(change), "/bin/true"))
    return got if got != "ok" else "a node" if stat.S_ISCHR((place / "new").lstat().st_mode) else "a mount point"


ROWS = (
    ("Duplicate keys", duplicate_keys, "error", "first", "last"),
    ("Comments", comments, "error", "ok", "error"),
    ("process.cwd No is an error", relative_cwd, "error", "/tmp", "error"),
    ("mounts[].destination", relative_destination, "/below", "/below", "/below"),
    ("begins with the path of the root", destination_of_the_host, "inside", "whole", "inside"),
    ("An empty HOME", empty_home, "/root", "empty", "/root"),
    ("A mount on /", proc_on_the_root, "error", "error", "error"),
    ("A capability that the caller lacks", capability_of_nobody, "ok", "error", "error"),
    ("joined by path", sysctl_by_path, "error", "ok", "error"),
    ("ociVersion", old_version, "ok", "error", "ok"),
    ("Cm mounts remove", "t_mounts_all_or_none"),
    ("manage-cgroups-mode", "t_checkpoint_and_restore"),
    ("the copy of the configuration", exec_after_a_change, "the copy", "the copy", "the bundle"),
    ("journald:NAME", journald, "error", None, "a file"),
    ("takes sizes such as 64m", update_sizes, "ok", "error", "ok"),
    ("lists process ids", ps, "ids", "ids", "more"),
    ("exactly one record", records, 1, 1, 1),
    ("no such path", missing_source, "no such path", "usual words", "usual words"),
    ("A handler that is not installed", "t_handler_refused"),
    ("exec No that fails", exec_that_fails, 255, 255, 255),
    ("poststart", poststart, "gone", None, "gone"),  # of crun it depends on who is faster
    ("/dev/ptmx", ptmx, "character", "symbolic link", "symbolic link"),
    ("Below /proc", below_proc, "error", "ok", "ok"),
    ("below a bind mount", device_below_a_bind, "a mount point", "a node", "a node"),
    ("is born last", "t_a_newcomer_in_a_pod_is_hidden"),
    ("Without linux.uidMappings", "t_map_without_ranges"),
    ("Mappings must list", "t_mappings_without_the_id_of_the_process"),
    ("A limit that no cgroup can hold", "t_tree_of_user_elsewhere"),
    ("start No waits", "t_start_waits_for_the_creation"),
    ("standard input of what they leave behind", "t_detach_with_a_terminal_as_input"),
    ("NOTIFY_SOCKET", "t_notify_socket"),
    ("preserve-fds", "t_preserved_descriptors_with_gaps"),
    ("members that the peers lack", "t_state_tells_of_memory_kills"),
    ("Behind conmon", "t_words_for_an_engine"),
    ("process.cwd No that is missing", "t_cwd_is_a_dangling_link"),
    ("is read-only as a whole", "t_cgroups_are_read_only_as_a_whole"),
    ("protected by a read-only bind mount", "t_own_binary_of_init"),
)


def main():
    if USRUN:
        STATE.mkdir()
        base = json.loads((BUNDLE / "config.json").read_text())
        (STATE / "config.json").write_text(json.dumps(base | {"ociVersion": "1.0.2"}))  # the newest that every peer takes
        find_runtimes()
    entries = [line for line in MANUAL.read_text().splitlines() if line.startswith(".It ")]
    tests = "".join(path.read_text() for path in TESTS.glob("test_*.sh"))
    failures = []
    for words, row, *wanted in ROWS:
        of = [entry for entry in entries if words in entry]
        if len(of) != 1:
            failures.append(f"{words}: {len(of)} entries")
        entries = [entry for entry in entries if entry not in of]
        if not callable(row):
            if f"\n{row}()" not in tests:
                failures.append(f"{words}: there is no {row}")
            continue
        for name, want in zip(("usrun", "crun", "runc"), wanted):
            if name not in RUNTIMES or want is None:
                continue
            t = Try(name)
            with contextlib.ExitStack() as after:
                after.callback(t.down)
                got = row(t)
            if got != want:
                failures.append(f"{words}: {name}: {got!r}, not {want!r}")
    failures += [f"not tried: {entry}" for entry in entries]
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


main()

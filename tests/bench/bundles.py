# SPDX-License-Identifier: Apache-2.0
"""The bundles: busybox, and what `usrun spec` writes, but for what a kind of container has otherwise."""
import json
import pathlib
import shutil
import subprocess

SECCOMP = pathlib.Path(__file__).resolve().parent.parent / "data" / "seccomp" / "docker.json"


def own_id(user):
    return [(0, user.pw_uid, 1)], [(0, user.pw_gid, 1)]


def subordinate(user):
    return tuple([(0, own, 1), (1, *first_range(user, path))]
                 for own, path in ((user.pw_uid, "/etc/subuid"), (user.pw_gid, "/etc/subgid")))


def first_range(user, path):
    for line in pathlib.Path(path).read_text().splitlines():
        name, start, size = line.split(":")
        if name in (user.pw_name, str(user.pw_uid)):
            return int(start), min(int(size), 65535)
    raise LookupError(f"{user.pw_name} has no line in {path}")


def write(work, usrun, *, cgroup_namespace=True, maps=None, seccomp=False):
    for name, args in (("true", ["/bin/true"]), ("sleep", ["/bin/sleep", "1000"])):
        bundle = work / name
        for directory in ("bin", "proc", "dev", "sys"):
            (bundle / "rootfs" / directory).mkdir(parents=True, exist_ok=True)
        shutil.copy(shutil.which("busybox") or "/bin/busybox", bundle / "rootfs" / "bin" / "busybox")
        for applet in ("true", "sleep", "sh"):
            (bundle / "rootfs" / "bin" / applet).symlink_to("busybox")
        spec = [usrun, "spec", "-b", str(bundle), "--no-terminal", *(w for a in args for w in ("--args", a))]
        subprocess.run(spec, check=True, stdout=subprocess.DEVNULL)
        path = bundle / "config.json"
        path.write_text(json.dumps(changed(json.loads(path.read_text()), cgroup_namespace, maps, seccomp)))


def for_criu(bundle):
    """Nobody has to lock a network, and CRIU has a place for a directory."""
    path = bundle / "config.json"
    (bundle / "rootfs" / "tmp").mkdir()
    config = json.loads(path.read_text())
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
    path.write_text(json.dumps(config))


def changed(config, cgroup_namespace, maps, seccomp):
    config["ociVersion"] = "1.0.2"
    linux = config["linux"]
    if not cgroup_namespace or maps:
        linux["namespaces"] = [n for n in linux["namespaces"] if n["type"] != "cgroup"]
        config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]
    if maps:
        linux.pop("resources", None)
        config["process"].pop("rlimits")
        linux["namespaces"].append({"type": "user"})
        linux["uidMappings"], linux["gidMappings"] = (
            [dict(zip(("containerID", "hostID", "size"), line)) for line in lines] for lines in maps)
        if len(maps[1]) == 1:
            for mount in config["mounts"]:
                mount["options"] = [o for o in mount.get("options", []) if o != "gid=5"]
    if seccomp:
        linux["seccomp"] = json.loads(SECCOMP.read_text())
    return config

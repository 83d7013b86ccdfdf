#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Documents that usrun prints, against the schemas of the specification; and `features` against what usrun
accepts: every word in it is tried in a config, for a saved host that can do all of it.

check_documents.py SCHEMAS USRUN FACTS
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
# What this validator knows; a schema that has more would not be checked as it says.
KNOWN = {"description", "$schema", "$ref", "type", "properties", "patternProperties", "items", "required", "enum",
         "pattern", "minimum", "maximum", "id", "definitions", "title"}


# Members of features-linux.md that its schema forgets.
UNLISTED = {"features.linux.memoryPolicy", "features.linux.intelRdt.schemata", "features.linux.intelRdt.monitoring"}


class Schemas:
    def __init__(self, directory):
        self.files = {path.name: json.loads(path.read_text()) for path in directory.glob("*.json")}
        self.faults = []

    def find(self, reference, file):
        name, _, pointer = reference.partition("#")
        file = name or file
        node = self.files[file]
        for part in pointer.strip("/").split("/"):
            node = node[part] if part else node
        return node, file

    def check(self, value, schema, file, path):
        if "$ref" in schema:
            return self.check(value, *self.find(schema["$ref"], file), path)
        unknown = set(schema) - KNOWN
        if unknown:
            self.faults.append(f"{path}: the schema has {sorted(unknown)}, which this test does not know")
        kind = TYPES.get(schema.get("type"), object)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.faults.append(f"{path}: expected {schema['type']}, got {value!r}")
            return None
        if "enum" in schema and value not in schema["enum"]:
            self.faults.append(f"{path}: {value!r} is not one of {schema['enum']}")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            self.faults.append(f"{path}: {value!r} does not match {schema['pattern']}")
        if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            self.faults.append(f"{path}: {value} is out of range")
        for name in schema.get("required", []):
            if name not in value:
                self.faults.append(f"{path}.{name}: missing")
        self.check_members(value, schema, file, path)
        return None

    def check_members(self, value, schema, file, path):
        if isinstance(value, list):
            for i, item in enumerate(value):
                self.check(item, schema.get("items", {}), file, f"{path}[{i}]")
        if isinstance(value, dict):
            for name, item in value.items():
                if name in schema.get("properties", {}):
                    self.check(item, schema["properties"][name], file, f"{path}.{name}")
                for pattern, inner in schema.get("patternProperties", {}).items():
                    if re.search(pattern, name):
                        self.check(item, inner, file, f"{path}.{name}")

    def unknown_members(self, value, schema, file, path):
        """The paths of what the schema does not name: the document may have nothing newer than its version."""
        if "$ref" in schema:
            schema, file = self.find(schema["$ref"], file)
        if not isinstance(value, dict) or "properties" not in schema or path in UNLISTED:
            return []
        found = []
        for name, item in value.items():
            if name in schema["properties"]:
                found += self.unknown_members(item, schema["properties"][name], file, f"{path}.{name}")
            elif f"{path}.{name}" not in UNLISTED:
                found.append(f"{path}.{name}")
        return found

    def validate(self, what, document, name):
        before = len(self.faults)
        self.check(document, self.files[name], name, what)
        return len(self.faults) == before


def base():
    return {"ociVersion": "1.3.0", "root": {"path": "rootfs"},
            "process": {"cwd": "/", "args": ["sh"], "user": {"uid": 0, "gid": 0}},
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "network", "ipc", "uts")]}}


def seccomp(**more):
    return {"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", **more}}}


def mount(option):
    entry = {"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": [option]}
    if "bind" in option or option in ("idmap", "ridmap", "scratch", "squash"):
        entry.update(type="bind", source="/", options=["bind", option])
    config = {"mounts": [entry]}
    if option in ("idmap", "ridmap"):
        ids = [{"containerID": 0, "hostID": 0, "size": 1}]
        entry.update(uidMappings=ids, gidMappings=ids)
    if option == "remount":
        config["mounts"].insert(0, {"destination": "/m", "type": "tmpfs", "source": "tmpfs"})
    return config


def rule(**more):
    return seccomp(syscalls=[{"names": ["getppid"], "action": "SCMP_ACT_KILL", **more}])


def policy(mode, flags=()):
    nodes = "" if mode in ("MPOL_DEFAULT", "MPOL_LOCAL") else "0"
    return {"linux": {"memoryPolicy": {"mode": mode, "nodes": nodes, "flags": list(flags)}}}


def tries(features):
    """(what, changes of the config) for every word of the document."""
    lin = features["linux"]
    for version in (features["ociVersionMin"], features["ociVersionMax"]):
        yield version, {"ociVersion": version}
    for point in features["hooks"]:
        yield point, {"hooks": {point: [{"path": "/bin/true"}]}}
    for option in features["mountOptions"]:
        if option not in ("idmap", "ridmap") or lin["mountExtensions"]["idmap"]["enabled"]:
            yield option, mount(option)
    for kind in lin["namespaces"]:
        yield kind, {"linux": {"namespaces": [{"type": kind}] + [{"type": "mount"}] * (kind != "mount")}}
    yield "capabilities", {"process": {"capabilities": {"bounding": lin["capabilities"]}}}
    for action in lin["seccomp"]["actions"]:
        more = {"listenerPath": "/run/agent"} if action == "SCMP_ACT_NOTIFY" else {}
        config = rule(action=action)
        config["linux"]["seccomp"].update(more)
        yield action, config
    for operator in lin["seccomp"]["operators"]:
        yield operator, rule(args=[{"index": 0, "value": 1, "valueTwo": 1, "op": operator}])
    yield "architectures", seccomp(architectures=lin["seccomp"]["archs"])
    for flag in set(lin["seccomp"]["knownFlags"] + lin["seccomp"]["supportedFlags"]):
        yield flag, seccomp(flags=[flag])
    for mode in lin["memoryPolicy"]["modes"]:
        yield mode, policy(mode)
    for flag in lin["memoryPolicy"]["flags"]:
        yield flag, policy("MPOL_BIND", [flag])


def merge(into, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, check=False)


def try_features(usrun, facts, features, directory):
    (directory / "rootfs").mkdir()
    faults, n = [], 0
    for what, changes in tries(features):
        (directory / "config.json").write_text(json.dumps(merge(base(), changes)))
        done = run(usrun, "explain", "--facts", facts, "--bundle", str(directory))
        n += 1
        if done.returncode != 0:
            faults.append(f"features has {what!r}, and explain says: {done.stderr.strip()}")
        if f"{what}" in done.stdout and re.search("not known|unknown", done.stdout):
            faults.append(f"features has {what!r}, and explain does not know it")
    return faults, n


def state_document(usrun, directory):
    root = directory / "root"
    (root / "x").mkdir(parents=True, mode=0o700)
    root.chmod(0o700)
    (root / "x" / "state.json").write_text(json.dumps({
        "id": "x", "bundle": "/b", "rootfs": "/b/rootfs", "phase": "started", "pid": 2**22, "startTime": 1,
        "bootId": "another", "created": "2026-01-02T03:04:05.000006Z", "owner": os.getuid(),
        "cgroupDriver": "none", "annotations": {"a.b": ""}, "undo": ["state-reserve"]}))
    done = run(usrun, "--root", str(root), "state", "x")
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main():
    schemas, usrun = Schemas(pathlib.Path(sys.argv[1])), sys.argv[2]
    # The validator itself: it must find what is wrong.
    for document in ({}, {"ociVersionMin": 1, "ociVersionMax": "1.0.0"}, [],
                     {"ociVersionMin": "1.0.0", "ociVersionMax": "1.0.0", "linux": {"namespaces": ["x"]}}):
        assert not schemas.validate("broken", document, "features-schema.json"), document
    assert not schemas.validate("broken", {"ociVersion": "1.0.0", "id": "x", "status": "gone", "bundle": "/"},
                                "state-schema.json")
    schemas.faults = []
    features = json.loads(run(usrun, "features").stdout)
    schemas.validate("features", features, "features-schema.json")
    root, file = schemas.find("features-schema.json", "features-schema.json")
    assert schemas.unknown_members({"linux": {"new": 1}}, root, file, "features") == ["features.linux.new"]
    schemas.faults += [f"{path}: the specification does not know it"
                       for path in schemas.unknown_members(features, root, file, "features")]
    with tempfile.TemporaryDirectory() as directory:
        state = state_document(usrun, pathlib.Path(directory))
        schemas.validate("state", state, "state-schema.json")
        faults, n = try_features(usrun, sys.argv[3], features, pathlib.Path(directory))
    faults += schemas.faults
    if state["pid"] != 0 or state["status"] != "stopped":
        faults.append(f"state of a process that is gone: {state}")
    print("\n".join(faults) or f"ok: {n} words of features were tried")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

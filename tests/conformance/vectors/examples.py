# SPDX-License-Identifier: Apache-2.0
"""The examples of the specification, good and bad."""
from mutants import Vector

# The path that the error names.
BAD = {
    "invalid-json.json": "",
    "linux-hugepage.json": "linux.resources.hugepageLimits[0].pageSize",
    "linux-netdevice.json": "linux.netDevices.eth0.name",
    "linux-rdma.json": "linux.resources.rdma.mlx5_1.hcaHandles",
    "freebsd-vnet-disable.json": None,  # the section of another platform is ignored
}
OLD = '"0.5.0-dev"'
UTS = '"linux": { "namespaces": [{ "type": "uts" }] }'
# Why a good example is refused all the same: what is replaced to make it good, and the path that the error names.
REFUSED = {
    "zos-example.json": (OLD, f'"1.0.0", {UTS}', "hostname"),
    # It would take the device from the host and give it back to the host's own network namespace.
    "linux-netdevice.json": ('"netDevices"', '"namespaces": [{ "type": "network" }], "netDevices"',
                             "linux.netDevices"),
    # Without a namespace for it the host would be renamed; this platform has jails instead.
    "freebsd-example.json": ('"freebsd"', f'{UTS}, "freebsd"', "hostname"),
}


def read(path):
    return path.read_text().replace("\n", " ")


def vectors(directory):
    for path in sorted((directory / "bad").glob("*.json")):
        yield Vector(f"bad/{path.name}", BAD[path.name], read(path))
    for path in sorted((directory / "good").glob("*.json")):
        text = read(path)
        if path.name in REFUSED:
            before, after, want = REFUSED[path.name]
            yield Vector(f"good/{path.name}", want, text)
            assert before in text, f"{path.name} has no {before}"
            text = text.replace(before, after)
        yield Vector(f"good/{path.name}", None, text)

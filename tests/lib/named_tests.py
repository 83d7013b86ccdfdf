# SPDX-License-Identifier: Apache-2.0
"""The names of the tests, for the tables that say which of them prove what."""
import re


def shell_functions(directory, kind="integration"):
    return [name for path in sorted((directory / kind).glob("*.sh"))
            for name in re.findall(r"^(\w+)\(\)", path.read_text(), re.M)]


def attacks(directory):
    return [f"security/{name}" for name in shell_functions(directory, "security") if name.startswith("t_")]


def tests_of(directory):
    """Everything in tests/ that may be named as a proof."""
    known = {f"integration/{name}" for name in shell_functions(directory) if name.startswith("t_")} | set(attacks(directory))
    for kind in ("unit", "integration"):
        for path in (directory / kind).glob("test_*.c"):
            names = re.findall(r"^TEST\((\w+)\)", path.read_text(), re.M)
            known |= {f"{kind}/{path.stem.removeprefix('test_')}:{name}" for name in names}
    for kind in ("conformance", "lint", "fuzz", "security"):
        names = re.findall(r"^\s*test\('([\w-]+)'", (directory / kind / "meson.build").read_text(), re.M)
        known |= {f"{kind}/{name}" for name in names}
    known |= {f"fuzz/{path.stem.removeprefix('fuzz_')}-corpus" for path in (directory / "fuzz").glob("fuzz_*.c")}
    return known

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""COVERAGE.md: no requirement is left out or there twice, each has a proof or a reason, and every test that is
named exists.

check_coverage.py TESTS
"""
import collections
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import named_tests  # noqa: E402

Row = collections.namedtuple("Row", "id requirement proof")
MAX_WORDS = 20


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def read(text):
    """({prefix: number of requirements}, [Row])"""
    tables = [cells(line) for line in text.splitlines() if line.startswith("|")]
    counts = {row[0]: int(row[2]) for row in tables if len(row) == 3 and row[2].isdigit()}
    return counts, [Row(row[0], row[3], row[4]) for row in tables if re.match(r"[A-Z]+-\d", row[0]) and len(row) == 5]


def number_faults(counts, rows):
    found = collections.defaultdict(list)
    for row in rows:
        prefix, _, number = row.id.partition("-")
        found[prefix].append(int(number))
    for prefix in sorted(set(counts) | set(found)):
        wanted = list(range(1, counts.get(prefix, 0) + 1))
        if found[prefix] != wanted:
            missing = sorted(set(wanted) - set(found[prefix]))
            yield f"{prefix}: wanted {len(wanted)} in order, found {len(found[prefix])}; missing: {missing}"


def properties(value, path=""):
    """The paths of base.json, with [*] for places in lists."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for name, member in members:
        yield from properties(member, path + "[*]" if isinstance(value, list) else f"{path}.{name}".lstrip("."))


def tests_of(directory):
    """Everything that may be named as a proof."""
    known = named_tests.tests_of(directory)
    base = json.loads((directory / "conformance" / "vectors" / "base.json").read_text())
    return known | {f"vectors/{path}" for path in properties(base) if path}


def proof_faults(row, known):
    if len(row.requirement.split()) > MAX_WORDS:
        yield f"{row.id}: more than {MAX_WORDS} words"
    if re.fullmatch(r"reason: \S+( \S+){2,}", row.proof):
        return
    if not re.fullmatch(r"`[^`]+`(, `[^`]+`)*", row.proof):
        yield f"{row.id}: neither tests nor a reason: {row.proof!r}"
    for name in re.findall(r"`([^`]+)`", row.proof):
        if name not in known:
            yield f"{row.id}: there is no test {name}"


def faults(text, known):
    counts, rows = read(text)
    found = list(number_faults(counts, rows)) + [fault for row in rows for fault in proof_faults(row, known)]
    # Elsewhere in the text too.
    found += [f"there is no test {name}" for name in re.findall(r"`((?:integration|unit|vectors|conformance)/[\w.:-]+)`", text)
              if name not in known and name != "conformance/vectors"]
    return found


def check_itself():
    head = "| AB | doc | 2 |\n"
    one, two = "| AB-001 | MUST | s | what | `unit/a:b` |\n", "| AB-002 | MAY | s | what | reason: nothing to test |\n"
    known = {"unit/a:b"}
    assert not faults(head + one + two, known)
    for broken in (head + one, head + two + one, head + one + one, one + two, head + one.replace("a:b", "a:c") + two,
                   head + one + two.replace("reason: nothing to test", ""), head + one + two.replace("nothing to test", "x")):
        assert faults(broken, known), broken


def main():
    check_itself()
    directory = pathlib.Path(sys.argv[1])
    text = (directory / "conformance" / "COVERAGE.md").read_text()
    known = tests_of(directory)
    found = faults(text, known)
    # All files are read into one shell: of two functions with a name the first would never run.
    found += [f"tests/integration: two functions are called {name}"
              for name, n in collections.Counter(named_tests.shell_functions(directory)).items() if n > 1]
    _, rows = read(text)
    reasons = sum(row.proof.startswith("reason:") for row in rows)
    print("\n".join(dict.fromkeys(found)) or f"ok: {len(rows) - reasons} requirements by tests, {reasons} by reasons")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

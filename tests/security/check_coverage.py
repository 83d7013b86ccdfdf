#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""COVERAGE.md: every row has a test, every test that is named exists, and every attack of this directory has a row.

check_coverage.py TESTS
"""
import collections
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import named_tests  # noqa: E402


def rows(text):
    """[(attack, way, [test])]"""
    cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [(row[0], row[1], re.findall(r"`([^`]+)`", row[2])) for row in cells[2:] if len(row) == 3]


def faults(text, known, attacks):
    found, named = [], set()
    table = rows(text)
    if len(table) + 2 != sum(line.startswith("|") for line in text.splitlines()):
        found.append("a row that has not three columns")
    found += [f"{name}: twice" for name, n in collections.Counter(row[0] for row in table).items() if n > 1]
    for attack, way, tests in table:
        if not attack or not way or not tests:
            found.append(f"{attack}: no test, or no words")
        found += [f"{attack}: there is no test {name}" for name in tests if name not in known]
        named |= set(tests)
    return found + [f"no row has the test {name}" for name in attacks if name not in named]


def check_itself():
    head = "| attack | way | tests |\n|---|---|---|\n"
    row = "| a | b | `security/t_a`, `unit/x:y` |\n"
    known, attacks = {"security/t_a", "unit/x:y"}, ["security/t_a"]
    assert not faults(head + row, known, attacks)
    for broken in (head, head + row + row, head + row.replace("t_a", "t_b"), head + "| a | b | |\n" + row.replace("a |", "c |"),
                   head + row.replace("x:y", "x:z"), head + row + "| d | e |\n"):
        assert faults(broken, known, attacks), broken


def main():
    check_itself()
    directory = pathlib.Path(sys.argv[1])
    text = (directory / "security" / "COVERAGE.md").read_text()
    attacks = named_tests.attacks(directory)
    found = faults(text, named_tests.tests_of(directory), attacks)
    # All files are read into one shell: of two functions with a name the first would never run.
    found += [f"two tests are called {name}" for name, n in collections.Counter(attacks).items() if n > 1]
    print("\n".join(found) or f"ok: {len(rows(text))} attacks, {len(attacks)} tests of this directory")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

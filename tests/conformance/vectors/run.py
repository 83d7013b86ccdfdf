#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py SCHEMAS EXAMPLES ANSWER

Thousands of configurations, each one change away from base.json, which has every property: what the
specification refuses must be refused with the path of the fault in the error, and what it allows accepted.
Types, ranges, names and required members come from the schemas of the specification; rules.py has what they do
not say, with reasons. Then the examples of the specification.
"""
import json
import pathlib
import re
import subprocess
import sys

import examples
from mutants import Mutants, Vector
from schema import Schemas


def answers(program, texts):
    done = subprocess.run([program], input="".join(text + "\n" for text in texts), capture_output=True, text=True,
                          check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(texts), f"{len(lines)} answers to {len(texts)} questions"
    return lines


def fault(vector, answer):
    """What is wrong with an answer, or None."""
    if vector.want is None:
        return None if answer == "ok" else f"must be accepted, but: {answer}"
    place = re.match(r"config\.json:\d+:\d+: ", answer)
    if place and answer[place.end():].startswith(vector.want + ": " if vector.want else ""):
        return None
    return f"must be refused with {vector.want}, but: {answer}"


def check_itself():
    good, bad = Vector("", None, ""), Vector("", "a.b", "")
    assert not fault(good, "ok") and not fault(bad, "config.json:1:2: a.b: wrong")
    assert fault(good, "config.json:1:2: a.b: wrong")
    for answer in ("ok", "config.json:1:2: a: wrong", "config.json:1:2: a.bc: wrong", "config.json: a.b: wrong"):
        assert fault(bad, answer), answer


def main():
    directory, example_directory, program = map(pathlib.Path, sys.argv[1:])
    schemas = Schemas(directory)
    check_itself()
    base = json.loads((pathlib.Path(__file__).parent / "base.json").read_text())
    vectors = Mutants(base, schemas).make(schemas.root("config-schema.json"))
    vectors += examples.vectors(example_directory)
    faults = 0
    for vector, answer in zip(vectors, answers(program, [vector.text for vector in vectors])):
        if why := fault(vector, answer):
            print(f"{vector.what}: {why[:400]}")
            faults += 1
    n = sum(vector.want is not None for vector in vectors)
    print(f"{n} to refuse, {len(vectors) - n} to accept, {faults} wrong answers")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

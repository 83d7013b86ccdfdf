#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_texts.py BUILD: no text that stands in place in a row (`char name[24]`) fills it so that its NUL is lost. C allows that,
C++ does not, and gcc says so under a warning that has much else to say; gcc 15 has one of its own."""
import json
import os
import pathlib
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

LOST = "too long for C++"
OUTPUTS = {"-o", "-MF", "-MQ"}


def command_of(entry):
    """How the file is compiled, to be read only."""
    words = shlex.split(entry["command"])
    kept = [word for i, word in enumerate(words) if word not in OUTPUTS and words[i - 1] not in OUTPUTS]
    return [word for word in kept if word not in ("-MD", "-c", "-Werror", "ccache") and not word.startswith("-O")] + \
        ["-fsyntax-only", "-Wc++-compat"]


def lost_in(entry):
    done = subprocess.run(command_of(entry), cwd=entry["directory"], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        return [f"{entry['file']}: {done.stderr.strip()}"]
    return [line for line in done.stderr.splitlines() if LOST in line]


def sees_a_loss(entry):
    """Whether this compiler says so at all."""
    done = subprocess.run([shlex.split(entry["command"].removeprefix("ccache "))[0], "-x", "c", "-fsyntax-only", "-Wc++-compat", "-"],
                          input='const char text[4] = "four";', capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return LOST in done.stderr


def main():
    build = pathlib.Path(sys.argv[1])
    entries = {e["file"]: e for e in json.loads((build / "compile_commands.json").read_text())
               if (build / e["file"]).resolve().suffix == ".c" and not e["file"].startswith("../tests")}
    if not sees_a_loss(next(iter(entries.values()))):
        print("skipped: this compiler has no such warning")
        return 77
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = [line for lines in pool.map(lost_in, entries.values()) for line in lines]
    print("\n".join(errors) or f"{len(entries)} files")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())

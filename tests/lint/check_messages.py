#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What usrun says to people: errors, hints, warnings and notes, with the lines of --help.

check_messages.py ROOT [--list]
--list prints all of them, sorted by file, to be read aloud. Otherwise each is checked: lower case, no full stop, no
double blanks, and none of the turns that STALE names.
"""
import pathlib
import re
import sys

CALLS = r"(?:err_set|err_errno|err_prefix|err_hint|plan_parts_warn|start_note|log_notice|log_warning|check_fail)"
TEXT = r'(?:ERR_AT\s*)?((?:"(?:[^"\\]|\\.)*"\s*(?:PRI\w+\s*)?)+)'
PROPER = ("JSON", "Option", "CPU", "CPUs", "SELinux", "AppArmor", "D-Bus", "L3")  # and whatever is in capitals
STALE = ("lets this user not in", "who listens", "is there twice", "but not there", "not a name of", "there is no handler",
         "an empty text", "thrown away", "stays:", "cannot do without", "by a link", "do without a word", "of the network of", "wait any more", "exists already", "goes on running")


def joined(raw):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', raw))


def messages(path):
    """(line, text) of every literal that a reporting call or an option table has."""
    source = path.read_text()
    for match in re.finditer(CALLS + r"\(", source):
        depth, end = 1, match.end()
        while depth and end < len(source):
            if source[end] == '"':
                end = re.compile(r'"(?:[^"\\]|\\.)*"').match(source, end).end()
                continue
            depth += {"(": 1, ")": -1}.get(source[end], 0)
            end += 1
        call = source[match.end():end]
        for text in re.finditer(TEXT, call):
            if len(joined(text.group(1))) > 8:
                yield source.count("\n", 0, match.start()) + 1, joined(text.group(1))
    if path.parent.name == "cmd" or path.name == "options.c":
        for match in re.finditer(r'\{ (?:\'.\'|0),\s+"[\w-]+", OPTION_\w+,.*?\},', source, re.S):
            for text in re.findall(r'(?:NULL|"[^"]*"),\s+' + TEXT + r',\s+\w+ \}', match.group(0)):
                yield source.count("\n", 0, match.start()) + 1, joined(text)


def faults(text):
    first = re.match(r"[\w/-]+", text)
    if first and first.group()[0].isupper() and not first.group().isupper() and first.group() not in PROPER \
            and "_" not in first.group():
        yield "begins with a capital"
    if re.search(r"[^.]\.$", text):
        yield "ends with a full stop"
    if "  " in text.strip() and "\\n" not in text:  # that one is a file to be written
        yield "has two blanks"
    for turn in STALE:
        if turn in text:
            yield f'says "{turn}"'


def main():
    root = pathlib.Path(sys.argv[1])
    errors, count = [], 0
    for place in ("src", "userns", "net"):
        for path in sorted((root / place).rglob("*.c")):
            for line, text in messages(path):
                count += 1
                if "--list" in sys.argv:
                    print(f"{path.relative_to(root)}:{line}: {text}")
                errors += [f"{path.relative_to(root)}:{line}: {fault}: {text}" for fault in faults(text)]
    if "--list" in sys.argv:
        return 0
    print("\n".join(errors) or f"ok: {count} messages")
    return bool(errors) or count < 300  # else it no longer finds them


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of the house that a compiler does not know.

check_tree.py ROOT                     layers, names, lengths, licence lines, who may ask what, callers
check_tree.py --pure ARCHIVE LOWER...  that ARCHIVE is pure: beyond the LOWER archives it calls only
                                       functions on memory and strings
check_tree.py --one-way ARCHIVE...     that no two of its files call each other
"""
import collections
import pathlib
import re
import subprocess
import sys

# Lowest first. A directory may include itself and those before it.
LAYERS = ["src/base", "src/sys", "src/oci", "src/criu", "userns", "net", "src/host", "src/do", "src/plan", "src/cgroup",
          "src/security", "src/state", "src/layer", "src/steps", "src/doctor", "src/run", "src/cmd", "src", "src/handlers"]
# These know less than their place in the list would allow.
ONLY = {
    "src/oci": {"src/base", "src/oci"},
    "src/criu": {"src/base", "src/sys", "src/criu"},
    "userns": {"src/base", "src/sys", "userns"},
    "net": {"src/base", "src/sys", "net"},
    "src/layer": {"src/base", "src/sys", "src/layer"},
    "src/do": {"src/base", "src/oci", "net", "src/host", "src/do"},
    "src/handlers": set(),  # programs of their own
    "src/host": {"src/base", "src/sys", "src/oci", "userns", "src/host"},
}
TOP_LEVEL = {"src", "userns", "net", "tests", "man", "meson.build", "meson_options.txt", "README.md",
             "CONTRIBUTING.md", "LICENSE"}
# What changes or removes a file. In a container only what was made for it: nodes where step_mounts_is_own() says so, the
# copies in a new tmpfs, descriptors that the process has got; the others act on directories and files of the host that are ours.
CHANGES = re.compile(r"\b(l?f?chmod(at)?|[lf]?chown(at)?|mknod(at)?|mkfifo(at)?|unlink(at)?|rename(at2?)?|truncate)\s*\(|\bO_TRUNC\b")
MAY_CHANGE = {"step_devices.c", "step_mounts_copyup.c", "step_console.c", "step_process.c", "step_rdt.c", "step_state.c", "step_net.c", "step_layer.c",
              "failure.c", "trace.c"}
# By number: only who knows that the process is its own, this one, merely looks whether it is there, or has no other way.
BY_NUMBER = re.compile(r"\b(waitpid|waitid|wait3|wait4|killpg|kill)\s*\((?!2\))")
MAY_USE_NUMBERS = {"child.c", "pidfd.c", "signals.c", "status.c", "reaper.c"}
# What is opened does not go on to a program: another one may be executed at any moment. fd.c fills the standard streams.
OPENS = re.compile(r"\b(?:open(?:at)?\([^;]*?\bO_(?:RDONLY|WRONLY|RDWR|PATH)\b|(?:socket|socketpair|accept4|pipe2|memfd_create)\()[^;]*;")
MAY_BE_INHERITED = {"fd.c"}
# Who falls back on another way has thought of what that shows, allows or kills.
LISTS_METHODS = re.compile(r"\bmethods\[[^\]]*\]\s*=[^=]")
NONE_MORE = re.compile(r"\bnone (shows|allows|kills) more than\b")
MAX_FILE, MAX_FUNCTION, MAX_WIDTH = 500, 60, 100
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')
FUNCTION = re.compile(r"^(?!(?:static|typedef|extern|struct \w+ =|enum|union)\b)"
                      r"[a-z][\w \*]*?\b\*?(\w+)\([^;{]*?\)[^;{]*\n\{", re.M)
PROTOTYPE = re.compile(r"^[a-z_][^;{}#=]*?\b\*?(\w+)\([^;{]*\)[^;{]*;", re.M)
ANY_FUNCTION = re.compile(r"^[a-zA-Z_][^\n;=#]*\([^;{}]*\)\n\{\n(.*?)^\}", re.M | re.S)
PURE_CALLS = re.compile(r"^(mem\w+|bcmp|str\w+|stp\w+|v?snprintf|qsort|bsearch|isalnum|isdigit|tolower|toupper|abort|__\w+_chk|"
                        r"__stack_chk_fail|__assert_fail|_GLOBAL_OFFSET_TABLE_|__errno_location|__ctype_\w+|"
                        r"__isoc\w+|__ubsan\w+|__asan\w+)$")


def sources(root):
    for top in ("src", "userns", "net"):
        yield from sorted((root / top).rglob("*.[ch]"))


def check_includes(root, rel, text):
    here = str(rel.parent)
    if here not in LAYERS:
        return [f"{rel}: this directory is not in the list of layers"]
    allowed = ONLY.get(here, set(LAYERS[:LAYERS.index(here) + 1]))
    errors = []
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        target = found.group(1)
        if not (root / target).exists():
            errors.append(f'{rel}:{number}: write the include of "{target}" by its path from the root')
        elif str(pathlib.PurePath(target).parent) not in allowed:
            errors.append(f"{rel}:{number}: {here} may not include {pathlib.PurePath(target).parent}")
    return errors


def check_headers(root, rel, text):
    """No two headers include each other."""
    targets = [t for t in INCLUDE.findall(text) if rel.suffix == ".h" and (root / t).exists()]
    return [f"{rel} and {t} include each other" for t in targets
            if str(rel) in INCLUDE.findall((root / t).read_text())]


def check_names(rel, text):
    """An exported function begins with the first word of its file's name (step_ns.c: step_…); those that
    begin with __ are the C library's."""
    if rel.suffix != ".c" or rel.name == "main.c":
        return []
    stem = rel.stem.split("_")[0]
    return [f"{rel}: exported {name}() does not begin with {stem}"
            for name in FUNCTION.findall(text) if not name.startswith((stem, "__")) and name != "main"]


def check_lengths(rel, text):
    errors = []
    if text.count("\n") > MAX_FILE:
        errors.append(f"{rel}: {text.count(chr(10))} lines, more than {MAX_FILE}")
    # clang-format leaves comments as they are.
    errors += [f"{rel}:{number}: {len(line.expandtabs(8))} columns, more than {MAX_WIDTH}"
               for number, line in enumerate(text.splitlines(), 1) if len(line.expandtabs(8)) > MAX_WIDTH]
    if rel.suffix == ".c":
        for body in ANY_FUNCTION.finditer(text):
            lines = body.group(1).count("\n")
            if lines > MAX_FUNCTION:
                start = text[:body.start()].count("\n") + 1
                errors.append(f"{rel}:{start}: a function of {lines} lines, more than {MAX_FUNCTION}")
    return errors


def check_rules(rel, text):
    errors = []
    where = str(rel.parent)
    if "SPDX-License-Identifier: Apache-2.0" not in text[:200]:
        errors.append(f"{rel}: no SPDX line")
    if where != "src/sys" and re.search(r"\bsyscall\s*\(", text):
        errors.append(f"{rel}: syscall() belongs into src/sys")
    if where != "src/sys" and rel.suffix == ".c" and re.search(r"^\s*#\s*if", text, re.M):
        errors.append(f"{rel}: conditional compilation belongs into src/sys")
    if where not in ("src/sys", "src/host") and rel.name != "caller.c" \
            and re.search(r"\bgete?[ug]id\s*\(", text):
        errors.append(f"{rel}: ask a power, not a uid")
    if where in ("src/steps", "src/run", "src/security") and rel.name not in MAY_CHANGE and CHANGES.search(text):
        errors.append(f"{rel}: changes a file that may be the host's (step_mounts_is_own)")
    if rel.suffix == ".c" and rel.name not in MAY_USE_NUMBERS and BY_NUMBER.search(text):
        errors.append(f"{rel}: signals or waits by number, which child.h is for")
    if str(rel) != "src/base/io.c" and where != "src/handlers" and re.search(r"= readdir\(", text):
        errors.append(f"{rel}: takes an error for the end of a directory (io_next_entry)")
    if re.search(r"\b(system|popen)\(", text):
        errors.append(f"{rel}: no shell")
    if rel.name not in MAY_BE_INHERITED and any("CLOEXEC" not in call for call in OPENS.findall(text)):
        errors.append(f"{rel}: opens something that programs would inherit (O_CLOEXEC)")
    if re.search(r"\b(TODO|FIXME|XXX)\b", text):
        errors.append(f"{rel}: work left undone belongs into an issue")
    if LISTS_METHODS.search(text) and not NONE_MORE.search(text):
        errors.append(f"{rel}: does not say of its list of methods that none shows (allows, kills) more than the one before it")
    return errors


def check_callers(texts):
    """An exported function has a caller outside of the tests: what these alone want is theirs."""
    code = {rel: re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', "", text, flags=re.S) for rel, text in texts.items()}
    named = collections.Counter(word for text in code.values() for word in re.findall(r"\w+", text))
    for rel, text in code.items():
        named.subtract((FUNCTION if rel.suffix == ".c" else PROTOTYPE).findall(text))
    return [f"{rel}: nobody but tests calls {name}()" for rel, text in code.items() if rel.suffix == ".c"
            for name in FUNCTION.findall(text) if named[name] <= 0 and name != "main" and not name.startswith("__")]


def check_top(root):
    names = {p.name for p in root.iterdir() if not p.name.startswith(".")}
    extra = {n for n in names - TOP_LEVEL if not re.match(r"build|san", n)}
    return [f"{n}: not at the top level" for n in sorted(extra)]


def check_tree(root):
    texts = {path.relative_to(root): path.read_text() for path in sources(root)}
    errors = check_top(root) + check_callers(texts)
    for rel, text in texts.items():
        errors += check_includes(root, rel, text) + check_names(rel, text)
        errors += check_headers(root, rel, text) + check_lengths(rel, text) + check_rules(rel, text)
    for top in ("src", "userns", "net", "tests"):
        if not (root / top / "README.md").exists():
            errors.append(f"{top}: no README.md")
    return errors


def symbols(which, archive):
    out = subprocess.run(["nm", "--format=posix", which, archive], capture_output=True, text=True,
                         check=True).stdout
    return {line.split()[0] for line in out.splitlines() if len(line.split()) > 1}


def check_pure(archive, lower):
    known = set().union(*(symbols("--defined-only", a) for a in [archive, *lower]))
    return [f"{archive}: calls {s}" for s in sorted(symbols("--undefined-only", archive) - known)
            if not PURE_CALLS.match(s)]


def check_one_way(archive):
    """What two files share stands below both of them."""
    out = subprocess.run(["nm", "-A", "--format=posix", archive], capture_output=True, text=True,
                         check=True).stdout
    defined, used = {}, {}
    for line in out.splitlines():
        place, name, kind = re.match(r"(.*?): (\S+) (\S)", line).groups()
        if kind.isupper():
            which = used if kind == "U" else defined
            which.setdefault(pathlib.PurePath(place.rstrip("]")).name[:-len(".c.o")], set()).add(name)
    pairs = [(a, b) for a in defined for b in defined if a < b
             and used.get(a, set()) & defined[b] and used.get(b, set()) & defined[a]]
    return [f"{a} and {b} call each other" for a, b in sorted(pairs)]


def main():
    if sys.argv[1] == "--pure":
        errors = check_pure(sys.argv[2], sys.argv[3:])
    elif sys.argv[1] == "--one-way":
        errors = [e for archive in sys.argv[2:] for e in check_one_way(archive)]
    else:
        errors = check_tree(pathlib.Path(sys.argv[1]))
    print("\n".join(errors) or "ok")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())

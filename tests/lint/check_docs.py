#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the manual pages with the option tables, as the program itself prints them, and README.md with the tests.

check_docs.py ROOT USRUN
"""
import pathlib
import re
import subprocess
import sys


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, check=True).stdout


def with_letters(found):
    return {f"-{letter}, --{name}" if letter else f"--{name}" for letter, name in found}


def options_of(text):
    return with_letters(re.findall(r"^\s+(?:-(\w), )?--([\w-]+)", text, re.M))


def check_page(page, wanted):
    if not page.exists():
        return [f"{page.name}: missing"]
    text = page.read_text().replace("\\-", "-")
    documented = with_letters(re.findall(r"^\.It (?:Fl (\w)\b)?.*?Fl -([\w-]+)", text, re.M))
    errors = [f"{page.name}: {o} is not documented" for o in sorted(wanted - documented)]
    return errors + [f"{page.name}: {o} does not exist" for o in sorted(documented - wanted)]


def check_annotations(root):
    """Names that the code acts upon are in the table of annotations and in the manual, and no others."""
    source = root / "src" / "oci" / "annotations"
    defined = dict(re.findall(r'#define (ANNOTATIONS_\w+)\s+"([^"]+)"', source.with_suffix(".h").read_text()))
    table = re.search(r"known\[\](?:\[\d+\])? = \{(.*?)\};", source.with_suffix(".c").read_text(), re.S).group(1)
    known = {defined.get(word, word.strip('"')) for word in re.findall(r'ANNOTATIONS_\w+|"[^"]+"', table)}
    announced = re.search(r"annotations_unsafe\[\] = \{(.*?)\};", source.with_suffix(".c").read_text(), re.S).group(1)
    unsafe = tuple(defined.get(word, word.strip('"')) for word in re.findall(r'ANNOTATIONS_\w+|"[^"]+"', announced))
    manual = (root / "man" / "usrun-annotations.5").read_text()
    documented = set(re.findall(r"Va ((?:run\.(?:oci|usrun)|module|io|org\.criu)\.[\w./-]+)", manual))
    used = set(defined.values())
    for path in (root / "src" / "plan").glob("*.c"):  # whoever reads one decides by it
        used |= set(re.findall(r'"(run\.(?:oci|usrun)\.(?!usrun\.)[\w.-]*\w)"', path.read_text()))
    return ([f"usrun-annotations.5: {name} is not documented" for name in sorted(known - documented)]
            + [f"usrun-annotations.5: {name} does not exist" for name in sorted(documented - known)]
            + [f"src/oci/annotations.c: {name} is not in the table" for name in sorted(used - known)]
            + [f"src/oci/annotations.c: {name} is not announced as unsafe" for name in sorted(known)
               if not name.startswith(unsafe)])


def check_readme(root):
    """The tests that the README names as its proof are there."""
    tests = "".join(path.read_text() for path in sorted((root / "tests" / "integration").glob("test_*.sh")))
    return [f"README.md: there is no test {name}" for name in re.findall(r"`(t_\w+)`", (root / "README.md").read_text())
            if f"\n{name}() {{" not in tests]


def check_lines(man):
    """mdoc takes a word that is a full stop for one, and joins it to the word before: --rw. in place of --rw . It takes
    quotes for its own, and shows none."""
    return [f"{page.name}:{number}: write the word . as \\&., and \" as \\(dq" for page in sorted(man.glob("*.[1-8]"))
            for number, line in enumerate(page.read_text().splitlines(), 1) if re.match(r'\.Dl .*( [.,;:?!)] |")', line)]


def check_names(man):
    """Nm alone is the page's name, usrun-do, which nobody types: in a text it is "Nm usrun do"."""
    return [f"{page.name}:{number}: write .Nm {page.stem.replace('-', ' ')}" for page in sorted(man.glob("usrun-*.1"))
            for number, line in enumerate(page.read_text().splitlines(), 1) if re.match(r"\.Nm *([.,:;)].*)?$", line)]


def check_recipes(root):
    """Each recipe of usrun-do(1) is run by a test, which finds it by its first words."""
    examples = (root / "man" / "usrun-do.1").read_text().split(".Sh EXAMPLES\n")[1].split(".Sh ")[0]
    words = re.findall(r"recipe(?:_lines)? '([^'$]+)'", (root / "tests" / "integration" / "test_recipes.sh").read_text())
    first = re.findall(r"(?:^|\n\.Pp\n)([A-Z][^\n]*)", examples)
    return ([f"usrun-do.1: no test runs the recipe '{line}'" for line in first if not line.startswith(tuple(words))]
            + [f"test_recipes.sh: no recipe begins with '{w}'" for w in words if not any(f.startswith(w) for f in first)])


def main():
    man, usrun = pathlib.Path(sys.argv[1]) / "man", sys.argv[2]
    overview = run(usrun, "--help")
    commands = re.findall(r"^  (\w+) +\S", overview.split("Options:")[0], re.M)
    errors = check_page(man / "usrun.1", options_of(overview)) + check_annotations(man.parent) + check_readme(man.parent) + check_recipes(man.parent) + check_lines(man) + check_names(man)
    text = (man / "usrun.1").read_text() if (man / "usrun.1").exists() else ""
    for command in commands:
        errors += check_page(man / f"usrun-{command}.1", options_of(run(usrun, "--criu", sys.executable, command, "--help")))
        if f"usrun-{command}" not in text:
            errors.append(f"usrun.1: does not name usrun-{command}(1)")
    print("\n".join(errors) or f"ok: {len(commands)} commands")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())

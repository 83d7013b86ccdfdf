# SPDX-License-Identifier: Apache-2.0
"""Figures as tables and as a picture."""
import html

ORDER = ["run", "create", "start", "state", "kill", "delete", "exec", "the four"]
MARKS = "<!-- bench: reference run -->", "<!-- bench: end -->"
COLOURS = {"floor": "#9aa0a6", "usrun": "#1a73e8", "crun": "#e8710a", "runc": "#12b5cb"}


def newest(names, kind):
    """The peer of Debian's unstable: the packages of it are listed first."""
    return next((n for n in names if n.startswith(kind)), None)


def line(label, cells, width=16):
    print(f"{label:<10}" + "".join(f"{cell:>{width}}" for cell in cells))


def ratio(cells, one, other):
    return f"{cells[one]['median'] / cells[other]['median']:.2f}" if cells.get(one) and cells.get(other) else "-"


def show(part, rows, commands):
    {"many": show_many, "memory": show_memory}.get(part, show_commands)(rows, commands)


def show_commands(rows, only):
    names = list(dict.fromkeys(n for cells in rows.values() for n in cells))
    crun = newest(names, "crun")
    wanted = [c for c in [*ORDER, *sorted(set(rows) - set(ORDER))] if c in rows and (not only or c in only)]
    print("median µs (fastest tenth); ratios of medians; `again` is usrun once more, and its ratio the noise")
    line("", [*names, f"usrun/{crun}"[:15], "usrun/floor", "again/usrun"])
    for command in wanted:
        cells = rows[command]
        line(command, [f"{cells[n]['median']:.0f} ({cells[n]['p10']:.0f})" if n in cells else "-" for n in names] +
             [ratio(cells, "usrun", crun), ratio(cells, "usrun", "floor"), ratio(cells, "again", "usrun")])
    print("peak RSS KiB, page faults, user instructions in thousands (0: not counted here)")
    for command in [c for c in wanted if all("rss" in cell for cell in rows[c].values())]:
        line(command, [f"{c['rss']}/{c['faults']:.0f}/{c['instructions'] / 1000:.0f}" if (c := rows[command].get(n)) else "-"
                       for n in names])
    counted = [c for c in wanted if any("calls" in cell for cell in rows[c].values())]
    if counted:
        print("system calls/clones/execs/grace periods of all processes of a command")
    for command in counted:
        line(command, [f"{c['calls']}/{c['clones']}/{c['execs']}/{c['grace']}" if "calls" in (c := rows[command].get(n, {})) else "-"
                       for n in names])


def show_many(rows, _):
    print("µs a container: create/delete --force; list of all; how much longer the last ten took to create than the first ten")
    for n, cells in rows.items():
        line(n, [f"{name} {c['create']:.0f}/{c['delete']:.0f} {c.get('list', 0):.0f} {c['last'] / c['first']:.2f}" for name, c in cells.items()],
             38)


def show_memory(rows, _):
    print("KiB: least memory limit that `run` starts with; charged for each created container")
    for name, cell in rows.items():
        line(name, [cell["limit"], cell["charged"]])


def picture(rows):
    """Bars of each command beside the floor's, in multiples of it."""
    names = list(rows["run"])
    chosen = [n for n in ("floor", "usrun", newest(names, "crun"), newest(names, "runc")) if n in names]
    commands = [c for c in ORDER if c in rows]
    most = max(cells[n]["median"] / cells["floor"]["median"] for c in commands for n in chosen if (cells := rows[c]).get(n))
    height, bar, width = 24 + len(commands) * (len(chosen) * 12 + 14), 10, 760
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           '<text x="8" y="14">microseconds, and how many times the kernel\'s own floor</text>']
    y = 24
    for command in commands:
        out.append(f'<text x="8" y="{y + 9}" font-weight="bold">{html.escape(command)}</text>')
        for name in chosen:
            cell, floor = rows[command].get(name), rows[command]["floor"]["median"]
            if cell:
                times = cell["median"] / floor
                colour = COLOURS[name.split("-")[0]]
                out.append(f'<rect x="70" y="{y}" width="{max(1, times / most * 520):.0f}" height="{bar}" fill="{colour}"/>'
                           f'<text x="{76 + times / most * 520:.0f}" y="{y + 9}">{html.escape(name)} {cell["median"]:.0f} '
                           f'({times:.1f})</text>')
            y += 12
        y += 14
    return "\n".join([*out, "</svg>\n"])


def rows_of(result, part, commands):
    """Rows of a table: the floor, usrun, and the newest peers, with the ratios that count."""
    rows = result.get(part) or {}
    for command in [c for c in commands if c in rows]:
        cells = rows[command]
        names = [n for n in ("floor", "usrun", newest(cells, "crun"), newest(cells, "runc"))]
        yield (f"{TITLES[part]}{command}", *(f"{cells[n]['median']:,.0f}" if n in cells else "-" for n in names),
               ratio(cells, "usrun", names[2]), ratio(cells, "floor", names[2]), ratio(cells, "usrun", "floor"),
               ratio(cells, "again", "usrun"))


TITLES = {"root": "", "v1": "cgroup v1: ", "own": "own id: ", "subuid": "subordinate ids: ", "seccomp": "Docker's seccomp profile, "}


def markdown(head, rows):
    table = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in table) + "\n"


def reference(result):
    """The whole run, for README.md beside this file."""
    machine = result["machine"]
    text = (f"{machine['processor']}, {machine['processors']} processors (virtualisation: {machine['virtual']}), Linux "
            f"{machine['kernel']}, load {machine['load']} at the start; {machine['usrun']}; "
            f"{'; '.join(machine['peers'])}. {machine['rounds']} rounds, medians in microseconds.\n\n")
    rows = [row for part in TITLES for row in rows_of(result, part, [*ORDER, "cold", "cached"])]
    text += markdown(["", "floor", "usrun", "crun", "runc", "usrun/crun", "floor/crun", "usrun/floor", "noise"], rows)
    if "many" in result:
        text += "\n" + markdown(["containers", "runtime", "create", "delete --force", "list of all", "last ten/first ten"], [
            (n, name, f"{c['create']:,.0f}", f"{c['delete']:,.0f}", f"{c['list']:,.0f}" if "list" in c else "-", f"{c['last'] / c['first']:.2f}")
            for n, cells in result["many"].items() for name, c in cells.items()])
    counted = [(command, *(f"{c['calls']} / {c['clones']} / {c['execs']} / {c['grace']} / {c['faults']:.0f}" if "calls" in c else "-"
                           for c in (cells.get(n, {}) for n in ("floor", "usrun", newest(cells, "crun"), newest(cells, "runc")))))
               for command, cells in result.get("root", {}).items() if command != "the four"]
    if counted:
        text += "\nSystem calls / clones / execs / grace periods / page faults:\n\n" + markdown(["", "floor", "usrun", "crun", "runc"], counted)
    if "memory" in result:
        text += "\n" + markdown(["KiB", "least limit of `run`", "charged for each created container"],
                                [(name, cell["limit"], cell["charged"]) for name, cell in result["memory"].items()])
    return text


def small(result):
    """What the project's README shows of it."""
    return markdown(["µs", "kernel's floor", "usrun", "crun", "runc"], [row[:5] for row in rows_of(result, "root", ORDER)])


def replace(path, text):
    """Puts the text between the two marks of a document."""
    old = path.read_text()
    start, end = old.index(MARKS[0]) + len(MARKS[0]), old.index(MARKS[1])
    path.write_text(f"{old[:start]}\n{text}{old[end:]}")
